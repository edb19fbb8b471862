"""ROLE009: a weight that is wrong, misplaced or ignored."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any, ClassVar

from prepdata.findings import Hit, Severity, clip
from prepdata.record import Message, Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.targeting import listed, names, value


class InvalidWeight(RecordRule):
    """Finds message weights that are not 0 or 1, that sit on another role, or that a target ignores or refuses.

    Why: `weight` says which assistant turns are learnt from. Any other value or place is refused by providers; where
    weights are ignored, a turn marked 0 because it is wrong is trained on all the same.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello.", "weight": "1"}]}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello.", "weight": 1}]}
    Fix: none; which turns should be learnt is for people to say.
    Source: OpenAI API reference, assistant message `weight`: 0 or 1 (2026-08); the `accepts.weights` of each target.
    """

    code: ClassVar[str] = "ROLE009"
    name: ClassVar[str] = "invalid-weight"
    severity: ClassVar[Severity] = "error"
    trigger: ClassVar[Trigger] = SHAPE

    def setup(self) -> None:
        targets = self.context.targets
        self.refusing = names(targets, lambda t: value(t.accepts.weights) == "refused")
        self.ignoring = names(targets, lambda t: value(t.accepts.weights) == "ignored")
        self.binary = names(targets, lambda t: value(t.accepts.weights) in (None, "zero-or-one"))
        self.graded = names(targets, lambda t: value(t.accepts.weights) == "number")

    def check(self, record: Record) -> Iterator[Hit]:
        for message in record.turns:
            if message.weight is not None:
                yield from self._one(message)

    def _one(self, message: Message) -> Iterator[Hit]:
        """Yield the findings of one weight."""
        weight, key = message.weight, _key(message)
        path, shown = f"{message.path}/{key}", f"`{key}` {clip(repr(weight), 30)}"
        if self.refusing:
            yield Hit(f"{shown}: {listed(self.refusing)} refuses weights; take it out", path, targets=self.refusing)
        if self.context.targets and not self.binary and not self.graded and not self.ignoring:
            return
        if key == "weight" and message.role != "assistant":
            yield Hit(f"{shown} on a {clip(message.role, 20)} turn; only assistant turns have one: take it out", path)
        elif not _number(weight):
            yield Hit(f"{shown} is not a number; expected 0 or 1", path)
        elif key == "weight" and weight not in (0, 1) and (self.binary or not self.context.targets):
            yield Hit(f"{shown} is neither 0 nor 1", path, targets=self.binary)
        elif weight == 0 and message.role == "assistant" and self.ignoring:
            yield Hit(
                f"{listed(self.ignoring)} ignores weights: this turn of weight 0 will be trained on; take it out",
                path,
                severity="warning",
                targets=self.ignoring,
            )


def _number(weight: Any) -> bool:
    """Return True for a finite number of at least 0."""
    return type(weight) in (int, float) and isfinite(weight) and weight >= 0


def _key(message: Message) -> str:
    """Return the key under which the weight of a message stands."""
    raw = message.raw if type(message.raw) is dict else {}
    return "weight" if "weight" in raw or not raw else next((k for k in raw if k.endswith("weight")), "weight")
