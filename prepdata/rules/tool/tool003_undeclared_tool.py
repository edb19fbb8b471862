"""TOOL003: a call to a tool that is not declared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Hit, Severity, clip
from prepdata.record import Record
from prepdata.rules.base import CALLS, RecordRule, Trigger
from prepdata.rules.tool._near import near
from prepdata.rules.tool._tools import tool_set


class UndeclaredTool(RecordRule):
    """Finds calls to a tool that the row does not declare, and calls without a name.

    Why: the model learns to invent tools, and in use the call fails.
    Bad:
        {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "c1",
         "type": "function", "function": {"name": "get_wether", "arguments": "{}"}}]}], "tools": [{"type":
         "function", "function": {"name": "get_weather"}}]}
    Good:
        {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "c1",
         "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}]}], "tools": [{"type":
         "function", "function": {"name": "get_weather"}}]}
    Fix: none; either the call or the declaration is wrong.
    Source: OpenAI function-calling fine-tuning guide: calls name a tool of the row (2026-08).
    """

    code: ClassVar[str] = "TOOL003"
    name: ClassVar[str] = "undeclared-tool"
    severity: ClassVar[Severity] = "error"
    trigger: ClassVar[Trigger] = CALLS

    def check(self, record: Record) -> Iterator[Hit]:
        for message in record.turns:
            for call in message.calls:
                name = call.name
                if type(name) is not str or not name.strip():
                    if call.raw is None or type(call.raw) is dict:
                        yield Hit(f"a call without a name (found {clip(repr(name), 30)}); name the tool", call.path)
                    continue
                if not record.tools:
                    continue
                known = tool_set(record).by_name
                if name not in known:
                    some = ", ".join(f"'{clip(n, 30)}'" for n in list(known)[:5]) + ("…" if len(known) > 5 else "")
                    hint = near(name, list(known))
                    yield Hit(f"tool '{clip(name, 60)}' is called but not declared.{hint} Declared: {some}", call.path)
