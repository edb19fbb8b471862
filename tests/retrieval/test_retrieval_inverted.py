"""BM25 by inverted lists: by hand, and the very ranking of Qdrant's local mode on the same sparse vectors."""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

import pytest
from retrieval_samples import SUPPORT

from prepdata.rag_rows.reading import shelf_of
from prepdata.rag_rows.settings import Asked
from prepdata.retrieval.bm25 import BM25, Sparse
from prepdata.retrieval.build import build, indexed_text
from prepdata.retrieval.inverted import InvertedLists
from prepdata.retrieval.questions import read_questions
from prepdata.retrieval.search import open_retriever
from prepdata.retrieval.store import Store

QUESTIONS = [q.text for q in read_questions(SUPPORT.parent / "retrieval" / "questions.jsonl")]


def both(bm25: BM25) -> tuple[InvertedLists, Store]:
    """Return the lists of some texts, and Qdrant's local mode that holds their vectors."""
    store = Store()
    store.fill("both", bm25.vectors, None)
    return InvertedLists(bm25), store


def same(mine: list[tuple[int, float]], theirs: list[tuple[int, float]]) -> bool:
    """True if two rankings are one, but for how engines round."""
    return [number for number, _ in mine] == [number for number, _ in theirs] and [
        score for _, score in mine
    ] == pytest.approx([score for _, score in theirs], abs=2e-5)


def test_by_hand() -> None:
    # lengths 2, 1, 0, 1, mean 1; "elm" is in two of four texts, "oak" in two
    lists = InvertedLists(BM25(["oak elm", "elm", "", "Oak"]))
    idf, long, short = math.log(2), 2 / (1 + 1.2 * (0.25 + 0.75 * 2)) / 2, 1 / (1 + 1.2)
    assert lists.sparse(Sparse([1], [1.0]), 9) == [(3, round(idf * short, 5)), (0, round(idf * long, 5))]
    both = [(0, round(3 * idf * long, 5)), (3, round(2 * idf * short, 5)), (1, round(idf * short, 5))]
    assert (
        lists.sparse(Sparse([0, 1], [1.0, 2.0]), 9) == both and lists.sparse(Sparse([0, 1], [1.0, 2.0]), 2) == both[:2]
    )
    assert lists.sparse(Sparse([], []), 9) == InvertedLists(BM25([])).sparse(Sparse([], []), 3) == []
    assert InvertedLists(BM25(["", "?"])).sparse(Sparse([], []), 3) == []


@pytest.mark.parametrize("size", [60, 200, 400])
def test_the_ranking_is_that_of_the_embedded_store(size: int) -> None:
    bm25 = BM25([indexed_text(chunk) for chunk in build(SUPPORT / "docs", size=size, overlap=0).chunks])
    lists, store = both(bm25)
    told = 0
    for question in QUESTIONS:
        for k in (1, 10, 100):
            mine, theirs = lists.sparse(bm25.query(question), k), store.sparse(bm25.query(question), k)
            assert same(mine, theirs), question
            told += len(mine)
    assert told > 1000


def test_equal_scores_are_cut_as_the_store_cuts_them() -> None:
    draw = random.Random(5)
    texts = [" ".join(draw.choices(["oak", "elm", "yew", "ash", "fir"], k=draw.randint(1, 3))) for _ in range(150)]
    bm25 = BM25(texts)
    lists, store = both(bm25)
    for question in ("oak", "elm yew", "ash ash fir", "oak elm yew ash fir", "box"):
        for k in (1, 2, 7, 40, 149, 150, 500):
            assert same(lists.sparse(bm25.query(question), k), store.sparse(bm25.query(question), k)), (question, k)


def test_words_alone_need_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qdrant_client", None)
    assert open_retriever(SUPPORT / "docs").search("How long is the token valid?", 1)[0].chunk.id == "api.md#0"


def test_rows_are_made_of_the_same_ranking(tmp_path: Path) -> None:
    near, search = shelf_of(SUPPORT / "docs", Asked(), []).retriever, open_retriever(SUPPORT / "docs", mode="bm25")
    assert near.fingerprint == search.fingerprint
    assert all(near.search(question, 60) == search.search(question, 60) for question in QUESTIONS)
