"""ROLE003: a row with nothing to learn from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.role._words import is_free_text, roles
from prepdata.rules.targeting import names, value


class NoAssistantTurn(RecordRule):
    """Finds rows that hold no assistant turn at all.

    Why: a model learns from the assistant's turns only. A row without one costs tokens and teaches nothing; some
    trainers drop it silently, others stop.
    Bad:
        {"messages": [{"role": "user", "content": "How do I reset my password?"}]}
    Good:
        {"messages": [{"role": "user", "content": "How do I reset my password?"}, {"role": "assistant", "content":
         "Open Settings, then Security, and choose Reset."}]}
    Fix: none; the answer has to be written. Targets for reinforcement, which want prompts alone, are left in peace.
    Source: OpenAI fine-tuning guide, every example needs an assistant message (2026-08).
    """

    code: ClassVar[str] = "ROLE003"
    name: ClassVar[str] = "no-assistant-turn"
    severity: ClassVar[Severity] = "error"
    trigger: ClassVar[Trigger] = SHAPE

    def setup(self) -> None:
        targets = self.context.targets
        self.holds_for = names(targets, lambda t: value(t.accepts.last_role) != "user")
        self.silent = bool(targets) and not self.holds_for

    def check(self, record: Record) -> Iterator[Hit]:
        if self.silent or not record.turns or is_free_text(record):
            return
        found = roles(record.turns)
        if "assistant" in found or "" in found or not any(found):
            return
        some = ", ".join(dict.fromkeys(found))
        yield Hit(
            f"no assistant turn (only {some}): there is nothing to learn from; write the answer or take the row out",
            None,
            targets=self.holds_for,
        )
