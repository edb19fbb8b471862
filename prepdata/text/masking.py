"""Keeps secrets and personal data out of everything that is shown: messages, excerpts, differences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

from prepdata.findings import MARKS
from prepdata.pointer import value_at
from prepdata.text.personal import TRIGGER, TYPES, find_personal
from prepdata.text.personal import mask as mask_personal
from prepdata.text.secrets import TRIGGERS, find_secrets
from prepdata.text.secrets import mask as mask_secret

SHORTEST = 6
"""Characters of a secret that are hidden even where the rest of it was cut off."""
_LONGEST = 100_000
"""Characters of a text that are searched; of a longer one the part around what is shown cannot hold more."""
_ALL = frozenset(TYPES)


def masked(shown: str, source: str | None = None) -> str:
    """Return a piece of text with secrets and personal data masked.

    Args:
        shown: what is to be shown.
        source: the whole text that `shown` was cut from, so that a secret is known even by a piece of it.
    """
    text = shown
    for value, mask in _values(shown if source is None else source[:_LONGEST]):
        bare = text.replace(MARKS[0], "").replace(MARKS[1], "")
        piece, whole = _part_of(value, text), _part_of(value, bare)
        if len(whole) > len(piece):  # the marks stand inside the value
            text, piece = bare, whole
        if piece:
            text = text.replace(piece, mask)
    return text


class Hidden(NamedTuple):
    """A stretch of a text that is not to be shown, and what is shown in its place."""

    start: int
    end: int
    shown: str


def hidden(text: str, known: Iterable[str] = ()) -> list[Hidden]:
    """Return the stretches of a whole text that hold secrets or personal data, in order, none within another.

    Args:
        text: the text.
        known: texts that it was made of; what is secret in one of them is so wherever it stands.
    """
    found = list(_found(text))
    for value, mask in dict.fromkeys(item for source in known for item in _values(source)):
        at = text.find(value)
        while at >= 0:
            found.append(Hidden(at, at + len(value), mask))
            at = text.find(value, at + len(value))
    apart: list[Hidden] = []
    for one in sorted(found, key=lambda item: (item.start, -item.end)):
        if not apart or one.start >= apart[-1].end:
            apart.append(one)
        elif one.end > apart[-1].end:
            apart[-1] = apart[-1]._replace(end=one.end)
    return apart


@lru_cache(maxsize=512)
def _values(text: str) -> tuple[tuple[str, str], ...]:
    """Return the secrets and personal data of a text, each with what is shown for it."""
    return tuple([(text[one.start : one.end], one.shown) for one in _found(text)])


def _found(text: str) -> Iterator[Hidden]:
    """Yield the secrets of a text, then its personal data; the two may overlap."""
    if _words_of_secrets().find_matches_as_indexes(text.lower()):
        for secret in find_secrets(text):
            yield Hidden(secret.start, secret.end, mask_secret(text[secret.start : secret.end]))
    if TRIGGER.search(text):
        for one in find_personal(text, _ALL):
            yield Hidden(one.start, one.end, mask_personal(one.type, text[one.start : one.end]))


@cache
def _words_of_secrets() -> Any:
    import ahocorasick_rs

    return ahocorasick_rs.AhoCorasick(TRIGGERS)


def _part_of(value: str, shown: str) -> str:
    """Return the value, or the longest beginning or end of it of at least `SHORTEST` characters, that is shown."""
    if value in shown:
        return value
    for length in range(len(value) - 1, SHORTEST - 1, -1):
        for piece in (value[:length], value[-length:]):
            if piece in shown:
                return piece
    return ""


def text_at(row: Any, path: str | None) -> str | None:
    """Return the string at a JSON pointer of a row, None where there is no string."""
    try:
        value = value_at(row, path or "")
    except KeyError:
        return None
    return value if isinstance(value, str) else None
