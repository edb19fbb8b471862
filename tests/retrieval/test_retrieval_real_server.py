"""The ranking in memory against a running Qdrant server: `PREPDATA_QDRANT_URL=http://... python -m pytest` of this file.

Its key, where it wants one, is in QDRANT_API_KEY. The collection is deleted afterwards if the test made it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from one_ranking import assert_one_ranking, rankings
from qdrant_client import QdrantClient
from qdrant_server import Server
from retrieval_samples import SUPPORT

from prepdata.retrieval.build import Index, build
from prepdata.retrieval.search import IndexRetriever
from prepdata.retrieval.store import KEY_VARIABLE

URL = os.environ.get("PREPDATA_QDRANT_URL", "")


@pytest.fixture(scope="module")
def index(model: str) -> Iterator[Index]:
    yield build(SUPPORT / "docs", embedding=model)


def compare(index: Index, model: str, url: str) -> str:
    """Compare all questions in all modes; return the collection that was used. It is left as it was found."""
    name = f"prepdata-{index.manifest.fingerprint[:32]}"
    client = QdrantClient(url=url, api_key=os.environ.get(KEY_VARIABLE), check_compatibility=False)
    there = client.collection_exists(name)
    try:
        remote = rankings(IndexRetriever(index, "hybrid", model, url))
        assert client.collection_exists(name)
    finally:
        if not there:
            client.delete_collection(name)
    assert_one_ranking(rankings(IndexRetriever(index, "hybrid", model)), remote)
    return name


@pytest.mark.skipif(not URL, reason="PREPDATA_QDRANT_URL names no running Qdrant server")
def test_memory_and_a_real_server_give_one_ranking(index: Index, model: str) -> None:
    compare(index, model, URL)


def test_the_comparison_leaves_a_store_as_it_was(index: Index, model: str, tmp_path: Path) -> None:
    """With Qdrant's engine behind the server of the tests, so that the comparison is known to work."""
    pytest.importorskip("qdrant_edge")
    from edge_engine import EdgeEngine

    engine = EdgeEngine(tmp_path)
    with Server(engine=engine) as server:
        name = compare(index, model, server.url)
        assert not engine.collection_exists(name)
        IndexRetriever(index, "hybrid", model, server.url)
        compare(index, model, server.url)
        assert engine.collection_exists(name)
