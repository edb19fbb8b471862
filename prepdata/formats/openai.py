"""OpenAI chat rows: `messages`, with tools, calls, parts, weights and the older functions."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from prepdata.formats.base import Format, Lossy
from prepdata.formats.outline import outline_of
from prepdata.formats.sharing import share, take_shared
from prepdata.formats.turns import Dialect, extras, view_turns
from prepdata.formats.writing import chat_messages, chat_tools, refuse
from prepdata.record import Kind, Message, Part, Record, Tool, ToolCall

CHAT_ROLES = {"system": "system", "developer": "developer", "user": "user", "assistant": "assistant",
              "tool": "tool", "function": "function"}  # fmt: skip
CHAT_KEYS = frozenset(
    {
        "role",
        "content",
        "name",
        "weight",
        "tool_calls",
        "tool_call_id",
        "function_call",
        "refusal",
        "audio",
        "reasoning_content",
        "reasoning",
        "thinking",
    }
)
_PART_KINDS = {"text": "text", "image_url": "image", "image": "image", "input_audio": "audio", "audio": "audio",
               "audio_url": "audio", "video": "video", "video_url": "video", "file": "file",
               "refusal": "refusal", "reasoning": "reasoning", "thinking": "reasoning"}  # fmt: skip
_REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")
_REASONING = frozenset(_REASONING_KEYS)
_OWN = ("messages",)
_WITH_TOOLS = ("messages", "tools")
_OTHERS = frozenset({"schemaVersion", "system", "label", "kto_tag", "chosen", "rejected"})
"""Keys with which a row of messages may be of another format."""


class OpenAIChat(Format):
    """`{"messages": [{"role": ..., "content": ...}, ...]}`"""

    name: ClassVar[str] = "openai"
    title: ClassVar[str] = "OpenAI chat"
    row_keys: ClassVar[frozenset[str]] = frozenset(
        {"messages", "tools", "parallel_tool_calls", "functions", "tool_choice", "function_call"}
    )
    message_keys: ClassVar[frozenset[str]] = CHAT_KEYS
    roles: ClassVar[dict[str, str]] = CHAT_ROLES

    def recognise(self, raw: dict[str, Any]) -> bool:
        if "messages" not in raw or (len(raw) > 1 and not _OTHERS.isdisjoint(raw) and _is_other(raw)):
            return False
        listed = raw["messages"]
        if type(listed) is not list or not listed or type(listed[0]) is not dict:
            return True
        content = listed[0].get("content")
        return type(content) is not list or not (typed_values(content) or keyed_parts(content))

    def view(self, raw: dict[str, Any]) -> Record:
        listed = raw.get("messages")
        turns = view_turns(listed, "/messages", CHAT)
        messages, shape = turns.messages, turns.shape
        if shape is not None:
            if len(raw) == 1:
                return Record(self.name, raw, messages, shape=shape, strings=turns.strings + 1)
            more = extras(raw, _OWN) if "tools" not in raw and "functions" not in raw else None
            if more is not None:
                strings = turns.strings + len(raw) + more[1]
                return Record(self.name, raw, messages, shape=(shape, more[0]), strings=strings)
        record = Record(self.name, raw, messages)
        add_tools(record, raw)
        if messages and "functions" not in raw:
            _set_outline(record, raw)
        return record

    def write(self, record: Record) -> dict[str, Any]:
        if record.preference:
            raise Lossy(refuse(record, "it has a chosen and a rejected answer"))
        row: dict[str, Any] = {"messages": chat_messages(record.messages)}
        if record.tools:
            row["tools"] = chat_tools(record)
        return row


def _set_outline(record: Record, raw: dict[str, Any]) -> None:
    """Set the outline of a row, and its number of strings, if it holds calls or tools and nothing rarer."""
    found = outline_of(record.messages, CHAT_ROLES)
    if found is None:
        return
    outline, strings = found
    parallel, more = raw.get("parallel_tool_calls"), None
    if len(raw) > 1 + ("tools" in raw):
        more = extras(raw, _WITH_TOOLS)
        if more is None or (parallel is not None and type(parallel) is not bool):
            return
        strings += more[1]
        more = more[0]
    if "tools" in raw and (not record.tools or type(raw["tools"]) is not list):
        return
    record.outline, record.strings = (outline, more, parallel, "tools" in raw), strings + len(raw)


def _is_other(raw: dict[str, Any]) -> bool:
    return (
        "schemaVersion" in raw
        or type(raw.get("label")) is bool
        or type(raw.get("kto_tag")) is bool
        or ("chosen" in raw and "rejected" in raw)
        or ("system" in raw and type(raw["system"]) in (str, list))
    )


def typed_values(content: list[Any]) -> bool:
    """True for content made of `{"type": ..., "value": ...}` parts."""
    first = content[0] if content else None
    return type(first) is dict and "type" in first and "value" in first and "text" not in first


def keyed_parts(content: list[Any]) -> bool:
    """True for content whose parts are named by their key and have no type: `{"text": ...}`, `{"toolUse": ...}`."""
    first = content[0] if content else None
    if type(first) is not dict or "type" in first:
        return False
    return not {"text", "image", "video", "document", "toolUse", "toolResult", "reasoningContent"}.isdisjoint(first)


def add_tools(record: Record, raw: dict[str, Any], base: str = "") -> None:
    """Set the declared tools of a record from `tools` or `functions` of an object at `base`."""
    for key in ("tools", "functions"):
        if key in raw:
            record.tools_path, record.tools_raw = f"{base}/{key}", raw[key]
            text = take_shared(record, raw[key], record.tools_path)
            if record.tools_key is None:
                record.tools = view_tools(raw[key], record.tools_path)
                if record.tools and text is not None:
                    share(record, text)
            return
    record.tools_path = f"{base}/tools"


def view_message(raw: Any, path: str, roles: dict[str, str] = CHAT_ROLES) -> Message:
    """Return the view of one message object, whatever it holds."""
    if type(raw) is not dict:
        return Message("", raw if type(raw) is str else "", "other", path, path, raw)
    content, field = raw.get("content"), path + "/content"
    raw_role = raw.get("role")
    role = roles.get(raw_role, raw_role) if type(raw_role) is str else ""
    text, kind, parts = view_content(content, field) if "content" in raw else ("", "absent", ())
    reasoning = None
    if not _REASONING.isdisjoint(raw):
        reasoning = next((raw[k] for k in _REASONING_KEYS if type(raw.get(k)) is str), None)
    calls = view_calls(raw, path) if "tool_calls" in raw or "function_call" in raw else ()
    return Message(role, text, kind, path, field, raw, raw_role, raw.get("weight"), reasoning,
                   raw.get("tool_call_id"), raw.get("name"), parts, calls)  # fmt: skip


CHAT = Dialect("role", "content", CHAT_ROLES, view_message)
"""Messages as `{"role": ..., "content": ...}`."""


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
        calls.append(
            ToolCall(legacy.get("name"), legacy.get("arguments"), None, here, here + "/arguments", legacy, True)
        )
    return tuple(calls)


def view_tools(tools: Any, path: str) -> tuple[Tool, ...]:
    """Return the declared tools that can be read as function specifications; rules look at the rest."""
    if type(tools) is str:
        try:
            tools = msgspec.json.decode(tools)
        except (msgspec.DecodeError, ValueError, RecursionError):
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
