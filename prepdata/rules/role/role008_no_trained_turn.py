"""ROLE008: every assistant turn has weight 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.targeting import names, value


class NoTrainedTurn(RecordRule):
    """Finds rows in which every assistant turn has weight 0.

    Why: weight 0 takes a turn out of the loss. A row with no other turn is read and paid for, and teaches nothing;
    some trainers end with a loss that is not a number.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello.", "weight": 0}]}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello.", "weight":
         0}, {"role": "user", "content": "Bye"}, {"role": "assistant", "content": "Bye.", "weight": 1}]}
    Fix: none; give the turn that should be learnt weight 1, or take the row out.
    Source: OpenAI fine-tuning guide, weights of multi-turn examples (2026-08).
    """

    code: ClassVar[str] = "ROLE008"
    name: ClassVar[str] = "no-trained-turn"
    severity: ClassVar[Severity] = "error"
    trigger: ClassVar[Trigger] = SHAPE

    def setup(self) -> None:
        targets = self.context.targets
        self.holds_for = names(targets, lambda t: value(t.accepts.weights) in (None, "zero-or-one", "number"))
        self.silent = bool(targets) and not self.holds_for

    def check(self, record: Record) -> Iterator[Hit]:
        if self.silent:
            return
        turns = record.messages + record.chosen if record.chosen else record.messages
        answers = 0
        for message in turns:
            if message.role == "assistant":
                if message.weight != 0 or message.weight is False:
                    return
                answers += 1
        if answers:
            which = "the only assistant turn has" if answers == 1 else f"all {answers} assistant turns have"
            yield Hit(
                f"{which} weight 0: nothing is learnt from this row; give one weight 1 or take the row out",
                None,
                targets=self.holds_for,
            )
