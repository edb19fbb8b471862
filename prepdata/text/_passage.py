"""One passage, and what it is called."""

from __future__ import annotations

from typing import NamedTuple


class Passage(NamedTuple):
    """A piece of retrieved text.

    Args:
        id: how citations name it, as written ("1", "a3f"); "" where it has none but its place.
        text: the text; "" where only its name is known.
        path: JSON pointer of the text that holds it.
        names: further names: file, title, address.
    """

    id: str
    text: str
    path: str
    names: tuple[str, ...] = ()


def named(passage: Passage) -> frozenset[str]:
    """Return all that a passage is called, in lower case, files also without their folder."""
    found = {name.strip().lower() for name in (passage.id, *passage.names) if name.strip()}
    return frozenset(found | {name.rsplit("/", 1)[-1] for name in found if "/" in name.rstrip("/")})


class Block(NamedTuple):
    """Passages of one text. `apart` is False where they are several paragraphs that cannot be told apart."""

    passages: tuple[Passage, ...]
    apart: bool


def size(text: str) -> int:
    """Return the length of a text in letters of Latin script: one of East Asia says as much as three."""
    stripped = text.strip()
    return len(stripped) if stripped.isascii() else len(stripped) + 2 * sum([char >= "\u3040" for char in stripped])
