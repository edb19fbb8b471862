"""ROLE010: an answer to nothing: no user turn, or none before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.role._words import is_free_text, roles
from prepdata.rules.targeting import concerns, names, value


class NoUserTurn(RecordRule):
    """Finds rows with an assistant turn and no user turn: an answer to nothing.

    For targets whose conversations begin with a user turn, an assistant turn that comes first is an error as well.

    Why: the model learns to speak without being asked. Usually the question was lost, or put into the system message.
    Bad:
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "assistant", "content": "Hello."}]}
    Good:
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}, {"role":
         "assistant", "content": "Hello."}]}
    Fix: none; the question has to be written. A greeting that the assistant opens with may be meant: accept it then.
    Source: OpenAI cookbook, data preparation for chat fine-tuning, counts such rows (2024-09); `accepts.first_role` of
        the targets, each with its own source and date.
    """

    code: ClassVar[str] = "ROLE010"
    name: ClassVar[str] = "no-user-turn"
    severity: ClassVar[Severity] = "warning"
    trigger: ClassVar[Trigger] = SHAPE

    def setup(self) -> None:
        self.strict = [target for target in self.context.targets if value(target.accepts.first_role) == "user"]

    def check(self, record: Record) -> Iterator[Hit]:
        if is_free_text(record):
            return
        found = roles(record.turns)
        if "assistant" not in found or "" in found:
            return
        refusing = names(self.strict, lambda target: concerns(target, record.format))
        severity: Severity = "error" if refusing else "warning"
        if "user" not in found:
            text = "an assistant turn and no user turn: an answer to nothing; write the question"
            yield Hit(text, None, severity=severity, targets=refusing)
            return
        first = next(i for i, role in enumerate(found) if role not in ("system", "developer"))
        if refusing and found[first] == "assistant":
            text = "an assistant turn comes first, where a user turn is expected: write the question, or leave it out"
            yield Hit(text, record.turns[first].path, severity=severity, targets=refusing)
