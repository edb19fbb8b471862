"""JSON pointers lead to what they name, and nowhere else."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.pointer import keys_of, value_at

ROW = {"a/b": [{"m~n": 1}, [2]], "": 3, "0": 4}


def test_keys_are_unescaped() -> None:
    assert keys_of("/a~1b/0/m~0n") == ["a/b", "0", "m~n"]
    assert keys_of("") == []


@pytest.mark.parametrize(("path", "value"), [("", ROW), ("/a~1b/0/m~0n", 1), ("/a~1b/1/0", 2), ("/", 3), ("/0", 4)])
def test_values_are_found(path: str, value: Any) -> None:
    assert value_at(ROW, path) == value


@pytest.mark.parametrize("key", ["-1", "2", "", "²", "1_0", " 0", "+0", "9" * 5000, "\ud800", "x"])
def test_no_item_of_a_list(key: str) -> None:
    with pytest.raises(KeyError):
        value_at([[1], 2], f"/{key}")


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)), st.text())  # fmt: skip
def test_any_row_and_any_path(row: Any, path: str) -> None:
    with contextlib.suppress(KeyError):
        value_at(row, path)
