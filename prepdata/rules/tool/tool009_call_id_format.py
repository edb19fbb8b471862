"""TOOL009: a call id that the target refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

import xxhash

from prepdata.findings import Edit, Fix, Hit, Severity, clip
from prepdata.record import Record, ToolCall
from prepdata.rules.base import CALLS, RecordRule, Trigger
from prepdata.rules.targeting import concerns, listed, value
from prepdata.rules.tool._pairing import pair

_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class CallIdFormat(RecordRule):
    """Finds call ids that a target refuses, or that are missing where it wants one.

    Why: some tokenizers check the form of ids (Mistral's wants nine letters and digits) and stop at the first other.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [{"id": "call_1",
         "type": "function", "function": {"name": "f", "arguments": "{}"}}]}]}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [{"id": "a1B2c3D4e",
         "type": "function", "function": {"name": "f", "arguments": "{}"}}]}]}
    Fix: safe; the id is replaced in the call and in its result by one made from it, so equal ids stay equal.
    Source: the `accepts.call_id_pattern` of each target file, with its own source and date.
    """

    code: ClassVar[str] = "TOOL009"
    name: ClassVar[str] = "call-id-format"
    severity: ClassVar[Severity] = "error"
    fix = "safe"
    trigger: ClassVar[Trigger] = CALLS

    def setup(self) -> None:
        found = [(t.name, value(t.accepts.call_id_pattern)) for t in self.context.targets]
        self.patterns = [(name, re.compile(pattern)) for name, pattern in found if pattern]

    def missing(self) -> str | None:
        return None if self.context.targets else "a target with --target"

    def check(self, record: Record) -> Iterator[Hit]:
        if not self.patterns or not any(concerns(t, record.format) for t in self.context.targets):
            return
        for message in record.turns:
            for call in message.calls:
                if call.legacy or not call.path.rpartition("/")[2].isdigit():
                    continue
                found = call.id
                refusing = tuple(n for n, p in self.patterns if type(found) is not str or not p.fullmatch(found))
                if refusing:
                    yield self._hit(record, call, refusing)

    def _hit(self, record: Record, call: ToolCall, refusing: tuple[str, ...]) -> Hit:
        """Return the finding of one call."""
        wanted = next(p.pattern for n, p in self.patterns if n in refusing)
        who = listed(refusing)
        if call.id is None:
            return Hit(f"a call without an id; {who} wants one like {clip(wanted, 60)}", call.path, targets=refusing)
        text = f"call id '{clip(str(call.id), 40)}' is refused by {who}; expected {clip(wanted, 60)}"
        place = f"{call.path}/id" if type(call.raw) is dict and "id" in call.raw else call.path
        return Hit(text, place, targets=refusing, fix=self._rename(record, call))

    def _rename(self, record: Record, call: ToolCall) -> Fix | None:
        """Return the fix that gives the call and its results a new id that all patterns take."""
        if type(call.id) is not str or type(call.raw) is not dict or call.raw.get("id") != call.id:
            return None
        new = next((n for n in _ids(call.id) if all(p.fullmatch(n) for _, p in self.patterns)), None)
        if new is None:
            return None
        edits = [Edit("set", f"{call.path}/id", new)]
        for answered, result in pair(record).links:
            if answered is call and result.id == call.id:
                edits.append(Edit("set", result.path, new))
        return Fix(f"write '{new}' in the call and its result", True, tuple(edits))


def _ids(old: str) -> Iterator[str]:
    """Yield ids made from an old one, in the forms that targets are known to take."""
    number = xxhash.xxh3_128_intdigest(old.encode("utf-8", "surrogatepass"))
    signs = ""
    while len(signs) < 20:
        number, rest = divmod(number, 62)
        signs += _SIGNS[rest]
    yield signs[:9]
    yield "call_" + signs
    yield "tooluse_" + signs
    yield signs
