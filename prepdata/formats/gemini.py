"""Gemini rows: `contents` of `parts`, with `systemInstruction`, function calls and responses."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from prepdata.formats.base import Format, Lossy
from prepdata.formats.turns import Dialect, bare_turn, plain_row, view_turns
from prepdata.formats.writing import (
    Ids,
    apart,
    arguments_object,
    bare_tool,
    media,
    plain_text,
    reasoning_of,
    refuse,
    result_id,
    result_name,
)
from prepdata.record import Message, Part, Record, Tool, ToolCall

_ROLES = {"user": "user", "model": "assistant", "system": "system", "function": "tool", "tool": "tool"}
_SYSTEM = ("systemInstruction", "system_instruction")
_DECLARED = ("functionDeclarations", "function_declarations")


class Gemini(Format):
    """`{"contents": [{"role": "user", "parts": [{"text": ...}]}, {"role": "model", "parts": [...]}]}`"""

    name: ClassVar[str] = "gemini"
    title: ClassVar[str] = "Gemini"
    row_keys: ClassVar[frozenset[str]] = frozenset({"contents", *_SYSTEM, "tools", "toolConfig", "generationConfig",
                                                    "safetySettings"})  # fmt: skip
    message_keys: ClassVar[frozenset[str]] = frozenset({"role", "parts"})
    roles: ClassVar[dict[str, str]] = _ROLES

    def recognise(self, raw: dict[str, Any]) -> bool:
        return "contents" in raw and "messages" not in raw

    def view(self, raw: dict[str, Any]) -> Record:
        turns = view_turns(raw.get("contents"), "/contents", _DIALECT)
        messages, own, shapes, strings = turns.messages, ["contents"], [turns.shape], turns.strings
        key = next((k for k in _SYSTEM if k in raw), None)
        if key is not None:
            system = _system(raw[key], "/" + key)
            messages = (system, *messages)
            own.append(key)
            plain = _plain_system(system)
            shapes.append((system.kind, system.raw_role) if plain else None)
            strings += 2 * len(system.raw) + 1 if plain else 0
        record = Record(self.name, raw, messages)
        record.shape, record.strings = plain_row(raw, tuple(own), tuple(shapes), strings)
        if "tools" in raw:
            record.tools_raw = raw["tools"]
            record.tools = _view_tools(raw["tools"])
        return record

    def write(self, record: Record) -> dict[str, Any]:
        if record.preference or record.label is not None:
            raise Lossy(refuse(record, "preference pairs and labels cannot be written here"))
        system, rest = apart(record.messages)
        names = _Names()
        row: dict[str, Any] = {}
        if system is not None:
            row["systemInstruction"] = {"parts": [{"text": plain_text(system) or ""}]}
        row["contents"] = [_said(message, names) for message in rest]
        if record.tools:
            row["tools"] = [{"functionDeclarations": [bare_tool(tool) for tool in record.tools]}]
        return row


def _plain_system(message: Message) -> bool:
    """True for a system text that is an object with one part, which holds nothing but the text."""
    if message.kind not in ("text", "blank") or type(message.raw) is not dict:
        return False
    return len(message.raw) == 1 + (type(message.raw_role) is str)


def _system(raw: Any, path: str) -> Message:
    if type(raw) is not dict:
        return bare_turn("system", raw, path)
    seen = _view_message(raw, path)
    return Message("system", seen.text, seen.kind, path, seen.field, raw, seen.raw_role, parts=seen.parts)


def _view_message(raw: Any, path: str) -> Message:
    if type(raw) is not dict:
        return Message("", raw if type(raw) is str else "", "other", path, path, raw)
    word, listed, field = raw.get("role"), raw.get("parts"), path + "/parts"
    role = _ROLES.get(word, word) if type(word) is str else ""
    if type(listed) is dict:
        listed, places = [listed], [field]
    elif type(listed) is not list:
        kind = "absent" if "parts" not in raw else "null" if listed is None else "other"
        return Message(role, listed if type(listed) is str else "", kind, path, field, raw, word)  # type: ignore[arg-type]
    else:
        places = [f"{field}/{i}" for i in range(len(listed))]
    if len(listed) == 1 and type(listed[0]) is dict and len(listed[0]) == 1 and type(listed[0].get("text")) is str:
        text = listed[0]["text"]
        kind = "text" if text and not text.isspace() else "blank"
        return Message(role, text, kind, path, places[0] + "/text", raw, word)  # type: ignore[arg-type]
    parts = tuple(_view_part(item, place) for item, place in zip(listed, places))
    calls = tuple(_view_call(part) for part in parts if part.kind == "tool_call")
    results = [part for part in parts if part.kind == "tool_result"]
    if role == "user" and results and len(results) == len(parts):
        role = "tool"
    name = _inner(results[0].raw, "functionResponse", "function_response")[1].get("name") if results else None
    text = "\n".join(p.text for p in parts if p.kind == "text")
    return Message(role, text, "parts", path, field, raw, word, name=name, parts=parts, calls=calls)


def _inner(raw: Any, *keys: str) -> tuple[str, dict[str, Any]]:
    key = next((k for k in keys if raw.get(k) is not None), keys[0])
    found = raw.get(key)
    return key, found if type(found) is dict else {}


def _view_part(item: Any, path: str) -> Part:
    if type(item) is not dict:
        return Part("other", item if type(item) is str else "", item, path, path)
    if type(item.get("text")) is str:
        return Part("reasoning" if item.get("thought") is True else "text", item["text"], item, path, path + "/text")
    if item.get("functionCall") is not None or item.get("function_call") is not None:
        return Part("tool_call", "", item, path, path)
    if item.get("functionResponse") is not None or item.get("function_response") is not None:
        key, inner = _inner(item, "functionResponse", "function_response")
        response = inner.get("response")
        if type(response) is str:
            return Part("tool_result", response, item, path, f"{path}/{key}/response")
        return Part("tool_result", _text_of(response), item, path, path)
    for key in ("inlineData", "inline_data", "fileData", "file_data"):
        if item.get(key) is not None:
            _, inner = _inner(item, key)
            mime = inner.get("mimeType", inner.get("mime_type"))
            kind = mime.partition("/")[0] if type(mime) is str else "image"
            return Part(kind if kind in ("image", "audio", "video") else "file", "", item, path, path)  # type: ignore[arg-type]
    return Part("other", "", item, path, path)


def _text_of(value: Any) -> str:
    """Return a value as JSON text, "" where it is nothing or cannot be written."""
    if value is None:
        return ""
    try:
        return msgspec.json.encode(value).decode()
    except (ValueError, TypeError, RecursionError, OverflowError):
        return ""


def _view_call(part: Part) -> ToolCall:
    key, inner = _inner(part.raw, "functionCall", "function_call")
    return ToolCall(inner.get("name"), inner.get("args"), inner.get("id"), part.path, f"{part.path}/{key}/args",
                    part.raw)  # fmt: skip


_DIALECT = Dialect("role", "parts", _ROLES, _view_message, part_keys=1)


def _view_tools(raw: Any) -> tuple[Tool, ...]:
    found: list[Tool] = []
    for i, item in enumerate(raw if type(raw) is list else ()):
        if type(item) is not dict:
            continue
        key = next((k for k in _DECLARED if k in item), "")
        listed = item.get(key)
        for j, spec in enumerate(listed if type(listed) is list else ()):
            if type(spec) is dict:
                here = f"/tools/{i}/{key}/{j}"
                found.append(Tool(spec.get("name"), spec.get("parameters"), spec.get("description"), spec, here,
                                  here + "/parameters"))  # fmt: skip
    return tuple(found)


class _Names:
    """Tells which tool gave a result: the name it was written with, else that of the call it answers."""

    def __init__(self) -> None:
        self.ids = Ids()
        self.names: dict[str, Any] = {}

    def call(self, call: ToolCall) -> None:
        """Take note of a call; calls and results are to come in the order of the row."""
        self.names[self.ids.call(call)] = call.name

    def result(self, call_id: Any, name: Any) -> Any:
        """Return the name of the tool that gave a result, None if nothing tells it."""
        answered = self.ids.result(call_id, name)
        return name if type(name) is str else self.names.get(answered or "")


def _said(message: Message, names: _Names) -> dict[str, Any]:
    words = {"user": "user", "assistant": "model", "tool": "user", "function": "user"}
    parts: list[dict[str, Any]] = []
    thought = reasoning_of(message)
    if thought is not None:
        parts.append({"text": thought, "thought": True})
    text = plain_text(message) if message.kind != "parts" else None
    if message.role in ("tool", "function") and not any(p.kind == "tool_result" for p in message.parts):
        name = names.result(message.call_id, message.name)
        if type(name) is not str:
            raise Lossy([f"{message.path}: the name of the tool that gave this result is not known"])
        parts.append(_response(name, text if text is not None else message.text))
    elif text is not None and (text or not message.calls):
        parts.append({"text": text})
    for part in message.parts if message.kind == "parts" else ():
        if part.kind == "text" and message.role not in ("tool", "function"):
            parts.append({"text": part.text})
        elif part.kind == "tool_result":
            name = names.result(result_id(part), result_name(part) or message.name)
            if type(name) is not str:
                raise Lossy([f"{part.path}: the name of the tool that gave this result is not known"])
            parts.append(_response(name, part.text))
        elif part.kind not in ("text", "reasoning", "tool_call"):
            parts.append(_media(part))
    for call in message.calls:
        names.call(call)
        parts.append({"functionCall": {"name": call.name, "args": arguments_object(call, message)}})
    return {"role": words.get(message.role, message.role), "parts": parts}


def _response(name: str, text: str) -> dict[str, Any]:
    """Return a tool result; the format wants an object, so text that is none goes under `result`."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        found = None
    if type(found) is not dict:
        found = {"result": text}
    return {"functionResponse": {"name": name, "response": found}}


def _media(part: Part) -> dict[str, Any]:
    found = media(part)
    if found is None:
        raise Lossy([f"{part.path}: a part of kind {part.kind} cannot be written here"])
    if found.data:
        return {"inlineData": {"mimeType": found.mime, "data": found.data}}
    return {"fileData": {"mimeType": found.mime or f"{found.kind}/*", "fileUri": found.uri}}
