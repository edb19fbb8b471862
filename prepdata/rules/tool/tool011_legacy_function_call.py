"""TOOL011: the older `functions` and `function_call`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.record import Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger

_LATEST = "write `tools` and `tool_calls` instead"


class LegacyFunctionCall(RecordRule):
    """Finds `functions`, `function_call` and the role `function`, which `tools` and `tool_calls` have replaced.

    Why: newer models, and nearly all chat templates, do not read the older keys: the calls are lost without a word.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": null, "function_call":
         {"name": "f", "arguments": "{}"}}], "functions": [{"name": "f", "parameters": {"type": "object",
         "properties": {}}}]}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": null, "tool_calls":
         [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}], "tools": [{"type":
         "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]}
    Fix: safe; the same functions, calls and results under the newer keys, with ids counted up. Rows that mix old and
    new, or whose results follow no call, are left alone.
    Source: OpenAI API reference, `functions` and `function_call` are deprecated (2026-08).
    """

    code: ClassVar[str] = "TOOL011"
    name: ClassVar[str] = "legacy-function-call"
    severity: ClassVar[Severity] = "warning"
    fix = "safe"
    trigger: ClassVar[Trigger] = SHAPE

    def check(self, record: Record) -> Iterator[Hit]:
        raw = record.raw
        place = "/functions" if raw.get("functions") is not None else None
        what = "`functions`"
        if place is None:
            for message in record.turns:
                if any(call.legacy for call in message.calls):
                    place, what = f"{message.path}/function_call", "`function_call`"
                    break
                if message.raw_role == "function" and record.format == "openai":
                    place, what = f"{message.path}/role", "the role `function`"
                    break
        if place is not None:
            yield Hit(f"{what} is the older way to call tools; {_LATEST}", place, fix=_modern(raw, record.format))


def _modern(raw: dict[str, Any], format: str) -> Fix | None:
    """Return the fix that writes a row with the newer keys; None where it cannot be done without guessing."""
    functions, messages = raw.get("functions"), raw.get("messages")
    if format != "openai" or "tools" in raw or type(messages) is not list:
        return None
    edits: list[Edit] = []
    if functions is not None:
        if type(functions) is not list or not all(type(f) is dict and "function" not in f for f in functions):
            return None
        edits += [Edit("set", "/tools", [{"type": "function", "function": f} for f in functions]),
                  Edit("remove", "/functions")]  # fmt: skip
    choice = _choice(raw)
    if choice is None:
        return None
    return _messages(messages, edits + choice)


def _choice(raw: dict[str, Any]) -> list[Edit] | None:
    """Return the edits that turn `function_call` of the row into `tool_choice`; None if it is odd."""
    if "function_call" not in raw:
        return []
    old = raw["function_call"]
    if type(old) is str and old in ("auto", "none"):
        new: Any = old
    elif type(old) is dict and list(old) == ["name"]:
        new = {"type": "function", "function": old}
    else:
        return None
    return [Edit("set", "/tool_choice", new), Edit("remove", "/function_call")]


def _messages(messages: list[Any], edits: list[Edit]) -> Fix | None:
    """Return the whole fix, with the edits of the messages; None where a result follows no call."""
    count, waiting = 0, ""
    for i, message in enumerate(messages):
        path = f"/messages/{i}"
        if type(message) is not dict or message.get("tool_calls") is not None:
            return None
        call = message.get("function_call")
        if call is not None:
            if type(call) is not dict or waiting:
                return None
            count += 1
            waiting = f"call_{count}"
            made = [{"id": waiting, "type": "function", "function": call}]
            edits += [Edit("set", f"{path}/tool_calls", made), Edit("remove", f"{path}/function_call")]
        elif message.get("role") == "function":
            if not waiting:
                return None
            edits += [Edit("set", f"{path}/role", "tool"), Edit("set", f"{path}/tool_call_id", waiting)]
            waiting = ""
        elif message.get("role") == "tool":
            return None
    return Fix("write `tools` and `tool_calls`", True, tuple(edits)) if edits else None
