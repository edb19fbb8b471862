"""TEXT001: an answer that is empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Message, Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger

_WORDS = {"text": "is empty", "blank": "is empty or only white space", "null": "is null", "absent": "has no content",
          "parts": "has no part with anything in it"}  # fmt: skip


class EmptyAnswer(RecordRule):
    """Finds assistant turns that are empty, blank or null and make no call.

    Why: an empty answer teaches the model to say nothing. Mostly a request failed or a column was lost on the way.
    Both answers of a preference row count. A turn that only calls a tool, refuses in `refusal`, speaks in `audio`,
    or holds its reasoning ahead of another turn is not empty.
    Bad:
        {"messages": [{"role": "user", "content": "Where is my order?"}, {"role": "assistant", "content": ""}]}
    Good:
        {"messages": [{"role": "user", "content": "Where is my order?"}, {"role": "assistant", "content": "On its
         way."}]}
    Fix: none; what the answer should be is for people to say.
    Source: OpenAI fine-tuning guide, "content or tool_calls is required" for assistant turns (2026-08).
    """

    code: ClassVar[str] = "TEXT001"
    name: ClassVar[str] = "empty-answer"
    severity: ClassVar[Severity] = "error"
    trigger: ClassVar[Trigger] = SHAPE

    def check(self, record: Record) -> Iterator[Hit]:
        turns = record.turns
        for i, message in enumerate(turns):
            if message.role != "assistant" or message.calls or not is_empty(message):
                continue
            if type(message.raw) is dict and (message.raw.get("refusal") or message.raw.get("audio")):
                continue
            if message.reasoning and i + 1 < len(turns) and turns[i + 1].role == "assistant":
                continue
            alone = ", it holds only reasoning" if message.reasoning else ""
            yield Hit(
                f"this answer {_WORDS[message.kind]}{alone}: write the answer, or drop the row",
                message.field if message.kind in ("blank", "null", "parts") else message.path,
            )


def is_empty(message: Message) -> bool:
    """True if a message holds nothing: no text, no image, no call, no result."""
    if message.kind == "parts":
        return not any(p.kind not in ("text", "reasoning") or p.text.strip() for p in message.parts)
    return message.kind in ("blank", "null", "absent")
