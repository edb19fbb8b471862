"""OpenAI chat rows: `messages`, with tools, calls, parts, weights and the older functions."""

from __future__ import annotations

from typing import Any, ClassVar

from prepdata.formats.base import Format
from prepdata.record import Kind, Message, Part, Record, Tool, ToolCall

_ROLES = {"system": "system", "developer": "developer", "user": "user", "assistant": "assistant",
          "tool": "tool", "function": "function"}  # fmt: skip
_PATHS = tuple(f"/messages/{i}" for i in range(256))
_FIELDS = tuple(path + "/content" for path in _PATHS)
_PLAIN_KEYS = frozenset({"role", "content", "name", "weight"})
_PART_KINDS = {"text": "text", "image_url": "image", "image": "image", "input_audio": "audio", "audio": "audio",
               "audio_url": "audio", "video": "video", "video_url": "video", "file": "file",
               "refusal": "refusal", "reasoning": "reasoning", "thinking": "reasoning"}  # fmt: skip


class OpenAIChat(Format):
    """`{"messages": [{"role": ..., "content": ...}, ...]}`"""

    name: ClassVar[str] = "openai"
    title: ClassVar[str] = "OpenAI chat"
    row_keys: ClassVar[frozenset[str]] = frozenset(
        {"messages", "tools", "parallel_tool_calls", "functions", "tool_choice", "function_call"}
    )
    message_keys: ClassVar[frozenset[str]] = frozenset(
        {"role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal", "audio",
         "reasoning_content", "reasoning", "thinking"}  # fmt: skip
    )
    roles: ClassVar[dict[str, str]] = _ROLES

    def recognise(self, raw: dict[str, Any]) -> bool:
        return "messages" in raw and "schemaVersion" not in raw

    def view(self, raw: dict[str, Any]) -> Record:
        listed = raw.get("messages")
        messages, plain, keys = view_messages(listed if type(listed) is list else [])
        if len(raw) == 1 and plain is not None and type(listed) is list:
            return Record(self.name, raw, messages, shape=plain, keys=keys + 1)
        tools_raw, path = (raw["tools"], "/tools") if "tools" in raw else (raw.get("functions"), "/functions")
        tools = view_tools(tools_raw, path)
        record = Record(self.name, raw, messages, tools=tools, tools_path=path)
        if "tools" in raw or "functions" in raw:
            record.tools_raw = tools_raw
        return record


def view_messages(listed: list[Any], base: str = "/messages") -> tuple[tuple[Message, ...], Any, int]:
    """Return (messages, shape or None, number of keys) for a list of role/content objects."""
    messages: list[Message] = []
    shape: list[Any] | None = []
    keys = 0
    usual = base == "/messages" and len(listed) <= len(_PATHS)
    for i, raw in enumerate(listed):
        path = _PATHS[i] if usual else f"{base}/{i}"
        if type(raw) is dict:
            role, content = raw.get("role"), raw.get("content")
            if len(raw) == 2 and type(content) is str and type(role) is str and role in _ROLES:
                kind: Kind = "text" if content and not content.isspace() else "blank"
                field = _FIELDS[i] if usual else path + "/content"
                messages.append(Message(_ROLES[role], content, kind, path, field, raw, role))
                keys += 2
                if shape is not None:
                    shape.append((role, kind))
                continue
        messages.append(view_message(raw, path))
        shape = None
    return tuple(messages), None if shape is None else tuple(shape), keys


def view_message(raw: Any, path: str) -> Message:
    """Return the view of one message object, whatever it holds."""
    if type(raw) is not dict:
        return Message("", raw if type(raw) is str else "", "other", path, path, raw)
    content, field = raw.get("content"), path + "/content"
    raw_role = raw.get("role")
    role = raw_role if type(raw_role) is str else ""
    text, kind, parts = view_content(content, field) if "content" in raw else ("", "absent", ())
    reasoning = next((raw[k] for k in ("reasoning_content", "reasoning", "thinking") if type(raw.get(k)) is str), None)
    return Message(role, text, kind, path, field, raw, raw_role, raw.get("weight"), reasoning,
                   raw.get("tool_call_id"), raw.get("name"), parts, view_calls(raw, path))  # fmt: skip


def view_content(content: Any, field: str) -> tuple[str, Kind, tuple[Part, ...]]:
    """Return (text, kind, parts) of a content value."""
    if type(content) is str:
        return content, "text" if content and not content.isspace() else "blank", ()
    if content is None:
        return "", "null", ()
    if type(content) is not list:
        return "", "other", ()
    parts = tuple(view_part(item, f"{field}/{i}") for i, item in enumerate(content))
    return "\n".join(p.text for p in parts if p.kind == "text"), "parts", parts


def view_part(item: Any, path: str) -> Part:
    """Return the view of one content part."""
    if type(item) is not dict:
        return Part("other", item if type(item) is str else "", item, path, path)
    kind = _PART_KINDS.get(item.get("type")) if type(item.get("type")) is str else None  # type: ignore[arg-type]
    if kind in ("text", "refusal", "reasoning"):
        for key in ("text", "refusal", "thinking", "reasoning"):
            if type(item.get(key)) is str:
                return Part(kind, item[key], item, path, f"{path}/{key}")  # type: ignore[arg-type]
    return Part(kind or "other", "", item, path, path)  # type: ignore[arg-type]


def view_calls(raw: dict[str, Any], path: str) -> tuple[ToolCall, ...]:
    """Return the calls of an assistant message, `tool_calls` first, then the older `function_call`."""
    calls: list[ToolCall] = []
    listed = raw.get("tool_calls")
    if type(listed) is list:
        for i, item in enumerate(listed):
            here = f"{path}/tool_calls/{i}"
            function = item.get("function") if type(item) is dict else None
            if type(function) is dict:
                calls.append(ToolCall(function.get("name"), function.get("arguments"), item.get("id"), here,
                                      here + "/function/arguments", item))  # fmt: skip
            elif type(item) is dict:
                calls.append(ToolCall(item.get("name"), item.get("arguments"), item.get("id"), here,
                                      here + "/arguments", item))  # fmt: skip
            else:
                calls.append(ToolCall(None, None, None, here, here, item))
    legacy = raw.get("function_call")
    if type(legacy) is dict:
        here = f"{path}/function_call"
        calls.append(ToolCall(legacy.get("name"), legacy.get("arguments"), None, here, here + "/arguments", legacy, True))
    return tuple(calls)


def view_tools(tools: Any, path: str) -> tuple[Tool, ...]:
    """Return the declared tools that can be read as function specifications; rules look at the rest."""
    if type(tools) is str:
        import msgspec

        try:
            tools = msgspec.json.decode(tools)
        except (msgspec.DecodeError, RecursionError):
            return ()
    if type(tools) is not list:
        return ()
    found: list[Tool] = []
    for i, item in enumerate(tools):
        if type(item) is not dict:
            continue
        inner = item.get("function")
        spec, here = (inner, f"{path}/{i}/function") if type(inner) is dict else (item, f"{path}/{i}")
        found.append(Tool(spec.get("name"), spec.get("parameters"), spec.get("description"), item, f"{path}/{i}",
                          here + "/parameters"))  # fmt: skip
    return tuple(found)
