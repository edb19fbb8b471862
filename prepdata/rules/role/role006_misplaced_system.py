"""ROLE006: a system message that is not first, or several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.record import Message, Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.role._words import roles
from prepdata.rules.targeting import judge, value

SYSTEM = ("system", "developer")


class MisplacedSystem(RecordRule):
    """Finds a system message after the first turn, and rows with more than one.

    Why: most chat templates look for a system message in first place only. A later one is refused, dropped, or
    written as an ordinary turn, so that the model does not learn to obey it.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief."}, {"role":
         "assistant", "content": "Hello."}]}
    Good:
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}, {"role":
         "assistant", "content": "Hello."}]}
    Fix: unsafe; all system texts are joined into one message in first place, which changes what the turns before
    them had been told.
    Source: Llama, Qwen and Mistral chat templates, read 2026-06.
    """

    code: ClassVar[str] = "ROLE006"
    name: ClassVar[str] = "misplaced-system"
    severity: ClassVar[Severity] = "warning"
    fix = "unsafe"
    trigger: ClassVar[Trigger] = SHAPE

    def setup(self) -> None:
        self.verdict = judge(self.context.targets, lambda t: value(t.accepts.several_systems), "warning")

    def check(self, record: Record) -> Iterator[Hit]:
        verdict = self.verdict
        if verdict.severity is None:
            return
        found = roles(record.messages)
        places = [i for i, role in enumerate(found) if role in SYSTEM]
        if not places or places == [0]:
            return
        several = len(places) > 1
        fix = _front(record, places)
        for i in places[1:] if several and places[0] == 0 else places:
            if several and i != places[0]:
                what = f"a second system message (the first is turn {places[0] + 1})"
            else:
                what = f"a system message in place {i + 1}"
            yield Hit(
                f"{what}; a row should have one, in first place: move it there or join it with the first",
                record.messages[i].path,
                severity=verdict.severity,
                targets=verdict.targets,
                fix=fix,
            )
            fix = None


def _front(record: Record, places: list[int]) -> Fix | None:
    """Return the fix that puts one joined system message first; None where the turns are not plain items of a list."""
    messages = record.messages
    bases = {m.path.rpartition("/")[0] for m in messages}
    if len(bases) != 1 or any(not _plain(messages[i]) for i in places):
        return None
    base = bases.pop()
    if not base or base.count("/") != 1:
        return None
    head = messages[places[0]]
    key = head.field.rpartition("/")[2]
    joined: dict[str, Any] = {**head.raw, key: "\n\n".join(messages[i].text for i in places)}
    rest = [m.raw for i, m in enumerate(messages) if i not in places]
    return Fix("put one joined system message first", False, (Edit("set", base, [joined, *rest]),))


def _plain(message: Message) -> bool:
    """Return True for a message of a role and a text, and nothing else."""
    return type(message.raw) is dict and len(message.raw) == 2 and message.kind == "text"
