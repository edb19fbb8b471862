"""Chunks, BM25, fusion, measures and the prompt: held against what was worked out by hand."""

from __future__ import annotations

import math

import pytest

from prepdata.errors import UsageError
from prepdata.retrieval.bm25 import BM25, words_of
from prepdata.retrieval.chunks import chunks_of
from prepdata.retrieval.fusion import fused
from prepdata.retrieval.measures import interval, measure, scores
from prepdata.retrieval.model import Chunk, Document
from prepdata.retrieval.prompt import with_context
from prepdata.retrieval.store import Store

THREE = ["the cat sat", "the dog sat down here", "a bird"]


def test_bm25_by_hand() -> None:
    # lengths 3, 5, 2, mean 10/3; "sat" is in two of three texts, "cat" in one
    sat, cat = math.log(1 + 1.5 / 2.5), math.log(1 + 2.5 / 1.5)
    first = 1 / (1 + 1.2 * (0.25 + 0.75 * 0.9))
    second = 1 / (1 + 1.2 * (0.25 + 0.75 * 1.5))
    assert sat == pytest.approx(0.470004) and cat == pytest.approx(0.980829) and first == pytest.approx(0.473934)
    store, bm25 = Store(), BM25(THREE)
    store.fill("three", bm25.vectors, None)
    found = dict(store.sparse(bm25.query("sat cat"), 3))
    assert found == {0: pytest.approx(0.687598, abs=2e-5), 1: pytest.approx(sat * second, abs=2e-5)}
    assert dict(store.sparse(bm25.query("sat sat"), 1))[0] == pytest.approx(2 * sat * first, abs=2e-5)


