"""TOOL010: parallel calls where one is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.targeting import listed, names, value


class ParallelCalls(RecordRule):
    """Finds several calls in one assistant turn where the target allows one, or where the row itself forbids it.

    Why: some templates and providers take one call a turn and refuse, or drop, the others. A row that says
    `"parallel_tool_calls": false` and shows several teaches the model to disobey that setting.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [{"id": "c1", "type":
         "function", "function": {"name": "f", "arguments": "{}"}}, {"id": "c2", "type": "function",
         "function": {"name": "g", "arguments": "{}"}}]}], "parallel_tool_calls": false}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [{"id": "c1", "type":
         "function", "function": {"name": "f", "arguments": "{}"}}]}], "parallel_tool_calls": false}
    Fix: none; write the calls one after another, each with its result.
    Source: the `accepts.parallel_calls` of each target file; OpenAI API reference, `parallel_tool_calls` (2026-08).
    """

    code: ClassVar[str] = "TOOL010"
    name: ClassVar[str] = "parallel-calls"
    severity: ClassVar[Severity] = "error"
    trigger: ClassVar[Trigger] = SHAPE

    def setup(self) -> None:
        self.refusing = names(self.context.targets, lambda t: value(t.accepts.parallel_calls) is False)

    def check(self, record: Record) -> Iterator[Hit]:
        forbidden = record.raw.get("parallel_tool_calls") is False
        if not forbidden and not self.refusing:
            return
        for message in record.turns:
            count = len(message.calls)
            if count < 2:
                continue
            if self.refusing:
                text = f"{count} calls in one turn; {listed(self.refusing)} allows one: put them in turns of their own"
                yield Hit(text, message.path, targets=self.refusing)
            elif forbidden:
                text = f"{count} calls in one turn of a row that says `parallel_tool_calls` is false"
                yield Hit(text, message.path, severity="warning")
