"""TOOL007: a tool result with no call, or an id that is unmatched or repeated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.base import CALLS, RecordRule, Trigger
from prepdata.rules.targeting import names
from prepdata.rules.tool._pairing import pair, settled


class UnmatchedResult(RecordRule):
    """Finds tool results that answer no call, and ids that match nothing or stand on two calls at once.

    Why: providers refuse such a row; a model that sees results out of nowhere learns to make them up. Results are
    matched by id where calls have ids, by name and order where they have none. An id may be used again once its call
    has been answered.
    Bad:
        {"messages": [{"role": "user", "content": "Weather?"}, {"role": "tool", "tool_call_id": "c1", "content":
         "Rain"}, {"role": "assistant", "content": "It rains."}]}
    Good:
        {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "c1",
         "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id":
         "c1", "content": "Rain"}, {"role": "assistant", "content": "It rains."}]}
    Fix: none; which call was meant is not known.
    Source: OpenAI API reference, tool messages must follow the call with their id (2026-08).
    """

    code: ClassVar[str] = "TOOL007"
    name: ClassVar[str] = "unmatched-result"
    severity: ClassVar[Severity] = "error"
    trigger: ClassVar[Trigger] = CALLS

    def setup(self) -> None:
        self.strict = bool(names(self.context.targets, lambda t: t.kind == "provider"))

    def check(self, record: Record) -> Iterator[Hit]:
        if settled(record):
            return
        for issue in pair(record).issues:
            loose = issue.kind == "no-id" and not self.strict
            yield Hit(issue.text, issue.path, severity="warning" if loose else None)
