"""How two texts differ: alignment by definition on small texts, and what counts as another meaning."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prepdata.text.differences import LONGEST, Change, compare, exchanged, shown, tokens


def how(one: str, other: str):
    return compare(tokens(one), tokens(other))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Don't stop, it's 3.5 km!", ["Don't", "stop", ",", "it's", "3.5", "km", "!"]),
        ("今天 天气", ["今", "天", "天", "气"]),
        ("a_b += c[0]", ["a", "_", "b", "+", "=", "c", "[", "0", "]"]),
        ("12:30, 1,000.50", ["12:30", ",", "1,000.50"]),
        ("naïve Öl 2x", ["naïve", "Öl", "2", "x"]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_tokens(text: str, found: list[str]) -> None:
    assert tokens(text) == found


def test_long_texts_are_compared_up_to_a_bound() -> None:
    assert len(tokens("word " * (LONGEST + 5))) == LONGEST


@given(st.text(max_size=80))
def test_nothing_but_white_space_is_lost(text: str) -> None:
    assert "".join(tokens(text)) == "".join(text.split()) or any(c.isspace() or not c.isprintable() for c in text)


def common(one: list[str], other: list[str]) -> int:
    """Length of the longest common subsequence, by the textbook."""
    rows = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, a in enumerate(one, 1):
        for k, b in enumerate(other, 1):
            rows[i][k] = rows[i - 1][k - 1] + 1 if a == b else max(rows[i - 1][k], rows[i][k - 1])
    return rows[-1][-1]


WORDS = st.lists(st.sampled_from(["a", "b", "c", "Not", "7", "Rome", "+", "."]), max_size=9)


@given(WORDS, WORDS)
@settings(max_examples=300)
def test_ratios_by_definition(one: list[str], other: list[str]) -> None:
    found = compare(one, other)
    low, high = [w.casefold() for w in one], [w.casefold() for w in other]
    total = len(one) + len(other)
    assert found.ratio == pytest.approx(2 * common(low, high) / total if total else 1)
    assert found.shared == pytest.approx(2 * sum((Counter(low) & Counter(high)).values()) / total if total else 1)
    assert found.ratio <= found.shared + 1e-9
    assert (found.changes == ()) == (low == high)


@given(WORDS, WORDS)
@settings(max_examples=200)
def test_changes_turn_one_text_into_the_other(one: list[str], other: list[str]) -> None:
    found = compare(one, other)
    before = Counter(w.casefold() for change in found.changes for w in change.before)
    after = Counter(w.casefold() for change in found.changes for w in change.after)
    assert Counter(w.casefold() for w in one) - before + after == Counter(w.casefold() for w in other)


@given(WORDS, WORDS)
@settings(max_examples=200)
def test_the_judgement_has_no_direction(one: list[str], other: list[str]) -> None:
    there, back = compare(one, other), compare(other, one)
    assert there.ratio == pytest.approx(back.ratio)
    assert there.shared == pytest.approx(back.shared)


MEANT = [
    ("It costs 5 euros.", "It costs 6 euros."),
    ("It costs euros.", "It costs 6 euros."),
    ("on the second floor", "on the third floor"),
    ("We fly to Rome now.", "We fly to Oslo now."),
    ("You may go.", "You may not go."),
    ("Sie dürfen das.", "Sie dürfen das nicht."),
    ("a + b", "a - b"),
    ("x > y", "x y"),
    ("他今天来了", "他今天没来了"),
    ("Он пришёл.", "Он не пришёл."),
    ("There are 三 cats", "There are 四 cats"),
    ("We can't do it", "We can do it"),
]
NOT_MEANT = [
    ("It costs 5 euros.", "It costs 5 dollars."),
    ("The cat sleeps.", "A cat sleeps."),
    ("Good idea! Let us go.", "Fine idea! Well, let us go."),
    ("see rome", "see oslo"),
    ("I met Anna there", "I met there"),
    ("Yes. We do.", "Yes. They do."),
    ("the big house", "the large house"),
    ("one more time", "one time"),
]


@pytest.mark.parametrize(("one", "other"), MEANT)
def test_another_meaning(one: str, other: str) -> None:
    assert how(one, other).meant
    assert how(other, one).meant


@pytest.mark.parametrize(("one", "other"), NOT_MEANT)
def test_the_same_meaning_in_other_words(one: str, other: str) -> None:
    assert not how(one, other).meant
    assert how(one, other).changes


@pytest.mark.parametrize(
    ("asked", "answered", "found"),
    [
        (("find even ones", "find odd ones"), ("is_even", "is_odd"), True),
        (("find even ones", "find odd ones"), ("evenPair(x)", "oddPair(x)"), True),
        (("lowercase", "uppercase"), ("lowerstring", "upperstring"), True),
        (("find even ones", "find odd ones"), ("is_even", "is_even"), False),
        (("a red car", "a blue car"), ("it is fast", "it is slow"), False),
        (("a car", "a red car"), ("fast", "red fast"), False),
        (("", ""), ("", ""), False),
        (("Yes. Go.", "Yes; Go."), ("No. Stay.", "No; Stay."), False),
        (("今天。明天", "今天，明天"), ("好。坏", "好，坏"), False),
    ],
)
def test_the_same_exchange_on_both_sides(asked: tuple[str, str], answered: tuple[str, str], found: bool) -> None:
    assert exchanged(how(*asked), how(*answered)) is found


def test_shown() -> None:
    changes = [Change(("old", "one"), ("new",)), Change((), ("x",)), Change(("y",), ()), Change(("z",), ("w" * 50,))]
    assert shown(changes) == "'old one' → 'new', nothing → 'x', 'y' → nothing and 1 more"
    assert shown(changes[3:]) == f"'z' → '{'w' * 29}…'"
    assert shown([]) == ""


@pytest.mark.parametrize("text", ["\ud800 lone", "\x00\x01", "e\u0301" * 100, "😀 😀", "\u202e abc"])
def test_strange_texts_do_no_harm(text: str) -> None:
    assert how(text, text).ratio == 1.0
    assert how(text, "other words").ratio < 1.0
