"""OpenAI preference rows: `input`, `preferred_output`, `non_preferred_output`."""

from __future__ import annotations

from typing import Any, ClassVar

from prepdata.formats.base import Format, Lossy
from prepdata.formats.openai import CHAT, CHAT_KEYS, CHAT_ROLES, add_tools
from prepdata.formats.turns import Turns, plain_row, view_side
from prepdata.formats.writing import Ids, chat_messages, chat_tools, refuse
from prepdata.record import Record

_NAMES = (("preferred_output", "non_preferred_output"), ("preferred_completion", "non_preferred_completion"))
_OWN = tuple(("input", *pair) for pair in _NAMES)


class OpenAIPreference(Format):
    """`{"input": {"messages": [...]}, "preferred_output": [...], "non_preferred_output": [...]}`"""

    name: ClassVar[str] = "openai-dpo"
    title: ClassVar[str] = "OpenAI preference"
    row_keys: ClassVar[frozenset[str]] = frozenset({"input", *(name for pair in _NAMES for name in pair)})
    message_keys: ClassVar[frozenset[str]] = CHAT_KEYS
    roles: ClassVar[dict[str, str]] = CHAT_ROLES

    def recognise(self, raw: dict[str, Any]) -> bool:
        if "preferred_output" in raw or "preferred_completion" in raw:
            return True
        return "non_preferred_output" in raw or "non_preferred_completion" in raw

    def view(self, raw: dict[str, Any]) -> Record:
        which = 1 if "preferred_completion" in raw or "non_preferred_completion" in raw else 0
        good, bad = _NAMES[which]
        given = raw.get("input")
        held = given if type(given) is dict else {}
        prompt = view_side(held["messages"], "/input/messages", CHAT, "user") if "messages" in held else None
        if prompt is None and "input" in raw and type(given) is not dict:
            prompt = view_side(given, "/input", CHAT, "user")
        prompt = prompt or Turns((), (), 0)
        chosen = view_side(raw[good], "/" + good, CHAT) if good in raw else None
        rejected = view_side(raw[bad], "/" + bad, CHAT) if bad in raw else None
        record = Record(self.name, raw, prompt.messages, chosen.messages if chosen else (),
                        rejected.messages if rejected else ())  # fmt: skip
        if chosen and rejected and len(held) == 1 and "messages" in held:
            inner = 1 + (type(held["messages"]) is str) + prompt.strings + chosen.strings + rejected.strings
            shapes = (prompt.shape, chosen.shape, rejected.shape)
            record.shape, record.strings = plain_row(raw, _OWN[which], shapes, inner)
        add_tools(record, held, "/input")
        return record

    def write(self, record: Record) -> dict[str, Any]:
        if not record.preference:
            raise Lossy(refuse(record, "it has no chosen and rejected answer"))
        ids = Ids()
        given: dict[str, Any] = {"messages": chat_messages(record.messages, ids)}
        if record.tools:
            given["tools"] = chat_tools(record)
        good, bad = _NAMES[0]
        return {"input": given, good: chat_messages(record.chosen, ids), bad: chat_messages(record.rejected, ids)}
