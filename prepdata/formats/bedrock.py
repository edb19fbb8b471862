"""Bedrock rows: `system` apart from `messages`, content as parts named by their key, or plain text (Haiku)."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, ClassVar

import msgspec

from prepdata.formats.base import Format, Lossy
from prepdata.formats.openai import add_tools, keyed_parts
from prepdata.formats.turns import Dialect, bare_turn, plain_row, view_turns
from prepdata.formats.writing import apart, arguments_object, media, plain_text, reasoning_of, refuse
from prepdata.record import Message, Part, Record, Tool, ToolCall

_ROLES = {"user": "user", "assistant": "assistant", "system": "system"}
SCHEMA = "bedrock-conversation-2024"
_KINDS = {"image": "image", "video": "video", "audio": "audio", "document": "file", "toolUse": "tool_call",
          "toolResult": "tool_result", "reasoningContent": "reasoning"}  # fmt: skip
_TYPES = {"text": "text", "image": "image", "tool_use": "tool_call", "tool_result": "tool_result",
          "thinking": "reasoning", "document": "file"}  # fmt: skip
_SHAPES = {"image": ("gif", "jpeg", "png", "webp"),
           "video": ("flv", "mkv", "mov", "mp4", "mpeg", "mpg", "three_gp", "webm", "wmv")}  # fmt: skip
"""What `format` may be (AWS, Converse API, ImageBlock and VideoBlock)."""
_SAME_SHAPE = {"jpg": "jpeg", "quicktime": "mov", "x-matroska": "mkv", "3gpp": "three_gp", "3gp": "three_gp"}


class Bedrock(Format):
    """`{"schemaVersion": ..., "system": [{"text": ...}], "messages": [{"role": ..., "content": [{"text": ...}]}]}`"""

    name: ClassVar[str] = "bedrock"
    title: ClassVar[str] = "Bedrock conversation"
    row_keys: ClassVar[frozenset[str]] = frozenset({"schemaVersion", "system", "messages", "toolConfig", "tools"})
    message_keys: ClassVar[frozenset[str]] = frozenset({"role", "content"})
    roles: ClassVar[dict[str, str]] = _ROLES

    def recognise(self, raw: dict[str, Any]) -> bool:
        if "schemaVersion" in raw:
            return True
        if "messages" not in raw or type(raw.get("label")) is bool or "chosen" in raw:
            return False
        if type(raw.get("system")) in (str, list) or "toolConfig" in raw:
            return True
        listed = raw["messages"]
        if type(listed) is not list or not listed or type(listed[0]) is not dict:
            return False
        content = listed[0].get("content")
        return type(content) is list and keyed_parts(content)

    def view(self, raw: dict[str, Any]) -> Record:
        turns = view_turns(raw.get("messages"), "/messages", _DIALECT)
        messages, own, shapes, inner = turns.messages, ["messages"], [turns.shape], 0
        if "system" in raw:
            system = _system(raw["system"])
            messages = (*system, *messages)
            own.append("system")
            shapes.append(_system_shape(system, raw["system"]))
            inner = 2 if type(raw["system"]) is list else 0
        record = Record(self.name, raw, messages)
        config = raw.get("toolConfig")
        if "toolConfig" in raw:
            record.tools_path = "/toolConfig/tools"
            record.tools_raw = config.get("tools") if type(config) is dict else config
            record.tools = _view_tools(record.tools_raw)
        else:
            add_tools(record, raw)
        if not record.tools and "toolConfig" not in raw and "tools" not in raw:
            record.shape, record.strings = plain_row(raw, tuple(own), tuple(shapes), turns.strings + inner)
        return record

    def write(self, record: Record) -> dict[str, Any]:
        if record.preference or record.label is not None:
            raise Lossy(refuse(record, "preference pairs and labels cannot be written here"))
        system, rest = apart(record.messages)
        row: dict[str, Any] = {"schemaVersion": SCHEMA}
        if system is not None:
            row["system"] = [{"text": plain_text(system) or ""}]
        row["messages"] = _joined(rest)
        if record.tools:
            row["toolConfig"] = {"tools": [_tool(tool) for tool in record.tools]}
        return row


def _system(raw: Any) -> tuple[Message, ...]:
    if type(raw) is not list:
        return (bare_turn("system", raw, "/system"),)
    parts = tuple(_view_part(item, f"/system/{i}") for i, item in enumerate(raw))
    if len(parts) == 1 and parts[0].kind == "text":
        text = parts[0].text
        kind = "text" if text and not text.isspace() else "blank"
        return (Message("system", text, kind, "/system", parts[0].field, raw),)  # type: ignore[arg-type]
    text = "\n".join(p.text for p in parts if p.kind == "text")
    return (Message("system", text, "parts", "/system", "/system", raw, parts=parts),)


def _system_shape(system: tuple[Message, ...], raw: Any) -> Any:
    if type(raw) is str:
        return (system[0].kind,)
    plain = system[0].kind in ("text", "blank") and type(raw) is list and len(raw[0]) == 1
    return (system[0].kind, "part") if plain else None


def _view_message(raw: Any, path: str) -> Message:
    if type(raw) is not dict:
        return Message("", raw if type(raw) is str else "", "other", path, path, raw)
    word, content, field = raw.get("role"), raw.get("content"), path + "/content"
    role = _ROLES.get(word, word) if type(word) is str else ""
    if type(content) is not list:
        bare = bare_turn(role, content, field)
        kind = bare.kind if "content" in raw else "absent"
        return Message(role, bare.text, kind, path, field, raw, word)
    parts = tuple(_view_part(item, f"{field}/{i}") for i, item in enumerate(content))
    if len(parts) == 1 and parts[0].kind == "text":
        only = parts[0]
        kind = "text" if only.text and not only.text.isspace() else "blank"
        return Message(role, only.text, kind, path, only.field, raw, word)
    calls = tuple(_view_call(part) for part in parts if part.kind == "tool_call")
    results = [part for part in parts if part.kind == "tool_result"]
    if role == "user" and results and len(results) == len(parts):
        role = "tool"
    call_id = _held(results[0], "toolResult").get("toolUseId", results[0].raw.get("tool_use_id")) if results else None
    text = "\n".join(p.text for p in parts if p.kind == "text")
    return Message(role, text, "parts", path, field, raw, word, call_id=call_id, parts=parts, calls=calls)


_DIALECT = Dialect("role", "content", _ROLES, _view_message, part_keys=1)


def _held(part: Part, key: str) -> dict[str, Any]:
    found = part.raw.get(key)
    return found if type(found) is dict else {}


def _view_part(item: Any, path: str) -> Part:
    if type(item) is not dict:
        return Part("other", item if type(item) is str else "", item, path, path)
    word = item.get("type")
    kind = _TYPES.get(word, "") if type(word) is str else ""
    if not kind:
        kind = next(
            (k for name, k in _KINDS.items() if item.get(name) is not None), "text" if "text" in item else "other"
        )
    if kind == "text":
        if type(item.get("text")) is str:
            return Part("text", item["text"], item, path, path + "/text")
        return Part("other", "", item, path, path)
    if kind == "tool_result":
        return _view_result(item, path)
    if kind == "reasoning":
        if type(item.get("thinking")) is str:
            return Part("reasoning", item["thinking"], item, path, path + "/thinking")
        inner = item.get("reasoningContent")
        inner = inner.get("reasoningText") if type(inner) is dict else None
        if type(inner) is dict and type(inner.get("text")) is str:
            return Part("reasoning", inner["text"], item, path, path + "/reasoningContent/reasoningText/text")
    return Part(kind, "", item, path, path)  # type: ignore[arg-type]


def _view_result(item: dict[str, Any], path: str) -> Part:
    """Return the view of a tool result; its field is the text where the result is one text."""
    inner, here = item.get("toolResult"), path + "/toolResult/content"
    if type(inner) is not dict:
        inner, here = item, path + "/content"
    content = inner.get("content")
    if type(content) is str:
        return Part("tool_result", content, item, path, here)
    texts: list[str] = []
    for block in content if type(content) is list else ():
        if type(block) is dict and type(block.get("text")) is str:
            texts.append(block["text"])
        elif type(block) is dict and "json" in block:
            texts.append(_json(block["json"]))
    single = type(content) is list and len(content) == 1 and type(content[0]) is dict and "text" in content[0]
    return Part("tool_result", "\n".join(texts), item, path, f"{here}/0/text" if single and texts else path)


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (ValueError, TypeError, RecursionError, OverflowError):
        return ""


def _view_call(part: Part) -> ToolCall:
    if part.raw.get("toolUse") is not None:
        inner = _held(part, "toolUse")
        place = part.path + "/toolUse/input"
        return ToolCall(inner.get("name"), inner.get("input"), inner.get("toolUseId"), part.path, place, part.raw)
    raw = part.raw
    return ToolCall(raw.get("name"), raw.get("input"), raw.get("id"), part.path, part.path + "/input", raw)


def _view_tools(raw: Any) -> tuple[Tool, ...]:
    found: list[Tool] = []
    for i, item in enumerate(raw if type(raw) is list else ()):
        spec = item.get("toolSpec") if type(item) is dict else None
        if type(spec) is dict:
            schema = spec.get("inputSchema")
            here = f"/toolConfig/tools/{i}"
            held = schema.get("json") if type(schema) is dict else None
            found.append(Tool(spec.get("name"), held, spec.get("description"), item, here,
                              here + "/toolSpec/inputSchema/json"))  # fmt: skip
    return tuple(found)


def _joined(messages: Any) -> list[dict[str, Any]]:
    """Return messages as content blocks; results that follow one another stand in one user turn, as the API wants."""
    made: list[dict[str, Any]] = []
    waiting: list[tuple[Any, str]] = []
    before = ""
    for message in messages:
        results = message.role in ("tool", "function")
        blocks = _said(message, waiting)
        if results and before == "results":
            made[-1]["content"].extend(blocks)
        else:
            made.append({"role": "user" if results else message.role, "content": blocks})
        before = "results" if results else ""
    return made


def _said(message: Message, waiting: list[tuple[Any, str]]) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    thought = reasoning_of(message)
    if thought is not None:
        blocks.append({"reasoningContent": {"reasoningText": {"text": thought}}})
    if message.kind != "parts":
        text = plain_text(message)
        if message.role in ("tool", "function"):
            blocks.append(_result(message.call_id, text or "", message, waiting))
        elif text is not None and (text or not message.calls):
            blocks.append({"text": text})
    for part in message.parts:
        if part.kind == "text":
            blocks.append({"text": part.text})
        elif part.kind == "tool_result":
            inner = _held(part, "toolResult") if type(part.raw) is dict else {}
            blocks.append(_result(inner.get("toolUseId") or message.call_id, part.text, message, waiting))
        elif part.kind not in ("reasoning", "tool_call"):
            blocks.append(_media(part))
    for number, call in enumerate(message.calls):
        name = call.id if type(call.id) is str and call.id else f"call_{len(waiting) + number + 1}"
        waiting.append((call.name, name))
        use = {"toolUseId": name, "name": call.name, "input": arguments_object(call, message)}
        blocks.append({"toolUse": use})
    return blocks


def _result(call_id: Any, text: str, message: Message, waiting: list[tuple[Any, str]]) -> dict[str, Any]:
    if type(call_id) is str and call_id:
        waiting[:] = [item for item in waiting if item[1] != call_id]
    else:
        match = next((w for w in waiting if w[0] == message.name), None) or next(iter(waiting), None)
        if match is None:
            raise Lossy([f"{message.path}: a tool result that answers no call"])
        waiting.remove(match)
        call_id = match[1]
    return {"toolResult": {"toolUseId": call_id, "content": [{"text": text}]}}


def _media(part: Part) -> dict[str, Any]:
    found = media(part)
    if found is None or found.kind not in ("image", "video"):
        raise Lossy([f"{part.path}: a part of kind {part.kind} cannot be written here"])
    if not found.data and not found.uri.startswith("s3://"):
        raise Lossy([f"{part.path}: only images in the row or under s3:// can be written here"])
    told = found.mime.partition("/")[2] if found.data else PurePosixPath(found.uri).suffix[1:]
    shape = _SAME_SHAPE.get(told.lower(), told.lower())
    if shape not in _SHAPES[found.kind]:
        raise Lossy([f"{part.path}: the {found.kind} does not say that it is one of {', '.join(_SHAPES[found.kind])}"])
    source = {"bytes": found.data} if found.data else {"s3Location": {"uri": found.uri}}
    return {found.kind: {"format": shape, "source": source}}


def _tool(tool: Tool) -> dict[str, Any]:
    made: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        made["description"] = tool.description
    return {"toolSpec": made | {"inputSchema": {"json": tool.parameters if tool.parameters is not None else {}}}}
