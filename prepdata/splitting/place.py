"""Gives every row a side and keeps at it until the proof finds nothing. Pure but for the proof, which is handed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from xxhash import xxh3_64_intdigest

from prepdata.index.exact import distinct
from prepdata.splitting.assign import SIDES, Bundles, assigned
from prepdata.splitting.proof import Leak, Proof
from prepdata.splitting.ties import ASIDE, NEW, Clusters, Links, components, followed, shared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

ROUNDS = 8
"""Proofs after which clusters are moved no more; from then on rows are set aside."""
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

    def __init__(
        self, clusters: Clusters, digests: NDArray[np.uint64], strata: Ints, old: Ints, wanted: Sequence[int], salt: str
    ) -> None:
        """Args:
        clusters: which rows belong together.
        digests: (rows,) of what each row says.
        strata: (rows,) number of the stratum, -1 for rows without a record.
        old: (rows,) side from an earlier run, `NEW` where there is none.
        wanted: rows that each side is to have.
        salt: gives another draw.
        """
        import numpy as np

        self.digests, self.strata, self.old = digests, strata, old
        self.wanted, self.salt = wanted, salt
        self.aside: dict[int, Aside] = {}
        self.labels = self._apart(clusters)
        self.rows = np.flatnonzero((strata >= 0) & ~np.isin(np.arange(len(strata)), list(self.aside)))
        _, first, which = np.unique(self.labels[self.rows], return_index=True, return_inverse=True)
        self.bundle = np.full(len(strata), -1, np.int64)
        self.bundle[self.rows] = which
        self.bundles = self._bundles(which, len(first))

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

        Args:
            prove: given the side of every row, returns what the rules find.
        """
        import numpy as np

        bundles = self.bundles
        locked = bundles.sides != NEW
        pins = bundles.sides.copy()
        drawn = assigned(bundles, self.wanted, self.salt)
        for number in range(1, MOST_ROUNDS + 1):
            sides = self._row_sides(drawn)
            proof = prove(sides)
            before = len(self.aside), pins.copy()
            if number <= ROUNDS:
                self._settle(proof.leaks, drawn, pins, locked)
            else:
                self._give_up(proof.leaks)
            if len(self.aside) == before[0] and np.array_equal(pins, before[1]):
                break
            if number < ROUNDS:  # what was moved away is made good by others from train
                held = np.where((pins == NEW) & (drawn > 0), drawn, pins)
                drawn = assigned(bundles._replace(sides=held), self.wanted, self.salt)
            else:
                drawn = np.where(pins == NEW, drawn, pins)
        moved = int(bundles.sizes[pins != bundles.sides].sum())
        return Placed(sides, self.labels, self.aside, moved, number, proof)

    def _row_sides(self, drawn: Ints) -> Ints:
        import numpy as np

        sides = np.full(len(self.strata), NEW, np.int64)
        sides[self.rows] = drawn[self.bundle[self.rows]]
        sides[list(self.aside)] = ASIDE
        return sides

    def _settle(self, leaks: Sequence[Leak], drawn: Ints, pins: Ints, locked: NDArray[np.bool_]) -> None:
        """Decide where the clusters of leaks go: the one of the higher side down to the lower, unless it holds rows
        that have been there before; then the other one up; where neither can move, a new row is set aside.

        Args:
            leaks: what the proof found.
            drawn: side of every cluster.
            pins: the sides that are decided, changed here.
            locked: clusters that cannot move, changed here.
        """
        down: dict[int, int] = {}
        up: dict[int, int] = {}
        for leak in leaks:
            one = int(self.bundle[leak.row])
            if not leak.others and self.old[leak.row] == NEW:
                self._set_aside(leak.row, _said(leak), ())
            for other in leak.others:
                two = int(self.bundle[other])
                if not locked[two]:
                    down[two] = min(down.get(two, len(SIDES)), int(drawn[one]))
                elif not locked[one]:
                    up[one] = min(up.get(one, len(SIDES)), int(drawn[two]))
                elif self.old[leak.row] == NEW:
                    self._set_aside(leak.row, _said(leak), leak.others[:1])
                elif self.old[other] == NEW:
                    self._set_aside(other, _said(leak), (leak.row,))
        for which, side in (down | up).items():
            pins[which] = side
        locked[list(up)] = True

    def _give_up(self, leaks: Sequence[Leak]) -> None:
        """Set aside the new rows of leaks, those of the higher side where they are new."""
        for leak in leaks:
            new = [other for other in leak.others if self.old[other] == NEW]
            for other in new:
                self._set_aside(other, _said(leak), (leak.row,))
            if len(new) < len(leak.others) and self.old[leak.row] == NEW:
                self._set_aside(leak.row, _said(leak), leak.others[:1])


def _said(leak: Leak) -> str:
    return f"{leak.rule} between rows that cannot be on one side"
