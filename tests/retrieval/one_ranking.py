"""The rankings of all questions of the samples in every mode, and whether two stores give one."""

from __future__ import annotations

import numpy as np
from retrieval_samples import SUPPORT

from prepdata.retrieval.questions import read_questions
from prepdata.retrieval.search import IndexRetriever

Ranking = list[tuple[str, float]]


def rankings(retriever: IndexRetriever) -> list[Ranking]:
    """Return the ten best hits of every question in every mode: ids and scores."""
    questions = read_questions(SUPPORT.parent / "retrieval" / "questions.jsonl")
    return [
        [(hit.chunk.id, hit.score) for hit in retriever.ranked(question.text, 10, mode)]
        for mode in ("bm25", "dense", "hybrid")
        for question in questions
    ]


def assert_one_ranking(mine: list[Ranking], theirs: list[Ranking]) -> None:
    """Assert that the same chunks came in the same order, with scores that differ by rounding alone."""
    assert sum(map(len, mine)) > 1000
    for one, other in zip(mine, theirs, strict=True):
        assert [name for name, _ in one] == [name for name, _ in other]
        assert np.allclose([score for _, score in one], [score for _, score in other], atol=2e-5)
