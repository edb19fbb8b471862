"""TEXT002: content that is neither text nor a list of parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from prepdata.findings import Edit, Fix, Hit, Severity, clip
from prepdata.jsontext import json_text
from prepdata.record import Message, Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger

_NAMES = {bool: "true or false", int: "a number", float: "a number", dict: "an object", list: "a list"}


class ContentType(RecordRule):
    """Finds content that is neither text nor a list of parts, and text among parts.

    Why: providers refuse such a row, and a trainer may train on Python's spelling of the object. With a trainer as
    target that reads its data as columns, text in one turn and parts in another is a warning too: a column has one
    type.
    Bad:
        {"messages": [{"role": "user", "content": 42}, {"role": "assistant", "content": "The answer."}]}
    Good:
        {"messages": [{"role": "user", "content": "42"}, {"role": "assistant", "content": "The answer."}]}
    Fix: safe; a number becomes the same number as text, a text among parts a part of kind text. Objects are left alone.
    Source: OpenAI API reference, message content (2026-08); Apache Arrow, one type per column (2026-08).
    """

    code: ClassVar[str] = "TEXT002"
    name: ClassVar[str] = "content-type"
    severity: ClassVar[Severity] = "error"
    fix = "safe"
    trigger: ClassVar[Trigger] = SHAPE

    def setup(self) -> None:
        self.trainers = tuple(t.name for t in self.context.targets if t.kind == "trainer")

    def check(self, record: Record) -> Iterator[Hit]:
        strings: list[Message] = []
        parts = False
        for message in record.turns:
            if message.kind == "other":
                yield from _other(message)
            elif message.kind == "parts":
                parts = True
                yield from _parts(message)
            elif message.kind in ("text", "blank") and message.field.endswith("/content"):
                strings.append(message)
        if parts and strings and self.trainers and record.format == "openai":
            yield from self._mixed(strings)

    def _mixed(self, strings: list[Message]) -> Iterator[Hit]:
        """Yield a finding for each text that stands in a conversation where others are parts."""
        for message in strings:
            edit = Edit("set", message.field, [{"type": "text", "text": message.text}])
            yield Hit(
                "content is text here and a list of parts in another turn of this row; trainers that read columns want "
                "one type: make it a list with one text part",
                message.field,
                severity="warning",
                targets=self.trainers,
                fix=Fix("make the text a text part", True, (edit,)),
            )


def _other(message: Message) -> Iterator[Hit]:
    raw = message.raw
    if type(raw) is not dict or message.field == message.path:
        return  # not a message at all: missing-messages speaks of it
    key = message.field.rpartition("/")[2]
    if key not in raw:
        return
    value = raw[key]
    fix = None
    if type(value) in (int, float, bool):
        text = msgspec.json.encode(value).decode()
        fix = Fix("make the value text", True, (Edit("set", message.field, text),))
    yield Hit(
        f"content is {_NAMES.get(type(value), 'of another type')}: {_shown(value)}; "
        "it must be text or a list of parts: write it as text",
        message.field,
        fix=fix,
    )


def _parts(message: Message) -> Iterator[Hit]:
    inside = message.field + "/"
    for part in message.parts:
        if not part.path.startswith(inside):
            continue  # columns of the row (instruction and input), which the format puts together
        if type(part.raw) is str:
            edit = Edit("set", part.path, {"type": "text", "text": part.raw})
            yield Hit(
                f'text "{clip(part.raw, 40)}" stands bare among the parts; '
                'write {"type": "text", "text": ...} instead',
                part.path,
                fix=Fix("make the text a part", True, (edit,)),
            )
        elif type(part.raw) is not dict:
            yield Hit(f"a part of content is {_shown(part.raw)}; a part must be an object with a type", part.path)
        elif not part.text and part.raw.get("type") == "text" and type(part.raw.get("text")) is not str:
            yield Hit(f"a text part whose text is {_shown(part.raw.get('text'))}; it must be text", part.path)


def _shown(value: Any) -> str:
    try:
        return clip(json_text(value), 40)
    except (msgspec.MsgspecError, TypeError, RecursionError):
        return type(value).__name__
