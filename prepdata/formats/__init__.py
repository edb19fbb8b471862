"""Record formats: which there are, and which one a file has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

from prepdata.errors import UsageError, nearest
from prepdata.formats.base import Format


@cache
def formats() -> tuple[Format, ...]:
    """Return every format, in the order in which they are tried on a row."""
    from prepdata.formats.openai import OpenAIChat

    return (OpenAIChat(),)


def names() -> tuple[str, ...]:
    """Return the names of all formats."""
    return tuple(f.name for f in formats())


def get(name: str) -> Format:
    """Return the format of that name.

    Raises:
        UsageError: there is none; names the nearest.
    """
    for candidate in formats():
        if candidate.name == name:
            return candidate
    raise UsageError(f"unknown format '{name}'.{nearest(name, names())} Known: {', '.join(names())}")


def recognise(raw: dict[str, Any]) -> Format | None:
    """Return the first format that recognises a row, or None."""
    for candidate in formats():
        if candidate.recognise(raw):
            return candidate
    return None


def detect(rows: Iterable[dict[str, Any]]) -> Format | None:
    """Return the format that most of `rows` have (ties: the first in order), or None if no row has one."""
    counts = Counter(f.name for f in map(recognise, rows) if f)
    return max(formats(), key=lambda f: counts[f.name]) if counts else None
