"""Edits change exactly what they name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.edits import Unfit, apart, apply, dump
from prepdata.findings import Edit


@pytest.mark.parametrize(
    ("row", "edit", "result"),
    [
        ({"a": 1}, Edit("set", "/a", 2), {"a": 2}),
        ({"a": [1, 2]}, Edit("set", "/a/1", 3), {"a": [1, 3]}),
        ({"a": {"b": 1}}, Edit("set", "/a/c", 2), {"a": {"b": 1, "c": 2}}),
        ({"a": [1, 2, 3]}, Edit("remove", "/a/1"), {"a": [1, 3]}),
        ({"a": 1, "b": 2}, Edit("remove", "/a"), {"b": 2}),
        ({"x": 1, "y": 2}, Edit("rename", "/x", "z"), {"z": 1, "y": 2}),
        ({"a": 1}, Edit("set", "", {"b": 2}), {"b": 2}),
    ],
)
def test_apply(row: dict[str, Any], edit: Edit, result: dict[str, Any]) -> None:
    before = json.dumps(row)
    assert apply(row, [edit]) == result
    assert list(apply(row, [edit])) == list(result)
    assert json.dumps(row) == before


@pytest.mark.parametrize(
    "edit",
    [
        Edit("remove", "/nope"),
        Edit("set", "/a/9", 1),
        Edit("set", "/a/b/c", 1),
        Edit("rename", "/a", "b"),
        Edit("remove", ""),
    ],
)
def test_unfit(edit: Edit) -> None:
    with pytest.raises(Unfit):
        apply({"a": [1], "b": 2}, [edit])


def test_apart_keeps_first_and_removes_last_items_first() -> None:
    edits = [
        Edit("remove", "/a/2"),
        Edit("set", "/a/1", 5),
        Edit("remove", "/a/10"),
        Edit("set", "/a/1/x", 6),
        Edit("set", "/b", 1),
    ]
    assert [e.path for e in apart(edits)] == ["/a/1", "/b", "/a/10", "/a/2"]


@given(st.lists(st.integers(0, 9), unique=True, max_size=6))
def test_removing_several_items(gone: list[int]) -> None:
    row = {"a": list(range(10))}
    made = apply(row, apart([Edit("remove", f"/a/{i}") for i in gone]))
    assert made["a"] == [i for i in range(10) if i not in gone]


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        (b'{"a": 1}', b'{"a": "\xc3\xa9"}'),
        (b'{"a":1}', b'{"a":"\xc3\xa9"}'),
        (b'{"a": "\\u00e8"}', b'{"a": "\\u00e9"}'),
    ],
)
def test_dump_follows_the_style_of_the_line(original: bytes, expected: bytes) -> None:
    assert dump({"a": "é"}, original) == expected
