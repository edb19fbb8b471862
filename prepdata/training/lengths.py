"""Arithmetic of row lengths: where to cut, what padding costs, how rows pack. Pure functions of lists of token counts.

None of it depends on the order of the rows: padding in random order is an expectation, packing takes rows by length.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

MULTIPLE = 64
"""Lengths are rounded up to a multiple of this: matrix products run in tiles of 64 or a divisor of it."""


def rounded(length: int) -> int:
    """Return a length (tokens), rounded up to a multiple of `MULTIPLE`."""
    return -(-length // MULTIPLE) * MULTIPLE


def least_length(last: Sequence[int], per_mille: int = 0) -> int:
    """Return the smallest max length (tokens) at which at most so many rows in a thousand lose a trained token.

    Args:
        last: place of the last trained token of each row, from 1; 0 for rows without one, which do not count.
        per_mille: rows in a thousand that may be cut.

    Returns:
        The length; 0 where no row has a trained token.
    """
    places = sorted(place for place in last if place)
    if not places:
        return 0
    allowed = len(places) * per_mille // 1000
    return int(places[max(0, len(places) - 1 - allowed)])


class Padding(NamedTuple):
    """What a trainer without packing reads in one pass over the rows, in tokens.

    Args:
        rows: how many there are.
        tokens: of the rows themselves.
        random: with padding, rows in random order (the expectation).
        sorted: with padding, batches of rows of like length: the least that there can be.
    """

    rows: int
    tokens: int
    random: int
    sorted: int

    @property
    def random_waste(self) -> float:
        """Padding as a share of what is read (0-1), rows in random order."""
        return _share(self.random - self.tokens, self.random)

    @property
    def sorted_waste(self) -> float:
        """Padding as a share of what is read (0-1), rows sorted by length."""
        return _share(self.sorted - self.tokens, self.sorted)


def padding(lengths: Sequence[int], batch: int) -> Padding:
    """Return what padding costs where each batch is padded to its longest row.

    Args:
        lengths: tokens of each row, as far as it is read.
        batch: rows of a batch; the last batch holds what is left.
    """
    import numpy as np

    rising = np.sort(np.asarray(lengths, dtype=np.int64))
    rows = len(rising)
    full, rest = divmod(rows, batch)
    expected = 0.0
    if full:
        expected += full * batch * expected_longest(rising, batch)
    if rest:
        expected += rest * expected_longest(rising, rest)
    return Padding(rows, int(rising.sum()), round(expected), _least_read(rising, batch))


def _least_read(rising: Any, batch: int) -> int:
    """Return what batches of like length hold with padding, with the batch that is not full where it costs least."""
    import numpy as np

    full, rest = divmod(len(rising), batch)
    below = np.concatenate([[0], np.cumsum(rising[batch - 1 :: batch][:full])])  # full batches before the short one
    if not rest:
        return batch * int(below[-1])
    after = rising[rest + batch - 1 :: batch]  # the longest row of each full batch after it
    above = after.sum() - np.concatenate([[0], np.cumsum(after)])
    short = rest * rising[rest - 1 :: batch]
    return int((batch * (below + above) + short).min())


def expected_longest(rising: Any, size: int) -> float:
    """Return the expected length of the longest of `size` rows drawn without putting back.

    The k-th shortest of n rows is the longest of the draw in C(k-1, size-1) of C(n, size) draws.

    Args:
        rising: (rows,) token counts as a numpy array, in rising order.
        size: rows drawn, 1 to the number of rows.
    """
    import numpy as np

    rows = len(rising)
    places = np.arange(rows, size, -1)  # n, n-1, ... size+1
    shares = np.cumprod(np.concatenate([[size / rows], (places - size) / (places - 1)]))
    return float(shares @ rising[::-1][: len(shares)])


class Packing(NamedTuple):
    """What packing gives: rows put together into sequences, no row on both sides of a border.

    Args:
        sequences: how many there are.
        size: tokens that one can hold.
        tokens: tokens in them.
        lost: tokens of rows longer than a sequence that were cut off.
    """

    sequences: int
    size: int
    tokens: int
    lost: int

    @property
    def waste(self) -> float:
        """Room of the sequences that is not filled, as a share (0-1)."""
        return _share(self.sequences * self.size - self.tokens, self.sequences * self.size)


def packing(lengths: Sequence[int], size: int) -> Packing:
    """Return what "best fit decreasing" makes of rows: the longest first, each into the fullest sequence it fits into.

    This is the strategy "bfd" of TRL (1.16, `data_utils.py`, read 2026-11). TRL packs a thousand rows at a time, which
    needs a few sequences more than packing all of them, as here.

    Args:
        lengths: tokens of each row; longer ones are cut at `size`.
        size: tokens of a sequence.
    """
    counts = Counter(min(length, size) for length in lengths if length)
    held = sum(length * count for length, count in counts.items())
    sequences = 0
    room: Counter[int] = Counter()  # free tokens -> sequences with so many left
    spaces: list[int] = []  # the keys of `room`, in rising order
    for length in sorted(counts, reverse=True):
        left = counts[length]
        while left:
            at = bisect_left(spaces, length)
            if at == len(spaces):
                space, there = size, -(-left // (size // length))  # as many new ones as these rows need
                sequences += there
            else:
                space = spaces.pop(at)
                there = room.pop(space)
            left = _fill(length, left, space, there, room, spaces)
    return Packing(sequences, size, held, sum(lengths) - held)


def _fill(length: int, left: int, space: int, there: int, room: Counter[int], spaces: list[int]) -> int:
    """Put rows of one length into sequences with the same free space, one sequence after the other, since the one that
    has just got a row is the fullest; return how many rows are left over."""
    each = space // length
    whole = min(there, left // each)
    left -= whole * each
    after = [(space - each * length, whole)]
    if left and whole < there:
        after.append((space - left * length, 1))
        left, whole = 0, whole + 1
    after.append((space, there - whole))
    for free, sequences in after:
        if free and sequences:
            if free not in room:
                insort(spaces, free)
            room[free] += sequences
    return left


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
