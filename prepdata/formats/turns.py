"""Reads turns: lists of message objects in one quick pass, and single values that stand for a turn.

Every function takes any JSON value and never raises. A *shape* is made only of keys, role words and kinds of content,
so that rows of one shape differ in nothing but their texts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from prepdata.formats.marks import MEDIA_KEYS
from prepdata.record import Kind, Message, escape, kind_of

_MOST_STEPS = 10_000
"""Steps of conversations that are kept."""
_LONGEST = 256
"""Messages up to which a shape is kept with its step."""
_SIMPLE: dict[type, Any] = {str: "string", bool: "boolean", type(None): "null"}
PLAIN_NUMBER = 2**53
"""Numbers up to this are plain: every parser keeps them."""


class Dialect(msgspec.Struct):
    """How a format writes a message.

    Args:
        role_key, text_key: the two keys of a plain message.
        roles: role word -> canonical role.
        slow: views a message that is not plain, given (raw, path).
        special: role words that are never plain.
        part_keys: number of keys in the one part of a plain message whose content is a list; 0 if that is not plain.
        roots: trees of the messages seen so far, by the place of the list; `grown` counts their steps.
    """

    role_key: str
    text_key: str
    roles: dict[str, str]
    slow: Callable[[Any, str], Message]
    special: frozenset[str] = frozenset()
    part_keys: int = 0
    roots: dict[str, _Step] = {}
    grown: int = 0


class Turns(msgspec.Struct, frozen=True, gc=False):
    """What `view_turns` found: messages, their shape (None where one is not plain), and the number of strings in them,
    keys among them."""

    messages: tuple[Message, ...]
    shape: tuple[Any, ...] | None
    strings: int


class _Step:
    """One message of a conversation, as far as the shape of the conversation up to it tells.

    Steps make a tree: conversations that begin alike share steps, so that what follows from a shape is worked out once.

    Args:
        before: the step before, None at the root.
        entry: what stands for the message in the shape; None where the message is not plain.
        number: of the message in its list.
        strings: number of strings, keys among them, up to here.
    """

    __slots__ = ("before", "entry", "field", "kind", "next", "number", "path", "plain", "role", "shaped", "strings",
                 "weight")  # fmt: skip

    def __init__(self, before: _Step | None, entry: tuple[Any, ...] | None, number: int, strings: int) -> None:
        self.before, self.entry, self.number, self.strings = before, entry, number, strings
        self.plain: bool = before is None or (before.plain and entry is not None)
        self.next: dict[Any, _Step] = {}
        self.shaped: tuple[Any, ...] | None = None
        self.path = self.field = ""
        self.role: str | None = None  # set where a text and a weight are all that a message adds
        self.kind: Kind = "text"
        self.weight: int | None = None

    def shape(self) -> tuple[Any, ...] | None:
        """Return the shape of the conversation up to here, None where it is not plain."""
        if self.shaped is None and self.plain:
            entries: list[Any] = []
            step = self
            while step.before is not None:
                entries.append(step.entry)
                step = step.before
            if self.number > _LONGEST:
                return tuple(reversed(entries))
            self.shaped = tuple(reversed(entries))
        return self.shaped


def _grow(step: _Step, key: Any, base: str, dialect: Dialect) -> _Step:
    """Add the step after `step` for a message with this key (see `view_turns`)."""
    dialect.grown += 1
    if dialect.grown > _MOST_STEPS:
        dialect.roots.clear()
        dialect.grown = 0
    entry: tuple[Any, ...] | None = (key, "text") if type(key) is str else key
    if entry is not None and (entry[0] not in dialect.roles or entry[0] in dialect.special):
        entry = None
    made = _Step(step, entry, step.number + 1, step.strings)
    made.path = f"{base}/{made.number}"
    made.field = f"{made.path}/{dialect.text_key}"
    if entry is not None:
        made.kind, made.weight = entry[1], entry[2] if len(entry) > 2 else None
        part = entry[-1] == "part"
        made.role = None if part else dialect.roles[entry[0]]
        made.strings += (3 + 2 * dialect.part_keys if part else 4) + (made.weight is not None)
    step.next[key] = made
    return made


def view_turns(listed: Any, base: str, dialect: Dialect) -> Turns:
    """Return the view of a list of message objects at `base`; of anything but a list, nothing."""
    if type(listed) is not list:
        return Turns((), None, 0)
    role_key, text_key, part_keys = dialect.role_key, dialect.text_key, dialect.part_keys
    messages: list[Message] = []
    step = dialect.roots.get(base) or dialect.roots.setdefault(base, _Step(None, None, -1, 0))
    text: Any
    for raw in listed:
        key: Any = None  # a role where all else is as usual, an entry of a shape, or None for what is not plain
        if type(raw) is dict:
            role, text = raw.get(role_key), raw.get(text_key)
            if type(text) is str and type(role) is str:
                size = len(raw)
                if size == 2:
                    key = role if text and not text.isspace() else (role, "blank")
                elif size == 3:
                    weight = raw.get("weight")
                    if type(weight) is int and -2 < weight < 3:
                        key = (role, "text" if text and not text.isspace() else "blank", weight)
        before = step
        step = before.next.get(key) or _grow(before, key, base, dialect)
        if step.role is not None:
            messages.append(Message(step.role, text, step.kind, step.path, step.field, raw, role, step.weight))
            continue
        message = dialect.slow(raw, step.path)
        messages.append(message)
        if part_keys and before.plain and _one_part(message, dialect):
            key = (message.raw_role, message.kind, message.weight, "part")
            step = before.next.get(key) or _grow(before, key, base, dialect)
    return Turns(tuple(messages), step.shape(), step.strings)


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
        return Turns(turns, shape, 2 * len(value))
    message = bare_turn(role, value, base)
    return Turns((message,), (message.kind,) if type(value) is str else None, 0)


def extras(raw: dict[str, Any], own: frozenset[str] | tuple[str, ...]) -> tuple[tuple[Any, ...], int] | None:
    """Return (shape, number of strings) of the keys of a row beside its `own`; None if any is not plain. The keys
    themselves are not counted.

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
            inner += 1
            continue
        told = _plain(value, 0) if key not in MEDIA_KEYS or type(value) is not list else None
        if told is None:
            return None
        shape.append((key, told[0]))
        inner += told[1]
    return tuple(shape), inner


