"""Gives every row a side and keeps at it until the proof finds nothing. Pure but for the proof, which is handed in."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from xxhash import xxh3_64_intdigest

from prepdata.index.exact import distinct
from prepdata.splitting.assign import SIDES, TRAIN, Bundles, assigned
from prepdata.splitting.proof import Leak, Proof
from prepdata.splitting.ties import ASIDE, NEW, Clusters, Links, components, followed, shared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

MERGING = 3
"""Proofs after which clusters that a leak ties together are made one."""
MOVING = 8
"""Proofs up to which clusters are moved from a higher side down to train; from then on rows are set aside."""
MOST_ROUNDS = 40


class Aside(NamedTuple):
    """Why a row is on no side, and the rows that it is tied to."""

    reason: str
    ties: tuple[int, ...]


class Placed(NamedTuple):
    """The side of every row.

    Args:
        sides: (rows,) int64, `ASIDE` for rows that are on none, `NEW` for rows without a record.
        labels: (rows,) int64, cluster of every row.
        aside: why, by row.
        moved: rows that were moved by the proof.
        rounds: how often the proof was run; `proof` what it found at last.
    """

    sides: Ints
    labels: Ints
    aside: dict[int, Aside]
    moved: int
    rounds: int
    proof: Proof


class Placing:
    """Works out the side of every row."""

    def __init__(self, clusters: Clusters, digests: NDArray[np.uint64], strata: Ints, old: Ints,
                 wanted: Sequence[int], salt: str, most: int) -> None:  # fmt: skip
        """Args:
        clusters: which rows belong together.
        digests: (rows,) of what each row says.
        strata: (rows,) number of the stratum, -1 for rows without a record.
        old: (rows,) side from an earlier run, `NEW` where there is none.
        wanted: rows that each side is to have.
        salt: gives another draw.
        most: rows up to which clusters are made one.
        """
        import numpy as np

        self.digests, self.strata, self.old = digests, strata, old
        self.wanted, self.salt, self.most = wanted, salt, most
        self.aside: dict[int, Aside] = {}
        self.labels = self._apart(clusters)
        self.rows = np.flatnonzero((strata >= 0) & ~np.isin(np.arange(len(strata)), list(self.aside)))
        self._bundle_up()

    def _bundle_up(self) -> None:
        """Number the clusters and sum up what their rows are."""
        import numpy as np

        _, which = np.unique(self.labels[self.rows], return_inverse=True)
        self.bundle = np.full(len(self.strata), -1, np.int64)
        self.bundle[self.rows] = which
        self.bundles = self._bundles(which, int(which.max(initial=-1)) + 1)

    def _apart(self, clusters: Clusters) -> Ints:
        """Return the cluster of every row, those with rows of two sides taken apart; sets aside the new rows that tie
        them together."""
        import numpy as np

        labels, old = clusters.labels, self.old
        known = np.flatnonzero(old != NEW)
        if not len(known):
            return labels
        ends = distinct(labels[known] << 2 | old[known]) >> 2
        torn = distinct(ends[1:][ends[1:] == ends[:-1]])
        if not len(torn):
            return labels
        inside = np.isin(labels, torn)
        links = clusters.links
        here = inside[links.rows]
        cuts = np.flatnonzero(links.keys[here][1:] != links.keys[here][:-1]) + 1
        groups = [group.tolist() for group in np.split(links.rows[here], cuts)]
        sides = {row: int(old[row]) for row in known[inside[known]].tolist()}
        found = followed(sides, groups)
        held: dict[int, list[list[int]]] = {}
        for group in groups:
            for row in group:
                if found.get(row) == ASIDE:
                    held.setdefault(row, []).append(group)
        for row in sorted(held):
            self._set_aside(row, *self._ties(held[row], found))
        marks = np.array([xxh3_64_intdigest(b"%d" % side) for side in range(-2, len(SIDES))], np.uint64)
        where = np.full(len(labels), NEW, np.int64)
        where[list(found)] = list(found.values())
        where[~inside] = NEW
        kept = where[links.rows] != ASIDE
        keys = links.keys ^ np.where(inside[links.rows], marks[where[links.rows] + 2], np.uint64(0))
        return components(len(labels), shared(Links(links.rows[kept], keys[kept], links.strengths[kept])))

    def _ties(self, groups: Sequence[Sequence[int]], sides: dict[int, int]) -> tuple[str, tuple[int, ...]]:
        """Return why a row is set aside that is in some groups, and one row of each side that it is tied to."""
        found: dict[int, int] = {}
        for group in groups:
            for other in group:
                side = sides.get(other, NEW)
                if side >= 0 and (side not in found or self.digests[other] < self.digests[found[side]]):
                    found[side] = other
        names = " and ".join(SIDES[side] for side in sorted(found))
        return f"ties rows of {names} together", tuple(found[side] for side in sorted(found))

    def _set_aside(self, row: int, reason: str, ties: tuple[int, ...]) -> None:
        self.aside.setdefault(row, Aside(reason, ties))

    def _bundles(self, which: Ints, number: int) -> Bundles:
        import numpy as np

        keys = np.full(number, np.iinfo(np.uint64).max, np.uint64)
        np.minimum.at(keys, which, self.digests[self.rows])
        sides = np.full(number, NEW, np.int64)
        np.maximum.at(sides, which, self.old[self.rows])
        strata = self.strata[self.rows]
        width = int(strata.max(initial=0)) + 1
        pairs, counts = np.unique(which * width + strata, return_counts=True)
        lowest = np.full(width, np.iinfo(np.uint64).max, np.uint64)
        np.minimum.at(lowest, strata, self.digests[self.rows])
        order = np.lexsort((lowest[pairs % width], -counts, pairs // width))  # most rows first
        first = np.unique((pairs // width)[order], return_index=True)[1]
        return Bundles(keys, np.bincount(which, minlength=number), (pairs % width)[order][first], sides)

    def placed(self, prove: Callable[[Ints], Proof]) -> Placed:
        """Return the side of every row, after as many proofs as it takes.

        Clusters that a leak ties together are made one and all are drawn anew, a few times; then those of the higher
        side go down to train, and others from train take their place. Where that would empty a side, or does not end,
        the fewest rows are set aside in its stead.

        Args:
            prove: given the side of every row, returns what the rules find.
        """
        import numpy as np

        drawn = merged = self._drawn()
        first = self._row_sides(drawn)
        pins = self.bundles.sides.copy()
        merging, giving_up = True, False
        for number in range(1, MOST_ROUNDS + 1):
            sides = self._row_sides(drawn)
            proof = prove(sides)
            leaks = self._open(proof.leaks)
            if not leaks:
                break
            if giving_up:
                self._give_up(leaks)
                continue
            if merging and self._merge(leaks):
                merging = number < MERGING
                drawn = merged = self._drawn()
                pins = self.bundles.sides.copy()
                continue
            merging = False
            pins = self._pinned(leaks, drawn, pins)
            if self._emptied(pins):
                giving_up, drawn = True, merged
            elif number < MOVING:  # what went down is made good by others from train
                drawn = self._drawn(np.where((pins == NEW) & (drawn > 0), drawn, pins))
            else:
                giving_up, drawn = True, np.where(pins == NEW, drawn, pins)
        moved = int(((first != sides) & (first >= 0) & (sides >= 0)).sum())
        return Placed(sides, self.labels, self.aside, moved, number, proof)

    def _open(self, leaks: Sequence[Leak]) -> list[Leak]:
        """Return the leaks that can be ended: those with a row that is new. A new row of which nothing is known but
        that it leaks is set aside."""
        for leak in leaks:
            if not leak.others and self.old[leak.row] == NEW:
                self._set_aside(leak.row, _said(leak), ())
        return [leak for leak in leaks if any(self.old[row] == NEW for row in (leak.row, *leak.others))]

    def _drawn(self, sides: Ints | None = None) -> Ints:
        """Return the side of every cluster; `sides` are those that are decided."""
        import numpy as np

        decided = self.bundles.sides
        if sides is not None:
            decided = np.where(decided == NEW, sides, decided)
        return assigned(self.bundles._replace(sides=decided), self.wanted, self.salt)

    def _row_sides(self, drawn: Ints) -> Ints:
        import numpy as np

        sides = np.full(len(self.strata), NEW, np.int64)
        sides[self.rows] = drawn[self.bundle[self.rows]]
        sides[list(self.aside)] = ASIDE
        return sides

    def _sorted(self, leaks: Sequence[Leak]) -> list[tuple[Leak, int]]:
        """Return every leak with each row of the higher side, in an order that does not depend on theirs."""
        pairs = [(leak, other) for leak in leaks for other in leak.others]
        return sorted(pairs, key=lambda pair: (int(self.digests[pair[0].row]), int(self.digests[pair[1]])))

    def _merge(self, leaks: Sequence[Leak]) -> bool:
        """Make clusters one that leaks tie together, as long as they do not grow too large; a new row that would tie
        two sides together is set aside. Return whether anything was done."""
        sizes, fixed = self.bundles.sizes.tolist(), self.bundles.sides.tolist()
        above, before = list(range(len(sizes))), len(self.aside)

        def top(which: int) -> int:
            while above[which] != which:
                which = above[which]
            return which

        for leak, other in self._sorted(leaks):
            low, high = sorted((top(int(self.bundle[leak.row])), top(int(self.bundle[other]))))
            sides = {fixed[low], fixed[high]} - {NEW}
            if len(sides) > 1:
                self._part(leak, other)
            elif low != high and (sides or sizes[low] + sizes[high] <= self.most):
                above[high] = low
                sizes[low] += sizes[high]
                fixed[low] = max(fixed[low], fixed[high])
        tops = [top(which) for which in range(len(above))]
        if tops != list(range(len(above))):
            self._relabel(tops)
        return len(set(tops)) < len(above) or len(self.aside) > before

    def _relabel(self, tops: Sequence[int]) -> None:
        """Make clusters one, given for each the number of the one that it goes into."""
        import numpy as np

        names = np.zeros(len(tops), np.int64)
        names[self.bundle[self.rows]] = self.labels[self.rows]
        labels = self.labels.copy()
        labels[self.rows] = names[np.array(tops, np.int64)[self.bundle[self.rows]]]
        self.labels = labels
        self._bundle_up()

    def _part(self, leak: Leak, other: int) -> None:
        """Set aside one of two rows that cannot come together: the lower one if it is new, else the other."""
        if self.old[leak.row] == NEW:
            self._set_aside(leak.row, _said(leak), (other,))
        elif self.old[other] == NEW:
            self._set_aside(other, _said(leak), (leak.row,))

    def _pinned(self, leaks: Sequence[Leak], drawn: Ints, pins: Ints) -> Ints:
        """Return the decided sides of clusters: those of the higher side of a leak go down to the lower."""
        pins = pins.copy()
        down: dict[int, int] = {}
        for leak, other in self._sorted(leaks):
            which = int(self.bundle[other])
            if self.bundles.sides[which] == NEW:
                down[which] = min(down.get(which, len(SIDES)), int(drawn[int(self.bundle[leak.row])]))
            else:
                self._part(leak, other)
        for which, side in down.items():
            pins[which] = side
        return pins

    def _emptied(self, pins: Ints) -> bool:
        """True if so much was sent down that what is left for the higher sides runs out."""
        return int(self.bundles.sizes[(pins == TRAIN) & (self.bundles.sides == NEW)].sum()) > self.wanted[TRAIN] // 2

    def _give_up(self, leaks: Sequence[Leak]) -> None:
        """Set aside as few new rows as it takes, those with the most leaks first, of equal ones those of train."""
        ties: dict[int, dict[int, Leak]] = {}
        lower = {leak.row for leak in leaks}
        for leak, other in self._sorted(leaks):
            ties.setdefault(leak.row, {})[other] = leak
            ties.setdefault(other, {})[leak.row] = leak
        waiting = [(-len(held), row not in lower, int(self.digests[row]), row) for row, held in ties.items()
                   if self.old[row] == NEW]  # fmt: skip
        heapq.heapify(waiting)
        while waiting:
            known, *order, row = heapq.heappop(waiting)
            left = len(ties[row])
            if left != -known:
                if left:
                    heapq.heappush(waiting, (-left, *order, row))  # type: ignore[misc]
                continue
            other, leak = next(iter(ties[row].items()))
            self._set_aside(row, _said(leak), (other,))
            for held in ties.pop(row):
                del ties[held][row]
            ties[row] = {}


def _said(leak: Leak) -> str:
    return f"{leak.rule} between rows that cannot be on one side"
