"""Rows that are not lines: items of an array, objects over several lines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_samples import pieces

from prepdata.sources.cut import Bounds, Cut, State
from prepdata.sources.values import Layout, cut_values, first_value, rows_in

SMALL = Bounds(least=60, spread=40, most=300, line=600)
WIDE = SMALL._replace(line=1 << 20)
TEXT = st.text(st.sampled_from('ab"\\{}[],:\n\t é😀'), max_size=20)
ITEM = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.dictionaries(TEXT, ITEM, max_size=3)
SIZES = st.lists(st.integers(1, 60), max_size=300)


def read(data: bytes, sizes: list[int], *, array: bool, bounds: Bounds = WIDE) -> list[Cut]:
    return list(cut_values(pieces(data, sizes), bounds, State(), Layout(), array=array))


def rows_of(found: list[Cut]) -> list[bytes]:
    return [cut.data[start:end] for cut in found for start, end, _ in cut.rows or ()]


def lines_of(found: list[Cut]) -> list[int]:
    before, seen = 0, []
    for cut in found:
        seen += [before + line for _, _, line in cut.rows or ()]
        before += cut.lines
    return seen


@settings(max_examples=300, deadline=None)
@given(st.lists(ITEM, max_size=8), SIZES, st.sampled_from([None, 0, 2]), st.booleans())
def test_items_of_an_array(items: list[Any], sizes: list[int], indent: int | None, ends: bool) -> None:
    data = json.dumps(items, indent=indent, ensure_ascii=False).encode() + b"\n" * ends
    found = read(data, sizes, array=True)
    assert [json.loads(text) for text in rows_of(found)] == items
    assert found == read(data, [], array=True)
    assert sum(c.lines for c in found) == data.count(b"\n") + (not ends)
    assert b"".join(c.data for c in found) == data


@settings(max_examples=200, deadline=None)
@given(st.lists(OBJECT, min_size=1, max_size=8), SIZES, st.sampled_from(["\n", "\n\n", " ", ",\n", ""]))
def test_objects_one_after_another(items: list[Any], sizes: list[int], between: str) -> None:
    data = between.join(json.dumps(item, indent=1) for item in items).encode()
    found = read(data, sizes, array=False)
    assert [json.loads(text) for text in rows_of(found)] == items
    assert found == read(data, [], array=False)
    starts = [data.count(b"\n", 0, data.find(text.split(b"\n")[0])) for text in rows_of(found)[:1]]
    assert lines_of(found)[:1] == starts


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200) | st.text(st.sampled_from('[]{},"\\\n x1'), max_size=200).map(str.encode),
    SIZES,
    st.booleans(),
)
def test_any_bytes_go_through(data: bytes, sizes: list[int], array: bool) -> None:
    found = read(data, sizes, array=array, bounds=Bounds(20, 10, 40, 60))
    assert found == read(data, [], array=array, bounds=Bounds(20, 10, 40, 60))
    assert sum(c.size for c in found) == len(data)
    for cut in found:
        last = 0
        for start, end, line in cut.rows or ():
            assert last <= start <= end <= len(cut.data)
            assert line == cut.data.count(b"\n", 0, start)
            last = end


def test_lines_are_those_where_the_rows_start() -> None:
    data = b'[\n {"a": 1}, {"b":\n  2},\n\n {"c": 3}\n]\n'
    assert lines_of(read(data, [], array=True)) == [1, 1, 4]


@pytest.mark.parametrize("size", [3, 50, 10_000])
def test_a_row_over_the_bound_is_passed_over(size: int) -> None:
    big = json.dumps({"a": "x" * 5000, "b": ["{", "\\", '"']}).encode()
    data = b'[\n{"n": 1},\n' + big + b',\n{"n": 2},\n' + big + b"\n]\n"
    found = read(data, [size] * 8000, array=True, bounds=SMALL)
    assert rows_of(found) == [b'{"n": 1}', b'{"n": 2}']
    long = [(c, fact) for c in found for fact in c.facts]
    assert [fact.data["bytes"] for _, fact in long] == [len(big)] * 2
    assert found == read(data, [], array=True, bounds=SMALL)
    before, at = 0, []
    for cut in found:
        at += [before + fact.line for fact in cut.facts if fact.line is not None]
        before += cut.lines
    assert at == [2, 4]
    assert before == data.count(b"\n")


def test_an_array_of_numbers_is_cut_too() -> None:
    data = json.dumps(list(range(2000))).encode()
    found = read(data, [100] * 200, array=True)
    assert len(rows_of(found)) == 2000
    assert max(len(c.data) for c in found) < 400


@pytest.mark.parametrize(
    ("data", "rows", "closed"),
    [
        (b'[{"a": 1}]', 1, True),
        (b'[{"a": 1}', 1, False),
        (b'[{"a": 1},', 1, False),
        (b'[{"a": 1}, {"b"', 2, False),
        (b"[]", 0, True),
        (b"[", 0, False),
        (b'[{"a": 1}][{"a": 2}]', 2, True),
        (b'[{"a": 1}] trailing', 2, True),
        (b'[{"a": 1}]]', 2, True),
        (b'[{"a": 1} {"b": 2}]', 2, True),
        (b"[,,]", 0, True),
    ],
)
def test_odd_arrays(data: bytes, rows: int, closed: bool) -> None:
    layout = Layout()
    found = list(cut_values([data], SMALL, State(), layout, array=True))
    assert (len(rows_of(found)), layout.rows, layout.closed) == (rows, rows, closed)


def test_a_row_that_never_ends_does_not_swallow_the_others() -> None:
    data = b'[\n  {"a": 1},\n  {"b": 2,\n  {"c": 3},\n  {"d": 4}\n]\n'
    found = read(data, [], array=True)
    assert rows_of(found) == [b'{"a": 1}', b'{"b": 2', b'{"c": 3}', b'{"d": 4}']
    assert lines_of(found) == [1, 2, 3, 4]


def test_the_unfinished_row_of_a_broken_stream_is_left_out() -> None:
    state = State()
    state.broken = True
    found = list(cut_values([b'[{"a": 1}, {"b"'], SMALL, state, Layout(), array=True))
    assert rows_of(found) == [b'{"a": 1}']


def test_first_value() -> None:
    assert first_value(b' {"a": "}"} {"b": 1}') == b'{"a": "}"}'
    assert first_value(b'{"a": [') is None
    assert first_value(b'{"a": "never closed}') is None
    assert first_value(b"words") is None


def test_rows_in_a_head() -> None:
    assert rows_in(b'[{"a": 1}, {"b": 2}, {"c"', 9, array=True) == [b'{"a": 1}', b'{"b": 2}']
    assert rows_in(b'{"a":\n1}\n{"b":\n2}', 1, array=False) == [b'{"a":\n1}']
