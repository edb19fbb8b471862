"""Rows that are alike: every row once, and what stands for all rows of a group is true of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prepdata.alike import alike
from prepdata.chunk import Chunk
from prepdata.formats import detect
from prepdata.parse import parse
from prepdata.record import Message, Record

CASES = sorted(Path(__file__).parent.joinpath("rules", "cases").glob("*.jsonl"))


def chunks(path: Path) -> Iterator[Chunk]:
    """Yield the rows of each case twice over, so that every row with a shape meets one like it."""
    for line in path.read_bytes().splitlines():
        rows = json.loads(line).get("rows", [])
        data = b"".join(json.dumps(row).encode() + b"\n" for row in rows if type(row) is dict) * 2
        if data:
            count = data.count(b"\n")
            yield parse(data, None, count, detect(rows, {})).chunk


def told(message: Message) -> tuple[Any, ...]:
    return (message.role, message.kind, message.weight, len(message.calls), message.path, message.field)


def sides(record: Record) -> list[list[tuple[Any, ...]]]:
    return [[told(message) for message in side] for side in (record.messages, record.chosen, record.rejected)]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_first_of_rows_that_are_alike_stands_for_all(path: Path) -> None:
    for chunk in chunks(path):
        groups = chunk.derived(alike)
        rows = [record.row for group in groups for record in group.records]
        assert sorted(rows) == [record.row for record in chunk.records]
        assert [group.first.row for group in groups] == sorted(group.first.row for group in groups)
        for group in groups:
            first, rows = group.first, [record.row for record in group.records]
            assert rows == sorted(rows)
            assert group.turns == list(zip(*[record.turns for record in group.records]))
            assert group.texts == [[message.text for message in column] for column in group.turns]
            for record in group.records:
                assert sides(record) == sides(first)
                assert (bool(record.tools), record.format) == (bool(first.tools), first.format)
                assert record.shape is None or record.raw.keys() == first.raw.keys()


def test_some_rows_are_alike() -> None:
    rows = [{"messages": [{"role": "user", "content": text}]} for text in ("a", "b", "")]
    data = b"\n".join(json.dumps(row).encode() for row in rows)
    found = alike(parse(data, None, 3, detect(rows, {})).chunk)
    assert [[record.row for record in group.records] for group in found] == [[0, 1], [2]]
    assert found[0].texts == [["a", "b"]]
