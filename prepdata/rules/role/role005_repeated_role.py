"""ROLE005: the same role twice in a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.record import Message, Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.role._words import is_free_text, roles
from prepdata.rules.targeting import judge, value


class RepeatedRole(RecordRule):
    """Finds two user turns or two assistant turns that follow one another.

    Why: many chat templates refuse turns that do not alternate, and others glue them together. Often a turn between
    them was lost. The results of parallel tool calls are no repetition, nor are turns of speakers with different names.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "user", "content": "Where is my order?"}, {"role":
         "assistant", "content": "On its way."}]}
    Good:
        {"messages": [{"role": "user", "content": "Hi. Where is my order?"}, {"role": "assistant", "content": "On
         its way."}]}
    Fix: unsafe; joins the two texts with an empty line between them. A lost turn is not brought back by that.
    Source: Mistral and Llama chat templates, "roles must alternate" (2026-06); Together data format (2026-08).
    """

    code: ClassVar[str] = "ROLE005"
    name: ClassVar[str] = "repeated-role"
    severity: ClassVar[Severity] = "warning"
    fix = "unsafe"
    trigger: ClassVar[Trigger] = SHAPE

    def setup(self) -> None:
        self.verdict = judge(self.context.targets, lambda t: value(t.accepts.repeated_roles), "warning")

    def check(self, record: Record) -> Iterator[Hit]:
        if self.verdict.severity is None or is_free_text(record):
            return
        yield from self._pairs(record.messages)
        for side in (record.chosen, record.rejected):
            if len(side) > 1:
                yield from self._pairs(side)

    def _pairs(self, messages: tuple[Message, ...]) -> Iterator[Hit]:
        """Yield a finding for each turn that repeats the role of the one before."""
        found = roles(messages)
        for i in range(1, len(found)):
            role = found[i]
            if role == found[i - 1] and role in ("user", "assistant") and _repeats(messages[i - 1], messages[i]):
                yield Hit(
                    f"two {role} turns in a row; turns should alternate: add the turn that is missing between them, "
                    "or join them",
                    messages[i].path,
                    severity=self.verdict.severity,
                    targets=self.verdict.targets,
                    fix=_join(messages[i - 1], messages[i]),
                )


def _repeats(first: Message, second: Message) -> bool:
    """Return False for neighbours of one role that are right: other speakers, a call before its unread answer,
    results of tools carried by user turns, a turn of reasoning alone."""
    if first.calls or (first.name is not None and second.name is not None and first.name != second.name):
        return False
    if first.reasoning and not first.text:
        return False
    return not any(part.kind == "tool_result" for part in first.parts + second.parts)


def _join(first: Message, second: Message) -> Fix | None:
    """Return the fix that joins two plain turns; None where either holds more than a role and a text."""
    for message in (first, second):
        keys = message.raw if type(message.raw) is dict else {}
        if len(keys) != 2 or message.kind != "text" or not message.path.rpartition("/")[2].isdigit():
            return None
    text = f"{first.text}\n\n{second.text}"
    return Fix("join the two turns", False, (Edit("set", first.field, text), Edit("remove", second.path)))
