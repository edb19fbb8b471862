"""TOOL005: arguments as text or object against what the target takes; arguments encoded twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.jsontext import json_text
from prepdata.record import Record, ToolCall
from prepdata.rules.base import CALLS, RecordRule, Trigger
from prepdata.rules.targeting import listed, names, value
from prepdata.rules.tool._tools import parse_arguments


class ArgumentsKind(RecordRule):
    """Finds arguments encoded twice, and arguments as text or object where a target takes the other.

    Why: OpenAI wants JSON text, most chat templates want an object and would print text with quotes and backslashes;
    the model then learns to write those. Arguments encoded twice are wrong everywhere.
    Bad:
        {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "c1",
         "type": "function", "function": {"name": "f", "arguments": "\\"{\\\\\\"city\\\\\\":
         \\\\\\"Paris\\\\\\"}\\""}}]}]}
    Good:
        {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "c1",
         "type": "function", "function": {"name": "f", "arguments": "{\\"city\\": \\"Paris\\"}"}}]}]}
    Fix: safe; the same object, decoded or encoded as the target takes it. None where two targets take different forms.
    Source: OpenAI API reference, `function.arguments` (2026-08); Hugging Face chat templates, tool use (2026-06).
    """

    code: ClassVar[str] = "TOOL005"
    name: ClassVar[str] = "arguments-kind"
    severity: ClassVar[Severity] = "warning"
    fix = "safe"
    trigger: ClassVar[Trigger] = CALLS

    def setup(self) -> None:
        self.want_text = names(self.context.targets, lambda t: value(t.accepts.arguments_as) == "string")
        self.want_object = names(self.context.targets, lambda t: value(t.accepts.arguments_as) == "object")

    def check(self, record: Record) -> Iterator[Hit]:
        for message in record.turns:
            for call in message.calls:
                found = call.arguments
                if type(found) is str:
                    yield from self._text(call, found)
                elif self.want_text and (type(found) is dict or found is None) and _own(call):
                    fix = None if self.want_object else _fix("write them as JSON text", call, _encode(found or {}))
                    what = "are an object" if found is not None else "are missing"
                    yield Hit(f"arguments {what}; {listed(self.want_text)} takes JSON text", call.arguments_path,
                              severity="error", targets=self.want_text, fix=fix)  # fmt: skip

    def _text(self, call: ToolCall, found: str) -> Iterator[Hit]:
        """Yield the findings of arguments written as text."""
        if found[:1] != '"' and not (self.want_object and _own(call)):
            return
        once, why = parse_arguments(found)
        if why is not None:
            return
        if type(once) is str:
            twice, why = parse_arguments(once)
            if why is None and type(twice) is dict:
                cure = twice if self.want_object and not self.want_text else once
                yield Hit("arguments are encoded twice (JSON text of JSON text); decode them once",
                          call.arguments_path, fix=_fix("decode them once", call, cure))  # fmt: skip
        elif type(once) is dict and self.want_object and _own(call):
            fix = None if self.want_text else _fix("write them as an object", call, once)
            yield Hit(f"arguments are JSON text; {listed(self.want_object)} takes an object", call.arguments_path,
                      severity="error", targets=self.want_object, fix=fix)  # fmt: skip


def _own(call: ToolCall) -> bool:
    """Return True where arguments stand in a key of their own, so that text and object can be told apart."""
    return call.arguments_path.endswith("/arguments")


def _fix(title: str, call: ToolCall, new: Any) -> Fix | None:
    return Fix(title, True, (Edit("set", call.arguments_path, new),)) if _own(call) else None


def _encode(found: Any) -> str:
    return json_text(found)
