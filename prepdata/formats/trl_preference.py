"""TRL preference rows: `chosen` and `rejected`, with the prompt apart or inside both."""

from __future__ import annotations

from typing import Any, ClassVar

from prepdata.formats.base import Format, Lossy
from prepdata.formats.openai import CHAT, CHAT_KEYS, CHAT_ROLES, add_tools
from prepdata.formats.trl_prompt_completion import TRL_KEYS
from prepdata.formats.turns import Turns, plain_row, shared_prefix, view_side
from prepdata.formats.writing import Ids, chat_messages, chat_tools, refuse
from prepdata.record import Record

_PAIR = ("chosen", "rejected")
_WITH = {key: (key, *_PAIR) for key in ("prompt", "messages")}


class Preference(Format):
    """`{"prompt": ..., "chosen": ..., "rejected": ...}`: texts or lists of messages; the prompt may be left out."""

    name: ClassVar[str] = "trl-preference"
    title: ClassVar[str] = "TRL preference"
    row_keys: ClassVar[frozenset[str]] = frozenset({"prompt", "messages", *_PAIR}) | TRL_KEYS
    message_keys: ClassVar[frozenset[str]] = CHAT_KEYS
    roles: ClassVar[dict[str, str]] = CHAT_ROLES

    def recognise(self, raw: dict[str, Any]) -> bool:
        if "chosen" not in raw or "rejected" not in raw:
            return False
        return "conversations" not in raw and "conversation" not in raw and "instruction" not in raw

    def view(self, raw: dict[str, Any]) -> Record:
        key = "prompt" if "prompt" in raw else "messages" if "messages" in raw else ""
        chosen = view_side(raw.get("chosen"), "/chosen", CHAT)
        rejected = view_side(raw.get("rejected"), "/rejected", CHAT)
        if key:
            prompt = view_side(raw[key], "/" + key, CHAT, "user")
            record = Record(self.name, raw, prompt.messages, chosen.messages, rejected.messages)
        else:
            shared = shared_prefix(raw.get("chosen"), raw.get("rejected"))
            prompt = Turns((), (shared,), 0)
            record = Record(self.name, raw, chosen.messages[:shared], chosen.messages[shared:],
                            rejected.messages[shared:])  # fmt: skip
        add_tools(record, raw)
        shapes = (prompt.shape, chosen.shape, rejected.shape)
        inner = prompt.strings + chosen.strings + rejected.strings
        record.shape, record.strings = plain_row(raw, _WITH.get(key, _PAIR), shapes, inner)
        return record

    def write(self, record: Record) -> dict[str, Any]:
        if not record.preference:
            raise Lossy(refuse(record, "it has no chosen and rejected answer"))
        sides = (record.chosen, record.rejected)
        if all(len(side) == 1 for side in (record.messages, *sides)) and all(map(_bare, record.turns)):
            return {"prompt": record.messages[0].text, "chosen": sides[0][0].text, "rejected": sides[1][0].text}
        ids = Ids()
        row: dict[str, Any] = {"prompt": chat_messages(record.messages, ids)} if record.messages else {}
        row |= {"chosen": chat_messages(sides[0], ids), "rejected": chat_messages(sides[1], ids)}
        if record.tools:
            row["tools"] = chat_tools(record)
        return row


def _bare(message: Any) -> bool:
    return message.raw_role is None and message.role in ("user", "assistant") and message.kind == "text"
