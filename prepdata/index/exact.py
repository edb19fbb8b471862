"""Which of millions of 64-bit keys are equal? Exact, in memory, 8 bytes a key and about 30 while it sorts.

Also packs the columns that corpus rules keep of a chunk, and finds back the row of a place in a joined column.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

LARGE = 50_000  # keys from which numpy is worth its import (about 60 ms)


def repeated(keys: bytes) -> list[list[int]]:
    """Return the groups of places that hold equal keys, two or more each, in order of their first place.

    Args:
        keys: uint64 keys in this machine's byte order, as from `array('Q').tobytes()`.
    """
    if len(keys) // 8 > LARGE:
        return _repeated_large(keys)
    column = array("Q")
    column.frombytes(keys)
    if len(set(column)) == len(column):
        return []
    seen: set[int] = set()
    groups: dict[int, list[int]] = {}
    for key in column:
        if key in seen:
            groups[key] = []
        else:
            seen.add(key)
    for place in [place for place, key in enumerate(column) if key in groups]:
        groups[column[place]].append(place)
    return sorted(groups.values())


def _repeated_large(keys: bytes) -> list[list[int]]:
    import numpy as np

    column = np.frombuffer(keys, np.uint64)  # (n,)
    ordered = np.sort(column)  # (n,)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])  # (number of groups,)
    if not len(twice):
        return []
    near = np.minimum(np.searchsorted(twice, column), len(twice) - 1)  # (n,)
    places = np.flatnonzero(twice[near] == column)  # (rows in groups,), ascending
    order = np.argsort(near[places], kind="stable")
    places, owners = places[order], near[places][order]
    cuts = np.flatnonzero(owners[1:] != owners[:-1]) + 1
    groups = [group.tolist() for group in np.split(places, cuts)]
    groups.sort(key=lambda group: group[0])
    return groups


def pack_rows(rows: array[int]) -> bytes:
    """Return row numbers as bytes; b"" where every row of the chunk is there (0, 1, 2, ...)."""
    return b"" if not rows or rows[-1] == len(rows) - 1 else rows.tobytes()


def low_half(keys: array[int]) -> bytes:
    """Return the low 32 bits of 64-bit keys: enough to tell apart the few rows of one group (1 error in 4 billion)."""
    return memoryview(keys.tobytes()).cast("I")[0 if sys.byteorder == "little" else 1 :: 2].tobytes()


def whole(column: bytes, code: str) -> array[int]:
    """Return bytes as an array of type code `code`."""
    found = array(code)
    found.frombytes(column)
    return found


class Joined:
    """Columns of several chunks laid end to end."""

    def __init__(self, parts: Iterable[tuple[int, Sequence[Any]]]) -> None:
        """Args:
        parts: (first row, (packed rows, uint64 column, further columns ...)) of every chunk, in file order.
        """
        kept = list(parts)
        width = max((len(value) for _, value in kept), default=2)
        self.columns = [b"".join(value[i] for _, value in kept) for i in range(1, width)]
        self._first = [(row, value[0]) for row, value in kept]
        self._ends = list(accumulate(len(value[1]) // 8 for _, value in kept))

    def row(self, place: int) -> int:
        """Return the row number, in the scope, of a place in the columns."""
        chunk = bisect_right(self._ends, place)
        local = place - (self._ends[chunk - 1] if chunk else 0)
        first, rows = self._first[chunk]
        return first + (whole(rows[local * 4 : local * 4 + 4], "I")[0] if rows else local)
