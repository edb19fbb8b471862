"""TRL prompt-completion rows whose prompt and completion are lists of messages."""

from __future__ import annotations

from typing import Any, ClassVar

from prepdata.formats.base import Format, Lossy
from prepdata.formats.openai import CHAT, CHAT_KEYS, CHAT_ROLES, add_tools
from prepdata.formats.turns import plain_row, view_side
from prepdata.formats.writing import Ids, chat_messages, chat_tools, refuse
from prepdata.record import Record

TRL_KEYS = frozenset({"tools", "chat_template_kwargs"})
_OWN = ("prompt", "completion")


class PromptCompletionChat(Format):
    """`{"prompt": [{"role": ..., "content": ...}], "completion": [{"role": ..., "content": ...}]}`"""

    name: ClassVar[str] = "trl-prompt-completion"
    title: ClassVar[str] = "TRL conversational prompt-completion"
    row_keys: ClassVar[frozenset[str]] = frozenset(_OWN) | TRL_KEYS
    message_keys: ClassVar[frozenset[str]] = CHAT_KEYS
    roles: ClassVar[dict[str, str]] = CHAT_ROLES

    def recognise(self, raw: dict[str, Any]) -> bool:
        if "prompt" not in raw or "completion" not in raw or type(raw.get("label")) is bool:
            return False
        return type(raw["prompt"]) in (list, dict) or type(raw["completion"]) in (list, dict)

    def view(self, raw: dict[str, Any]) -> Record:
        prompt = view_side(raw.get("prompt"), "/prompt", CHAT, "user")
        completion = view_side(raw.get("completion"), "/completion", CHAT)
        record = Record(self.name, raw, prompt.messages + completion.messages)
        add_tools(record, raw)
        shapes = (prompt.shape, completion.shape)
        record.shape, record.strings = plain_row(raw, _OWN, shapes, prompt.strings + completion.strings)
        return record

    def write(self, record: Record) -> dict[str, Any]:
        if record.preference:
            raise Lossy(refuse(record, "it has a chosen and a rejected answer"))
        prompt, answer = halves(record)
        ids = Ids()
        row: dict[str, Any] = {"prompt": chat_messages(prompt, ids), "completion": chat_messages(answer, ids)}
        if record.tools:
            row["tools"] = chat_tools(record)
        return row


def halves(record: Record) -> tuple[Any, Any]:
    """Return (prompt, answer) of a conversation that ends in its only trained answer.

    Raises:
        Lossy: it ends otherwise, or earlier answers are trained too.
    """
    prompt, answer = record.split()
    if not answer or len(prompt) + len(answer) != len(record.messages):
        raise Lossy(refuse(record, "the conversation does not end with an answer"))
    for message in prompt:
        if message.trained:
            raise Lossy([f"{message.path}: an earlier answer that is trained too would become part of the prompt"])
    return prompt, answer
