"""n-grams and similar sets of few rows, in plain Python: the same numbers and pairs as `words` and `join` give.

For small files, where importing numpy (60 ms) would take longer than the work.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, repeat

from prepdata.index.words import FINISH, LONGEST, ONE, TABLE, THREE, TWO, plain

CHARS = 250_000
"""Characters of the texts of a chunk up to which they are worked out here."""
GRAMS = 50_000
"""n-grams of a chunk up to which they are put in order here."""
ROWS = 500
"""Sets up to which they are joined here. Up to so many, no member is held by more sets than `join` looks at in full."""
_MASK = (1 << 64) - 1


def grams(texts: Iterable[str], n: int) -> tuple[bytes, bytes]:
    """Return (number of n-grams of each text, low 32 bits of all n-grams), both as uint32."""
    counts: list[int] = []
    members: list[int] = []
    known: dict[bytes, int] = {}
    for text in texts:
        before = len(members)
        found = plain(text).encode("utf-8", "surrogatepass").translate(TABLE).split()
        for word in found:
            if word not in known:
                known[word] = _hashed(word)
        hashes = [known[word] for word in found]
        starts = hashes
        for step in range(1, n):
            starts = [(start * THREE + word) & _MASK for start, word in zip(starts, hashes[step:])]
        if hashes and len(hashes) < n:
            whole = len(hashes)
            for number in hashes:
                whole = (whole * THREE + number) & _MASK
            starts = [whole]
        members.extend(map(_mixed, starts))
        counts.append(len(members) - before)
    return array("I", counts).tobytes(), array("I", members).tobytes()


def ordered(counts: Sequence[int], members: Sequence[int]) -> tuple[bytes, bytes, bytes]:
    """Return the different n-grams of rows as the columns of `prepdata.index.near.Grams`.

    Args:
        counts: n-grams of each row.
        members: n-grams of all rows, row after row.
    """
    owners = chain.from_iterable(map(repeat, range(len(counts)), counts))
    keys = sorted({member << 32 | owner for member, owner in zip(members, owners)})
    held = [key & 0xFFFFFFFF for key in keys]
    found = Counter(held)
    sizes = array("I", [found[row] for row in range(len(counts))])
    different = array("I", [key >> 32 for key in keys])
    return sizes.tobytes(), different.tobytes(), array("I" if max(held, default=0) >> 16 else "H", held).tobytes()


def _hashed(word: bytes) -> int:
    found = ((int.from_bytes(word[:8], "little") ^ (len(word) * ONE)) * TWO) & _MASK
    found ^= found >> 29
    for at in range(8, min(len(word), LONGEST), 8):
        mixed = ((found ^ int.from_bytes(word[at : at + 8], "little")) * THREE) & _MASK
        found = ((mixed ^ (mixed >> 32)) * ONE) & _MASK
    return found


def _mixed(gram: int) -> int:
    one, two = FINISH
    gram ^= gram >> one
    gram = (gram * TWO) & _MASK
    return (gram ^ (gram >> two)) & 0xFFFFFFFF


def similar_few(sets: Sequence[Iterable[int]], least: float, most: int) -> list[tuple[int, int, float]]:
    """Return (set, later set, similarity) of the pairs with a similarity of at least `least`, in rising order.

    Args:
        sets: the members of each.
        least: Jaccard similarity, above 0 up to 1.
        most: members that more sets than this hold are left out of account.
    """
    held = [set(members) for members in sets]
    holders = Counter(member for members in held for member in members)
    held = [{member for member in members if holders[member] <= most} for members in held]
    before: dict[int, list[int]] = {}  # earlier sets by the members of their prefix
    found: list[tuple[int, int, float]] = []
    for number, members in enumerate(held):
        size = len(members)
        shared = sorted((member for member in members if holders[member] > 1), key=lambda m: (holders[m], m))
        need = max(1, math.ceil(least * size - 1e-9))
        others: set[int] = set()
        for member in shared[: max(0, len(shared) - need + 1)]:
            others.update(before.get(member, ()))
            before.setdefault(member, []).append(number)
        for other in others:
            overlap, both = len(members & held[other]), size + len(held[other])
            if overlap * (1 + least) >= least * both - 1e-9 and overlap:
                found.append((other, number, overlap / (both - overlap)))
    return sorted(found)
