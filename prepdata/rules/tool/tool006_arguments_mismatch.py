"""TOOL006: arguments that break the tool's own JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.findings import Hit, Severity, clip
from prepdata.record import Record, ToolCall, escape
from prepdata.rules.base import CALLS, RecordRule, Trigger
from prepdata.rules.tool._near import near
from prepdata.rules.tool._schema import Problem, TooCostly, shown_path
from prepdata.rules.tool._tools import arguments_of, tool_set


class ArgumentsMismatch(RecordRule):
    """Finds arguments that break the JSON Schema of the tool they are for: missing, unknown, of a wrong type or value.

    Why: in use such a call is refused, or does something else than was meant. The model learns exactly what the rows
    show. Patterns that may take too long, references out of the schema and schemas without end are not followed; the
    finding, a warning, then says what was not checked.
    Bad:
        {"messages": [{"role": "user", "content": "Up!"}, {"role": "assistant", "tool_calls": [{"id": "c1", "type":
         "function", "function": {"name": "rise", "arguments": "{\\"metres\\": \\"ten\\"}"}}]}], "tools": [{"type":
         "function", "function": {"name": "rise", "parameters": {"type": "object", "properties": {"metres": {"type":
         "integer"}}, "required": ["metres"]}}}]}
    Good:
        {"messages": [{"role": "user", "content": "Up!"}, {"role": "assistant", "tool_calls": [{"id": "c1", "type":
         "function", "function": {"name": "rise", "arguments": "{\\"metres\\": 10}"}}]}], "tools": [{"type":
         "function", "function": {"name": "rise", "parameters": {"type": "object", "properties": {"metres": {"type":
         "integer"}}, "required": ["metres"]}}}]}
    Fix: none; either the call or the schema is wrong.
    Source: JSON Schema, by `$schema`, Draft 2020-12 without one; checked with `jsonschema`.
    """

    code: ClassVar[str] = "TOOL006"
    name: ClassVar[str] = "arguments-mismatch"
    severity: ClassVar[Severity] = "error"
    trigger: ClassVar[Trigger] = CALLS

    def check(self, record: Record) -> Iterator[Hit]:
        if not record.tools:
            return
        for message in record.turns:
            for call in message.calls:
                if type(call.name) is not str:
                    continue
                schema = tool_set(record).schema(call.name)
                if schema is None:
                    continue
                arguments = arguments_of(call.arguments)
                if type(arguments) is not dict or (schema.flat is not None and schema.flat(arguments)):
                    continue
                try:
                    problems = schema.check(arguments)
                except TooCostly as reason:
                    text = f"arguments of '{clip(call.name, 40)}' were not checked: {clip(str(reason.args[0]), 120)}"
                    if not schema.refused:  # TOOL002 says so once for the tool
                        yield Hit(text, call.arguments_path, severity="warning")
                    continue
                for problem in problems:
                    yield Hit(_text(call, problem), _place(call, problem))


def _text(call: ToolCall, problem: Problem) -> str:
    """Return one error in words: where, what was found, what was expected."""
    name, where = clip(call.name, 40), shown_path(problem.path)
    found, wanted, keyword = problem.found, problem.wanted, problem.keyword
    if keyword == "required" and type(found) is dict and type(wanted) is list:
        missing = ", ".join(f"'{clip(str(n), 30)}'" for n in wanted if n not in found)
        return f"call of '{name}' lacks {missing}{_at(problem)}; the tool requires it"
    if keyword == "additionalProperties" and wanted is False:
        return f"call of '{name}': {_unknown(problem)}{_at(problem)}"
    shown = f"argument {where} of '{name}' is {_value(found)}"
    if keyword == "type":
        return f"{shown}; expected {wanted if type(wanted) is str else ' or '.join(map(str, wanted))}"
    if keyword == "enum" and type(wanted) is list:
        some = ", ".join(_value(w) for w in wanted[:8]) + (", …" if len(wanted) > 8 else "")
        hint = near(found, [w for w in wanted[:200] if type(w) is str]) if type(found) is str else ""
        return f"{shown}; expected one of {some}.{hint}" if hint else f"{shown}; expected one of {some}"
    if keyword in ("anyOf", "oneOf") and type(wanted) is list:
        count = "more than one" if "more than one" in problem.text else "none"
        return f"{shown}; it fits {count} of the schemas in `{keyword}`"
    return f"{shown}; expected `{keyword}` {clip(_value(wanted), 60)}"


def _unknown(problem: Problem) -> str:
    """Return which arguments the tool does not know."""
    schema = problem.schema if type(problem.schema) is dict else {}
    known = schema.get("properties")
    if type(problem.found) is not dict or type(known) is not dict or "patternProperties" in schema:
        return clip(problem.text, 100)
    extra = [key for key in problem.found if key not in known]
    hint = near(extra[0], list(known)) if extra else ""
    return f"the tool knows no {', '.join(repr(clip(key, 30)) for key in extra[:5])}.{hint}"


def _at(problem: Problem) -> str:
    return f" at {shown_path(problem.path)}" if problem.path else ""


def _value(found: Any) -> str:
    """Return a value as JSON would show it, clipped."""
    if type(found) is str:
        return f"text '{clip(found, 40)}'"
    if found is None:
        return "null"
    if type(found) is bool:
        return "true" if found else "false"
    if type(found) is dict:
        return "an object"
    return f"a list of {len(found)}" if type(found) is list else clip(str(found), 40)


def _place(call: ToolCall, problem: Problem) -> str:
    """Return the JSON pointer of the argument; of all arguments where they are text."""
    if type(call.arguments) is not dict:
        return call.arguments_path
    if not call.arguments_path.endswith(("/arguments", "/args", "/input")):
        return call.arguments_path
    return call.arguments_path + "".join("/" + escape(str(key)) for key in problem.path)
