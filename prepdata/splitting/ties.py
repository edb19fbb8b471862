"""Which rows belong together? Pure: links in, cluster numbers out; the order of the rows makes no difference.

A link is a row and a key; rows with a key in common are tied. Each link has a strength: what must stay together
whatever comes of it (equal rows, prompts, groups) has `FIRM`; the rest is let go, weakest first, in clusters that grow
too large.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from prepdata.index.exact import distinct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Keys = NDArray[np.uint64]
    Strengths = NDArray[np.float32]

FIRM = 9.0
"""Equal rows, equal prompts, rows of one group."""
TURN = 1.3
"""A turn of the user in common."""
BEGINNING = 1.2
"""A conversation that is the beginning of the other."""
COMMON_TURN = 1.1
"""A turn of the user that very many rows have."""
# Near duplicates have their similarity, up to 1.

LEVELS = (
    (0.7, "near duplicates below 0.7"),
    (0.8, "near duplicates below 0.8"),
    (0.9, "near duplicates below 0.9"),
    (1.05, "near duplicates"),
    (1.15, "turns of the user that many rows have"),
    (1.25, "beginnings of conversations"),
    (1.35, "turns of the user"),
)
"""What is let go of a cluster that is too large, step by step: links below a strength, and what people are told."""


class Links(NamedTuple):
    """Rows and the keys they have; all arrays of one length.

    Args:
        rows: (links,) int64, number of the row.
        keys: (links,) uint64.
        strengths: (links,) float32.
    """

    rows: Ints
    keys: Keys
    strengths: Strengths


class Cut(NamedTuple):
    """A cluster that was too large.

    Args:
        rows: rows it had.
        without: what was let go, for people; "" where nothing could be.
        parts: clusters it fell into, single rows included.
        largest: rows of the largest of them.
    """

    rows: int
    without: str
    parts: int
    largest: int


class Clusters(NamedTuple):
    """Cluster of every row.

    Args:
        labels: (rows,) int64, number of a row of the same cluster, the same for all of its rows.
        links: the links that hold the clusters together.
        cuts: clusters that were too large, the largest first.
    """

    labels: Ints
    links: Links
    cuts: tuple[Cut, ...]


def joined(many: Sequence[Links]) -> Links:
    """Return links laid end to end."""
    import numpy as np

    if not many:
        return Links(np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.float32))
    return Links(*(np.concatenate([links[i] for links in many]) for i in range(3)))


def shared(links: Links) -> Links:
    """Return the links whose key another link has too, in order of key, the strongest of a key first."""
    import numpy as np

    order = np.lexsort((links.rows, -links.strengths, links.keys))
    keys = links.keys[order]
    alike = np.zeros(len(keys) + 1, bool)
    alike[1:-1] = keys[1:] == keys[:-1]
    order = order[alike[1:] | alike[:-1]]
    return Links(links.rows[order], links.keys[order], links.strengths[order])


def components(count: int, links: Links) -> Ints:
    """Return for each of `count` rows the lowest row that links lead to.

    Args:
        count: number of rows.
        links: in order of key, as `shared` gives them.
    """
    import numpy as np

    labels = np.arange(count, dtype=np.int64)
    same = np.flatnonzero(links.keys[1:] == links.keys[:-1]) if len(links.keys) else np.zeros(0, np.int64)
    first, second = links.rows[same], links.rows[same + 1]
    while len(first):
        one, other = labels[first], labels[second]
        apart = one != other
        first, second, one, other = first[apart], second[apart], one[apart], other[apart]
        low = np.minimum(one, other)
        np.minimum.at(labels, one, low)
        np.minimum.at(labels, other, low)
        while not np.array_equal(further := labels[labels], labels):
            labels = further
    return labels


def clustered(count: int, links: Links, most: int) -> Clusters:
    """Return the clusters, those of more than `most` rows cut as far as they can be.

    Args:
        count: number of rows.
        links: any links.
        most: rows up to which a cluster is left as it is.
    """
    import numpy as np

    links = shared(links)
    labels = components(count, links)
    whole = labels
    sizes = np.bincount(labels, minlength=count)
    large = np.flatnonzero(sizes > most)
    said = dict.fromkeys(large.tolist(), "")
    for level, words in LEVELS:
        over = sizes[labels] > most
        dropped = over[links.rows] & (links.strengths < level)
        if not over.any():
            break
        if not dropped.any():
            continue
        for origin in distinct(whole[links.rows[dropped]]).tolist():
            said[origin] = words
        links = shared(Links(*(column[~dropped] for column in links)))  # type: ignore[arg-type]
        labels = components(count, links)
        sizes = np.bincount(labels, minlength=count)
    cuts = []
    for origin in large.tolist():
        parts = np.unique(labels[whole == origin], return_counts=True)[1]
        cuts.append(Cut(int(parts.sum()), said[origin], len(parts), int(parts.max())))
    return Clusters(labels, links, tuple(sorted(cuts, reverse=True)))


ASIDE = -2
"""Side of a row that cannot be on any."""
NEW = -1
"""Side of a row that has none yet."""


def followed(sides: dict[int, int], groups: Sequence[Sequence[int]]) -> dict[int, int]:
    """Return the side of every row that is tied to rows which have one, `ASIDE` for those tied to two sides.

    Sides spread from row to row, one step at a time; rows set aside pass nothing on. Rows that meet with different
    sides in the same step stay if theirs is the lowest; the others are set aside.

    Args:
        sides: side of the rows that have one.
        groups: rows that are tied to one another.
    """
    known = dict(sides)
    while True:
        reached: dict[int, set[int]] = {}
        for group in groups:
            said = {side for row in group if (side := known.get(row, ASIDE)) != ASIDE}
            if said:
                for row in group:
                    if row not in known:
                        reached.setdefault(row, set()).update(said)
        if not reached:
            return known
        for row, found in reached.items():
            known[row] = found.pop() if len(found) == 1 else ASIDE
        clashes: set[int] = set()
        for group in groups:
            said = {side for row in group if (side := known.get(row, ASIDE)) != ASIDE}
            if len(said) > 1:
                clashes.update(row for row in group if row in reached and known[row] not in (ASIDE, min(said)))
        known |= dict.fromkeys(clashes, ASIDE)
