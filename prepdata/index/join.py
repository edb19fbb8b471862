"""Which of many sets are nearly equal? Exact, without seeds: a join on the members that few sets share.

Two sets of Jaccard similarity t or more share so many members that one of the rarest members of each is common to both
(prefix filtering, Chaudhuri et al. 2006, Bayardo et al. 2007). Members that only one set has are dropped first, by
sorting, which is most of them in real text. The members are 32-bit hashes, so a member now and then is taken for
another: similarities may come out a little high, never low by more than that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
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
KEYS = 1_000_000
"""Members worked on at once: so few that memory is used again, since fresh memory costs more than sorting."""


class Block(NamedTuple):
    """Members of some sets.

    Args:
        members: (members,) uint32, rising.
        owners: (members,) unsigned, the set that holds each, counted from `first` on; a set holds a member once.
        first: see above.
    """

    members: NDArray[np.uint32]
    owners: NDArray[np.unsignedinteger]
    first: int


class Sets(NamedTuple):
    """Sets of hashed members, in blocks.

    Args:
        sizes: (sets,) int64, members of every set.
        blocks: their members.
    """

    sizes: Ints
    blocks: Sequence[Block]


class Pairs(NamedTuple):
    """Pairs of similar sets, in rising order of (first, second).

    Args:
        first, second: (pairs,) int64, numbers of sets, first < second.
        overlap: (pairs,) int64, members they have in common.
        sizes: (sets,) int64, members of every set, common ones left out.
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


def block(members: NDArray[np.uint32], owners: Ints, first: int = 0) -> Block:
    """Return members in any order, repeated or not, as a block.

    Args:
        members: (members,) uint32.
        owners: (members,) the set of each, below 2**32.
        first: number of the set that `owners` calls 0.
    """
    import numpy as np

    keys = members.astype(np.uint64) << np.uint64(32) | owners.astype(np.uint64)
    keys = distinct(keys)
    low = keys.astype(np.uint32)
    return Block((keys >> np.uint64(32)).astype(np.uint32), low if (low >> 16).any() else low.astype(np.uint16), first)


def similar(sets: Sets, least: float, most: int | None = None, left: Collection[int] = ()) -> Pairs:
    """Return the pairs of sets with a Jaccard similarity of at least `least`.

    Args:
        sets: the sets.
        least: similarity, above 0 up to 1.
        most: members that more sets than this hold are left out of account; None for no bound.
        left: sets that are left out.
    """
    import numpy as np

    shared, sizes, common = _shared(sets, most, left)
    count = len(sizes)
    need = np.maximum(1, np.ceil(least * sizes - 1e-9).astype(np.int64))  # (sets,) overlap with any similar set
    for _ in range(2):  # dropping sets may leave members to one set alone, and the other way round
        owners = _low(shared)
        shared = shared[(np.bincount(owners, minlength=count) >= need)[owners]]
        shared = shared[_with_company(shared >> np.uint64(32))]
    listed = _rare_first(shared)
    first, second, shortened = _candidates(listed, sizes, need, least)
    overlap = np.concatenate([np.zeros(0, np.int64), *_overlaps(listed, count, first, second)])
    kept = overlap * (1 + least) >= least * (sizes[first] + sizes[second]) - 1e-9
    return Pairs(first[kept], second[kept], overlap[kept], sizes, common, shortened)


def _shared(sets: Sets, most: int | None, left: Collection[int]) -> tuple[Keys, Ints, int]:
    """Return (member << 32 | set, rising, of members of two sets or more; members of each set; number of members that
    were left out since more than `most` sets hold them)."""
    import numpy as np

    sizes, kept, common = sets.sizes.copy(), [np.zeros(0, np.uint64)], 0
    out = np.zeros(len(sizes), bool)
    out[list(left)] = True
    sizes[out] = 0
    for keys in _ranges(sets.blocks):
        if left:
            keys = keys[~out[_low(keys)]]
        keys.sort()
        members = (keys >> np.uint64(32)).astype(np.uint32)
        company = _with_company(members)
        keys, members = keys[company], members[company]
        starts = np.flatnonzero(np.append(True, members[1:] != members[:-1])[: len(members)])
        holders = np.diff(starts, append=len(keys))  # sets that hold each member
        if most is not None and (many := holders > most).any():
            common += int(many.sum())
            many = np.repeat(many, holders)
            sizes -= np.bincount(_low(keys[many]), minlength=len(sizes))
            keys = keys[~many]
        kept.append(keys)
    return np.concatenate(kept), sizes, common


