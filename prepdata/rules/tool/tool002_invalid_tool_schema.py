"""TOOL002: a tool whose parameters are no valid JSON Schema, or whose name is bad or repeated."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.findings import Hit, Severity, clip
from prepdata.record import Record, Tool, escape
from prepdata.rules.base import CALLS, RecordRule, Trigger
from prepdata.rules.targeting import value
from prepdata.rules.tool._cost import Refused, compiled
from prepdata.rules.tool._flat import TYPES
from prepdata.rules.tool._schema import MAX_DEPTH, Problem, shown_path
from prepdata.rules.tool._tools import shared_schema, tool_set

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_FIRST_WORD = re.compile(r"[a-z]+")
_USUAL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MEANT = {"dict": "object", "map": "object", "struct": "object", "json": "object", "float": "number",
          "double": "number", "decimal": "number", "int": "integer", "long": "integer", "bool": "boolean",
          "str": "string", "text": "string", "date": "string", "datetime": "string", "list": "array", "tuple":
         "array", "set": "array",
          "none": "null"}  # fmt: skip
_MOST = 8
"""Findings reported for one tool."""


class InvalidToolSchema(RecordRule):
    """Finds tools whose parameters are not a valid JSON Schema, and names that are bad or used twice.

    Why: providers refuse such a tool, constrained decoding fails on it, and the arguments of calls cannot be checked.
    Nonsense that is valid (a `required` name that no property has) is a warning, as is a schema that could not be
    checked in bounded time.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}], "tools":
         [{"type": "function", "function": {"name": "f", "parameters": {"type": "dict", "properties": {}}}}]}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}], "tools":
         [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]}
    Fix: none; what the tool takes is for its author to say.
    Source: JSON Schema, Drafts 3 to 2020-12; OpenAI API reference, function names: letters, digits, `_` and `-`, at
    most 64 (2026-08).
    """

    code: ClassVar[str] = "TOOL002"
    name: ClassVar[str] = "invalid-tool-schema"
    severity: ClassVar[Severity] = "error"
    trigger: ClassVar[Trigger] = CALLS

    def setup(self) -> None:
        patterns = [(t.name, value(t.accepts.function_name_pattern)) for t in self.context.targets]
        self.patterns = [(name, re.compile(pattern)) for name, pattern in patterns if pattern]

    def check(self, record: Record) -> Iterator[Hit]:
        if not record.tools:
            return
        memo = tool_set(record).memo
        key = (self, record.tools_path)
        if key not in memo:
            memo[key] = tuple(self._judge(record))
        yield from memo[key]

    def _judge(self, record: Record) -> Iterator[Hit]:
        """Yield the findings of one declaration."""
        inside_text = type(record.tools_raw) is str
        counts = Counter(t.name for t in record.tools if type(t.name) is str)
        seen: set[str] = set()
        for tool in record.tools:
            for hit in (*self._name(tool), *_parameters(tool)):
                yield _within(hit, record.tools_path) if inside_text else hit
            name = tool.name
            if type(name) is str:
                if name in seen:
                    hit = Hit(f"tool '{clip(name, 40)}' is declared {counts[name]} times; names must differ", tool.path)
                    yield _within(hit, record.tools_path) if inside_text else hit
                seen.add(name)

    def _name(self, tool: Tool) -> Iterator[Hit]:
        """Yield the findings of a tool's name."""
        name = tool.name
        if type(name) is not str or not name.strip():
            if type(tool.raw) is dict and ("function" in tool.raw or "name" in tool.raw):
                yield Hit(f"a tool without a name (found {clip(repr(name), 30)}); expected a text", tool.path)
            return
        refusing = tuple(target for target, pattern in self.patterns if not pattern.fullmatch(name))
        if refusing:
            yield Hit(f"tool name '{clip(name, 70)}' is refused by {', '.join(refusing)}", tool.path, targets=refusing)
        elif self.patterns:
            return
        elif not _NAME.fullmatch(name):
            text = f"tool name '{clip(name, 70)}': expected at most 64 letters, digits, `_` and `-`"
            yield Hit(text, tool.path)
        elif not _USUAL_NAME.fullmatch(name):
            text = f"tool name '{clip(name, 70)}' holds a dot, which most providers refuse; write `_`"
            yield Hit(text, tool.path, severity="warning")


