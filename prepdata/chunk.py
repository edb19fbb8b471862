"""A chunk: the rows of one stretch of a file, what went wrong in parsing them, and columns derived from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from prepdata.jsontext import json_text
from prepdata.record import Message, Record

T = TypeVar("T")


class Fact(msgspec.Struct, frozen=True, gc=False):
    """Something seen below the level of rows: by a source, or by the parser in one line.

    Args:
        kind: what was seen; FMT rules subscribe to kinds (`FactRule.facts`).
        line: 0-based line in the chunk, None where the whole file is meant.
        row: 0-based row in the chunk where the line still gave a row.
        data: details that the rule turns into a message, plain JSON values.
    """

    kind: str
    line: int | None = None
    row: int | None = None
    data: dict[str, Any] = {}


class Text(msgspec.Struct, frozen=True, gc=False):
    """One stretch of text in a chunk: which row, which message, the text, and the JSON pointer to it."""

    record: Record
    message: Message
    text: str
    path: str


class Chunk:
    """Rows of one stretch of a file, in file order. Rules and meters share what they derive from it.

    `unread` holds the xxh3_64 of the bytes of each row that gave no record, by row number.
    """

    def __init__(self, format: str, records: list[Record], facts: list[Fact], lines: int) -> None:
        self.format = format
        self.records = records
        self.facts = facts
        self.lines = lines
        self.unread: dict[int, int] = {}
        self._derived: dict[Any, Any] = {}

    def derived(self, compute: Callable[[Chunk], T]) -> T:
        """Return `compute(self)`, computed once however many rules ask for it."""
        try:
            return self._derived[compute]  # type: ignore[no-any-return]
        except KeyError:
            value = self._derived[compute] = compute(self)
            return value

    def known(self, compute: Callable[[Chunk], T]) -> T | None:
        """Return what `derived` returned for `compute` if any rule has asked for it, else None."""
        return self._derived.get(compute)


def texts(chunk: Chunk) -> list[Text]:
    """Return every text of the chunk: contents, reasoning and string arguments. Use as `chunk.derived(texts)`."""
    found: list[Text] = []
    add = found.append
    for record in chunk.records:
        for message in record.turns if record.chosen or record.rejected else record.messages:
            if message.kind == "text":
                add(Text(record, message, message.text, message.field))
            elif message.kind == "parts":
                for part in message.parts:
                    if part.text:
                        add(Text(record, message, part.text, part.field))
            if message.reasoning:
                add(Text(record, message, message.reasoning, message.path))
            for call in message.calls:
                text = call.arguments
                if not isinstance(text, str):
                    text = json_text(text) if text else ""
                if text:
                    add(Text(record, message, text, call.arguments_path))
    return found


def texts_of(record: Record) -> list[Text]:
    """Return every text of one row, as `texts` does of a chunk."""
    return texts(Chunk(record.format, [record], [], 0))