def _ranges(blocks: Sequence[Block]) -> Iterator[Keys]:
    """Yield member << 32 | set of all members, one range of them after the other, of about `KEYS`."""
    import numpy as np

    number = 1 + sum(len(held.members) for held in blocks) // KEYS
    bounds = ((np.arange(1, number, dtype=np.uint64) << np.uint64(32)) // np.uint64(number)).astype(np.uint32)
    cuts = [[0, *np.searchsorted(held.members, bounds).tolist(), len(held.members)] for held in blocks]
    for here in range(number):
        keys = np.empty(sum(cut[here + 1] - cut[here] for cut in cuts), np.uint64)
        at = 0
        for held, cut in zip(blocks, cuts):
            start, end = cut[here], cut[here + 1]
            part = keys[at : at + end - start]
            part[:] = held.members[start:end]
            part <<= np.uint64(32)
            part |= held.owners[start:end] + np.uint64(held.first)
            at += end - start
        yield keys


def _low(keys: Keys) -> Ints:
    """Return the lower halves of keys."""
    import numpy as np

    return keys.astype(np.uint32).astype(np.int64)


def _with_company(members: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
    """Return which of sorted members stand there twice or more."""
    import numpy as np

    alike = np.zeros(len(members) + 1, bool)  # with the one before
    alike[1:-1] = members[1:] == members[:-1]
    return alike[1:] | alike[:-1]


def _rare_first(shared: Keys) -> Keys:
    """Return set << 32 | number of the member, rising, the members numbered anew: those of the fewest sets first."""
    import numpy as np

    if not len(shared):
        return shared
    members = (shared >> np.uint64(32)).astype(np.uint32)
    new = np.append(True, members[1:] != members[:-1])
    holders = np.diff(np.flatnonzero(new), append=len(members)).astype(np.uint64)
    order = np.sort(holders << np.uint64(32) | np.arange(len(holders), dtype=np.uint64)).astype(np.uint32)
    number = np.empty(len(order), np.uint32)
    number[order] = np.arange(len(order), dtype=np.uint32)
    listed = shared << np.uint64(32) | np.repeat(number, holders.astype(np.int64))
    listed.sort()
    return listed


def _candidates(listed: Keys, sizes: Ints, need: Ints, least: float) -> tuple[Ints, Ints, bool]:
    """Return the pairs that share one of the rarest members of both, without those of too different sizes."""
    import numpy as np

    if not len(listed):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), False
    owners = _high(listed)
    held = np.bincount(owners, minlength=len(sizes))
    rank = np.arange(len(listed)) - (np.cumsum(held) - held)[owners]
    prefix = listed[rank < (held - need + 1)[owners]]
    prefix = prefix << np.uint64(32) | prefix >> np.uint64(32)
    prefix.sort()  # member after member, sets rising
    groups, owners = _high(prefix), _low(prefix)
    starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
    many = np.diff(starts, append=len(groups))
    length = np.repeat(many, many)  # sets that have this member in their prefix
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
    return pairs >> 32, pairs & 0xFFFFFFFF, bool((many > LIST).any())


def _overlaps(listed: Keys, count: int, first: Ints, second: Ints) -> Iterator[Ints]:
    """Yield how many members the sets of each pair share, some pairs at a time."""
    import numpy as np

    held = np.bincount(_high(listed), minlength=count)
    starts = np.cumsum(held) - held
    listed = listed & np.uint64(0xFFFFFFFF)  # members of each set, set after set

    def members(sets: Ints) -> Keys:
        sizes = held[sets]
        before = np.cumsum(sizes) - sizes
        places = np.arange(int(sizes.sum())) + np.repeat(starts[sets] - before, sizes)
        keys: Keys = np.repeat(np.arange(len(sets), dtype=np.uint64) << np.uint64(40), sizes)
        keys |= listed[places]
        return keys

    ends = np.cumsum(held[first] + held[second])
    at = 0
    while at < len(first):
        end = max(at + 1, int(np.searchsorted(ends, (ends[at - 1] if at else 0) + KEYS, side="right")))
        keys = np.concatenate((members(first[at:end]), members(second[at:end])))
        keys.sort()
        twice = (keys[1:][keys[1:] == keys[:-1]] >> np.uint64(40)).astype(np.int64)
        yield np.bincount(twice, minlength=end - at)
        at = end


def _high(keys: Keys) -> Ints:
    """Return the upper halves of keys."""
    import numpy as np

    return (keys >> np.uint64(32)).astype(np.int64)


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
