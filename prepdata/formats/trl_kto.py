"""TRL rows of single answers with a good-or-bad `label`."""

from __future__ import annotations

from typing import Any, ClassVar

from prepdata.formats.base import Format, Lossy
from prepdata.formats.openai import CHAT, CHAT_KEYS, CHAT_ROLES, add_tools
from prepdata.formats.trl_prompt_completion import TRL_KEYS
from prepdata.formats.turns import plain_row, view_side, view_turns
from prepdata.formats.writing import Ids, chat_messages, chat_tools, refuse
from prepdata.record import Record

_LABELS = ("label", "kto_tag")


class Labelled(Format):
    """`{"prompt": ..., "completion": ..., "label": true}`, or `messages` with a label."""

    name: ClassVar[str] = "trl-kto"
    title: ClassVar[str] = "TRL KTO"
    row_keys: ClassVar[frozenset[str]] = frozenset({"prompt", "completion", "messages", *_LABELS}) | TRL_KEYS
    message_keys: ClassVar[frozenset[str]] = CHAT_KEYS
    roles: ClassVar[dict[str, str]] = CHAT_ROLES

    def recognise(self, raw: dict[str, Any]) -> bool:
        if type(raw.get("label")) is not bool and type(raw.get("kto_tag")) is not bool:
            return False
        if "chosen" in raw or "rejected" in raw or "schemaVersion" in raw:
            return False
        return "messages" in raw or ("prompt" in raw and "completion" in raw)

    def view(self, raw: dict[str, Any]) -> Record:
        mark = "label" if type(raw.get("label")) is bool else "kto_tag"
        label = raw.get(mark) if type(raw.get(mark)) is bool else None
        if "messages" in raw:
            listed = view_turns(raw["messages"], "/messages", CHAT)
            messages, shapes, inner, own = listed.messages, (listed.shape,), listed.strings, ("messages", mark)
        else:
            prompt = view_side(raw.get("prompt"), "/prompt", CHAT, "user")
            completion = view_side(raw.get("completion"), "/completion", CHAT)
            messages, inner = prompt.messages + completion.messages, prompt.strings + completion.strings
            shapes, own = (prompt.shape, completion.shape), ("prompt", "completion", mark)  # type: ignore[assignment]
        record = Record(self.name, raw, messages, label=label)
        add_tools(record, raw)
        record.shape, record.strings = plain_row(raw, own, (label, *shapes), inner)
        return record

    def write(self, record: Record) -> dict[str, Any]:
        if record.label is None or record.preference:
            raise Lossy(refuse(record, "it has no good-or-bad label"))
        prompt, answer = record.split()
        if not answer or len(prompt) + len(answer) != len(record.messages):
            raise Lossy(refuse(record, "the conversation does not end with an answer"))
        ids = Ids()
        row: dict[str, Any] = {"prompt": chat_messages(prompt, ids), "completion": chat_messages(answer, ids)}
        row["label"] = record.label
        if record.tools:
            row["tools"] = chat_tools(record)
        return row
