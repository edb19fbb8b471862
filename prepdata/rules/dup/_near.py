"""Nearly equal rows of a scope: what the rules about near duplicates keep of a chunk, and the pairs it gives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from prepdata.index.exact import whole
from prepdata.index.few import ROWS, grams, similar_few
from prepdata.index.near import SIZE, Grams
from prepdata.text.differences import tokens

if TYPE_CHECKING:
    from prepdata.index.join import Pairs

CHARS = 256_000_000  # characters of rows held in memory for the comparison, by all processes together
WORTH = 500  # pairs that are worth a process of their own
PARTNERS = 4  # earlier rows that a row is compared with word by word, the most similar first
COMMON = 50  # an n-gram in more rows than this, and than `common` of all, is left out of account


Found = TypeVar("Found")


class Pair(NamedTuple):
    """Two rows, as places in the columns of a scope, the earlier first, and their similarity (0 to 1)."""

    first: int
    second: int
    similarity: float


def pairs(columns: Sequence[Grams], left: Collection[int], least: float, common: float) -> list[Pair]:
    """Return the pairs of rows with a similarity of at least `least`: each later row with its `PARTNERS` most similar.

    Args:
        columns: the n-grams of every chunk.
        left: places of rows that are left out.
        least: Jaccard similarity, above 0 up to 1.
        common: n-grams in more than this share of the rows are left out of account.
    """
    rows = sum(len(held.sizes) for held in columns) // 4
    most = max(COMMON, int(common * rows))
    if rows <= ROWS:
        return _nearest_few(similar_few(_sets(columns, set(left)), least, most))
    return _nearest(_joined(columns, left, least, most))


def _sets(columns: Sequence[Grams], left: set[int]) -> list[list[int]]:
    sets: list[list[int]] = [[] for _ in range(sum(len(held.sizes) for held in columns) // 4)]
    first = 0
    for held in columns:
        for member, owner in zip(whole(held.members, "I"), whole(held.owners, held.code)):
            sets[first + owner].append(member)
        first += len(held.sizes) // 4
    return [[] if place in left else members for place, members in enumerate(sets)]


def _joined(columns: Sequence[Grams], left: Collection[int], least: float, most: int) -> Pairs:
    import numpy as np

    from prepdata.index.join import Block, Sets, similar

    sizes = [np.frombuffer(held.sizes, np.uint32) for held in columns]
    firsts = accumulate(map(len, sizes), initial=0)
    blocks = [
        Block(np.frombuffer(held.members, np.uint32), np.frombuffer(held.owners, held.code), first)
        for held, first in zip(columns, firsts)
    ]
    return similar(Sets(np.concatenate(sizes).astype(np.int64), blocks), least, most, left)


def _nearest(found: Pairs) -> list[Pair]:
    import numpy as np

    similarity = found.jaccard()
    order = np.lexsort((found.first, -similarity, found.second))
    second = found.second[order]
    new = np.flatnonzero(np.append(True, second[1:] != second[:-1])[: len(second)])
    rank = np.arange(len(second)) - np.repeat(new, np.diff(new, append=len(second)))
    kept = order[rank < PARTNERS]
    return list(map(Pair, found.first[kept].tolist(), found.second[kept].tolist(), similarity[kept].tolist()))


def _nearest_few(found: list[tuple[int, int, float]]) -> list[Pair]:
    kept: list[Pair] = []
    for pair in sorted(map(Pair._make, found), key=lambda p: (p.second, -p.similarity, p.first)):
        if len(kept) < PARTNERS or kept[-PARTNERS].second != pair.second:
            kept.append(pair)
    return kept


def halved(work: Callable[[Sequence[Pair]], list[Found] | None], chosen: Sequence[Pair]) -> list[Found]:
    """Return what `work` finds in pairs, given fewer of them at a time where it says, by None, that it cannot hold the
    rows of so many. It has to take a single pair."""
    found = work(chosen)
    if found is not None:
        return found
    half = len(chosen) // 2
    return halved(work, chosen[:half]) + halved(work, chosen[half:])


def exact_similarity(one: tuple[str, str], other: tuple[str, str]) -> float:
    """Return the Jaccard similarity of the n-grams of two rows, for pairs that sketches have found."""
    held = [set(whole(grams(sides, SIZE)[1], "I")) for sides in (one, other)]
    return len(held[0] & held[1]) / max(1, len(held[0] | held[1]))


class Texts:
    """Texts of rows that were read again, up to a bound, with the words of those asked for last.

    Args:
        read: (row, (prompt, answer)) of each.
        bound: characters that are held; beyond that, `full` is True and no more rows are there.
    """

    def __init__(self, read: Iterator[tuple[int, tuple[str, str]]], bound: int) -> None:
        self.full = False
        self.sides: dict[int, tuple[str, str]] = {}
        self._words: dict[int, tuple[list[str], list[str]]] = {}
        for row, (asked, answered) in read:
            bound -= len(asked) + len(answered)
            if bound < 0:
                self.full = True
                return
            self.sides[row] = asked, answered

    def words(self, row: int) -> tuple[list[str], list[str]]:
        """Return the words of prompt and answer of a row."""
        found = self._words.get(row)
        if found is None:
            if len(self._words) > 1000:
                self._words.clear()
            asked, answered = self.sides[row]
            found = self._words[row] = tokens(asked), tokens(answered)
        return found


def columns_of(parts: Sequence[tuple[int, Any]], at: int) -> list[Grams]:
    """Return the n-grams out of what chunks gave, where their first column stands at `at`."""
    return [Grams(*part[at : at + 3]) for _, part in parts]
