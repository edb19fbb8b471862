"""ROLE007: a system message where the target refuses one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.record import Message, Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.role._words import effective
from prepdata.rules.targeting import concerns, listed, value
from prepdata.targets.model import Target


class SystemUnsupported(RecordRule):
    """Finds a system message that a target, or its template, refuses or wants in another place.

    Why: some templates raise an error at a system message, some providers take the system prompt in a key of its own.
    The run then stops, or the instructions are lost.
    Bad:
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}, {"role":
         "assistant", "content": "Hello."}]}
    Good:
        {"messages": [{"role": "user", "content": "Be brief.\\n\\nHi"}, {"role": "assistant", "content": "Hello."}]}
    Fix: unsafe; the system text is put before the first user turn, so the model learns it as something users say.
    Source: the `accepts.system` value of each target file, with its own source and date.
    """

    code: ClassVar[str] = "ROLE007"
    name: ClassVar[str] = "system-unsupported"
    severity: ClassVar[Severity] = "error"
    fix = "unsafe"
    trigger: ClassVar[Trigger] = SHAPE

    def missing(self) -> str | None:
        return None if self.context.targets else "a target with --target"

    def check(self, record: Record) -> Iterator[Hit]:
        targets = self.context.targets
        if not targets or not record.messages:
            return
        first: Message | None = None
        for message in record.messages:
            if message.role in ("system", "developer") or (message.raw_role and effective(message) == "system"):
                first = message
                break
        if first is None:
            return
        inside = first.path.rpartition("/")[2].isdigit()
        wrong = [(t.name, reason) for t in targets if (reason := _reason(t, record.format, inside))]
        for reason in dict.fromkeys(reason for _, reason in wrong):
            who = tuple(name for name, its in wrong if its == reason)
            fix = _fold(record, first) if reason == _REFUSED else None
            yield Hit(f"{listed(who)} {reason}", first.path, targets=who, fix=fix)


_REFUSED = "takes no system message: put its text before the first user turn, or take it out"
_AS_KEY = "takes the system prompt in a key of the row (`system`), not as a message: move it there"
_AS_MESSAGE = "takes the system prompt as the first message, not as a key of the row: move it there"


def _reason(target: Target, format: str, inside: bool) -> str | None:
    """Return why a target refuses a system prompt where it is; None if it does not, or takes other formats anyway."""
    wants = value(target.accepts.system)
    if wants == "refused":
        return _REFUSED
    if not concerns(target, format):
        return None
    if wants == "key" and inside:
        return _AS_KEY
    return _AS_MESSAGE if wants == "message" and not inside else None


def _fold(record: Record, system: Message) -> Fix | None:
    """Return the fix that puts the system text before the first user turn; None where either is not plain text."""
    user = next((m for m in record.messages if m.role == "user"), None)
    if user is None or user.kind != "text" or system.kind != "text":
        return None
    edits = (Edit("set", user.field, f"{system.text}\n\n{user.text}"), Edit("remove", system.path))
    return Fix("put the system text before the first user turn", False, edits)
