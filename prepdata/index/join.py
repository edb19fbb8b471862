"""Which of many sets are nearly equal? Exact, without seeds: a join on the members that few sets share.

Two sets of Jaccard similarity t or more share so many members that one of the rarest members of each is common to both
(prefix filtering, Chaudhuri et al. 2006, Bayardo et al. 2007). Members that only one set has are dropped first, by
sorting, which is most of them in real text. The members are 32-bit hashes, so a member now and then is taken for
another: similarities may come out a little high, never low by more than that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from prepdata.index.exact import distinct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Keys = NDArray[np.uint64]

LIST = 64
"""Sets with one member in common of which all pairs are looked at; of more, each is held against its `NEAR` next."""
NEAR = 16
RANGES = 16
"""Ranges of hashes that are sorted one after another, which bounds the memory of a sort, where there are ..."""
LARGE = 1_000_000  # ... more members than this
BLOCK = 5_000_000  # members whose sets are looked up at once
PAIRS = 200_000
"""Pairs whose overlap is counted at once."""


class Sets(NamedTuple):
    """Sets of hashed members.

    Args:
        members: (members,) uint32, set after set; may repeat within a set.
        ends: (sets,) int64, where each set ends in `members`.
    """

    members: NDArray[np.uint32]
    ends: Ints


class Pairs(NamedTuple):
    """Pairs of similar sets, in rising order of (first, second).

    Args:
        first, second: (pairs,) int64, numbers of sets, first < second.
        overlap: (pairs,) int64, members they have in common.
        sizes: (sets,) int64, different members of every set, common ones left out.
        common: members left out of account since too many sets hold them.
        shortened: True if some member was held by more than `LIST` sets, of which not all pairs were looked at.
    """

    first: Ints
    second: Ints
    overlap: Ints
    sizes: Ints
    common: int
    shortened: bool

    def jaccard(self) -> NDArray[np.float64]:
        """Return the similarity of each pair, 0 to 1."""
        return self.overlap / (self.sizes[self.first] + self.sizes[self.second] - self.overlap)


def similar(sets: Sets, least: float, most: int | None = None) -> Pairs:
    """Return the pairs of sets with a Jaccard similarity of at least `least`.

    Args:
        sets: the sets.
        least: similarity, above 0 up to 1.
        most: members that more sets than this hold are left out of account; None for no bound.
    """
    import numpy as np

    shared, sizes, common = _shared(sets, most)
    count = len(sets.ends)
    need = np.maximum(1, np.ceil(least * sizes - 1e-9).astype(np.int64))  # (sets,) overlap with any similar set
    for _ in range(2):  # dropping sets may leave members to one set alone, and the other way round
        owners = (shared & np.uint64(0xFFFFFFFF)).astype(np.int64)
        shared = shared[(np.bincount(owners, minlength=count) >= need)[owners]]
        shared = shared[_with_company(shared >> np.uint64(32))]
    groups, owners = _numbered(shared)
    first, second, shortened = _candidates(groups, owners, sizes, need, least)
    overlap = np.concatenate([np.zeros(0, np.int64), *_overlaps(groups, owners, count, first, second)])
    kept = overlap * (1 + least) >= least * (sizes[first] + sizes[second]) - 1e-9
    return Pairs(first[kept], second[kept], overlap[kept], sizes, common, shortened)


def _shared(sets: Sets, most: int | None) -> tuple[Keys, Ints, int]:
    """Return (member << 32 | set, rising, of members of two sets or more; different members of each set; number of
    members that were left out since more than `most` sets hold them)."""
    import numpy as np

    count = len(sets.ends)
    sizes, kept, common = np.zeros(count, np.int64), [], 0
    ranges = RANGES if len(sets.members) > LARGE else 1
    for number in range(ranges):
        keys = _keys(sets, ranges, number)
        keys.sort()
        keys = keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys  # each member once a set
        members = keys >> np.uint64(32)
        starts = np.flatnonzero(np.append(True, members[1:] != members[:-1])) if len(keys) else np.zeros(0, np.int64)
        holders = np.diff(starts, append=len(keys))  # sets that hold each member
        if most is not None and (holders > most).any():
            common += int((holders > most).sum())
            left = np.repeat(holders <= most, holders)
            keys, holders = keys[left], holders[holders <= most]
        sizes += np.bincount((keys & np.uint64(0xFFFFFFFF)).astype(np.int64), minlength=count)
        kept.append(keys[np.repeat(holders > 1, holders)])
    return np.concatenate(kept), sizes, common


def _keys(sets: Sets, ranges: int, number: int) -> Keys:
    """Return (member << 32 | set) of the members in one of `ranges` ranges, made a block of members at a time."""
    import numpy as np

    found = []
    for at in range(0, len(sets.members), BLOCK):
        block = sets.members[at : at + BLOCK]
        first, last = np.searchsorted(sets.ends, (at, at + len(block) - 1), side="right").tolist()
        ends = np.minimum(sets.ends[first : last + 1], at + len(block))
        owners = np.repeat(np.arange(first, last + 1, dtype=np.uint64), np.diff(ends, prepend=at))
        keys = block.astype(np.uint64) << np.uint64(32) | owners
        found.append(keys if ranges == 1 else keys[block % np.uint32(ranges) == number])
    return np.concatenate(found) if found else np.zeros(0, np.uint64)


def _with_company(members: Keys) -> NDArray[np.bool_]:
    """Return which of sorted members stand there twice or more."""
    import numpy as np

    alike = np.zeros(len(members) + 1, bool)  # with the one before
    alike[1:-1] = members[1:] == members[:-1]
    return alike[1:] | alike[:-1]


def _numbered(shared: Keys) -> tuple[Ints, Ints]:
    """Return (number of the member, set) of sorted keys."""
    import numpy as np

    members = shared >> np.uint64(32)
    new = np.append(True, members[1:] != members[:-1])[: len(members)]
    return np.cumsum(new) - 1, (shared & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _candidates(
    groups: Ints,
    owners: Ints,
    sizes: Ints,
    need: Ints,
    least: float,
) -> tuple[Ints, Ints, bool]:
    """Return the pairs that share one of the rarest members of both, without those of too different sizes."""
    import numpy as np

    if not len(groups):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), False
    holders = np.bincount(groups)
    order = np.lexsort((groups, holders[groups], owners))  # set after set, rare members first
    groups, owners = groups[order], owners[order]
    held = np.bincount(owners, minlength=len(sizes))
    rank = np.arange(len(owners)) - (np.cumsum(held) - held)[owners]
    prefix = rank < (held - need + 1)[owners]
    order = np.lexsort((owners[prefix], groups[prefix]))
    groups, owners = groups[prefix][order], owners[prefix][order]
    length = np.bincount(groups)[groups]  # sets that have this member in their prefix
    found, places = [], np.flatnonzero(length > 1)
    for step in range(1, LIST):
        if step == NEAR:
            places = places[length[places] <= LIST]
        places = places[places + step < len(groups)]
        places = places[groups[places] == groups[places + step]]
        if not len(places):
            break
        one, other = owners[places], owners[places + step]
        close = np.minimum(sizes[one], sizes[other]) >= least * np.maximum(sizes[one], sizes[other]) - 1e-9
        found.append((one[close] << 32) | other[close])
    pairs = distinct(np.concatenate(found)) if found else np.zeros(0, np.int64)
    return pairs >> 32, pairs & 0xFFFFFFFF, bool((length > LIST).any())


def _overlaps(
    groups: Ints,
    owners: Ints,
    count: int,
    first: Ints,
    second: Ints,
) -> Iterator[Ints]:
    """Yield how many members the sets of each pair share, some pairs at a time."""
    import numpy as np

    order = np.argsort(owners, kind="stable")
    listed = groups[order].astype(np.uint64)  # members of each set, set after set
    held = np.bincount(owners, minlength=count)
    starts = np.cumsum(held) - held

    def members(sets: Ints) -> Keys:
        sizes = held[sets]
        before = np.cumsum(sizes) - sizes
        places = np.arange(int(sizes.sum())) + np.repeat(starts[sets] - before, sizes)
        keys: Keys = np.repeat(np.arange(len(sets), dtype=np.uint64) << np.uint64(40), sizes)
        keys |= listed[places]
        return keys

    for at in range(0, len(first), PAIRS):
        keys = np.concatenate((members(first[at : at + PAIRS]), members(second[at : at + PAIRS])))
        keys.sort()
        twice = (keys[1:][keys[1:] == keys[:-1]] >> np.uint64(40)).astype(np.int64)
        yield np.bincount(twice, minlength=len(first[at : at + PAIRS]))


def clusters(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the groups of sets that pairs tie together, two or more each, in order of their first set."""
    above: dict[int, int] = {}

    def top(number: int) -> int:
        while (up := above.setdefault(number, number)) != number:
            above[number] = above[up]
            number = up
        return number

    for one, other in pairs:
        low, high = sorted((top(one), top(other)))
        above[high] = low
    groups: dict[int, list[int]] = {}
    for number in sorted(above):
        groups.setdefault(top(number), []).append(number)
    return list(groups.values())
