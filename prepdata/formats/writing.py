"""Pieces that formats write rows with: chat messages, tools, plain texts. What cannot be said raises `Lossy`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from prepdata.formats.base import Lossy
from prepdata.jsontext import json_text
from prepdata.record import Message, Part, Record, ToolCall

SYSTEM = ("system", "developer")


class Media(NamedTuple):
    """What an image, audio or video part holds: base64 `data` with its type, or a `uri`."""

    kind: str
    mime: str
    data: str
    uri: str


def refuse(record: Record, why: str) -> list[str]:
    """Return the one reason for which a whole row cannot be written."""
    return [f": {why}"]


def lose(message: Message, why: str) -> Lossy:
    """Return the error that a message cannot be written."""
    return Lossy([f"{message.path}: {why}"])


def media(part: Part) -> Media | None:
    """Return what a media part holds, in whatever way it is written; None if it cannot be told."""
    raw = part.raw
    if part.kind not in ("image", "audio", "video") or type(raw) is not dict:
        return None
    for key in ("inlineData", "inline_data", "fileData", "file_data"):
        inner = raw.get(key)
        if type(inner) is dict:
            mime = inner.get("mimeType") or inner.get("mime_type") or ""
            data, uri = inner.get("data"), inner.get("fileUri") or inner.get("file_uri")
            return _media(part.kind, mime, data, uri)
    source, shape = raw.get("source"), raw.get("format")
    inner = raw.get("image") or raw.get("video") or raw.get("audio")
    if type(inner) is dict and type(inner.get("source")) is dict:
        source, shape = inner["source"], inner.get("format")
    if type(source) is dict:
        mime = source.get("media_type") or (f"{part.kind}/{shape}" if type(shape) is str else "")
        location = source.get("s3Location")
        uri = location.get("uri") if type(location) is dict else source.get("url")
        return _media(part.kind, mime, source.get("bytes") or source.get("data"), uri)
    audio = raw.get("input_audio")
    if type(audio) is dict:
        return _media("audio", f"audio/{audio.get('format')}", audio.get("data"), None)
    for key in ("image_url", "image", "audio_url", "audio", "video_url", "video", "value", "url"):
        found = raw.get(key)
        if type(found) is dict:
            found = found.get("url")
        if type(found) is str and found:
            return _from_url(part.kind, found)
    return None


def _media(kind: str, mime: Any, data: Any, uri: Any) -> Media | None:
    mime = mime if type(mime) is str else ""
    if type(data) is str and data:
        return Media(kind, mime.replace("/jpg", "/jpeg"), data, "")
    return Media(kind, "", "", uri) if type(uri) is str and uri else None


def _from_url(kind: str, url: str) -> Media:
    if url.startswith("data:") and ";base64," in url:
        head, _, data = url.partition(",")
        return Media(kind, head[5:].partition(";")[0].replace("/jpg", "/jpeg"), data, "")
    return Media(kind, "", "", url)


def data_url(found: Media) -> str:
    """Return a media part as one URL."""
    return found.uri or f"data:{found.mime};base64,{found.data}"


def arguments_text(call: ToolCall) -> str:
    """Return the arguments of a call as JSON text."""
    if type(call.arguments) is str:
        return call.arguments
    return "{}" if call.arguments is None else json_text(call.arguments)


def arguments_object(call: ToolCall, message: Message) -> Any:
    """Return the arguments of a call as an object.

    Raises:
        Lossy: they are text that is not a JSON object.
    """
    found = call.arguments
    if type(found) is str:
        try:
            found = msgspec.json.decode(found)
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise Lossy([f"{call.arguments_path}: the arguments are not a JSON object"]) from None
    if found is None:
        return {}
    if type(found) is not dict:
        raise Lossy([f"{call.arguments_path}: the arguments are not a JSON object"])
    return found


class Ids:
    """Gives calls without an id one, and results the id of the call they answer, in order."""

    def __init__(self) -> None:
        self.made = 0
        self.waiting: list[tuple[Any, str]] = []

    def call(self, call: ToolCall) -> str:
        """Return the id of a call."""
        self.made += 1
        name = call.id if type(call.id) is str and call.id else f"call_{self.made}"
        self.waiting.append((call.name, name))
        return name

    def result(self, call_id: Any, name: Any) -> str | None:
        """Return the id for a result that was written with this id and tool name; None if nothing waits for one."""
        if type(call_id) is str and call_id:
            self.waiting = [item for item in self.waiting if item[1] != call_id]
            return call_id
        match = next((item for item in self.waiting if item[0] == name), None) or next(iter(self.waiting), None)
        if match is None:
            return None
        self.waiting.remove(match)
        return match[1]


def chat_messages(
    messages: Sequence[Message], ids: Ids | None = None, *, objects: bool = False
) -> list[dict[str, Any]]:
    """Return messages as role/content objects with `tool_calls`.

    Args:
        messages: the turns.
        ids: carries call ids from one list of turns to the next.
        objects: True to write arguments as objects, False as JSON text.
    """
    ids = ids or Ids()
    return [made for message in messages for made in _chat(message, ids, objects)]


def _chat(message: Message, ids: Ids, objects: bool) -> Iterator[dict[str, Any]]:
    results = [p for p in message.parts if p.kind == "tool_result"]
    rest = [p for p in message.parts if p.kind not in ("tool_result", "tool_call", "reasoning")]
    for part in results:
        made: dict[str, Any] = {"role": "tool"}
        call_id = ids.result(result_id(part), result_name(part))
        if call_id is not None:
            made["tool_call_id"] = call_id
        if type(result_name(part)) is str:
            made["name"] = result_name(part)
        made["content"] = part.text
        yield made
    if results and not rest and not message.calls:
        return
    made = {"role": message.role}
    if message.role in ("tool", "function"):
        call_id = ids.result(message.call_id, message.name) if message.role == "tool" else None
        if call_id is not None:
            made["tool_call_id"] = call_id
    if type(message.name) is str:
        made["name"] = message.name
    thought = reasoning_of(message)
    if thought is not None:
        made["reasoning_content"] = thought
    if message.kind != "absent" or not message.calls:
        made["content"] = _chat_content(message, rest)
    if message.calls:
        made["tool_calls"] = [_chat_call(call, ids, objects, message) for call in message.calls]
    if message.weight is not None:
        made["weight"] = message.weight
    yield made


def _chat_content(message: Message, parts: list[Part]) -> Any:
    if message.kind != "parts":
        return plain_text(message)
    if all(p.kind == "text" for p in parts) and len(parts) < 2:
        return parts[0].text if parts else None
    if message.path == "/instruction":
        return message.text
    return [_chat_part(part) for part in parts]


def _chat_part(part: Part) -> dict[str, Any]:
    if part.kind == "text":
        return {"type": "text", "text": part.text}
    if part.kind == "refusal":
        return {"type": "refusal", "refusal": part.text}
    found = media(part)
    if found is None or found.kind not in ("image", "audio", "video"):
        raise Lossy([f"{part.path}: a part of kind {part.kind} that cannot be written as a chat part"])
    if found.kind == "audio" and found.data:
        return {"type": "input_audio", "input_audio": {"data": found.data, "format": found.mime.partition("/")[2]}}
    key = f"{found.kind}_url"
    return {"type": key, key: {"url": data_url(found)}}


def _chat_call(call: ToolCall, ids: Ids, objects: bool, message: Message) -> dict[str, Any]:
    arguments = arguments_object(call, message) if objects else arguments_text(call)
    return {"id": ids.call(call), "type": "function", "function": {"name": call.name, "arguments": arguments}}


def chat_tools(record: Record) -> list[dict[str, Any]]:
    """Return the declared tools as function specifications."""
    return [{"type": "function", "function": bare_tool(tool)} for tool in record.tools]


def bare_tool(tool: Any) -> dict[str, Any]:
    """Return a tool as name, description, parameters."""
    made = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    strict = tool.raw.get("function", tool.raw) if type(tool.raw) is dict else {}
    if type(strict) is dict and "strict" in strict:
        made["strict"] = strict["strict"]
    return {key: value for key, value in made.items() if value is not None}


def result_id(part: Part) -> Any:
    """Return the call id of a part that is a tool result."""
    raw = part.raw if type(part.raw) is dict else {}
    inner = raw.get("toolResult") or raw.get("functionResponse") or raw
    if type(inner) is not dict:
        return None
    return next((inner[k] for k in ("toolUseId", "tool_use_id", "id") if type(inner.get(k)) is str), None)


def result_name(part: Part) -> Any:
    """Return the tool name of a part that is a tool result."""
    raw = part.raw if type(part.raw) is dict else {}
    inner = raw.get("functionResponse") or raw.get("toolResult") or {}
    return inner.get("name") if type(inner) is dict else None


def reasoning_of(message: Message) -> str | None:
    """Return the reasoning of a message, kept apart or in parts."""
    if message.reasoning is not None:
        return message.reasoning
    found = [p.text for p in message.parts if p.kind == "reasoning"]
    return "\n".join(found) if found else None


def plain_text(message: Message) -> str | None:
    """Return the content of a message as one text, None where it has none.

    Raises:
        Lossy: it holds more than text.
    """
    if message.kind in ("text", "blank"):
        return message.text
    if message.kind in ("null", "absent"):
        return None
    if message.kind == "other":
        raise lose(message, "its content is neither text nor a list of parts")
    odd = next((p for p in message.parts if p.kind not in ("text", "reasoning", "tool_call", "tool_result")), None)
    if odd is not None:
        raise Lossy([f"{odd.path}: a part of kind {odd.kind}, where only text can stand"])
    return message.text


def only_text(message: Message) -> str:
    """Return the content of a message that says nothing but a text.

    Raises:
        Lossy: it calls tools, answers a call, or holds more than text.
    """
    if message.calls or message.role in ("tool", "function") or any(p.kind == "tool_result" for p in message.parts):
        raise lose(message, "tool calls and results cannot be written here")
    return plain_text(message) or ""


def apart(messages: Sequence[Message]) -> tuple[Message | None, Sequence[Message]]:
    """Return (the one system message at the start, the other turns).

    Raises:
        Lossy: a system message stands elsewhere, where only one at the start can be written.
    """
    first = messages[0] if messages and messages[0].role in SYSTEM else None
    rest = messages[1:] if first else messages
    for message in rest:
        if message.role in SYSTEM:
            raise lose(message, "a system message that is not the first turn")
    return first, rest
