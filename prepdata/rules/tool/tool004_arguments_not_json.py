"""TOOL004: arguments that do not parse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.findings import Hit, Severity, clip
from prepdata.record import Record
from prepdata.rules.base import CALLS, RecordRule, Trigger
from prepdata.rules.tool._tools import parse_arguments


class ArgumentsNotJson(RecordRule):
    """Finds arguments that are text but no JSON, or JSON but no object.

    Why: in use the call is parsed before it is made; a model taught broken arguments makes calls that fail. Some
    trainers stop at the first such row.
    Bad:
        {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "c1",
         "type": "function", "function": {"name": "f", "arguments": "{'city': 'Paris'}"}}]}]}
    Good:
        {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "c1",
         "type": "function", "function": {"name": "f", "arguments": "{\\"city\\": \\"Paris\\"}"}}]}]}
    Fix: none; guessing at broken JSON may change what the call says.
    Source: OpenAI API reference, `function.arguments` is JSON text (2026-08); RFC 8259.
    """

    code: ClassVar[str] = "TOOL004"
    name: ClassVar[str] = "arguments-not-json"
    severity: ClassVar[Severity] = "error"
    trigger: ClassVar[Trigger] = CALLS

    def check(self, record: Record) -> Iterator[Hit]:
        for message in record.turns:
            for call in message.calls:
                found = call.arguments
                if type(found) is dict or found is None:
                    continue
                text = _wrong(found)
                if text:
                    who = f" of '{clip(call.name, 40)}'" if type(call.name) is str and call.name else ""
                    yield Hit(f"arguments{who} {text}", call.arguments_path)


def _wrong(found: Any) -> str | None:
    """Return what is wrong with arguments that are no object, None if nothing is."""
    if type(found) is not str:
        return f"are {_kind(found)}; expected an object, or JSON text of one"
    if not found.strip():
        return "are an empty text; for a call without arguments write {}"
    value, why = parse_arguments(found)
    if why is not None:
        return f"are no JSON: {_reason(found, why)}; found '{clip(found, 60)}'"
    if type(value) is dict:
        return None
    if type(value) is str:
        inner, why = parse_arguments(value)
        if why is None and type(inner) is dict:
            return None  # written twice: TOOL005
    return f"are JSON of {_kind(value)}; expected an object"


def _reason(found: str, why: str) -> str:
    head = found.lstrip()[:2]
    if head in ("{'", "{ ") and "'" in found[:20]:
        return "single quotes, as Python prints a dict; use double quotes"
    if found.lstrip().startswith("```"):
        return "a code fence around it; take it away"
    return clip(why.removeprefix("JSON is malformed: "), 80)


def _kind(found: Any) -> str:
    if found is None:
        return "null"
    if type(found) is bool:
        return "true" if found else "false"
    if type(found) is list:
        return "a list"
    return f"the text '{clip(found, 40)}'" if type(found) is str else f"the number {clip(str(found), 30)}"
