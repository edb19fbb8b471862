"""Values as JSON text, whatever they hold."""

from __future__ import annotations

from typing import Any

import msgspec


def json_text(value: Any) -> str:
    """Return a value as JSON on one line. Half characters, which UTF-8 cannot say, are escaped."""
    try:
        return msgspec.json.encode(value).decode()
    except (ValueError, OverflowError):
        import json

        return json.dumps(msgspec.to_builtins(value), separators=(",", ":"))
