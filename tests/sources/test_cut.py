"""Borders of chunks: same rows however the stream came in, and an edit moves only what it touches."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_samples import lines, pieces

from prepdata.sources.cut import Bounds, State, cut_lines

SMALL = Bounds(least=60, spread=40, most=300, line=1000)
TEXTS = st.lists(
    st.sampled_from([b"", b"a", b"{}", b"x" * 90, b"y" * 350, b"z" * 1200, b"\r", b"\xff" * 30]), max_size=60
)
SIZES = st.lists(st.integers(1, 400), max_size=200)


def cuts(data: bytes, sizes: list[int] | None = None, bounds: Bounds = SMALL) -> list[tuple[bytes, int, int]]:
    return [(c.data, c.offset, c.lines) for c in cut_lines(pieces(data, sizes or []), bounds)]


@settings(max_examples=300, deadline=None)
@given(TEXTS, SIZES, st.booleans())
def test_the_size_of_the_pieces_does_not_matter(texts: list[bytes], sizes: list[int], ends: bool) -> None:
    data = b"\n".join(texts) + (b"\n" if ends and texts else b"")
    assert cuts(data, sizes) == cuts(data)


@settings(max_examples=200, deadline=None)
@given(TEXTS, SIZES, st.booleans())
def test_nothing_is_lost_and_lines_are_counted(texts: list[bytes], sizes: list[int], ends: bool) -> None:
    data = b"\n".join(texts) + (b"\n" if ends and texts else b"")
    found = list(cut_lines(pieces(data, sizes), SMALL))
    at = 0
    for cut in found:
        assert cut.offset == at
        if cut.data:
            assert data[at : at + cut.size] == cut.data
            assert cut.data.endswith(b"\n") or at + cut.size == len(data)
        else:
            assert cut.facts[0].kind == "oversized-line" and cut.size > SMALL.line
        at += cut.size
    assert at == len(data)
    assert sum(c.lines for c in found) == data.count(b"\n") + bool(data and not data.endswith(b"\n"))


@pytest.mark.parametrize("least", [1, 30, 60, 500])
@pytest.mark.parametrize("spread", [1, 40, 10_000])
def test_rows_are_the_same_for_any_bounds(least: int, spread: int) -> None:
    data = lines(200)
    found = b"".join(c.data for c in cut_lines([data], Bounds(least, spread, 2000, 5000)))
    assert found == data


def test_an_edit_changes_only_the_chunks_it_touches() -> None:
    rng = random.Random(7)
    texts = [b"%d " % i + b"w" * rng.randint(5, 60) for i in range(3000)]
    bounds = Bounds(least=600, spread=300, most=4000)
    before = {c.data for c in cut_lines([b"\n".join(texts)], bounds)}
    for where in (0, 1500, 2999):
        for change in (b"a longer line than it was before, by far", b""):
            changed = [*texts[:where], change, *texts[where + 1 :]]
            after = {c.data for c in cut_lines([b"\n".join(changed)], bounds)}
            assert len(after - before) <= 4, (where, change)
    after = {c.data for c in cut_lines([b"\n".join([*texts[:1500], b"new", *texts[1500:]])], bounds)}
    assert len(after - before) <= 4


def test_chunks_are_about_a_megabyte() -> None:
    data = lines(60_000, 300)
    sizes = [len(c.data) for c in cut_lines([data], Bounds())]
    assert all(768 << 10 <= size <= 4 << 20 for size in sizes[:-1])
    assert 800 << 10 < sum(sizes) / len(sizes) < 1400 << 10


def test_a_long_line_stands_alone() -> None:
    data = b"a\nb\n" + b"c" * 500 + b"\nd\n"
    assert [c.data for c in cut_lines([data], SMALL)] == [b"a\nb\n", b"c" * 500 + b"\n", b"d\n"]


@pytest.mark.parametrize("size", [1001, 5000, 50_000])
def test_a_line_over_the_bound_is_passed_over(size: int) -> None:
    data = b"a\n" + b"c" * size + b"\nd\n"
    found = list(cut_lines(pieces(data, [700] * 200), SMALL))
    assert [c.data for c in found] == [b"a\n", b"", b"d\n"]
    assert [c.lines for c in found] == [1, 1, 1]
    fact = found[1].facts[0]
    assert fact.line == 0 and fact.data["bytes"] == size + 1 and fact.data["limit"] == 1000
    assert len(fact.data["excerpt"]) <= 60


def test_a_line_of_exactly_the_bound_is_read() -> None:
    data = b"c" * 999 + b"\nd\n"
    assert [c.data for c in cut_lines([data], SMALL)] == [b"c" * 999 + b"\n", b"d\n"]


def test_a_bound_smaller_than_a_chunk_still_holds() -> None:
    data = lines(100) + b"x" * 3000 + b"\n" + lines(3)
    found = list(cut_lines([data], Bounds(line=1000)))
    assert sum(1 for c in found if c.facts) == 1
    assert b"".join(c.data for c in found) == lines(100) + lines(3)


def test_the_unfinished_line_of_a_broken_stream_is_left_out() -> None:
    state = State()
    state.broken = True
    assert [c.data for c in cut_lines([b"a\nb\nhalf"], SMALL, state)] == [b"a\nb\n"]


def test_an_empty_stream_has_no_chunks() -> None:
    assert list(cut_lines([], SMALL)) == [] == list(cut_lines([b"", b""], SMALL))
