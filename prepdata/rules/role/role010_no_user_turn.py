"""ROLE010: an answer to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.role._words import is_free_text, roles


class NoUserTurn(RecordRule):
    """Finds rows with an assistant turn and no user turn: an answer to nothing.

    Why: the model learns to speak without being asked. Usually the question was lost, or put into the system message.
    Bad:
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "assistant", "content": "Hello."}]}
    Good:
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}, {"role":
         "assistant", "content": "Hello."}]}
    Fix: none; the question has to be written. A greeting that the assistant opens with may be meant: accept it then.
    Source: OpenAI cookbook, data preparation for chat fine-tuning, counts such rows (2024-09).
    """

    code: ClassVar[str] = "ROLE010"
    name: ClassVar[str] = "no-user-turn"
    severity: ClassVar[Severity] = "warning"
    trigger: ClassVar[Trigger] = SHAPE

    def check(self, record: Record) -> Iterator[Hit]:
        if is_free_text(record):
            return
        found = roles(record.turns)
        if "assistant" in found and "user" not in found and "" not in found:
            yield Hit("an assistant turn and no user turn: an answer to nothing; write the question", None)
