"""Values of configurations: read as their types, and what is said of others."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta

from trainers.values import expected, read_value

Rank = Annotated[Annotated[int, Meta(ge=1, le=4096)] | None, Meta(description="A rank.")]
Share = Annotated[float, Meta(ge=0, lt=1)]
Names = tuple[Literal["red", "green"], ...]


@pytest.mark.parametrize(
    ("value", "kind", "read"),
    [
        ("8", Rank, 8),
        (" 8 ", Rank, 8),
        ("1_000", Rank, 1000),
        (None, Rank, None),
        ("6e-3", Share, 0.006),
        (".5", Share, 0.5),
        (0, Share, 0.0),
        ("8", str, "8"),
        ("none", Literal["none", "nf4"], "none"),
        (["red"], Names, ("red",)),
    ],
)
def test_what_is_read(value: Any, kind: Any, read: Any) -> None:
    found = read_value(value, kind)
    assert found == read and type(found) is type(read)


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        ("many", Rank, "expected a whole number of at least 1 and at most 4,096, found 'many'"),
        ("null", Rank, "expected a whole number of at least 1 and at most 4,096, found 'null'"),
        ("0", Rank, "expected a whole number of at least 1 and at most 4,096, found 0"),
        (True, Rank, "expected a whole number of at least 1 and at most 4,096, found True"),
        ("1e400", Share, "expected a number of at least 0 and below 1, found 1e400"),
        ("inf", Share, "expected a number of at least 0 and below 1, found 'inf'"),
        ("\x1b[31m", Share, "expected a number of at least 0 and below 1, found '\\x1b[31m'"),
        ("rot", Literal["red", "green"], "expected one of green, red, found 'rot'"),
        ("gren", Literal["red", "green"], "expected one of green, red, found 'gren'. Did you mean 'green'?"),
        (["red", "gren"], Names, "expected some of green, red, found 'gren'. Did you mean 'green'?"),
        (["red", 3], Names, "expected some of green, red, found 3"),
        ("true", bool, "expected true or false, found 'true'"),
        (3, tuple[str, ...], "expected a list of texts, found 3"),
    ],
)
def test_what_is_said_of_others(value: Any, kind: Any, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_value(value, kind)
    assert str(caught.value) == said


def test_a_long_value_is_cut() -> None:
    with pytest.raises(ValueError) as caught:
        read_value("x" * 1000, Share)
    assert len(str(caught.value)) < 160


def test_a_number_without_limits() -> None:
    assert (expected(int), expected(float), expected(str)) == ("a whole number", "a number", "a text")
