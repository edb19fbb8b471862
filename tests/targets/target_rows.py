"""Rows in the format of a target: what the tests of its values put on either side."""

from __future__ import annotations

import base64
import struct
from typing import Any

from prepdata.targets.model import Target

Row = dict[str, Any]


def own_format(target: Target) -> str:
    found: str = target.accepts.formats.value[0] if target.accepts.formats else "openai"
    return {"bedrock": "bedrock", "gemini": "gemini"}.get(found, "openai")


def row(target: Target, *turns: tuple[str, Any], system: str | None = None, **more: Any) -> Row:
    """A row in the target's format; a content that is no text is a list of parts in that format."""
    kind = own_format(target)
    if kind == "openai":
        messages = [{"role": "system", "content": system}] if system else []
        return {"messages": [*messages, *({"role": r, "content": c} for r, c in turns)], **more}
    if kind == "bedrock":
        listed = [{"role": r, "content": [{"text": c}] if isinstance(c, str) else c} for r, c in turns]
        head: Row = {"schemaVersion": "bedrock-conversation-2024"}
        return {**head, **({"system": [{"text": system}]} if system else {}), "messages": listed, **more}
    words = {"assistant": "model"}
    parts = [{"role": words.get(r, r), "parts": [{"text": c}] if isinstance(c, str) else c} for r, c in turns]
    head = {"systemInstruction": {"role": "system", "parts": [{"text": system}]}} if system else {}
    return {**head, "contents": parts, **more}


PLAIN = (("user", "What is the capital of Peru?"), ("assistant", "Lima."))


def openai_row(*turns: Row, **more: Any) -> Row:
    return {"messages": list(turns), **more}


def call(arguments: Any = "{}", name: str = "f", **more: Any) -> Row:
    return {"id": "a1B2c3D4e", "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def tool(name: str = "f") -> Row:
    empty = {"type": "object", "properties": {}}
    return {"type": "function", "function": {"name": name, "description": "d", "parameters": empty}}


def calling(*calls: Row, tools: Any = None) -> Row:
    results = [{"role": "tool", "tool_call_id": c["id"], "content": "1"} for c in calls]
    last = {"role": "assistant", "content": "Done."}
    turns = [{"role": "user", "content": "Go"}, {"role": "assistant", "content": None, "tool_calls": list(calls)}]
    return openai_row(*turns, *results, last, tools=tools if tools is not None else [tool()])


def answer(**more: Any) -> Row:
    return openai_row({"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes.", **more})


# --- images ----------------------------------------------------------------------------------------------------------


def png(size: int = 100, width: int = 64, height: int = 64) -> bytes:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 2, 0, 0, 0)
    return head + b"\0" * (size - len(head))


BYTES = {
    "png": png(),
    "jpeg": b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x40\x00\x40\x03" + b"\0" * 90,
    "gif": b"GIF89a\x40\x00\x40\x00" + b"\0" * 90,
    "webp": b"RIFF\x5a\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\0\0\0\0\x3f\0\0\x3f\0\0" + b"\0" * 60,
    "bmp": b"BM" + b"\0" * 98,
}
ADDRESS = {"url": "https://example.org/a", "s3": "s3://bucket/a", "gcs": "gs://bucket/a", "path": "images/a"}


def image(target: Target, transport: str, kind: str = "png", data: bytes | None = None) -> Row:
    """An image part in the target's format, carried in some way."""
    encoded = base64.b64encode(data if data is not None else BYTES[kind]).decode()
    form = own_format(target)
    place = f"{ADDRESS[transport]}.{kind}" if transport in ADDRESS else f"data:image/{kind};base64,{encoded}"
    if form == "bedrock":
        source = {"bytes": encoded} if transport == "base64" else {"s3Location": {"uri": place}}
        return {"image": {"format": kind, "source": source}}
    if form == "gemini":
        if transport == "base64":
            return {"inlineData": {"mimeType": f"image/{kind}", "data": encoded}}
        return {"fileData": {"mimeType": f"image/{kind}", "fileUri": place}}
    return {"type": "image_url", "image_url": {"url": place}}


def usual_transport(target: Target) -> str:
    """A way to carry an image that the target takes."""
    if target.accepts.image_transport:
        return str(target.accepts.image_transport.value[0])
    return {"bedrock": "s3", "gemini": "gcs"}.get(own_format(target), "url")


def seen(target: Target, *images: Row, role: str = "user") -> Row:
    """A row with images in a turn of some role."""
    words = {"openai": {"type": "text", "text": "See."}}.get(own_format(target), {"text": "See."})
    if role == "user":
        return row(target, ("user", [words, *images]), ("assistant", "A cat."))
    return row(target, ("user", "Draw a cat."), (role, [words, *images]), ("assistant", "There."))
