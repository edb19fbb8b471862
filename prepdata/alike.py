"""Rows that are alike, side by side: keys, roles and kinds of content are looked at once for all of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from prepdata.chunk import Chunk
from prepdata.record import Message, Record


class Alike(NamedTuple):
    """Rows of one format with equal shapes or outlines, all with tools or all without; or a row that has neither.

    Args:
        records: the rows, in file order.
        turns: the messages that stand at one place in these rows, place by place; chosen and rejected ones as well.
        texts: the texts of these messages.
    """

    records: list[Record]
    turns: list[tuple[Message, ...]]
    texts: list[list[str]]

    @property
    def first(self) -> Record:
        """The first of the rows, which stands for all of them."""
        return self.records[0]


def alike(chunk: Chunk) -> list[Alike]:
    """Return the rows of a chunk by shape, in the order of their first rows. Use as `chunk.derived(alike)`."""
    groups: dict[Any, list[Record]] = {}
    for record in chunk.records:
        key: Any = record.shape
        if key is None:
            key = record.row if record.outline is None else ("outline", record.outline)
        key = (key, record.format, not record.tools)
        try:
            groups[key].append(record)
        except KeyError:
            groups[key] = [record]
    return [_side_by_side(records) for records in groups.values()]


def _side_by_side(records: list[Record]) -> Alike:
    first = records[0]
    if first.chosen or first.rejected:
        turns = list(zip(*[record.turns for record in records]))
    else:
        turns = list(zip(*[record.messages for record in records]))
    return Alike(records, turns, [[message.text for message in column] for column in turns])
