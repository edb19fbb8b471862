"""Folding: what must come out equal, what must not, and that it never fails."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.text.fold import _variant, alike, encode, fold, fold_all

EQUAL = [
    ("What's up, doc?", "whats up doc"),
    ("Hello   World!\n", "hello world"),
    ("“Hi” – he said", '"Hi" - he said'),
    ("1, 2 and 3", "1 2 and 3"),
    ("In 1999, he left.", "in 1999 he left"),
    ("It costs 5.", "It costs 5"),
    ("你好，世界。", "你好 世界"),
    ("ﬁne", "FINE"),
    ("Straße", "STRASSE"),
    ("Cafe\u0301", "CAFÉ"),
    ("ＡＢＣ　１２３", "abc 123"),
    ("a\u00a0b", "a b"),
    ("zero\u200bwidth", "zerowidth"),
    ("wait... 5 more", "wait, 5 more"),
    ("¿Qué?", "qué"),
    ("नमस्ते।", "नमस्ते"),
    ("ПРИВЕТ, МИР", "привет мир"),
    ("٣، ٤", "٣ ٤"),
    ("`f(x)`  is\nthat", "`f(x)` is that"),
    ("SELECT a FROM t WHERE b = 'x';", "SELECT a  FROM t WHERE b = 'x'"),
    ("f('a', 1); ;\n", "f('a', 1)"),
]
DIFFERENT = [
    ("2+2", "2-2"), ("2*2", "2/2"), ("1.5", "15"), ("1,5", "15"), ("1:30", "130"), ("1 2", "12"), ("1. 2", "1.2"),
    (".5", "5"), ("5 .5", "5 5"), ("C", "C++"), ("C", "C#"), ("???", "!!!"), ("???", ""), ("...", "?"),
    ("x != y", "x = y"), ("!done", "done"), ("x<y", "x>y"), ("50%", "50"), ("$5", "5"), ("#1", "1"), ("2²", "22"),
    ("1½", "11/2"), ("१.५", "१५"), ("१ ५", "१५"), ("is", "is not"), ("2*(3+4)", "2*3+4"), ("a_b", "ab"), ("año", "ano"),
    ('{"a": "1"}', '{"a": 1}'), ("print('x')", "print(x)"), ("`X`", "`x`"), ("x = 'a'", "x = a"),
    ("f('a'); g('b')", "f('a') g('b')"), ("12 3", "1 23"),
    ("1,000", "1.000"), ("5!5", "55"), ("A&B", "AB"), ("a|b", "ab"), ("a~b", "ab"), ("5(5)", "55"), ("٣.٤", "٣٤"),
    ("1.2.3", "1.23"), ("-5", "5"), ("x^2", "x2"), ("a@b", "ab"), ("\u00b2", "2"), ("①", "1"), ("😀", "😁"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_says_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_means_something_else(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text())
def test_never_fails_and_ignores_white_space_around(text: str) -> None:
    assert isinstance(fold(text), bytes)
    assert fold(f"\n {text} \t") == fold(text)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_numbers_are_never_folded_together(one: int, other: int) -> None:
    assert (fold(f"is it {one}?") == fold(f"Is it {other}")) == (one == other)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=0, max_value=10**6), st.integers(1, 4))
def test_a_point_that_moves_is_another_number(value: object, by: int) -> None:
    text = str(value)
    digits = text.replace(".", "")
    moved = digits[:by] + "." + digits[by:]
    assert (fold(text) == fold(moved)) == (text == moved)


@given(st.lists(st.integers(0, 999), min_size=1, max_size=6), st.lists(st.integers(0, 999), min_size=1, max_size=6))
def test_lists_of_numbers(one: list[int], other: list[int]) -> None:
    same = fold(", ".join(map(str, one))) == fold(" ".join(map(str, other)))
    assert same == (one == other)


@given(st.sampled_from("+-*/=<>%$#&|^~@_()[]\\"), st.sampled_from("+-*/=<>%$#&|^~@_()[]\\"))
def test_signs_are_kept(one: str, other: str) -> None:
    assert (fold(f"a {one} b") == fold(f"a {other} b")) == (one == other)


@given(st.text(alphabet=".,;:!?\"' \n", min_size=1))
def test_marks_alone_are_kept_as_they_are(text: str) -> None:
    other = text + "?"
    assert fold(text) != fold(other) or text.strip() == other.strip()
    assert fold(text) != fold("word")


@given(st.text(alphabet=st.characters(min_codepoint=128, exclude_categories=["Cs"]), max_size=30))
def test_does_not_hang_on_the_order_of_replacements(text: str) -> None:
    once = "".join(_variant(c) for c in unicodedata.normalize("NFC", text))
    assert "".join(c if c.isascii() else _variant(c) for c in once) == once


def test_every_character_is_folded_for_good() -> None:
    again = [
        c for i in range(128, sys.maxunicode + 1) for c in _variant(chr(i)) if not c.isascii() and _variant(c) != c
    ]
    assert not again


def test_lone_surrogates_pass() -> None:
    assert fold("a\ud800b") != fold("ab")
    assert encode("\ud800") == b"\xed\xa0\x80"


@given(st.lists(st.text(max_size=12) | st.text("aZ1!,. {`([=\xff\u2019\ud800\u0664", max_size=12), max_size=8))
def test_many_texts_fold_as_each_alone(texts: list[str]) -> None:
    assert fold_all(texts, [encode(text) for text in texts]) == [fold(text) for text in texts]


@given(st.text('aA1!,. {`([=;\n\u2019\u0664"', max_size=8), st.text('aA1!,. {`([=;\n\u2019\u0664"', max_size=8))
def test_alike_is_the_same_fold(one: str, other: str) -> None:
    assert alike(one, other) == (fold(one) == fold(other))
