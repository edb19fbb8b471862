"""FMT014: keys that are there only as null, as left by columnar files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.record import Record, ToolCall, escape
from prepdata.rules.base import CALLS, RecordRule, Trigger
from prepdata.rules.tool._tools import tool_set

_ROW = frozenset(
    {"tools", "functions", "tool_choice", "parallel_tool_calls", "function_call", "images", "videos", "audios",
     "toolConfig", "chat_template_kwargs"}
)  # fmt: skip
"""Keys of a row that say nothing when they are null."""
_CONTENT = frozenset({"content", "value", "parts", "role", "from"})
"""Keys of a message whose null is a matter of its own."""
_MEANT = frozenset({"default", "enum", "const", "examples", "example"})
"""Keys of a JSON Schema under which a null is a value."""
_TOLD = ("arguments", "name")
"""Keys of a call of which other rules speak."""
_DEEPEST = 60
"""Levels looked into; data nested deeper has other problems."""


class NullPaddedKey(RecordRule):
    """Finds keys that are present only as null in tools, arguments, messages and parts, as columnar files leave them.

    Why: Parquet and Arrow give every row the keys of all rows. A chat template prints the padded tools and arguments,
    so the model learns calls with made-up null arguments and schemas that no one declares.
    Bad:
        {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls":
         [{"id": "1", "type": "function", "function": {"name": "w", "arguments": {"city": "Rome", "isbn": null}}}]}]}
    Good:
        {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls":
         [{"id": "1", "type": "function", "function": {"name": "w", "arguments": {"city": "Rome"}}}]}]}
    Fix: safe; the keys are taken out. A null that the tool's own schema allows, a null `content`, and nulls under
    `default`, `enum` and `const` are left alone.
    Source: huggingface/datasets issues 7222 and 5531, null padding of nested columns (2024-10, 2023-02).
    """

    code: ClassVar[str] = "FMT014"
    name: ClassVar[str] = "null-padded-key"
    severity: ClassVar[Severity] = "warning"
    fix = "safe"
    trigger: ClassVar[Trigger] = CALLS

    def check(self, record: Record) -> Iterator[Hit]:
        raw = record.raw
        if None in raw.values():
            row = ["/" + key for key in raw if raw[key] is None and key in _ROW]
            if row:
                yield _hit(row, "the row")
        if record.shape is not None:
            return
        if type(record.tools_raw) is list:
            memo = tool_set(record).memo
            key = ("null-padded-key", record.tools_path)
            if key not in memo:
                found = []
                for i, item in enumerate(record.tools_raw):
                    found += _nulls(item, f"{record.tools_path}/{i}", _MEANT)
                memo[key] = found
            if memo[key]:
                yield _hit(memo[key], "the declared tools")
        yield from _in_turns(record)


def _in_turns(record: Record) -> Iterator[Hit]:
    """Yield the findings in messages, their parts and their calls."""
    padded: list[str] = []
    arguments: list[str] = []
    for message in record.turns:
        raw = message.raw
        if type(raw) is not dict or (len(raw) == 2 and message.kind == "text" and message.raw_role is not None):
            continue  # a role and a text
        if None in raw.values():
            padded += [f"{message.path}/{escape(k)}" for k, v in raw.items() if v is None and k not in _CONTENT]
        for part in message.parts:
            if type(part.raw) is dict and part.path.startswith(message.path + "/"):
                padded += [f"{part.path}/{escape(k)}" for k, v in part.raw.items() if v is None]
        for call in message.calls:
            padded += _around_call(call)
            if type(call.arguments) is dict and call.arguments_path.endswith(("/arguments", "/args", "/input")):
                schema = _schema(record, call.name)
                arguments += _in_arguments(call.arguments, call.arguments_path, schema)
    if padded:
        yield _hit(list(dict.fromkeys(padded)), "the messages")
    if arguments:
        yield _hit(arguments, "the arguments")


def _around_call(call: ToolCall) -> list[str]:
    """Return the null keys of a call beside its arguments."""
    raw = call.raw
    if type(raw) is not dict:
        return []
    inner = raw.get("function")
    if type(inner) is not dict:
        inner = {}
    if (None not in raw.values() and None not in inner.values()) or call.path + "/" not in call.arguments_path:
        return []
    found = [f"{call.path}/{escape(k)}" for k, v in raw.items() if v is None and k not in _TOLD]
    found += [f"{call.path}/function/{escape(k)}" for k, v in inner.items() if v is None and k not in _TOLD]
    return found


def _schema(record: Record, name: Any) -> Any:
    """Return the schema of a tool's arguments, None where it is not declared."""
    return next((tool.parameters for tool in record.tools if tool.name == name), None)


def _in_arguments(value: Any, path: str, schema: Any, depth: int = 0) -> list[str]:
    """Return the null keys of arguments that the tool's schema does not allow to be null."""
    found: list[str] = []
    if depth > _DEEPEST:
        return found
    if type(value) is dict:
        known = schema.get("properties") if type(schema) is dict else None
        for key, item in value.items():
            inner = known.get(key) if type(known) is dict else None
            here = f"{path}/{escape(key)}"
            if item is None:
                if not _nullable(inner):
                    found.append(here)
            else:
                found += _in_arguments(item, here, inner, depth + 1)
    elif type(value) is list:
        inner = schema.get("items") if type(schema) is dict else None
        for i, item in enumerate(value):
            found += _in_arguments(item, f"{path}/{i}", inner, depth + 1)
    return found


def _nullable(schema: Any) -> bool:
    """True if a property may be null, or if its schema says too little to tell."""
    if type(schema) is not dict:
        return False
    kind = schema.get("type")
    if kind == "null" or (type(kind) is list and "null" in kind) or schema.get("nullable") is True:
        return True
    enum = schema.get("enum")
    if type(enum) is list and None in enum:
        return True
    branches = [b for key in ("anyOf", "oneOf", "allOf") if type(schema.get(key)) is list for b in schema[key]]
    return any(_nullable(branch) for branch in branches) or (kind is None and not branches)


def _nulls(value: Any, path: str, skipped: frozenset[str], depth: int = 0) -> list[str]:
    """Return the pointers of all null keys of a value, but those under `skipped` keys."""
    found: list[str] = []
    if depth > _DEEPEST:
        return found
    if type(value) is dict:
        for key, item in value.items():
            here = f"{path}/{escape(key)}"
            if item is None and key not in skipped:
                found.append(here)
            elif key not in skipped and type(item) in (dict, list):
                found += _nulls(item, here, skipped, depth + 1)
    elif type(value) is list:
        for i, item in enumerate(value):
            found += _nulls(item, f"{path}/{i}", skipped, depth + 1)
    return found


def _hit(paths: list[str], where: str) -> Hit:
    """Return the finding of some null keys in one part of the row."""
    count = len(paths)
    said = f"{count} keys of {where} are" if count > 1 else f"a key of {where} is"
    them = "them" if count > 1 else "it"
    fix = Fix("take the null keys out", True, tuple(Edit("remove", path) for path in paths))
    return Hit(f"{said} there only as null, as columnar files leave them; take {them} out", paths[0], fix=fix)
