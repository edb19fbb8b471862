"""Which rows belong together? Pure: links in, cluster numbers out; the order of the rows makes no difference.

A link is a row and a key; rows with a key in common are tied. Each link has a strength: what must stay together
whatever comes of it (equal rows, prompts, groups) has `FIRM`; the rest is let go, weakest first, in clusters that grow
too large.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

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
KINDS = {TURN: "turns in common", BEGINNING: "beginnings in common", COMMON_TURN: "turns that many rows have"}
NEAR = "near duplicates"
"""What holds a cluster together, for people; near duplicates have their similarity, up to 1."""


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
        without: what ties its parts and was passed over, for people; "" where it could not be cut.
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


def shared(links: Links, digests: Keys | None = None) -> Links:
    """Return the links whose key another link has too, in order of key, the strongest of a key first, then in order of
    the digests of the rows."""
    import numpy as np

    by = links.rows if digests is None else digests[links.rows]
    order = np.lexsort((by, -links.strengths, links.keys))
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


def clustered(links: Links, digests: Keys, most: int, part: int) -> Clusters:
    """Return the clusters, those of more than `most` rows cut into parts.

    Args:
        links: any links.
        digests: (rows,) of what each row says.
        most: rows up to which a cluster is left as it is.
        part: rows of a part; those that firm links hold together may be more.
    """
    import numpy as np

    count = len(digests)
    links = shared(links, digests)
    labels = components(count, links)
    sizes = np.bincount(labels, minlength=count)
    large = np.flatnonzero(sizes > most)
    if not len(large):
        return Clusters(labels, links, ())
    parts, without = _cut(count, links, np.isin(labels, large), part)
    cuts = []
    for origin in large.tolist():
        made = np.unique(parts[labels == origin], return_counts=True)[1]
        said = " and ".join(sorted({words for row, words in without if labels[row] == origin}))
        cuts.append(Cut(int(made.sum()), said, len(made), int(made.max())))
    over = np.isin(labels[links.rows], large)
    keys = links.keys ^ np.where(over, parts[links.rows].astype(np.uint64) * np.uint64(_MIX), np.uint64(0))
    links = shared(Links(links.rows, keys, links.strengths), digests)
    return Clusters(np.where(np.isin(labels, large), parts, labels), links, tuple(sorted(cuts, reverse=True)))


def _cut(count: int, links: Links, over: NDArray[np.bool_], part: int) -> tuple[Ints, list[tuple[int, str]]]:
    """Return the clusters that are left when links hold rows together only up to `part` rows, the strongest first; and
    (row, what would have held it to others) of the links that were let go.

    Args:
        count: number of rows.
        links: as `shared` gives them.
        over: (rows,) True for the rows in question.
        part: rows of a part.
    """
    import numpy as np

    firm = links.strengths >= FIRM
    above = components(count, Links(links.rows[firm], links.keys[firm], links.strengths[firm]))
    sizes = np.bincount(above, minlength=count)
    same = np.flatnonzero((links.keys[1:] == links.keys[:-1]) & over[links.rows[1:]])
    strengths = np.minimum(links.strengths[same], links.strengths[same + 1])
    order = np.lexsort((same, links.keys[same], -strengths))
    listed = zip(links.rows[same][order].tolist(), links.rows[same + 1][order].tolist(), strengths[order].tolist())
    kinds = {float(np.float32(strength)): words for strength, words in KINDS.items()}
    parents, without = above.tolist(), []

    def top(row: int) -> int:
        while parents[row] != row:
            parents[row] = parents[parents[row]]
            row = parents[row]
        return row

    for first, second, strength in listed:
        low, high = sorted((top(first), top(second)))
        if low == high:
            continue
        if sizes[low] + sizes[high] > part and strength < FIRM:
            without.append((first, kinds.get(strength, NEAR)))
            continue
        parents[high] = low
        sizes[low] += sizes[high]
    return np.array([top(row) for row in range(count)], np.int64), without


_MIX = 0x9E3779B97F4A7C15
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
