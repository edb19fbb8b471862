"""Outlines: what rules of structure see of a chat row with tool calls, where a shape would have to hold too much.

An outline tells keys, roles, kinds of content, weights and the number of calls, and nothing of what calls and tools
hold. Rows of one outline meet the rules of structure once; rules about calls and tools see each of them.
"""

from __future__ import annotations

from typing import Any

from prepdata.formats.turns import PLAIN_NUMBER
from prepdata.record import Message

_KINDS = frozenset({"text", "blank", "null", "absent"})
_NULLABLE = frozenset(
    {"tool_calls", "tool_call_id", "name", "weight", "function_call", "refusal", "audio", "reasoning_content",
     "reasoning", "thinking"}
)  # fmt: skip
"""Keys of a message that say nothing when they are null."""
_DEEPEST = 20
_NEVER = -1_000_000_000
_MOST_KEPT = 10_000
_kept: dict[tuple[Any, ...], tuple[Any, ...]] = {}
"""Outlines of single messages, one object for all that are equal, so that outlines of rows take little memory."""


def outline_of(messages: tuple[Message, ...], roles: dict[str, str]) -> tuple[tuple[Any, ...], int] | None:
    """Return (outline, number of strings) of chat messages, None where any holds something rarer than calls.

    Args:
        messages: messages written as `role` and `content`, at most with `weight`, `tool_calls`, `tool_call_id`, and
            on a tool's result its `name`.
        roles: the role words of the format.
    """
    entries: list[tuple[Any, ...]] = []
    strings = 0
    entry: tuple[Any, ...]
    for message in messages:
        kind, raw, role = message.kind, message.raw, message.raw_role
        if kind not in _KINDS or type(role) is not str or role not in roles:
            return None
        size = len(raw)
        if size == 2 and kind != "absent":
            entry = (role, kind)
            entries.append(_kept.setdefault(entry, entry))
            strings += 4 if kind != "null" else 3
            continue
        found, inner = _entry(message, raw)
        if found is None:
            return None
        entries.append(found)
        strings += size + inner
    return tuple(entries), strings


def _entry(message: Message, raw: dict[str, Any]) -> tuple[tuple[Any, ...] | None, int]:
    """Return (outline, number of strings in its values) of one message; (None, 0) where it holds something rare."""
    inner = 0
    for key, value in raw.items():
        if type(value) is str:
            inner += 1
        if key == "role" or key == "content":
            continue
        if value is None and key in _NULLABLE:
            continue
        if key == "tool_calls" and type(value) is list:
            strings = strings_inside(value)
            if strings is None:
                return None, 0
            inner += strings
        elif key == "weight":
            if type(value) is not int or not -2 < value < 3:
                return None, 0
        elif type(value) is not str or not (key == "tool_call_id" or (key == "name" and message.role == "tool")):
            return None, 0
    made = (*raw, message.raw_role, message.kind, message.weight, len(message.calls))
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    return _kept.setdefault(made, made), inner


def strings_inside(value: Any) -> int | None:
    """Return the number of strings, keys among them, inside an object or a list; None where it is nested deeply, or
    holds a number that not every parser keeps."""
    count = _inside(value, 0)
    return count if count >= 0 else None


def _inside(value: Any, depth: int) -> int:
    if depth > _DEEPEST:
        return _NEVER
    count, items = 0, value
    if type(value) is dict:
        count, items = len(value), value.values()
    for item in items:
        kind = type(item)
        if kind is str:
            count += 1
        elif kind is dict or kind is list:
            count += _inside(item, depth + 1)
        elif (kind is int or kind is float) and not -PLAIN_NUMBER < item < PLAIN_NUMBER:
            return _NEVER
    return count
