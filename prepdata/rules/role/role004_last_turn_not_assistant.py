"""ROLE004: a row that ends before the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.record import Message, Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.role._words import is_free_text, roles
from prepdata.rules.targeting import listed, names, value


class LastTurnNotAssistant(RecordRule):
    """Finds rows that go on after the last answer, so that they end with a turn that nobody learns from.

    Why: the turns after the last answer are read and paid for, and never trained on; several providers refuse such a
    row. Usually an answer was lost. For reinforcement targets it is the other way round: a row ends with the prompt.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}, {"role":
         "user", "content": "Where is my order?"}]}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
    Fix: unsafe; removes the turns after the last answer (for reinforcement targets: the answer at the end). Better
    write the missing answer.
    Source: Mistral fine-tuning data checks, last turn (2026-06); OpenAI reinforcement fine-tuning guide (2026-08).
    """

    code: ClassVar[str] = "ROLE004"
    name: ClassVar[str] = "last-turn-not-assistant"
    severity: ClassVar[Severity] = "error"
    fix = "unsafe"
    trigger: ClassVar[Trigger] = SHAPE

    def setup(self) -> None:
        targets = self.context.targets
        self.want_user = names(targets, lambda t: value(t.accepts.last_role) == "user")
        self.want_answer = names(targets, lambda t: value(t.accepts.last_role) in (None, "assistant"))
        self.silent = bool(targets) and not self.want_answer

    def check(self, record: Record) -> Iterator[Hit]:
        if is_free_text(record):
            return
        if record.preference:
            for side, messages in (("chosen", record.chosen), ("rejected", record.rejected)):
                yield from self._ends(messages, f"the {side} answer")
            return
        yield from self._ends(record.messages, "the row")
        if self.want_user:
            yield from self._prompt_wanted(record.messages)

    def _ends(self, messages: tuple[Message, ...], what: str) -> Iterator[Hit]:
        """Yield the finding of a list of turns that goes on after its last assistant turn."""
        if self.silent or not messages or messages[-1].role == "assistant":
            return
        found = roles(messages)
        if "assistant" not in found or found[-1] in ("assistant", ""):
            return
        last = len(found) - 1 - found[::-1].index("assistant")
        extra = messages[last + 1 :]
        yield Hit(
            f"{what} ends with a {found[-1]} turn; it should end with the assistant's answer: write the answer, or "
            f"remove the {len(extra)} turn{'s' if len(extra) > 1 else ''} after the last one",
            messages[-1].path,
            targets=self.want_answer,
            fix=_remove(extra, "remove the turns after the last answer"),
        )

    def _prompt_wanted(self, messages: tuple[Message, ...]) -> Iterator[Hit]:
        """Yield the finding of a row that holds the answer although the target writes it itself."""
        found = roles(messages)
        if found and found[-1] == "assistant":
            yield Hit(
                f"the row ends with an assistant turn; {listed(self.want_user)} wants rows that end with the user's "
                "turn, since the model writes the answer in training",
                messages[-1].path,
                targets=self.want_user,
                fix=_remove(messages[-1:], "remove the answer at the end"),
            )


def _remove(messages: tuple[Message, ...], title: str) -> Fix | None:
    """Return the fix that takes turns out, last first; None where a turn is not an item of a list."""
    if any(not m.path.rpartition("/")[2].isdigit() for m in messages):
        return None
    return Fix(title, False, tuple(Edit("remove", m.path) for m in reversed(messages)))
