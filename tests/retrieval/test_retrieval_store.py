"""The store: one ranking in memory, over HTTP and in Qdrant's engine; keys; what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from one_ranking import assert_one_ranking, rankings
from qdrant_client import models
from qdrant_server import Server
from retrieval_samples import SUPPORT

from prepdata.errors import InputError, UsageError
from prepdata.retrieval import store as store_module
from prepdata.retrieval.bm25 import Sparse
from prepdata.retrieval.search import open_retriever
from prepdata.retrieval.store import Store


def test_memory_and_http_give_one_ranking(model: str) -> None:
    local = open_retriever(SUPPORT / "docs", embedding=model)
    with Server() as server:
        remote = open_retriever(SUPPORT / "docs", embedding=model, url=server.url)
        assert_one_ranking(rankings(local), rankings(remote))
        assert all(body["params"] == {"exact": True} for body in server.bodies if "query" in body)
    assert remote.fingerprint != local.fingerprint


def test_memory_and_the_real_engine_give_one_ranking(model: str, tmp_path: Path) -> None:
    pytest.importorskip("qdrant_edge")
    from edge_engine import EdgeEngine

    local = open_retriever(SUPPORT / "docs", embedding=model)
    with Server(engine=EdgeEngine(tmp_path)) as server:
        remote = open_retriever(SUPPORT / "docs", embedding=model, url=server.url)
        assert_one_ranking(rankings(local), rankings(remote))


def test_equal_scores_are_in_order_however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    store.fill("ties", [Sparse([0], [1.0])] * 40 + [Sparse([0], [2.0])], None)
    assert store.sparse(Sparse([0], [1.0]), 3) == [(40, 2.0), (0, 1.0), (1, 1.0)]
    assert store.sparse(Sparse([7], [1.0]), 3) == []
    assert store.sparse(Sparse([], []), 3) == []


def test_vectors_of_zeros_find_nothing() -> None:
    store = Store()
    dense = np.array([[1, 0], [0, 1]], np.float32)
    store.fill("zeros", [Sparse([0], [1.0])] * 2, dense)
    assert store.dense(np.zeros(2, np.float32), 2) == []
    assert store.dense(np.array([0, 1], np.float32), 1) == [(1, 1.0)]


def test_an_upload_that_was_cut_goes_on(birds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_BATCH", 1)
    with Server(answers=4) as server:  # exists, create, count, one point
        with pytest.raises(
            InputError, match=r"the store at http://127\.0\.0\.1:\d+, while vectors were sent: it does not"
        ):
            open_retriever(birds, url=server.url)
        server.answers, server.calls[:] = 1 << 30, []
        found = open_retriever(birds, url=server.url).search("heron", 3)
        sent = [path for method, path in server.calls if method == "PUT"]
    assert [hit.chunk.source for hit in found] == ["birds/heron.md"]
    assert len(sent) == 2  # of three chunks one was there


def test_a_store_that_goes_away_in_a_search_is_named(birds: Path) -> None:
    with Server() as server:
        retriever = open_retriever(birds, url=server.url)
    with pytest.raises(InputError, match=r"during a search: it does not answer. What is finished is kept"):
        retriever.search("heron", 3)


@pytest.mark.parametrize(
    ("given", "said"), [("", "it wants a key: set QDRANT_API_KEY"), ("wrong", "it refuses the key in QDRANT_API_KEY")]
)
def test_keys_are_sent_and_never_shown(birds: Path, monkeypatch: pytest.MonkeyPatch, given: str, said: str) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", "right-one")
    with Server(key="right-one") as server:
        assert open_retriever(birds, url=server.url).search("heron", 1)
        monkeypatch.setenv("QDRANT_API_KEY", given)
        with pytest.raises(InputError, match=said) as caught:
            open_retriever(birds, url=server.url)
    assert "wrong" not in str(caught.value).replace(said, "")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("localhost:6333", "begins with http"),
        ("ftp://a/b", "begins with http"),
        ("http://me:secret@a", "holds a password"),
        ("http://a:b", "cannot be read"),
        ("http://example.org", "would be sent unencrypted"),
    ],
)
def test_addresses_that_are_refused(monkeypatch: pytest.MonkeyPatch, url: str, said: str) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", "k-3571")
    with pytest.raises(UsageError, match=said) as caught:
        Store(url)
    assert "secret" not in str(caught.value) and "k-3571" not in str(caught.value)


def test_points_of_others_are_an_error(birds: Path) -> None:
    with Server() as server:
        retriever = open_retriever(birds, url=server.url)
        name = server.client.get_collections().collections[0].name
        vector = {"bm25": models.SparseVector(indices=list(range(40)), values=[9.0] * 40)}
        server.client.upsert(name, [models.PointStruct(id=77, vector=vector)])
        with pytest.raises(InputError, match="holds points of others"):
            retriever.search("heron", 2)


def test_an_answer_that_is_no_answer_is_an_error(birds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as server:
        monkeypatch.setattr(server, "answer", lambda *_: {"odd": json.dumps([1])})
        with pytest.raises(InputError, match="the store at"):
            open_retriever(birds, url=server.url)