def _plain(value: Any, depth: int) -> tuple[Any, int] | None:
    """Return (kind, number of strings) of a plain value, None for any other."""
    kind = type(value)
    if kind in _SIMPLE:
        return _SIMPLE[kind], int(kind is str)
    if kind is int or kind is float:
        return ("number", 0) if -PLAIN_NUMBER < value < PLAIN_NUMBER else None
    if kind is list:
        return ("list", len(value)) if all(type(item) is str for item in value) else None
    if kind is not dict or depth > 3:
        return None
    kinds: list[Any] = []
    strings = len(value)
    for item in value.values():
        told = _plain(item, depth + 1)
        if told is None:
            return None
        kinds.append(told[0])
        strings += told[1]
    return (*value, *kinds), strings


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


def plain_row(raw: dict[str, Any], own: tuple[str, ...], shapes: tuple[Any, ...], inner: int) -> Any:
    """Return (shape, number of strings) of a row, (None, 0) where it is not plain.

    Args:
        raw: the row.
        own: its keys that `shapes` tells about.
        shapes: shapes of what stands under them, None where that is not plain.
        inner: number of strings inside those of them that are lists or objects.
    """
    if None in shapes:
        return None, 0
    strings = inner + len(raw) + sum([type(raw.get(key)) is str for key in own])
    if len(raw) == len(own) and all(key in raw for key in own):
        return (tuple(raw), shapes), strings
    more = extras(raw, own)
    if more is None:
        return None, 0
    return (tuple(raw), shapes, more[0]), strings + more[1]
