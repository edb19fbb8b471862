"""Rows of one file as records, one by one, with their places; for commands that write rows anew."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from prepdata.record import Record
from prepdata.settings import Settings


class Placed(NamedTuple):
    """A row and its place.

    Args:
        line: 1-based; None where rows have no lines.
        row: 0-based.
        record: None where the row cannot be read.
        reason: why there is no record; to be used only where there is none.
    """

    line: int | None
    row: int
    record: Record | None
    reason: str


def records_of(path: str, settings: Settings) -> Iterator[Placed]:
    """Yield the rows of a file, or of standard input (`-`), in order. Memory: one chunk.

    Raises:
        InputError: no file, several, or one that cannot be read.
    """
    import msgspec

    from prepdata.errors import InputError
    from prepdata.formats import detect, get
    from prepdata.parse import parse
    from prepdata.sources import discover, open_source

    inputs = discover([path])
    if len(inputs) != 1:
        raise InputError(f"{path}: give one file")
    source = open_source(inputs[0], settings)
    if settings.format != "auto":
        expected = get(settings.format, settings.columns)
    else:
        rows = []
        for text in source.head_rows():
            with contextlib.suppress(ValueError, RecursionError):
                rows.append(msgspec.json.decode(text))
        expected = detect((r for r in rows if type(r) is dict), settings.columns)  # type: ignore[assignment]
    line = row = 0
    for raw in source.chunks():
        chunk, row_lines = parse(raw.load(), raw.rows, raw.lines, expected)
        known = {record.row: record for record in chunk.records}
        facts = {fact.row: fact.kind for fact in reversed(chunk.facts) if fact.row is not None}
        for number, local in enumerate(row_lines):
            place = line + local + 1 if source.has_lines else None
            reason = f"the row cannot be read ({facts.get(number, 'unknown')}); `prepdata validate` says why"
            yield Placed(place, row + number, known.get(number), reason)
        row += len(row_lines)
        line += raw.lines