def test_bm25_counts_a_word_that_comes_again() -> None:
    bm25 = BM25(["oak oak elm", "elm"])
    oak = math.log(1 + 1.5 / 1.5)
    assert bm25.vectors[0].values[bm25.vectors[0].indices.index(bm25.numbers["oak"])] == pytest.approx(
        oak * 2 / (2 + 1.2 * (0.25 + 0.75 * 1.5))
    )
    assert bm25.query("yew") == ([], [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Rück-Sendung, STRASSE straße!", ["rück", "sendung", "strasse", "strasse"]),
        ("L'été: 14 jours", ["l", "été", "14", "jours"]),
        ("保修期多长", ["保", "修", "期", "多", "长"]),
        ("Гарантия 5 лет", ["гарантия", "5", "лет"]),
        ("token_expired (401)", ["token_expired", "401"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("ｗｉｄｅ ﬁne\ud800", ["wide", "fine"]),
        ("", []),
    ],
)
def test_words_of_any_language(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_fusion_by_hand() -> None:
    found = dict(fused([["a", "b", "c"], ["b", "d"]]))
    assert found == {"b": 1 / 62 + 1 / 61, "a": 1 / 61, "d": 1 / 62, "c": 1 / 63}
    assert [name for name, _ in fused([["a", "b", "c"], ["b", "d"]])] == ["b", "a", "d", "c"]
    assert fused([["x"], ["y"]], k=1) == [("x", 0.5), ("y", 0.5)]
    assert fused([]) == []


def test_scores_by_hand() -> None:
    found = scores(["x", "a", "y", "b"], {"a", "b", "c"}, 4)
    assert found["recall"] == pytest.approx(2 / 3) and found["hit"] == 1 and found["mrr"] == 0.5
    best = 1 + 1 / math.log2(3) + 0.5
    assert found["ndcg"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / best)
    assert scores(["x", "a"], {"a"}, 1) == {"recall": 0, "hit": 0, "mrr": 0, "ndcg": 0}
    assert scores(["a", "a", "b"], {"a", "b"}, 3)["ndcg"] == pytest.approx((1 + 0.5) / (1 + 1 / math.log2(3)))
    assert scores([["a", "b"]], {"a", "b"}, 1) == {"recall": 1, "hit": 1, "mrr": 1, "ndcg": 1}
    assert scores([], {"a"}, 5)["recall"] == 0


def test_measure_and_intervals_by_hand() -> None:
    found = measure([["a"], ["x", "b"], ["y"], ["c"]], [{"a"}, {"b"}, {"z"}, {"c"}], 2)
    assert found["recall"].mean == 0.75 and found["mrr"].mean == pytest.approx((1 + 0.5 + 0 + 1) / 4)
    # Wilson 1927 for 3 of 4, worked out by hand: centre 1.2303/1.9604, half width 0.3277
    assert (found["recall"].low, found["recall"].high) == (
        pytest.approx(0.3006, abs=1e-4),
        pytest.approx(0.9544, abs=1e-4),
    )
    assert found["recall"].interval == "wilson" and found["mrr"].interval == "bootstrap"
    assert found["mrr"].low < found["mrr"].mean < found["mrr"].high
    assert found == measure([["a"], ["x", "b"], ["y"], ["c"]], [{"a"}, {"b"}, {"z"}, {"c"}], 2)
    assert interval([1.0] * 10).high == 1 and interval([1.0] * 10).low == pytest.approx(0.7225, abs=1e-4)
    for wrong in (([], []), ([["a"]], [set()]), ([["a"]], [])):
        with pytest.raises(ValueError):
            measure(*wrong, 1)


def chunks(text: str, size: int = 60, overlap: int = 0, title: str = "T") -> list[Chunk]:
    return list(chunks_of(Document("a/b.md", title, text), size, overlap))


def test_chunks_are_where_they_say() -> None:
    text = "# T\n\nÄ first sentence here. A second one, längere 😀.\n\n- one\n- two\n\n" + "wörter " * 40
    found = chunks(text, 64)
    assert all(text[chunk.start : chunk.end] == chunk.text and len(chunk.text) <= 64 for chunk in found)
    assert [chunk.id for chunk in found] == [f"a/b.md#{number}" for number in range(len(found))]
    assert found[0].text == "Ä first sentence here. A second one, längere 😀.\n\n- one\n- two"
    assert sum(chunk.text.count("wörter") for chunk in found) == 40


def test_chunks_overlap_by_whole_sentences() -> None:
    text = "One is here. Two is here. Three is here. Four is here. Five is here."
    first, second, *_ = chunks(text, 42, 16)
    assert first.text == "One is here. Two is here. Three is here."
    assert second.text.startswith("Three is here.") and second.start < first.end


@pytest.mark.parametrize(("size", "overlap"), [(19, 0), (8001, 0), (100, 51), (100, -1)])
def test_sizes_that_cannot_be(size: int, overlap: int) -> None:
    with pytest.raises(UsageError, match="characters: give"):
        chunks("text", size, overlap)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "text", ["a" * 300_000, "汉字" * 100_000, "\n" * 300_000 + "x", "[" * 200_000 + "x", "- x\n" * 80_000]
)
def test_text_without_breaks_takes_no_time(text: str) -> None:
    found = chunks(text, 400, 80)
    assert found and max(len(chunk.text) for chunk in found) <= 400 and found[-1].end >= len(text.rstrip()) - 1


def test_a_title_alone_is_no_chunk() -> None:
    assert chunks("# T\n\n" + "word " * 20 + "\n\n---\n\n" + "more " * 20, 100)[0].text.startswith("word")
    assert chunks("# T\n\n***\n") == [] and chunks("T\n\nsome words")[0].start == 3
    assert chunks("T")[0].text == "T"


def test_the_prompt() -> None:
    passages = [
        Chunk("a#0", "a", "Returns", "Within 14 days.", 0, 15),
        Chunk("b#3", "b", "Shipping", "Five days.", 9, 19),
    ]
    assert with_context("How long?", passages) == (
        "Context:\n[1] Returns\nWithin 14 days.\n\n[2] Shipping\nFive days.\n\nQuestion: How long?"
    )
    assert with_context("How long?", []) == "How long?"
