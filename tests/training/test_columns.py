"""What loading makes of rows: worked out by hand, and equal to the library datasets on generated rows."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from prepdata.training.base import Change
from prepdata.training.columns import Columns, Loader, reread

Rows = list[dict[str, Any]]


def loaded(rows: Rows, loader: Loader) -> Rows:
    columns = Columns.of(rows)
    return [columns.loaded(row, loader)[0] for row in rows]


def test_objects_of_different_keys() -> None:
    rows: Rows = [{"a": [{"y": 1, "x": 2}]}, {"a": [{"x": 3, "z": None}]}, {"a": []}]
    assert loaded(rows, "json") == rows
    made = loaded(rows, "list")
    assert made == [{"a": [{"y": 1, "x": 2, "z": None}]}, {"a": [{"y": None, "x": 3, "z": None}]}, {"a": []}]
    assert list(made[1]["a"][0]) == ["y", "x", "z"]
    changes = Columns.of(rows).loaded(rows[1], "list")[1]
    assert changes == (Change("/a/0/y", "null is added: other rows have this key"),)


def test_columns_of_the_first_row_and_of_any() -> None:
    rows: Rows = [{"a": 1}, {"b": 2, "a": 3}]
    assert loaded(rows, "json") == [{"a": 1, "b": None}, {"a": 3, "b": 2}]
    assert loaded(rows, "list") == [{"a": 1}, {"a": 3}]
    assert [change.path for change in Columns.of(rows).loaded(rows[1], "list")[1]] == ["/b"]
    assert Columns.of(rows).loaded(rows[0], "list")[1] == ()


def test_kinds_that_do_not_go_together() -> None:
    rows: Rows = [{"a": {"b/c": [1]}}, {"a": {"b/c": ["x"]}}]
    assert Columns.of(rows).problem("json") == ""
    problem = Columns.of(rows).problem("list")
    assert "/a/b~1c/*" in problem and "int and text" in problem
    assert "64 bits" in Columns.of([{"a": 1 << 63}]).problem("list")
    assert Columns.of([{"a": 1}, {"a": 0.5}, {"a": None}]).problem("list") == ""


def test_numbers() -> None:
    assert loaded([{"a": {"x": 1}}, {"a": {"x": 0.5}}], "list") == [{"a": {"x": 1.0}}, {"a": {"x": 0.5}}]
    assert reread(0.3) == 0.30000000000000004 and reread(-0.3) == -0.30000000000000004
    assert reread(1e-11) == 0.0 and reread(2.5) == 2.5 and reread(1e300) == 1e300
    assert reread(1 / 3) == 0.33333333330000003


def test_texts_that_are_json_among_other_kinds() -> None:
    rows: Rows = [{"a": "123"}, {"a": [1]}, {"a": "null"}, {"a": "so"}, {"a": "9" * 30}]
    assert [row["a"] for row in loaded(rows, "json")] == [123, [1], None, "so", "9" * 30]
    change = Columns.of(rows).loaded(rows[0], "json")[1][0]
    assert change == Change("/a", "the text becomes what it says as JSON")


def test_added_keys_of_turns_are_no_changes() -> None:
    rows: Rows = [{"messages": [{"role": "user", "content": "a"}]}, {"messages": [{"role": "user", "weight": 1}]}]
    made, changes = Columns.of(rows).loaded(rows[0], "list")
    assert made == {"messages": [{"role": "user", "content": "a", "weight": None}]} and changes == ()


def test_any_split_into_chunks_gives_the_same() -> None:
    rows: Rows = [{"a": {"x": 1}}, {"a": {}}, {"b": "2024-01-01"}, {"a": {"y": 2.5}}, {"b": "no date"}]
    for at in range(len(rows) + 1):
        columns = Columns.of(rows[:at])
        columns.merge(Columns.of(rows[at:]))
        for loader in ("json", "list"):
            assert [columns.loaded(row, loader) for row in rows] == [
                Columns.of(rows).loaded(row, loader) for row in rows
            ]


def test_deep_nesting_and_large_numbers_are_no_trouble() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    rows: Rows = [{"a": deep, "b": 10**400}, {"a": deep, "b": 0.5}]
    assert loaded(rows, "list")[0]["a"] == deep and loaded(rows, "json")[0]["b"] == 10**400


_TEXTS = [
    "a",
    "b",
    "123",
    "null",
    "true",
    "2024-01-01",
    "2024-05-05 10:00",
    "x y",
    '{"k": 1}',
    "[1, 2]",
    "",
    "1.5",
    "NaN",
]
_KINDS = ["i", "s", "os", "oi", "oif", "ls", "oli", "ons", "d", "od", "osi", "lif", "obl", "f", "fo"]


def generated(draw: random.Random) -> Rows:
    """Return rows whose places hold a few kinds of values each: i(nt), f(loat), s(tring), b(ool), d(ate), n(ull),
    o(bject), l(ist)."""
    kinds = draw.choice(_KINDS)

    def value(depth: int) -> Any:
        kind = draw.choice(kinds)
        if kind == "o" and depth < 3:
            return {key: value(depth + 1) for key in draw.sample("klm", draw.randint(draw.random() > 0.2, 3))}
        if kind == "l" and depth < 3:
            items = [value(depth + 1) for _ in range(draw.randint(0, 3))]
            return [item for item in items if item is not None]
        made = {"i": draw.choice([0, 1, -5]), "f": draw.choice([0.5, 0.3, 2.0, 1 / 3]), "s": draw.choice(_TEXTS),
                "b": draw.random() < 0.5, "d": f"2024-01-0{draw.randint(1, 9)}"}  # fmt: skip
        return made.get(kind)

    rows = []
    turns = [draw.random() < 0.5 for _ in range(draw.randint(1, 3))]
    for _ in range(draw.randint(1, 4)):
        row: dict[str, Any] = {}
        for key, chat in zip("ABC", turns):
            if chat:
                row[key] = [{"role": draw.choice("ua"), "content": value(2)} for _ in range(draw.randint(1, 2))]
            elif draw.random() < 0.85:
                row[key] = value(0)
        rows.append(row or {"A": None})
    return rows


def as_text(rows: Rows) -> list[list[str]]:
    """Return rows so that they can be compared: columns in any order, keys below them in theirs."""
    return [sorted(json.dumps(item, default=repr) for item in row.items()) for row in rows]


def test_generated_rows_load_as_the_library_loads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", minversion="5")
    datasets.disable_progress_bars()
    draw = random.Random(77)
    ended = 0
    for number in range(120):
        rows = generated(draw)
        columns = Columns.of(rows)
        try:
            real = as_text(list(datasets.Dataset.from_list(rows)))
        except Exception:  # whatever pyarrow raises
            ended += 1
            assert columns.problem("list")
        else:
            assert not columns.problem("list") and as_text(loaded(rows, "list")) == real
        file = tmp_path / f"{number}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        table = datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
        assert as_text(loaded(rows, "json")) == as_text(list(table))
    assert 20 < ended < 100
