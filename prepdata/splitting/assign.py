"""Gives whole clusters to sides, so that each side gets what was asked for. Pure; decided by content and salt alone.

The largest clusters come first, each to one of the sides that still have room for all of it, drawn by the digest of its
key in proportion to that room. So the draw is fair, and no side ends further from its number of rows than the largest
cluster has rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from xxhash import xxh3_64_intdigest

from prepdata.errors import UsageError
from prepdata.findings import plural
from prepdata.splitting.ties import NEW

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

TRAIN, VALIDATION, TEST = 0, 1, 2
SIDES = ("train", "validation", "test")
CROWD = 0.1
"""A side gets no cluster larger than this share of it, if another side can take it."""
USUAL = {"validation": 0.1, "test": 0.1}


class Asked(NamedTuple):
    """What one side is to have: a share of the rows (0-1), or a number of rows; neither for what is left."""

    share: float | None = None
    number: int | None = None


def asked_of(side: str, value: str | float | None) -> Asked:
    """Return what a flag or argument asks for: `0.1` and `10%` are shares, whole numbers are rows.

    Raises:
        UsageError: it is neither.
    """
    if value is None:
        return Asked()
    text = str(value).strip()
    try:
        if text.endswith("%"):
            share = float(text[:-1]) / 100
        elif isinstance(value, int) or text.isdecimal():
            if int(text) < 0:
                raise ValueError
            return Asked(number=int(text)) if int(text) else Asked(share=0.0)
        else:
            share = float(text)
        if not 0 <= share <= 1:
            raise ValueError
    except ValueError:
        raise UsageError(
            f"{side}: '{value}' is neither a share of the rows (0.1, 10%) nor a number of rows (500)"
        ) from None
    return Asked(share=share)


def planned(train: str | float | None, validation: str | float | None, test: str | float | None) -> tuple[Asked, ...]:
    """Return what each side is to have, in the order of `SIDES`. A side that is not named gets none, but train, which
    gets what is left; of nothing named, 10 % each for validation and test.

    Raises:
        UsageError: a value is wrong, or together they are more or less than all rows.
    """
    given = {"train": train, "validation": validation, "test": test}
    if all(value is None for value in given.values()):
        given |= USUAL
    wanted = {side: asked_of(side, value) for side, value in given.items()}
    for side in ("validation", "test"):
        if given[side] is None:
            wanted[side] = Asked(share=0.0)
    shares = sum(asked.share or 0.0 for asked in wanted.values())
    if shares > 1 + 1e-9:
        raise UsageError(f"the shares add up to {shares:g}, which is more than all rows")
    complete = all(asked.number is None for asked in wanted.values()) and given["train"] is not None
    if complete and shares < 1 - 1e-9:
        raise UsageError(f"the shares add up to {shares:g}; leave --train out to give it what is left")
    if given["train"] is not None and not complete:
        raise UsageError("with a number of rows for one side, leave --train out: it gets what is left")
    return tuple(wanted[side] for side in SIDES)


def totals(asked: Sequence[Asked], rows: int) -> tuple[int, ...]:
    """Return the number of rows that each side is to have.

    Raises:
        UsageError: there are fewer rows than asked for.
    """
    held = [
        wanted.number if wanted.number is not None else math.floor((wanted.share or 0.0) * rows + 0.5)
        for wanted in asked[1:]
    ]
    if any(wanted.number is not None for wanted in asked) and sum(held) > rows:
        raise UsageError(
            f"{plural(sum(held), 'row')} asked for beside train, but there {'is' if rows == 1 else 'are'} only {rows:,}"
        )
    if len(held) > 1 and sum(held) > rows:  # two halves of an odd number
        held[-1] = rows - sum(held[:-1])
    return (rows - sum(held), *held)


class Bundles(NamedTuple):
    """Clusters to be given to sides; all arrays of one length.

    Args:
        keys: (clusters,) uint64, the lowest digest of the rows of each.
        sizes: (clusters,) int64, rows.
        strata: (clusters,) int64, number of the stratum most of its rows are of.
        sides: (clusters,) int64, the side where it has one already, else `NEW`.
    """

    keys: NDArray[np.uint64]
    sizes: Ints
    strata: Ints
    sides: Ints


def assigned(bundles: Bundles, wanted: Sequence[int], salt: str = "") -> Ints:
    """Return the side of every cluster. Those that have one keep it.

    Args:
        bundles: the clusters.
        wanted: rows of each side over all strata.
        salt: gives another draw.
    """
    import numpy as np

    sides = bundles.sides.copy()
    rows = np.bincount(bundles.strata, bundles.sizes).astype(np.int64) if len(sides) else np.zeros(0, np.int64)
    lowest = np.full(len(rows), np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(lowest, bundles.strata, bundles.keys)
    order = np.lexsort((bundles.keys, -bundles.sizes, bundles.strata))
    ends = np.cumsum(np.bincount(bundles.strata, minlength=len(rows)))
    carried, all_rows = [0.0] * len(wanted), max(1, sum(wanted))
    for stratum in np.lexsort((lowest, rows)).tolist():  # the largest last: it makes good what others could not
        here = order[ends[stratum - 1] if stratum else 0 : ends[stratum]]
        number = int(rows[stratum])
        exact = [number * total / all_rows + more for total, more in zip(wanted, carried)]
        room = _rounded(exact, number)
        largest = max(range(len(wanted)), key=lambda side: (room[side], -side))
        crowd = [room[i] if i == largest else max(1, int(CROWD * room[i])) for i in range(len(room))]
        kept = here[bundles.sides[here] != NEW]
        for side, size in zip(bundles.sides[kept].tolist(), bundles.sizes[kept].tolist()):
            room[side] -= size
        free = here[bundles.sides[here] == NEW]
        listed = zip(free.tolist(), bundles.keys[free].tolist(), bundles.sizes[free].tolist())
        for which, key, size in listed:
            side = _drawn(room, crowd, size, xxh3_64_intdigest(b"%s %x" % (salt.encode(), key)))
            sides[which] = side
            room[side] -= size
        filled = np.bincount(sides[here], bundles.sizes[here], minlength=len(wanted))
        carried = [want - float(got) for want, got in zip(exact, filled)]
    return sides


def _rounded(exact: Sequence[float], number: int) -> list[int]:
    """Return whole numbers near `exact` that add up to `number`, none below 0."""
    floors = [max(0, math.floor(want + 1e-9)) for want in exact]
    while sum(floors) > number:
        floors[max(range(len(floors)), key=lambda i: (floors[i] - exact[i], floors[i]))] -= 1
    while sum(floors) < number:
        floors[max(range(len(floors)), key=lambda i: (exact[i] - floors[i], -i))] += 1
    return floors


def _drawn(room: Sequence[int], crowd: Sequence[int], size: int, number: int) -> int:
    """Return a side that has room for `size` rows, drawn by `number`; the one with the most room where none has."""
    fitting = [side for side, left in enumerate(room) if size <= left and size <= crowd[side]]
    fitting = fitting or [side for side, left in enumerate(room) if size <= left]
    if not fitting:
        return max(range(len(room)), key=lambda side: (room[side], -side))
    place = number * sum(room[side] for side in fitting) >> 64
    for side in fitting:
        place -= room[side]
        if place < 0:
            return side
    raise AssertionError
