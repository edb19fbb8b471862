"""Groups of equal keys, small and large, and the way from a place in a column to its row."""

from __future__ import annotations

import random
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.index import exact
from prepdata.index.exact import Joined, low_half, pack_rows, repeated, whole

KEYS = st.lists(st.integers(0, 30) | st.integers(0, 2**64 - 1), max_size=80)


def plain(keys: list[int]) -> list[list[int]]:
    groups: dict[int, list[int]] = {}
    for place, key in enumerate(keys):
        groups.setdefault(key, []).append(place)
    return [g for g in groups.values() if len(g) > 1]


@given(KEYS)
def test_small_inputs(keys: list[int]) -> None:
    assert repeated(array("Q", keys).tobytes()) == plain(keys)


@given(KEYS)
def test_large_inputs_give_the_same(keys: list[int]) -> None:
    assert exact._repeated_large(array("Q", keys).tobytes()) == plain(keys)


@pytest.mark.parametrize("distinct", [10, 40_000, 2**63])
def test_beyond_the_border(distinct: int) -> None:
    rng = random.Random(1)
    keys = [rng.randrange(distinct) for _ in range(exact.LARGE + 1_000)]
    assert repeated(array("Q", keys).tobytes()) == plain(keys)


def test_nothing() -> None:
    assert repeated(b"") == []
    assert exact._repeated_large(b"") == []
    assert repeated(array("Q", [5]).tobytes()) == []


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_low_half(keys: list[int]) -> None:
    assert list(whole(low_half(array("Q", keys)), "I")) == [key & 0xFFFFFFFF for key in keys]


@given(st.lists(st.lists(st.booleans(), max_size=12), max_size=5))
def test_rows_are_found_again(chunks: list[list[bool]]) -> None:
    """Each chunk has rows of which some gave no record."""
    parts, expected, first = [], [], 0
    for chunk in chunks:
        rows = array("I", [i for i, there in enumerate(chunk) if there])
        keys = array("Q", [first + i for i in rows])
        parts.append((first, [pack_rows(rows), keys.tobytes(), bytes(len(rows))]))
        expected.extend(keys)
        first += len(chunk)
    joined = Joined(parts)
    assert [joined.row(place) for place in range(len(expected))] == expected
    if parts:
        assert list(whole(joined.columns[0], "Q")) == expected
        assert len(joined.columns[1]) == len(expected)


def test_packing_is_free_where_every_row_is_there() -> None:
    assert pack_rows(array("I", range(5))) == b""
    assert pack_rows(array("I", [0, 2])) != b""
    assert pack_rows(array("I")) == b""


def test_no_parts() -> None:
    assert Joined([]).columns == [b""]
