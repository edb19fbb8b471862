"""TOOL008: a call with no result before the next turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Hit, Severity, clip
from prepdata.record import Record
from prepdata.rules.base import CALLS, RecordRule, Trigger
from prepdata.rules.targeting import judge, value
from prepdata.rules.tool._pairing import pair, settled


class UnansweredCall(RecordRule):
    """Finds calls that get no result before the conversation goes on.

    Why: the model learns to go on as if it had seen a result, that is, to make one up; several templates and providers
    refuse such a row. A call at the end of a row is right: there the call is the answer.
    Bad:
        {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "c1",
         "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}, {"role": "assistant", "content":
         "Rain."}]}
    Good:
        {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "c1",
         "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id":
         "c1", "content": "Rain"}, {"role": "assistant", "content": "It rains."}]}
    Fix: none; the result is not known.
    Source: OpenAI API reference, every call is answered by a tool message (2026-08).
    """

    code: ClassVar[str] = "TOOL008"
    name: ClassVar[str] = "unanswered-call"
    severity: ClassVar[Severity] = "warning"
    trigger: ClassVar[Trigger] = CALLS

    def setup(self) -> None:
        self.verdict = judge(self.context.targets, lambda t: value(t.accepts.unanswered_calls), "warning")

    def check(self, record: Record) -> Iterator[Hit]:
        verdict = self.verdict
        if verdict.severity is None or settled(record):
            return
        for call in pair(record).unanswered:
            name = f"'{clip(call.name, 40)}'" if type(call.name) is str else "a tool"
            yield Hit(
                f"the call of {name} gets no result before the next turn; add the tool's result after it",
                call.path,
                severity=verdict.severity,
                targets=verdict.targets,
            )
