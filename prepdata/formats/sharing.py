"""Rows that declare the same tools hold the same objects, so that what is worked out for a list of tools is kept."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from prepdata.record import Record, Tool

_encode = msgspec.json.Encoder().encode
_MOST_TOOLS = 500
"""Different lists of tools that are kept."""


class Shared(NamedTuple):
    """A list of tools that rows share.

    Args:
        key: the list as JSON text.
        raw: the list.
        tools: its view.
        keys: number of JSON keys in it, counted as in `json_keys`.
    """

    key: bytes
    raw: Any
    tools: tuple[Tool, ...]
    keys: int


_shared: dict[tuple[bytes | None, str, str], Shared] = {}
_same: dict[tuple[int, str, str], Shared] = {}
"""The same by the identity of the list, which stays alive as long as its entry."""


def json_keys(text: bytes) -> int:
    """Return the number of keys in JSON text that has no white space before its colons.

    In JSON text `":` closes a key, unless the quote is escaped.
    """
    return text.count(b'":') - text.count(b'\\":')


def take_shared(record: Record, raw: Any, path: str) -> bytes | None:
    """Give a record the tools that an earlier row declared alike; its `tools_key` is then set.

    Returns:
        the tools as JSON text, to `share` their view under; None where they are no list, or cannot be written.
    """
    if type(raw) is not list:
        return None
    found = _same.get((id(raw), record.format, path))
    if found is None:
        try:
            text = _encode(raw)
        except (ValueError, RecursionError):
            return None
        found = _shared.get((text, record.format, path))
        if found is None:
            return text
    record.tools_key, record.tools_raw, record.tools, _ = found
    return found.key


def share(record: Record, text: bytes) -> None:
    """Keep the tools of a record for the rows to come. `text` is what `take_shared` returned."""
    if len(_shared) >= _MOST_TOOLS:
        _shared.clear()
        _same.clear()
    made = Shared(text, record.tools_raw, record.tools, json_keys(text))
    _shared[text, record.format, record.tools_path] = made
    _same[id(made.raw), record.format, record.tools_path] = made
    record.tools_key = text


def share_tools(record: Record) -> None:
    """Let a record that is viewed already share its tools."""
    text = take_shared(record, record.tools_raw, record.tools_path)
    if text is not None and record.tools_key is None:
        share(record, text)


def shared_keys(record: Record) -> int | None:
    """Return the number of JSON keys inside the tools of a record, None where they are not shared."""
    found = _shared.get((record.tools_key, record.format, record.tools_path))
    return found.keys if found is not None else None
