"""Reads turns: lists of message objects in one quick pass, and single values that stand for a turn.

Every function takes any JSON value and never raises. A *shape* is made only of keys, role words and kinds of content,
so that rows of one shape differ in nothing but their texts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from prepdata.formats.marks import MEDIA_KEYS
from prepdata.record import Kind, Message, escape, kind_of

_LONGEST = 256
"""Turns for which pointers are kept ready."""
_SIMPLE: dict[type, Any] = {str: "string", bool: "boolean", type(None): "null"}
_PLAIN_INT = 2**53
"""Whole numbers up to this are plain: every parser keeps them."""


class Dialect(NamedTuple):
    """How a format writes a message.

    Args:
        role_key, text_key: the two keys of a plain message.
        roles: role word -> canonical role.
        slow: views a message that is not plain, given (raw, path).
        special: role words that are never plain.
        part_keys: number of keys in the one part of a plain message whose content is a list; 0 if that is not plain.
    """

    role_key: str
    text_key: str
    roles: dict[str, str]
    slow: Callable[[Any, str], Message]
    special: frozenset[str] = frozenset()
    part_keys: int = 0


class Turns(NamedTuple):
    """What `view_turns` found: messages, their shape (None where one is not plain), and the number of their keys."""

    messages: tuple[Message, ...]
    shape: tuple[Any, ...] | None
    keys: int


@lru_cache(maxsize=64)
def _pointers(base: str, key: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    paths = tuple(f"{base}/{i}" for i in range(_LONGEST))
    return paths, tuple(f"{path}/{key}" for path in paths)


def view_turns(listed: Any, base: str, dialect: Dialect) -> Turns:
    """Return the view of a list of message objects at `base`; of anything but a list, nothing."""
    if type(listed) is not list:
        return Turns((), None, 0)
    role_key, text_key, roles, slow, special, part_keys = dialect
    paths, fields = _pointers(base, text_key)
    messages: list[Message] = []
    shape: list[Any] = []
    keys, plain, number = 0, True, -1
    for raw in listed:
        number += 1
        if number >= _LONGEST:
            path = f"{base}/{number}"
            field = f"{path}/{text_key}"
        else:
            path, field = paths[number], fields[number]
        if type(raw) is dict:
            role, text = raw.get(role_key), raw.get(text_key)
            if type(text) is str and type(role) is str and role in roles and role not in special:
                kind: Kind = "text" if text and not text.isspace() else "blank"
                size = len(raw)
                if size == 2:
                    messages.append(Message(roles[role], text, kind, path, field, raw, role))
                    keys += 2
                    shape.append((role, kind))
                    continue
                weight = raw.get("weight")
                if size == 3 and type(weight) is int and -2 < weight < 3:
                    messages.append(Message(roles[role], text, kind, path, field, raw, role, weight))
                    keys += 3
                    shape.append((role, kind, weight))
                    continue
        message = slow(raw, path)
        messages.append(message)
        if part_keys and plain and _one_part(message, dialect):
            keys += len(raw) + part_keys
            shape.append((message.raw_role, message.kind, message.weight, "part"))
        else:
            plain = False
    return Turns(tuple(messages), tuple(shape) if plain else None, keys)


def _one_part(message: Message, dialect: Dialect) -> bool:
    """True for a message whose content is a list of one part, which holds nothing but a text."""
    raw, role = message.raw, message.raw_role
    if message.kind not in ("text", "blank") or type(role) is not str or role not in dialect.roles:
        return False
    content, weight = raw.get(dialect.text_key), message.weight
    if type(content) is not list or len(content) != 1 or len(content[0]) != dialect.part_keys:
        return False
    return len(raw) == 2 or (len(raw) == 3 and type(weight) in (int, float) and weight in (0, 1))


def bare_turn(role: str, value: Any, path: str, raw_role: Any = None) -> Message:
    """Return the view of a turn that is written as a bare value, in a place that gives it its role."""
    if type(value) is str:
        return Message(role, value, "text" if value and not value.isspace() else "blank", path, path, value, raw_role)
    return Message(role, "", "other" if type(value) is list else kind_of(value), path, path, value, raw_role)


def view_side(value: Any, base: str, dialect: Dialect, role: str = "assistant") -> Turns:
    """Return the view of one side of a row: a list of messages, one message, or a bare text of `role`."""
    if type(value) is list:
        return view_turns(value, base, dialect)
    if type(value) is dict and (dialect.role_key in value or dialect.text_key in value):
        return Turns((dialect.slow(value, base),), None, 0)
    if type(value) is dict and value and all(key in dialect.roles for key in value):
        turns = tuple(bare_turn(dialect.roles[k], v, f"{base}/{escape(k)}", k) for k, v in value.items())
        shape = tuple((m.raw_role, m.kind) for m in turns) if all(type(v) is str for v in value.values()) else None
        return Turns(turns, shape, len(value))
    message = bare_turn(role, value, base)
    return Turns((message,), (message.kind,) if type(value) is str else None, 0)


def extras(raw: dict[str, Any], own: frozenset[str] | tuple[str, ...]) -> tuple[tuple[Any, ...], int] | None:
    """Return (shape, number of inner keys) of the keys of a row beside its `own`; None if any is not plain.

    Plain are texts, true and false, null, numbers that every parser keeps, lists of texts, and objects of such values,
    up to four levels deep; but lists of media are never plain.
    """
    shape: list[Any] = []
    inner = 0
    for key, value in raw.items():
        if key in own:
            continue
        if type(value) is str:
            shape.append((key, "string"))
            continue
        told = _plain(value, 0) if key not in MEDIA_KEYS or type(value) is not list else None
        if told is None:
            return None
        shape.append((key, told[0]))
        inner += told[1]
    return tuple(shape), inner


def _plain(value: Any, depth: int) -> tuple[Any, int] | None:
    """Return (kind, number of keys inside) of a plain value, None for any other."""
    kind = type(value)
    if kind in _SIMPLE:
        return _SIMPLE[kind], 0
    if kind is int or kind is float:
        return ("number", 0) if -_PLAIN_INT < value < _PLAIN_INT else None
    if kind is list:
        return ("list", 0) if all(type(item) is str for item in value) else None
    if kind is not dict or depth > 3:
        return None
    kinds: list[Any] = []
    keys = len(value)
    for item in value.values():
        simple = _SIMPLE.get(type(item))
        if simple is None:
            told = _plain(item, depth + 1)
            if told is None:
                return None
            simple, inner = told
            keys += inner
        kinds.append(simple)
    return (*value, *kinds), keys


def shared_prefix(one: Any, other: Any) -> int:
    """Return how many messages two lists begin with alike, at least one message left on each side."""
    if type(one) is not list or type(other) is not list:
        return 0
    count = 0
    for left, right in zip(one[:-1], other[:-1]):
        if left != right:
            break
        count += 1
    return count


def plain_row(raw: dict[str, Any], own: frozenset[str] | tuple[str, ...], shapes: tuple[Any, ...], keys: int) -> Any:
    """Return (shape, number of keys) of a row, (None, 0) where it is not plain.

    Args:
        raw: the row.
        own: its keys that `shapes` tells about.
        shapes: shapes of what stands under them, None where that is not plain.
        keys: number of keys inside the values of `own`.
    """
    if None in shapes:
        return None, 0
    if len(raw) == len(own) and all(key in raw for key in own):
        return (tuple(raw), shapes), keys + len(raw)
    more = extras(raw, own)
    if more is None:
        return None, 0
    return (tuple(raw), shapes, more[0]), keys + len(raw) + more[1]
