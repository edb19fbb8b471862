"""What the two privacy rules share: the texts of a row, masked excerpts, and the fix that puts placeholders in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from prepdata.chunk import Text
from prepdata.findings import Edit, Fix, around
from prepdata.record import Record

T = TypeVar("T")
KEPT = 2048
"""Texts of which a look is remembered; many rows share their system prompt."""
SHORT = 8192
"""Characters up to which a text is kept for that."""


class Spot(NamedTuple):
    """A stretch of text to be hidden: where, how it is shown, and what a fix puts there."""

    start: int
    end: int
    shown: str
    placeholder: str


def remembered(look: Callable[[str], T]) -> Callable[[str], T]:
    """Return a pure function of a text that remembers what it said of the last short ones."""
    kept = lru_cache(maxsize=KEPT)(look)
    return lambda text: kept(text) if len(text) <= SHORT else look(text)


def excerpt(text: str, spots: Sequence[Spot], number: int) -> str:
    """Return the surroundings of one spot, with every spot of the text masked."""
    pieces: list[str] = []
    place, span, at = 0, (0, 0), 0
    for i, spot in enumerate(spots):
        pieces.extend((text[at : spot.start], spot.shown))
        place += spot.start - at
        if i == number:
            span = (place, place + len(spot.shown))
        place += len(spot.shown)
        at = spot.end
    pieces.append(text[at:])
    return around("".join(pieces), span)


def replaced(text: str, spots: Sequence[Spot]) -> str:
    """Return a text with a placeholder in every spot."""
    for spot in reversed(spots):
        text = text[: spot.start] + spot.placeholder + text[spot.end :]
    return text


def fix_of(record: Record, piece: Text, spots: Sequence[Spot]) -> tuple[bool, Fix | None]:
    """Return (True if the text stands in the row as it is, the fix that hides all its spots)."""
    if _at(record.raw, piece.path) != piece.text:
        return False, None
    edit = Edit("set", piece.path, replaced(piece.text, spots))
    return True, Fix("put placeholders in", False, (edit,))


def _at(value: Any, pointer: str) -> Any:
    """Return what a JSON pointer leads to, None if nowhere."""
    for key in pointer.split("/")[1:]:
        if isinstance(value, dict):
            value = value.get(key.replace("~1", "/").replace("~0", "~"))
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
