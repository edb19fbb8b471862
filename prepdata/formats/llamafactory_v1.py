"""LLaMA-Factory v1 rows: messages whose content is a list of `{"type": ..., "value": ...}` parts."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from prepdata.formats.base import Format, Lossy
from prepdata.formats.openai import add_tools, typed_values
from prepdata.formats.turns import Dialect, plain_row, shared_prefix, view_turns
from prepdata.formats.writing import (
    arguments_object,
    bare_tool,
    data_url,
    media,
    plain_text,
    reasoning_of,
    refuse,
    result_name,
)
from prepdata.jsontext import json_text
from prepdata.record import Kind, Message, Part, Record, ToolCall

_ROLES = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_KINDS = {"text": "text", "reasoning": "reasoning", "tool_call": "tool_call", "tool_result": "tool_result",
          "image_url": "image", "image": "image", "video_url": "video", "video": "video", "audio_url": "audio",
          "audio": "audio"}  # fmt: skip
_SIDES = ("chosen_messages", "rejected_messages")


class LlamaFactoryV1(Format):
    """`{"messages": [{"role": ..., "content": [{"type": "text", "value": ...}], "loss_weight": 1.0}]}`"""

    name: ClassVar[str] = "llamafactory-v1"
    title: ClassVar[str] = "LLaMA-Factory v1"
    row_keys: ClassVar[frozenset[str]] = frozenset({"messages", *_SIDES, "tools", "extra_info"})
    message_keys: ClassVar[frozenset[str]] = frozenset({"role", "content", "loss_weight"})
    roles: ClassVar[dict[str, str]] = _ROLES

    def recognise(self, raw: dict[str, Any]) -> bool:
        if "chosen_messages" in raw or "rejected_messages" in raw:
            return True
        listed = raw.get("messages")
        if type(listed) is not list or not listed or type(listed[0]) is not dict:
            return False
        content = listed[0].get("content")
        return type(content) is list and typed_values(content)

    def view(self, raw: dict[str, Any]) -> Record:
        if "messages" in raw or not any(side in raw for side in _SIDES):
            turns = view_turns(raw.get("messages"), "/messages", DIALECT)
            record = Record(self.name, raw, turns.messages)
            if "tools" not in raw:
                record.shape, record.strings = plain_row(raw, ("messages",), (turns.shape,), turns.strings)
        else:
            good, bad = (view_turns(raw.get(side), "/" + side, DIALECT).messages for side in _SIDES)
            shared = shared_prefix(raw.get(_SIDES[0]), raw.get(_SIDES[1]))
            record = Record(self.name, raw, good[:shared], good[shared:], bad[shared:])
        if "tools" in raw:
            add_tools(record, raw)
        return record

    def write(self, record: Record) -> dict[str, Any]:
        if record.label is not None:
            raise Lossy(refuse(record, "a good-or-bad label cannot be written here"))
        row: dict[str, Any] = {}
        if record.preference:
            before = [_said(message) for message in record.messages]
            for key, side in zip(_SIDES, (record.chosen, record.rejected)):
                row[key] = [*before, *(_said(message) for message in side)]
        else:
            row["messages"] = [_said(message) for message in record.messages]
        if record.tools:
            row["tools"] = json_text([bare_tool(tool) for tool in record.tools])
        return row


def _view_message(raw: Any, path: str) -> Message:
    if type(raw) is not dict:
        return Message("", raw if type(raw) is str else "", "other", path, path, raw)
    word, content, field = raw.get("role"), raw.get("content"), path + "/content"
    role = _ROLES.get(word, word) if type(word) is str else ""
    weight = raw.get("loss_weight", raw.get("weight"))
    if type(content) is not list:
        text = content if type(content) is str else ""
        kind: Kind = "absent" if "content" not in raw else "null" if content is None else "other"
        if type(content) is str:
            kind = "text" if content.strip() else "blank"
        return Message(role, text, kind, path, field, raw, word, weight)
    parts = tuple(_view_part(item, f"{field}/{i}") for i, item in enumerate(content))
    calls = tuple(_view_call(part) for part in parts if part.kind == "tool_call")
    if len(parts) == 1 and parts[0].kind == "text":
        only = parts[0]
        kind = "text" if only.text and not only.text.isspace() else "blank"
        return Message(role, only.text, kind, path, only.field, raw, word, weight)
    text = "\n".join(p.text for p in parts if p.kind == "text")
    return Message(role, text, "parts", path, field, raw, word, weight, parts=parts, calls=calls)


def _view_part(item: Any, path: str) -> Part:
    if type(item) is not dict:
        return Part("other", item if type(item) is str else "", item, path, path)
    word, value = item.get("type"), item.get("value")
    kind = _KINDS.get(word, "other") if type(word) is str else "other"
    if kind in ("text", "reasoning", "tool_result") and type(value) is str:
        return Part(kind, value, item, path, path + "/value")  # type: ignore[arg-type]
    return Part(kind if kind != "text" else "other", "", item, path, path)  # type: ignore[arg-type]


def _view_call(part: Part) -> ToolCall:
    value, field = part.raw.get("value"), part.path + "/value"
    found = value
    if type(value) is str:
        try:
            found = msgspec.json.decode(value)
        except (msgspec.DecodeError, ValueError, RecursionError):
            found = None
    if type(found) is not dict:
        return ToolCall(None, value, None, part.path, field, part.raw)
    return ToolCall(found.get("name"), found.get("arguments"), found.get("id"), part.path, field, part.raw)


DIALECT = Dialect("role", "content", _ROLES, _view_message, part_keys=2)


def _said(message: Message) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    thought = reasoning_of(message)
    if thought is not None:
        parts.append({"type": "reasoning", "value": thought})
    if message.kind != "parts":
        text = plain_text(message)
        if text is not None:
            parts.append({"type": "text", "value": text})
    for part in message.parts:
        if part.kind in ("text", "tool_result"):
            if part.kind == "tool_result" and (len(message.parts) > 1 or result_name(part)):
                raise Lossy([f"{part.path}: a tool result with a name, or several, cannot be written here"])
            parts.append({"type": "text", "value": part.text})
        elif part.kind not in ("reasoning", "tool_call"):
            found = media(part)
            if found is None:
                raise Lossy([f"{part.path}: a part of kind {part.kind} cannot be written here"])
            parts.append({"type": f"{found.kind}_url", "value": data_url(found)})
    for call in message.calls:
        value = {"name": call.name, "arguments": arguments_object(call, message)}
        parts.append({"type": "tool_call", "value": json_text(value)})
    results = any(p.kind == "tool_result" for p in message.parts)
    role = "tool" if results or message.role == "function" else message.role
    made: dict[str, Any] = {"role": "system" if role == "developer" else role, "content": parts}
    if message.weight is not None:
        made["loss_weight"] = message.weight
    return made
