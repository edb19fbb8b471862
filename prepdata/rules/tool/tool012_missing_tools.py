"""TOOL012: calls in a row that declares no tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Hit, Severity, clip
from prepdata.record import Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.tool._tools import declares


class MissingTools(RecordRule):
    """Finds rows that make calls and declare no tools.

    Why: in use the model is given the tools; a row without them teaches it to call what it was never offered.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [{"id": "c1", "type":
         "function", "function": {"name": "f", "arguments": "{}"}}]}]}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [{"id": "c1", "type":
         "function", "function": {"name": "f", "arguments": "{}"}}]}], "tools": [{"type": "function",
         "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]}
    Fix: none; the declarations are not known.
    Source: OpenAI function-calling fine-tuning guide: every row holds its tools (2026-08).
    """

    code: ClassVar[str] = "TOOL012"
    name: ClassVar[str] = "missing-tools"
    severity: ClassVar[Severity] = "warning"
    trigger: ClassVar[Trigger] = SHAPE

    def check(self, record: Record) -> Iterator[Hit]:
        if record.tools or declares(record):
            return
        for message in record.turns:
            if message.calls:
                names = list(dict.fromkeys(str(call.name) for call in message.calls))
                some = ", ".join(f"'{clip(name, 40)}'" for name in names[:3])
                yield Hit(f"{some} is called, but the row declares no tools; add the list of tools", message.path)
                return
