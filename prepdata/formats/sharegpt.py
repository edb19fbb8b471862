"""ShareGPT rows: `conversations` of `from`/`value`, with tool turns, a system text and preference pairs."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from prepdata.formats.base import Format
from prepdata.formats.openai import CHAT_KEYS, add_tools, view_content, view_message
from prepdata.formats.turns import Dialect, Turns, bare_turn, plain_row, view_side, view_turns
from prepdata.formats.writing import apart, arguments_object, bare_tool, lose, plain_text, reasoning_of
from prepdata.jsontext import json_text
from prepdata.record import Message, Record, ToolCall

_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system",
          "function_call": "assistant", "observation": "tool", "tool": "tool", "function": "function"}  # fmt: skip
_LISTS = ("conversations", "conversation")
_WORDS = {"user": "human", "assistant": "gpt", "system": "system", "developer": "system", "tool": "observation",
          "function": "observation"}  # fmt: skip


def _slow(raw: Any, path: str) -> Message:
    if type(raw) is not dict or ("from" not in raw and "value" not in raw):
        return view_message(raw, path, _ROLES)
    word, value, field = raw.get("from"), raw.get("value"), path + "/value"
    role = _ROLES.get(word, word) if type(word) is str else ""
    if word == "function_call":
        return Message(role, "", "absent", path, field, raw, word, raw.get("weight"), calls=_calls(value, path, field))
    text, kind, parts = view_content(value, field) if "value" in raw else ("", "absent", ())
    return Message(role, text, kind, path, field, raw, word, raw.get("weight"), name=raw.get("name"), parts=parts)


def _calls(value: Any, path: str, field: str) -> tuple[ToolCall, ...]:
    """Return the calls that a `function_call` turn holds as JSON text (or as an object)."""
    found = value
    if type(value) is str:
        try:
            found = msgspec.json.decode(value)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return (ToolCall(None, value, None, path, field, value),)
    listed = found if type(found) is list and found else [found]
    return tuple(
        ToolCall(item.get("name"), item.get("arguments", item.get("parameters")), item.get("id"), path, field, item)
        if type(item) is dict
        else ToolCall(None, item, None, path, field, item)
        for item in listed
    )


DIALECT = Dialect("from", "value", _ROLES, _slow, frozenset({"function_call"}))
_CHAT = Dialect("role", "content", _ROLES, _slow)


class ShareGPT(Format):
    """`{"conversations": [{"from": "human", "value": ...}, {"from": "gpt", "value": ...}]}`"""

    name: ClassVar[str] = "sharegpt"
    title: ClassVar[str] = "ShareGPT"
    row_keys: ClassVar[frozenset[str]] = frozenset({*_LISTS, "system", "tools", "chosen", "rejected", "label",
                                                    "kto_tag"})  # fmt: skip
    message_keys: ClassVar[frozenset[str]] = CHAT_KEYS | {"from", "value", "human", "assistant"}
    roles: ClassVar[dict[str, str]] = _ROLES

    def recognise(self, raw: dict[str, Any]) -> bool:
        return "conversations" in raw or ("conversation" in raw and "messages" not in raw)

    def view(self, raw: dict[str, Any]) -> Record:
        key = "conversations" if "conversations" in raw else "conversation"
        turns = _view_list(raw.get(key), "/" + key)
        messages = turns.messages
        own, shapes, inner = [key], [turns.shape], turns.strings
        if "system" in raw:
            system = bare_turn("system", raw["system"], "/system")
            if system.kind != "blank":
                messages = (system, *messages)
            own.append("system")
            shapes.append((system.kind,) if type(raw["system"]) is str else None)
        record = Record(self.name, raw, messages)
        if "chosen" in raw and "rejected" in raw:
            chosen, rejected = (_view_one(raw[k], "/" + k) for k in ("chosen", "rejected"))
            record.chosen, record.rejected = chosen.messages, rejected.messages
            own += ["chosen", "rejected"]
            shapes += [chosen.shape, rejected.shape]
            inner += chosen.strings + rejected.strings
        label = raw.get("label", raw.get("kto_tag"))
        if type(label) is bool:
            record.label = label
        if type(raw.get("tools")) is str and not raw["tools"].strip("[] \n\t"):
            record.tools_raw = raw["tools"]
        else:
            add_tools(record, raw)
        if not record.tools:
            record.shape, record.strings = plain_row(raw, tuple(own), (label is True, *shapes), inner)
        return record

    def write(self, record: Record) -> dict[str, Any]:
        system, rest = apart(record.messages)
        row: dict[str, Any] = {"conversations": [_said(message) for message in rest]}
        if record.preference:
            for key, side in (("chosen", record.chosen), ("rejected", record.rejected)):
                made = [_said(message) for message in side]
                row[key] = made[0] if len(made) == 1 else made
        if record.label is not None:
            row["label"] = record.label
        if system is not None:
            row["system"] = plain_text(system) or ""
        if record.tools:
            row["tools"] = json_text([bare_tool(tool) for tool in record.tools])
        return row


def _view_list(value: Any, base: str) -> Turns:
    """Return the view of the list of turns, in either spelling, or as pairs of `human` and `assistant`."""
    first = value[0] if type(value) is list and value else None
    if type(first) is dict and "from" not in first and "value" not in first:
        if "role" in first or "content" in first:
            return view_turns(value, base, _CHAT)
        if "human" in first or "assistant" in first:
            return _view_pairs(value, base)
    return view_turns(value, base, DIALECT)


def _view_pairs(listed: list[Any], base: str) -> Turns:
    messages: list[Message] = []
    for i, pair in enumerate(listed):
        path = f"{base}/{i}"
        if type(pair) is not dict or not ("human" in pair or "assistant" in pair):
            messages.append(_slow(pair, path))
            continue
        for word, role in (("human", "user"), ("assistant", "assistant")):
            if word in pair:
                messages.append(bare_turn(role, pair[word], f"{path}/{word}", word))
    return Turns(tuple(messages), None, 0)


def _view_one(value: Any, base: str) -> Turns:
    """Return the view of a chosen or rejected answer: an object, a list, or a text."""
    if type(value) is dict:
        shape = view_turns([value], base, DIALECT if "from" in value or "value" in value else _CHAT)
        return Turns((_slow(value, base),), shape.shape, shape.strings)
    return view_side(value, base, DIALECT if type(value) is not list else _dialect(value))


def _dialect(listed: list[Any]) -> Dialect:
    first = listed[0] if listed else None
    return _CHAT if type(first) is dict and "role" in first and "from" not in first else DIALECT


def _said(message: Message) -> dict[str, Any]:
    if reasoning_of(message) is not None:
        raise lose(message, "reasoning kept apart cannot be written here")
    made: dict[str, Any] = {"from": _WORDS.get(message.role, message.role)}
    text = plain_text(message)
    if message.calls:
        if text:
            raise lose(message, "a turn with a text and tool calls cannot be written here")
        calls = [{"name": c.name, "arguments": arguments_object(c, message)} for c in message.calls]
        made = {"from": "function_call"}
        text = json_text(calls[0] if len(calls) == 1 else calls)
    results = [p for p in message.parts if p.kind == "tool_result"]
    if results:
        if len(results) > 1 or text:
            raise lose(message, "several tool results in one turn cannot be written here")
        made, text = {"from": "observation"}, results[0].text
    made["value"] = text or ""
    if message.weight is not None:
        made["weight"] = message.weight
    return made
