"""Passages near a question are those that the retriever of `prepdata retrieval` finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rag_library import DOCUMENTS, ByWords

from prepdata.rag_rows.nearest import Nearest
from prepdata.rag_rows.reading import shelf_of
from prepdata.rag_rows.settings import Asked
from prepdata.retrieval.model import Document

SUPPORT = Path(__file__).parents[2] / "samples" / "support"
CHUNKS = ByWords([Document(path, path, text) for path, text in sorted(DOCUMENTS.items())]).chunks


def test_the_ranking_is_that_of_the_store() -> None:
    pytest.importorskip("qdrant_client")
    pytest.importorskip("semantic_text_splitter")
    from prepdata.retrieval.search import open_retriever

    near = shelf_of(SUPPORT / "docs", Asked(), []).retriever
    store = open_retriever(SUPPORT / "docs", mode="bm25")
    lines = (SUPPORT / "qa.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines[::7]:
        question = json.loads(line)["messages"][0]["content"]
        for k in (3, 60):
            found, wanted = near.search(question, k), store.search(question, k)
            assert [hit.chunk.id for hit in found] == [hit.chunk.id for hit in wanted], question
            assert [hit.score for hit in found] == pytest.approx([hit.score for hit in wanted], abs=2e-5)


def test_only_what_has_a_word_of_the_question_is_near() -> None:
    near = Nearest(CHUNKS, "x")
    assert [hit.chunk.id for hit in near.search("Norway", 9)] == ["shipping.md#0"]
    assert near.search("zzz", 9) == near.search("", 9) == []
    assert len(near.search("the", 2)) == 2


def test_equal_passages_come_in_their_order() -> None:
    twice = [CHUNKS[0], CHUNKS[1], CHUNKS[0]]
    hits = Nearest(twice, "x").search(CHUNKS[0].text, 3)
    assert [hit.chunk for hit in hits[:2]] == [CHUNKS[0], CHUNKS[0]] and hits[0].score == hits[1].score
