"""Patterns of strangers are priced before they run."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prepdata.rules.tool._cost import MAX_PATTERN, MAX_STEPS, Refused, compiled, search, steps


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^\d{4}-\d{2}-\d{2}$", "2026-11-21", True),
        (r"^\d{4}-\d{2}-\d{2}$", "tomorrow", False),
        (r"^[A-Z]{2,3}$", "EUR", True),
        (r"^[a-z]+@[a-z]+\.[a-z]{2,}$", "ann@example.org", True),
        (r"^(low|high)$", "medium", False),
        (r"^#[0-9a-fA-F]{6}$", "#00ff00", True),
        (r"^(\d{3},)*\d{3}$", "123,456", True),
        (r"^https?://", "https://example.org/" + "a" * 10_000, True),
        (r"^.+$", "x" * 10_000, True),
        ("", "anything", True),
    ],
)
def test_usual_patterns_run(pattern: str, text: str, found: bool) -> None:
    assert search(pattern, text) is found


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "(a*)*b", "(a|aa)+$", "(a?){30}a{30}", r"(a)\1*", "a*a*a*a*b", "(.*,){11}P", "(?(1)a|b)"]
)
def test_patterns_that_may_take_for_ever_do_not_run(pattern: str) -> None:
    with pytest.raises(Refused):
        search(pattern, "a" * 2_000)


def test_a_short_text_is_cheap_enough_for_a_bad_pattern() -> None:
    assert search("^(a+)+$", "aaa") is True


@pytest.mark.parametrize(
    "pattern", ["(", "[", "*a", r"\p{L}+", "a{99999999999999}", "x" * (MAX_PATTERN + 1), "(" * 500]
)
def test_patterns_that_cannot_be_read(pattern: str) -> None:
    with pytest.raises(Refused) as caught:
        compiled(pattern)
    assert "pattern" in caught.value.args[0]


PIECES = st.sampled_from(
    ["a", "b", ".", "[ab]", "(a|b)", "(ab|a)", "a*", "a+", "b?", "a{1,3}", "(a*b)*", "(a+)+", "^", "$"]
)


@pytest.mark.timeout(120)
@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=6), st.text("ab", max_size=60))
def test_what_runs_is_quick_and_right(pieces: list[str], text: str) -> None:
    pattern = "".join(pieces)
    try:
        found = search(pattern, text + "c")
    except Refused:
        return
    assert found == (re.search(pattern, text + "c") is not None)
    assert steps(pattern, len(text) + 1) <= MAX_STEPS


def test_the_price_grows_with_the_text() -> None:
    assert steps("^a*$", 10) < steps("^a*$", 1_000) < steps("a*b*", 1_000)