def _within(hit: Hit, path: str) -> Hit:
    """Return a hit that points at the text the tool is written in."""
    return Hit(f"{hit.message} (inside the text, at {hit.path})", path, severity=hit.severity, targets=hit.targets)


def _parameters(tool: Tool) -> Iterator[Hit]:
    """Yield the findings of a tool's schema."""
    raw, path, name = tool.parameters, tool.parameters_path, clip(str(tool.name), 40)
    if raw is None:
        return
    if type(raw) is not dict:
        yield Hit(f"parameters of '{name}' are {clip(repr(raw), 40)}, expected a JSON Schema object", path)
        return
    schema = shared_schema(raw)
    if schema.refused:
        yield Hit(f"the schema of '{name}' was not checked: {schema.refused}", path, severity="warning")
        return
    for fault in schema.faults[:_MOST]:
        yield Hit(f"parameters of '{name}', at {shown_path(fault.path)}: {_fault_text(fault)}", _join(path, fault.path))
    if not schema.faults:
        if raw.get("type", "object") != "object":
            yield Hit(f"parameters of '{name}' have type {clip(repr(raw['type']), 40)}, expected 'object'", path)
        for place, text in list(_nonsense(raw))[:_MOST]:
            yield Hit(f"parameters of '{name}', at {shown_path(place)}: {text}", _join(path, place), severity="warning")


def _fault_text(fault: Problem) -> str:
    """Return what is wrong at one place of a schema, in words."""
    key = fault.path[-1] if fault.path else ""
    found = clip(repr(fault.found), 50)
    if key == "type" and type(fault.found) is str:
        word = _FIRST_WORD.match(fault.found.casefold())  # of "str, optional" and "List[int]" too
        meant = _MEANT.get(word[0], word[0] if word[0] in TYPES else "") if word else ""
        hint = f", probably '{meant}'" if meant else ""
        return f"'{clip(fault.found, 30)}' is no JSON Schema type{hint}"
    if key == "required" and type(fault.found) is bool:
        said = str(fault.found).lower()
        return f"`required` is {said}; expected a list of names, in the object that holds the property"
    if fault.keyword == "type":
        wanted = fault.wanted if type(fault.wanted) is str else " or ".join(map(str, fault.wanted or ()))
        return f"{found} where {wanted} is expected"
    return clip(fault.text, 120)


def _join(path: str, keys: tuple[str | int, ...]) -> str:
    return path + "".join("/" + escape(str(key)) for key in keys)


def _nonsense(raw: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield (place, text) of what is valid and still cannot be meant."""
    stack: list[tuple[Any, tuple[str | int, ...]]] = [(raw, ())]
    while stack:
        node, place = stack.pop()
        if type(node) is not dict or len(place) > MAX_DEPTH:
            continue
        yield from _required(node, place)
        if not place and "properties" not in node and not any(key in node for key in _HOLDERS):
            loose = [k for k, v in node.items() if type(v) is dict and "type" in v]
            if loose:
                yield place, f"'{clip(loose[0], 30)}' looks like a parameter; parameters belong inside `properties`"
        pattern = node.get("pattern")
        if type(pattern) is str:
            try:
                compiled(pattern)
            except Refused as error:
                yield (*place, "pattern"), f"{clip(str(error.args[0]), 80)}; arguments are not checked against it"
        for key in ("properties", "$defs", "definitions"):
            inner = node.get(key)
            if type(inner) is dict:
                stack.extend((part, (*place, key, name)) for name, part in reversed(inner.items()))
        if type(node.get("items")) is dict:
            stack.append((node["items"], (*place, "items")))


_HOLDERS = ("$ref", "allOf", "anyOf", "oneOf", "patternProperties", "additionalProperties")


def _required(node: dict[str, Any], place: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield names in `required` that no property has."""
    required, properties = node.get("required"), node.get("properties", {})
    if type(required) is not list or type(properties) is not dict or any(key in node for key in _HOLDERS):
        return
    for name in required:
        if type(name) is str and name not in properties:
            near = next((p for p in properties if p.casefold() == name.casefold()), None)
            hint = f"; did you mean '{clip(near, 30)}'?" if near else ""
            yield (*place, "required"), f"'{clip(name, 40)}' is required, but no property has that name{hint}"
