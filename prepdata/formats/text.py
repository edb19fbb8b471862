"""Rows of running text, for language modelling: all of it is trained, and nothing is a prompt."""

from __future__ import annotations

from typing import Any, ClassVar

from prepdata.formats.base import Format, Lossy
from prepdata.formats.turns import bare_turn, plain_row
from prepdata.formats.writing import only_text, refuse
from prepdata.record import Record

_OWN = ("text",)
_OTHERS = frozenset({"messages", "conversations", "contents", "completion", "output", "response", "chosen"})
"""Keys with which `text` is only a rendering of the row."""


class PlainText(Format):
    """`{"text": "..."}`: one trained answer without a prompt."""

    name: ClassVar[str] = "text"
    title: ClassVar[str] = "plain text"
    row_keys: ClassVar[frozenset[str]] = frozenset(_OWN)

    def recognise(self, raw: dict[str, Any]) -> bool:
        if "text" not in raw or (type(raw["text"]) is not str and raw["text"] is not None):
            return False
        return len(raw) == 1 or (_OTHERS.isdisjoint(raw) and type(raw.get("code")) is not str)

    def view(self, raw: dict[str, Any]) -> Record:
        message = bare_turn("assistant", raw.get("text"), "/text")
        if len(raw) == 1 and type(message.raw) is str:
            return Record(self.name, raw, (message,), shape=message.kind, strings=2)
        record = Record(self.name, raw, (message,))
        shape = (message.kind,) if type(message.raw) is str or message.raw is None else None
        record.shape, record.strings = plain_row(raw, _OWN, (shape,), 0)
        return record

    def write(self, record: Record) -> dict[str, Any]:
        if len(record.messages) != 1 or record.preference or record.messages[0].role != "assistant":
            raise Lossy(refuse(record, "only a single text without a prompt can be written here"))
        return {"text": only_text(record.messages[0])}
