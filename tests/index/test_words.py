"""Words and n-grams of many texts at once, against a plain reading of the same texts one by one."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prepdata.index import words as module
from prepdata.index.words import plain, shingles, words

ASCII_WORD = re.compile(r"[a-z0-9_]+")


def listed(texts: list[str]) -> list[list[int]]:
    """Word hashes of each text."""
    found = words(texts)
    ends = found.ends.tolist()
    return [found.hashes[start:end].tolist() for start, end in zip([0, *ends], ends)]


def grams(texts: list[str], n: int) -> list[list[int]]:
    found = shingles(words(texts), n)
    ends = found.ends.tolist()
    return [found.hashes[start:end].tolist() for start, end in zip([0, *ends], ends)]


@given(st.lists(st.text(alphabet=st.characters(max_codepoint=127), max_size=60), max_size=8))
@settings(max_examples=300, deadline=None)
def test_ascii_words_by_definition(texts: list[str]) -> None:
    expected = [ASCII_WORD.findall(text.lower()) for text in texts]
    found = listed(texts)
    assert [len(hashes) for hashes in found] == [len(spelt) for spelt in expected]
    known: dict[int, str] = {}
    for hashes, spelt in zip(found, expected):
        for number, word in zip(hashes, spelt):
            assert known.setdefault(number, word) == word
    assert len(known) == len({word for spelt in expected for word in spelt})


@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
@settings(max_examples=300, deadline=None)
def test_a_text_has_the_same_words_in_any_company(texts: list[str]) -> None:
    together = listed(texts)
    assert together == [listed([text])[0] for text in texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BATCH", 10)
        assert listed(texts) == together


@given(st.lists(st.lists(st.sampled_from(["a", "b", "cc", "dddd", "eeeeeeeee", "f1", "g_h"]), max_size=9), max_size=6))
@settings(max_examples=200, deadline=None)
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_n_grams_by_definition(n: int, spelt: list[list[str]]) -> None:
    texts = [" ".join(found) for found in spelt]
    expected = [
        [tuple(found[i : i + n]) for i in range(len(found) - n + 1)] or ([tuple(found)] if found else [])
        for found in spelt
    ]
    found = grams(texts, n)
    assert [len(numbers) for numbers in found] == [len(named) for named in expected]
    pairs = {(gram, number) for named, numbers in zip(expected, found) for gram, number in zip(named, numbers)}
    assert len(pairs) == len({gram for gram, _ in pairs}) == len({number for _, number in pairs})


SAME = [
    ("Hello, world!", "hello world"),
    ("don't", "don t"),
    ("ＡＢＣ１２", "abc12"),
    ("Straße", "STRASSE"),
    ("naïve", "NAI\u0308VE"),
    ("ﬁne", "fine"),
    ("привет, Мир", "ПРИВЕТ мир"),
    ("今天天气很好。", "今天 天气，很好"),
    ("ガス", "ｶﾞｽ"),
    ("สวัสดี ครับ", "สวัสดีครับ"),
    ("العـــربية", "العربية"),
    ("a\x01b", "a b"),
    ("x = f(y)", "x f y"),
    ("tab\tand\nline", "tab and line"),
    ("a\u200bb", "a b"),
]
OTHER = [("year", "yea"), ("a b", "ab"), ("año", "ano"), ("か", "が"), ("नमक", "नमकीन"), ("snake_case", "snake case"),
         ("x" * 63, "x" * 62), ("x" * 200, "x" * 201), ("x" * 8 + "ab", "x" * 8 + "ba"), ("1.5", "15")]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_is_the_same(one: str, other: str) -> None:
    assert listed([one]) == listed([other])


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_what_is_not(one: str, other: str) -> None:
    assert listed([one]) != listed([other])


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("...", 0), ("今天天气", 4), ("ภาษาไทย", 7), ("अच्छा दिन", 2), ("שָׁלוֹם", 1), ("can't stop", 3), ("한국어 문장", 2),
     ("2024-11-24", 3), ("I love 東京", 4), ("\x00\x01\x02", 0), ("a" * 1000, 1)],
)  # fmt: skip
def test_how_many(text: str, count: int) -> None:
    assert len(listed([text])[0]) == count


@pytest.mark.parametrize("text", ["\ud800", "a \udfff b", "\ud83d lone", "e\u0301" * 500, "\x01" * 5, "\u0640"])
def test_strange_texts_do_no_harm(text: str) -> None:
    first, _ = listed([text, "after it"])
    assert listed(["after it"])[0] == listed([text, "after it"])[1]
    assert first == listed([text])[0]


def test_plain_leaves_ascii_alone() -> None:
    assert plain("Any Text, 1!") == "Any Text, 1!"


def test_no_texts() -> None:
    found = words([])
    assert len(found.hashes) == len(found.ends) == 0
    assert len(shingles(found, 3).hashes) == 0
    assert words(["", "!"]).ends.tolist() == [0, 0]
    assert shingles(words(["", "!"]), 3).ends.tolist() == [0, 0]


def test_hashes_are_spread_over_all_bits() -> None:
    texts = [f"number {i} of the list" for i in range(4000)]
    hashes = np.unique(shingles(words(texts), 3).hashes)
    low, high = np.unique(hashes & np.uint64(0xFFFF)), np.unique(hashes >> np.uint64(48))
    expected = 65536 * (1 - (1 - 1 / 65536) ** len(hashes))
    assert abs(len(low) - expected) < 0.03 * expected
    assert abs(len(high) - expected) < 0.03 * expected
