"""Rows that declare the same tools hold the same objects, so that what is worked out for a list of tools is kept."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from prepdata.formats.outline import strings_inside
from prepdata.jsontext import strings_in
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
        strings: number of strings in it, keys among them.
        plain: True if it holds nothing that the quick parser loses, and is not nested deeply.
    """

    key: bytes
    raw: Any
    tools: tuple[Tool, ...]
    strings: int
    plain: bool


_shared: dict[tuple[bytes | None, str, str], Shared] = {}
_same: dict[tuple[int, str, str], Shared] = {}
"""The same by the identity of the list, which stays alive as long as its entry."""


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
    record.tools_key, record.tools_raw, record.tools = found.key, found.raw, found.tools
    return found.key


def share(record: Record, text: bytes) -> None:
    """Keep the tools of a record for the rows to come. `text` is what `take_shared` returned."""
    if len(_shared) >= _MOST_TOOLS:
        _shared.clear()
        _same.clear()
    inside = strings_inside(record.tools_raw)
    made = Shared(
        text, record.tools_raw, record.tools, strings_in(text) if inside is None else inside, inside is not None
    )
    _shared[text, record.format, record.tools_path] = made
    _same[id(made.raw), record.format, record.tools_path] = made
    record.tools_key = text


def share_tools(record: Record) -> None:
    """Let a record that is viewed already share its tools."""
    text = take_shared(record, record.tools_raw, record.tools_path)
    if text is not None and record.tools_key is None:
        share(record, text)


def shared_tools(record: Record) -> Shared | None:
    """Return the tools of a record as they are shared, None where they are not."""
    return _shared.get((record.tools_key, record.format, record.tools_path)) if record.tools_key is not None else None
