"""TEXT009: a user turn that is empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.text.text001_empty_answer import is_empty

_WORDS = {"blank": "is empty or only white space", "null": "is null", "absent": "has no content",
          "parts": "has no part with anything in it"}  # fmt: skip


class EmptyPrompt(RecordRule):
    """Finds user turns that are empty or blank.

    Why: an answer to nothing teaches the model to make things up. Mostly a column was lost on the way. A turn that
    holds only an image, a sound or the result of a tool is not empty.
    Bad:
        {"messages": [{"role": "user", "content": " "}, {"role": "assistant", "content": "On its way."}]}
    Good:
        {"messages": [{"role": "user", "content": "Where is my order?"}, {"role": "assistant", "content": "On its
         way."}]}
    Fix: none; what was asked is for people to say.
    Source: the project's own catalogue of rules (2026-08).
    """

    code: ClassVar[str] = "TEXT009"
    name: ClassVar[str] = "empty-prompt"
    severity: ClassVar[Severity] = "warning"
    trigger: ClassVar[Trigger] = SHAPE

    def check(self, record: Record) -> Iterator[Hit]:
        for message in record.turns:
            if message.role == "user" and is_empty(message):
                yield Hit(
                    f"this user turn {_WORDS[message.kind]}: put back what was asked, or drop the row",
                    message.path if message.kind == "absent" else message.field,
                )
