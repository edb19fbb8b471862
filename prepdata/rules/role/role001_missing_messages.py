"""ROLE001: a row without messages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import ClassVar

from prepdata import formats
from prepdata.errors import PrepdataError
from prepdata.findings import Hit, Severity, clip
from prepdata.record import Record, escape
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.role._words import readable

LISTS = ("messages", "conversations", "conversation", "contents")


class MissingMessages(RecordRule):
    """Finds rows whose list of messages is absent, empty, or not a list of objects.

    Why: a row without turns gives nothing to train on, and most trainers stop at the first one.
    Bad:
        {"messages": []}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
    Fix: none; what the row should have said is not known. Write the turns, or take the row out.
    Source: OpenAI API reference, fine-tuning chat format: `messages` is a list of message objects (2026-08).
    """

    code: ClassVar[str] = "ROLE001"
    name: ClassVar[str] = "missing-messages"
    severity: ClassVar[Severity] = "error"
    trigger: ClassVar[Trigger] = SHAPE

    def check(self, record: Record) -> Iterator[Hit]:
        if not record.messages and not record.preference:
            hit = _empty(record)
            if hit:
                yield hit
            return
        for message in record.turns:
            if not readable(message):
                yield Hit(
                    f"this item of the list is {_kind(message.raw)}, not a message object; "
                    "write it as an object with a role and a content",
                    message.path,
                )


def _empty(record: Record) -> Hit | None:
    """Return the finding of a row without any turn; None for formats that have no list of messages."""
    known = _keys(record.format)
    key = next((k for k in LISTS if k in record.raw), None) or next((k for k in LISTS if k in known), None)
    if key is None:
        return None
    path = "/" + escape(key)
    if key not in record.raw:
        has = ", ".join(f"`{clip(k, 30)}`" for k in list(record.raw)[:5]) or "no keys at all"
        return Hit(f"`{key}` is missing (the row has {has}); a row needs a list of message objects", None)
    value = record.raw[key]
    if type(value) is list:
        return Hit(f"`{key}` is an empty list; write the turns or take the row out", path)
    return Hit(f"`{key}` is {_kind(value)}, expected a list of message objects", path)


@cache
def _keys(name: str) -> frozenset[str]:
    """Return the row keys that a format knows."""
    try:
        return formats.get(name).row_keys
    except PrepdataError:
        return frozenset()


def _kind(value: object) -> str:
    """Return what a JSON value is, in words, with its beginning."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text '{clip(value, 40)}'"
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else f"the number {clip(str(value), 30)}"
