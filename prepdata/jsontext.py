"""Values as JSON text, whatever they hold."""

from __future__ import annotations

from typing import Any

import msgspec


def strings_in(text: bytes) -> int:
    """Return the number of strings, keys among them, in JSON text: each stands between two quotes."""
    if b"\\" in text:
        text = without_escapes(text)
    return text.count(b'"') // 2


def without_escapes(text: bytes) -> bytes:
    """Return JSON text without its escaped backslashes and quotes."""
    return text.replace(b"\\\\", b"").replace(b'\\"', b"")


def json_text(value: Any) -> str:
    """Return a value as JSON on one line. Half characters, which UTF-8 cannot say, are escaped."""
    try:
        return msgspec.json.encode(value).decode()
    except (ValueError, OverflowError):
        import json

        return json.dumps(msgspec.to_builtins(value), separators=(",", ":"))
