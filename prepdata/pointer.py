"""JSON pointers (RFC 6901): the paths of findings and edits, like `/messages/0/content`."""

from __future__ import annotations

from typing import Any


def keys_of(path: str) -> list[str]:
    """Return the keys of a pointer, none for the whole row."""
    return [key.replace("~1", "/").replace("~0", "~") for key in path.split("/")[1:]]


def step(holder: Any, key: str) -> Any:
    """Return what an object or a list holds at one key.

    Raises:
        KeyError: there is no such key, or the holder is neither an object nor a list.
    """
    if isinstance(holder, dict):
        return holder[key]
    if isinstance(holder, list) and key.isascii() and key.isdigit() and len(key) < 10 and int(key) < len(holder):
        return holder[int(key)]
    raise KeyError(key)


def value_at(row: Any, path: str) -> Any:
    """Return what a row holds at a pointer.

    Raises:
        KeyError: there is nothing.
    """
    value = row
    for key in keys_of(path):
        value = step(value, key)
    return value
