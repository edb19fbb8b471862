"""Outlines: what rules of structure see of a chat row with tool calls, where a shape would have to hold too much.

An outline tells keys, roles, kinds of content, weights and the number of calls, and nothing of what calls and tools
hold. Rows of one outline meet the rules of structure once; rules about calls and tools see each of them.
"""

from __future__ import annotations

from typing import Any

from prepdata.record import Message

_KINDS = frozenset({"text", "blank", "null", "absent"})
_NULLABLE = frozenset(
    {"tool_calls", "tool_call_id", "name", "weight", "function_call", "refusal", "audio", "reasoning_content",
     "reasoning", "thinking"}
)  # fmt: skip
"""Keys of a message that say nothing when they are null."""
_DEEPEST = 20
_MOST_KEPT = 10_000
_kept: dict[tuple[Any, ...], tuple[Any, ...]] = {}
"""Outlines of single messages, one object for all that are equal, so that outlines of rows take little memory."""


def outline_of(messages: tuple[Message, ...], roles: dict[str, str]) -> tuple[tuple[Any, ...], int] | None:
    """Return (outline, number of JSON keys) of chat messages, None where any holds something rarer than calls.

    Args:
        messages: messages written as `role` and `content`, at most with `weight`, `tool_calls`, `tool_call_id`, and
            on a tool's result its `name`.
        roles: the role words of the format.
    """
    entries: list[tuple[Any, ...]] = []
    keys = 0
    entry: tuple[Any, ...]
    for message in messages:
        kind, raw, role = message.kind, message.raw, message.raw_role
        if kind not in _KINDS or type(role) is not str or role not in roles:
            return None
        size = len(raw)
        if size == 2 and kind != "absent":
            entry = (role, kind)
            entries.append(_kept.setdefault(entry, entry))
            keys += 2
            continue
        found, inner = _entry(message, raw)
        if found is None:
            return None
        entries.append(found)
        keys += size + inner
    return tuple(entries), keys


def _entry(message: Message, raw: dict[str, Any]) -> tuple[tuple[Any, ...] | None, int]:
    """Return (outline, number of keys inside its values) of one message; (None, 0) where it holds something rare."""
    inner = 0
    for key, value in raw.items():
        if key == "role" or key == "content":
            continue
        if value is None and key in _NULLABLE:
            continue
        if key == "tool_calls" and type(value) is list:
            inner = _keys_inside(value, 0)
            if inner < 0:
                return None, 0
        elif key == "weight":
            if type(value) is not int or not -2 < value < 3:
                return None, 0
        elif type(value) is not str or not (key == "tool_call_id" or (key == "name" and message.role == "tool")):
            return None, 0
    made = (*raw, message.raw_role, message.kind, message.weight, len(message.calls))
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    return _kept.setdefault(made, made), inner


def _keys_inside(value: Any, depth: int) -> int:
    """Return the number of keys inside an object or a list; below 0 where it is nested too deep to be counted here, or
    has a key that ends with a backslash, which cannot be told in JSON text from an escaped quote."""
    if depth > _DEEPEST:
        return -1_000_000_000
    if type(value) is list:
        return sum([_keys_inside(item, depth + 1) for item in value if type(item) is dict or type(item) is list])
    count = len(value)
    for key, item in value.items():
        if key[-1:] == "\\":
            return -1_000_000_000
        if type(item) is dict or type(item) is list:
            count += _keys_inside(item, depth + 1)
    return count
