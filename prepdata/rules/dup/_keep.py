"""Which of several rows that say the same is kept: one policy for DUP001, DUP002 and DUP003."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from functools import cache
from typing import Literal

from prepdata.chunk import Chunk
from prepdata.findings import Edit, Fix
from prepdata.record import Record
from prepdata.rules.base import Context, Options
from prepdata.rules.prov.prov002_not_reviewed import by_person

REVIEWED = 1 << 31


class KeepOptions(Options, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of exact-duplicate and folded-duplicate.

    Args:
        keep: which row stays: `best` for one that a person has reviewed (row mark `reviewed_by`), of these the one with
            the longest answer, of these the first; `first` for the first.
    """

    keep: Literal["best", "first"] = "best"


def worth(chunk: Chunk, context: Context) -> bytes:
    """Return how good each row of a chunk is: uint32, characters of the answer, and `REVIEWED` where a person has
    looked at it."""
    return chunk.derived(_worth(context.marks.get("reviewed_by", "reviewed_by")))


@cache
def _worth(mark: str) -> Callable[[Chunk], bytes]:
    context = Context(marks={"reviewed_by": mark})

    def compute(chunk: Chunk) -> bytes:
        return array("I", [_of(record, mark, context) for record in chunk.records]).tobytes()

    return compute


def _of(record: Record, mark: str, context: Context) -> int:
    messages = record.messages
    if messages and not record.chosen and messages[-1].role == "assistant":
        size = len(messages[-1].text)
    else:
        size = sum(len(message.text) for message in record.split()[1])
    raw = record.raw
    if mark in raw or "metadata" in raw or "meta" in raw:
        return min(size, REVIEWED - 1) | (REVIEWED if by_person(context.mark("reviewed_by", raw)) else 0)
    return min(size, REVIEWED - 1)


def best(places: Iterable[int], worths: array[int], keep: str) -> int:
    """Return which place of a group is kept."""
    return min(places) if keep == "first" else min(places, key=lambda place: (-worths[place], place))


def dropping(kept: int, dropped: int) -> Fix:
    """Return the fix that drops a row, given its place and that of the row that is kept."""
    return Fix("drop this copy" if kept < dropped else "drop this copy; a later one is better", False, (Edit("drop"),))


def earlier(kept: int, dropped: int) -> str:
    """Return the word for where the row that is kept stands."""
    return "an earlier" if kept < dropped else "a later, better"
