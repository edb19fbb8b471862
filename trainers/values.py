"""A value of a configuration, read as the type of its key; what is wrong with it is said in words and not in types."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import inspect

from prepdata.errors import nearest

_NUMBER = re.compile(r"[+-]?(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d+)?")
"""Numbers as people write them. To YAML 1.1, which PyYAML reads, `6e-3` without a point is text (yaml.org/type/float,
2005-01-18), as is everything that stands in a flag."""
_LONGEST = 80


def read_value(value: Any, kind: Any) -> Any:
    """Return a value as the type of its key; a number that is written as text is read.

    Args:
        value: plain, as TOML, YAML or a flag has it.
        kind: type with its limits, as msgspec takes them.

    Raises:
        ValueError: it is none; says what is expected, with the limits or choices, and what was found.
    """
    inner = _inner(kind)
    numeric = isinstance(inner, inspect.IntType | inspect.FloatType)
    written = numeric and isinstance(value, str) and _NUMBER.fullmatch(value.strip()) is not None
    plain = value.strip().replace("_", "") if written else value
    try:
        if written and isinstance(inner, inspect.FloatType):
            plain = float(plain)
        return msgspec.convert(plain, kind, strict=not written)
    except msgspec.ValidationError:
        odd, near = _odd(value, inner)
        shown = value.strip() if written else repr(odd)
        raise ValueError(f"expected {expected(kind)}, found {shown:.{_LONGEST}}{near and '.' + near}") from None


def expected(kind: Any) -> str:
    """Return in words which values a type takes: `a whole number of at least 1 and at most 4,096`."""
    held = _inner(kind)
    match held:
        case inspect.IntType():
            return f"a whole number{_limits(held)}"
        case inspect.FloatType():
            return f"a number{_limits(held)}"
        case inspect.BoolType():
            return "true or false"
        case inspect.StrType():
            return "a text"
        case inspect.LiteralType():
            return f"one of {', '.join(map(str, held.values))}"
        case inspect.VarTupleType(item_type=inspect.LiteralType() as item):
            return f"some of {', '.join(map(str, item.values))}"
        case inspect.VarTupleType():
            return "a list of texts"
        case _:
            return "a table"


def _inner(kind: Any) -> inspect.Type:
    """Return what msgspec knows of a type, without descriptions and without None."""
    held = kind if isinstance(kind, inspect.Type) else inspect.type_info(kind)
    while isinstance(held, inspect.Metadata):
        held = held.type
    if isinstance(held, inspect.UnionType):
        return _inner(next(one for one in held.types if not isinstance(one, inspect.NoneType)))
    return held


def _limits(held: inspect.IntType | inspect.FloatType) -> str:
    """Return the limits of a number in words, "" where it has none."""
    sides = (("above", held.gt), ("of at least", held.ge), ("below", held.lt), ("at most", held.le))
    said = [f"{word} {int(limit) if limit == int(limit) else limit:,}" for word, limit in sides if limit is not None]
    return f" {' and '.join(said)}" if said else ""


def _odd(value: Any, held: inspect.Type) -> tuple[Any, str]:
    """Return the part of a value that is wrong, and the choice that is nearest to it, "" where there are none."""
    if isinstance(held, inspect.VarTupleType) and isinstance(value, list | tuple):
        for one in value:
            if isinstance(held.item_type, inspect.LiteralType) and one not in held.item_type.values:
                return _odd(one, held.item_type)
    if isinstance(held, inspect.LiteralType) and isinstance(value, str):
        return value, nearest(value, map(str, held.values))
    return value, ""
