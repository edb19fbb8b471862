"""Rows put together into sequences of a fixed length, as TRL 1.16 does it, and what is padding with and without.

Read in TRL 1.16.0 (`data_utils.py: pack_dataset`; `trainer/sft_trainer.py`), 2026-11. Three strategies:

- `bfd` (best fit, longest first): rows stay whole and are put where the least space is left. What goes beyond the
  length of a sequence is thrown away.
- `bfd_split`: longer rows are first cut into pieces of that length, and nothing is lost.
- `wrapped`: all rows in one go, cut wherever a sequence is full.

Rows are packed 1,000 at a time, so the sequences at the end of each thousand are less full than the others. All
functions take lengths of rows (tokens) and know nothing else of them.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

Strategy = Literal["bfd", "bfd_split", "wrapped"]
STRATEGIES: tuple[Strategy, ...] = ("bfd", "bfd_split", "wrapped")
AT_ONCE = 1000
"""Rows that TRL packs together (`datasets.Dataset.map` in batches of its default size, one process)."""


class Piece(NamedTuple):
    """A stretch of a row in a packed sequence: tokens `start` to `end` of the row of that number."""

    row: int
    start: int
    end: int


class Packed(NamedTuple):
    """Rows as packed sequences.

    Args:
        size: tokens of a sequence at most.
        sequences: the sequences in order, each a list of pieces of rows in order.
        cut: numbers of rows that do not stand whole in one sequence.
        lost: tokens that stand in no sequence.
    """

    size: int
    sequences: list[list[Piece]]
    cut: list[int]
    lost: int

    @property
    def lengths(self) -> list[int]:
        """Tokens of each sequence."""
        return [sum(piece.end - piece.start for piece in pieces) for pieces in self.sequences]

    @property
    def empty(self) -> int:
        """Tokens that would still have room in the sequences."""
        return len(self.sequences) * self.size - sum(self.lengths)


def pack(lengths: Sequence[int], size: int, strategy: Strategy, at_once: int = AT_ONCE) -> Packed:
    """Return rows packed into sequences.

    Args:
        lengths: tokens of each row, uncut, in the order of the file.
        size: tokens of a sequence at most (`max_length` of the trainer).
        strategy: one of `STRATEGIES`.
        at_once: rows that are packed together.

    Raises:
        ValueError: the size is not positive, or there is no such strategy.
    """
    if size < 1:
        raise ValueError(f"sequences of {size} tokens hold nothing")
    if strategy not in STRATEGIES:
        raise ValueError(f"unknown packing strategy {strategy!r}; known: {', '.join(STRATEGIES)}")
    sequences: list[list[Piece]] = []
    for first in range(0, len(lengths), at_once):
        rows = [Piece(row, 0, lengths[row]) for row in range(first, min(first + at_once, len(lengths)))]
        if strategy == "wrapped":
            sequences += _wrapped(rows, size)
        elif strategy == "bfd_split":
            sequences += _best_fit([piece for row in rows for piece in _split(row, size)], size)
        else:
            sequences += _best_fit([Piece(row, 0, min(end, size)) for row, _, end in rows], size)
    seen = [0] * len(lengths)
    whole = [0] * len(lengths)
    for piece in (piece for pieces in sequences for piece in pieces):
        seen[piece.row] += piece.end - piece.start
        whole[piece.row] = max(whole[piece.row], piece.end - piece.start)
    cut = [row for row, length in enumerate(lengths) if whole[row] < length]
    return Packed(size, sequences, cut, sum(lengths) - sum(seen))


def _split(row: Piece, size: int) -> list[Piece]:
    return [Piece(row.row, start, min(start + size, row.end)) for start in range(0, row.end, size)]


def _wrapped(rows: Iterable[Piece], size: int) -> list[list[Piece]]:
    sequences: list[list[Piece]] = []
    room = 0
    for row, start, end in rows:
        while start < end:
            if not room:
                sequences.append([])
                room = size
            taken = min(room, end - start)
            sequences[-1].append(Piece(row, start, start + taken))
            start += taken
            room -= taken
    return sequences


def _best_fit(pieces: Iterable[Piece], size: int) -> list[list[Piece]]:
    """Put each piece, longest first, where the least space is left after it; of equal ones, in the oldest."""
    sequences: list[list[Piece]] = []
    spaces: list[int] = []  # sorted, each once
    having: defaultdict[int, deque[int]] = defaultdict(deque)  # space -> sequences that have it, oldest first
    for piece in sorted(pieces, key=lambda piece: piece.start - piece.end):
        length = piece.end - piece.start
        if not length:
            continue
        at = bisect_left(spaces, length)
        if at < len(spaces):
            space = spaces[at]
            number = having[space].popleft()
            if not having[space]:
                del spaces[at]
        else:
            space, number = size, len(sequences)
            sequences.append([])
        sequences[number].append(piece)
        left = space - length
        if left:
            if not having[left]:
                insort(spaces, left)
            having[left].append(number)
    return sequences


def padding(lengths: Sequence[int], batch: int) -> float:
    """Return how many tokens of an epoch are padding, without packing: each batch is padded to its longest row.

    The trainer draws the order of rows by chance. This is the mean over all orders, worked out exactly: the longest of
    `batch` rows is the one at place i of the sorted lengths with probability C(i, batch - 1) / C(n, batch).

    Args:
        lengths: tokens of each row as trained on, cut.
        batch: rows of a batch (of one device).

    Raises:
        ValueError: the batch is not positive.
    """
    if batch < 1:
        raise ValueError(f"a batch of {batch} rows holds nothing")
    ordered = sorted(lengths)
    whole, rest = divmod(len(ordered), batch)
    padded = whole * batch * _mean_longest(ordered, batch) if whole else 0.0
    if rest:
        padded += rest * _mean_longest(ordered, rest)
    return padded - sum(ordered)


def _mean_longest(ordered: Sequence[int], count: int) -> float:
    """Return the mean of the greatest of `count` values drawn from sorted values without putting them back."""
    total = len(ordered)
    share = count / total  # of the last place: C(total - 1, count - 1) / C(total, count)
    mean = 0.0
    for place in range(total - 1, count - 2, -1):
        mean += share * ordered[place]
        share *= (place - count + 1) / place if place else 0.0
    return mean


def packed_padding(packed: Packed, strategy: Strategy, batch: int) -> float:
    """Return how many tokens of an epoch are padding, with packing, as a mean over all orders.

    Sequences of `bfd` and `bfd_split` are trained without padding: TRL lays the sequences of a batch end to end. Those
    of `wrapped` are padded to the longest of their batch.
    """
    return padding(packed.lengths, batch) if strategy == "wrapped" else 0.0
