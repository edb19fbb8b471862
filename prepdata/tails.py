"""Ends of lines that many rows have in common: the declared tools, where they are the last key of a row.

Such an end is decoded once. A row that ends with the very same bytes is decoded without them and gets the value that
is known. That is safe: if the beginning, closed with a brace, is a JSON object, then the end stands at its top level.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from prepdata.jsontext import strings_in
from prepdata.record import Record

_decode = msgspec.json.Decoder().decode
_LOOK = 48
"""Last bytes of a line by which a known end is looked up."""
_MOST = 500
_MOST_ALIKE = 8
_TRIES = 3
_NAME = b'"tools"'


class Tail(NamedTuple):
    """A known end of lines.

    Args:
        text: its bytes, from the comma before the key on.
        name, value: what it adds to a row.
        strings: number of strings in it, keys among them.
    """

    text: bytes
    name: str
    value: Any
    strings: int


_ends: dict[bytes, list[Tail]] = {}
_met: dict[bytes, bool] = {}
"""Declared tools that were met once (False) or whose end of lines was looked for (True)."""


def find_tail(text: bytes) -> Tail | None:
    """Return the known end that a line has, None if it has none."""
    for tail in _ends.get(text[-_LOOK:], ()):
        if text.endswith(tail.text):
            return tail
    return None


def decode_head(text: bytes, tail: Tail) -> tuple[dict[str, Any], bytes] | None:
    """Return (row, its bytes without the end) for a line with a known end; None if it has to be read as a whole."""
    head = text[: -len(tail.text)] + b"}"
    try:
        raw = _decode(head)
    except (ValueError, RecursionError):
        return None
    if type(raw) is not dict or not raw or tail.name in raw:
        return None
    raw[tail.name] = tail.value
    return raw, head


def learn_tail(record: Record, text: bytes) -> None:
    """Keep the end of a line for the rows to come, if it is nothing but the tools of the record, met before.

    Args:
        record: a row with shared tools.
        text: its line, which holds nothing that the quick parser loses.
    """
    key = record.tools_key
    if key is None or _met.get(key) or next(reversed(record.raw)) != "tools" or record.tools_path != "/tools":
        return
    again = key in _met
    if not again and len(_met) >= _MOST:
        _met.clear()
        _ends.clear()
    _met[key] = again
    tail = _tail_of(record, text) if again else None
    if tail is not None:
        alike = _ends.setdefault(text[-_LOOK:], [])
        if len(alike) < _MOST_ALIKE:
            alike.append(tail)


def _tail_of(record: Record, text: bytes) -> Tail | None:
    place = len(text)
    for _ in range(_TRIES):
        place = text.rfind(_NAME, 0, place)
        if place < 0:
            return None
        before = text[:place].rstrip(b" \t")
        end = text[len(before) - 1 :]
        tail = Tail(end, "tools", record.tools_raw, strings_in(end))
        if len(end) > _LOOK and before.endswith(b",") and _is_whole(text[place:], record):
            return tail if decode_head(text, tail) is not None else None
    return None


def _is_whole(text: bytes, record: Record) -> bool:
    """Return True if text from a key to the end of the line is the tools of a record and nothing else."""
    try:
        found = _decode(b"{" + text)
    except (ValueError, RecursionError):
        return False
    return list(found) == ["tools"] and msgspec.json.encode(found["tools"]) == record.tools_key
