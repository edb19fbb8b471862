"""TOOL001: `tools` that is no list of function specifications."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from prepdata.findings import Edit, Fix, Hit, Severity, clip
from prepdata.jsontext import json_text
from prepdata.record import Record
from prepdata.rules.base import CALLS, RecordRule, Trigger
from prepdata.rules.targeting import listed, names, value
from prepdata.rules.tool._tools import declares, tool_set

_OWN = ("openai", "openai-dpo")
"""Formats whose `tools` is a list of `{"type": "function", "function": {...}}`; in others it may be text or bare."""


class InvalidToolList(RecordRule):
    """Finds `tools` that is not a list of function specifications, or is JSON text where a list is wanted.

    Why: a provider refuses such a row; a chat template prints whatever it gets, so the model is taught about tools in
    a shape it will never see again.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}],
         "tools": {"name": "search", "parameters": {"type": "object", "properties": {}}}}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}], "tools":
         [{"type": "function", "function": {"name": "search", "parameters": {"type": "object", "properties": {}}}}]}
    Fix: safe; JSON text is decoded (or encoded, for a target that wants text), a bare specification is put inside
    `{"type": "function", "function": ...}`, a single one inside a list. Names and parameters stay as they are.
    Source: OpenAI API reference, `tools` (2026-08); Hugging Face chat templates, tool use (2026-06).
    """

    code: ClassVar[str] = "TOOL001"
    name: ClassVar[str] = "invalid-tool-list"
    severity: ClassVar[Severity] = "error"
    fix = "safe"
    trigger: ClassVar[Trigger] = CALLS

    def setup(self) -> None:
        targets = self.context.targets
        self.want_list = names(targets, lambda t: value(t.accepts.tools_as) == "list")
        self.want_text = names(targets, lambda t: value(t.accepts.tools_as) == "string")
        self.no_tools = names(targets, lambda t: value(t.accepts.tools) is False)
        self.most = [(t.name, value(t.limits.max_tools)) for t in targets if t.limits.max_tools]
        self.strict = not targets or bool(names(targets, lambda t: t.kind == "provider"))
        self.text_is_wrong = bool(self.want_list) or not targets

    def check(self, record: Record) -> Iterator[Hit]:
        if not declares(record):
            return
        memo = tool_set(record).memo
        key = (self, record.tools_path)
        if key not in memo:
            memo[key] = tuple(self._judge(record))
        yield from memo[key]

    def _judge(self, record: Record) -> Iterator[Hit]:
        """Yield the findings of one declaration."""
        raw, path, count = record.tools_raw, record.tools_path, len(record.tools)
        if self.no_tools:
            yield Hit(f"{listed(self.no_tools)} takes no tools; take them and the calls out", path,
                      targets=self.no_tools)  # fmt: skip
        for name, most in self.most:
            if most is not None and count > most:
                yield Hit(f"{count} tools; {name} takes at most {most}", path, targets=(name,))
        if type(raw) is str:
            yield from self._text(record, raw)
        elif type(raw) is not list:
            if record.format in _OWN or not count:
                yield Hit(_not_a_list(raw), path, fix=_wrap_one(raw, path, record.format))
        else:
            yield from self._items(record, raw)
            if self.want_text and record.format in _OWN:
                fix = Fix("write the tools as JSON text", True, (Edit("set", path, _encode(raw)),))
                yield Hit(f"a list; {listed(self.want_text)} wants the tools as JSON text", path,
                          targets=self.want_text, fix=fix)  # fmt: skip

    def _text(self, record: Record, raw: str) -> Iterator[Hit]:
        """Yield the findings of tools written as text."""
        path = record.tools_path
        try:
            decoded = msgspec.json.decode(raw)
        except RecursionError:
            yield Hit("tools are JSON text nested too deep to read", path)
            return
        except (msgspec.DecodeError, ValueError) as error:
            yield Hit(f"tools are text that is no JSON ({clip(str(error), 80)}): '{clip(raw, 40)}'", path)
            return
        if type(decoded) is not list:
            yield Hit("tools are JSON text of something that is no list; expected a list of functions", path)
            return
        if record.format in _OWN and self.text_is_wrong:
            fix = Fix("write the tools as a list", True, (Edit("set", path, decoded),))
            who = f"; {listed(self.want_list)} wants a list" if self.want_list else "; expected a list of functions"
            yield Hit(f"tools are JSON text{who}: decode it", path, targets=self.want_list, fix=fix)
        for i, item in enumerate(decoded):
            if type(item) is not dict:
                yield Hit(f"tool {i + 1} in the text is {_kind(item)}, expected an object", path)

    def _items(self, record: Record, raw: list[Any]) -> Iterator[Hit]:
        """Yield the findings of the items of a list."""
        if record.format not in _OWN:
            if not record.tools:
                yield Hit("none of these tools can be read as a function specification", record.tools_path)
            return
        legacy = record.tools_path == "/functions"
        for i, item in enumerate(raw):
            path = f"{record.tools_path}/{i}"
            if type(item) is not dict:
                yield Hit(f"tool {i + 1} is {_kind(item)}, expected an object with a `function`", path)
            elif not legacy and (type(item.get("function")) is not dict or item.get("type") != "function"):
                yield self._loose(item, i, path)

    def _loose(self, item: dict[str, Any], i: int, path: str) -> Hit:
        """Return the finding of an object that is not quite a function specification."""
        severity: Severity = "error" if self.strict else "warning"
        if type(item.get("function")) is dict:
            if "type" in item:
                text = f"tool {i + 1} has type {clip(repr(item['type']), 30)}, expected 'function'"
            else:
                text = f'tool {i + 1} has no `type`; expected "type": "function"'
            fix = Fix("set the type", True, (Edit("set", f"{path}/type", "function"),))
            return Hit(text, path, severity=severity, fix=fix if item.get("type") is None else None)
        if type(item.get("name")) is not str:
            return Hit(f"tool {i + 1} has neither a `function` nor a `name`; expected a function specification", path)
        text = f"tool {i + 1} '{clip(item['name'], 40)}' stands bare; expected it inside `function`"
        fix = Fix("put it inside `function`", True, (Edit("set", path, _wrapped(item)),))
        return Hit(text, path, severity=severity, fix=fix)


def _wrapped(item: dict[str, Any]) -> dict[str, Any]:
    """Return a bare specification inside `function`, with its schema under `parameters`."""
    names_of = {"input_schema": "parameters", "inputSchema": "parameters"}
    inner = {names_of.get(k, k): v for k, v in item.items() if not (k == "type" and v == "function")}
    return {"type": "function", "function": inner}


def _wrap_one(raw: Any, path: str, format: str) -> Fix | None:
    """Return the fix that puts a single specification inside a list."""
    if type(raw) is not dict or format not in _OWN:
        return None
    if type(raw.get("function")) is dict:
        return Fix("put it inside a list", True, (Edit("set", path, [raw]),))
    if type(raw.get("name")) is str:
        return Fix("put it inside a list", True, (Edit("set", path, [_wrapped(raw)]),))
    return None


def _not_a_list(raw: Any) -> str:
    return f"`tools` is {_kind(raw)}, expected a list of function specifications"


def _encode(raw: Any) -> str:
    return json_text(raw)


def _kind(found: Any) -> str:
    if type(found) is dict:
        return "an object"
    if type(found) is list:
        return "a list"
    return f"'{clip(found, 40)}'" if type(found) is str else clip(str(found), 40)
