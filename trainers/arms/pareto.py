"""Which arms are beaten by another one whatever one cares for: quality, cost, time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from trainers.arms.config import ArmName

TIE = 0.05
"""Costs and times that differ by no more than this share count as equal: they are measured no surer (judgement)."""


class Point(NamedTuple):
    """Where an arm lies; None for what is not known.

    Args:
        quality: mean of the primary metric in the direction in which more is better.
        usd: of 1,000 calls.
        seconds: median time of a call.
    """

    quality: float | None
    usd: float | None
    seconds: float | None


def dominators(points: Mapping[ArmName, Point]) -> dict[ArmName, tuple[ArmName, ...]]:
    """Return for each arm those that dominate it: at least as good by every measure, and better by one.

    A measure that no arm has is left out; one that only one of two has decides nothing between them, so that neither
    dominates the other.
    """
    known = [axis for axis in range(3) if any(point[axis] is not None for point in points.values())]
    return {
        name: tuple(other for other in points if other != name and _dominates(points[other], points[name], known))
        for name in points
    }


def _dominates(one: Point, other: Point, axes: list[int]) -> bool:
    better = False
    for axis in axes:
        mine, theirs = one[axis], other[axis]
        if mine is None or theirs is None:
            return False
        gain = mine - theirs if axis == 0 else theirs - mine
        if axis > 0 and abs(gain) <= TIE * min(mine, theirs):
            continue
        if gain < 0:
            return False
        better = better or gain > 0
    return better
