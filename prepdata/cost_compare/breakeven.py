"""When the arm that is dearer to begin with has paid off, and from which traffic on it does at all. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal

from prepdata.cost_compare.model import Arm, BreakEven, Span

Bound = Literal["low", "likely", "high"]
Figures = tuple[float, float, float]


def break_evens(arms: Sequence[Arm], calls_per_day: int) -> list[BreakEven]:
    """Return the break-even of each pair of priced arms that know the same."""
    return [break_even(first, then, calls_per_day) for first, then in pairs(arms)]


def pairs(arms: Sequence[Arm]) -> Iterator[tuple[Arm, Arm]]:
    """Yield pairs of priced arms that know the same: the one that is cheaper without any call, and the other."""
    for one, other in combinations([arm for arm in arms if arm.priced], 2):
        if one.serves == other.serves:
            yield (one, other) if _start(one) <= _start(other) else (other, one)


def _start(arm: Arm) -> tuple[float, float]:
    """Return what an arm costs without any call: a day first, since that goes on; then once."""
    once, day, _ = _figures(arm, "likely")
    return day, once


def _figures(arm: Arm, bound: Bound, lookup: Bound | None = None) -> Figures:
    """Return (once, a day, a call) of one bound, in USD; what retrieval costs of another, where one is given."""
    if arm.one_time is None or arm.per_day is None or arm.per_call is None:
        raise ValueError(f"the arm {arm.name} has no price")
    once, day, call = (float(getattr(part, bound)) for part in (arm.one_time, arm.per_day, arm.per_call))
    if arm.lookup is None or lookup is None:
        return once, day, call
    found = (arm.lookup.one_time, arm.lookup.per_day, arm.lookup.per_call)
    more = [float(getattr(part, lookup) - getattr(part, bound)) for part in found]
    return once + more[0], day + more[1], call + more[2]


def break_even(first: Arm, then: Arm, calls_per_day: int) -> BreakEven:
    """Return when `then` has cost no more than `first`, at the earliest, likely, and at the latest.

    After t days an arm has cost once + t x (a day + calls a day x a call). Both are equal at
    t = (once of `then` - once of `first`) / (running of `first` - running of `then`). The earliest point takes the high
    figures of `first` and the low ones of `then`, the latest the other way round; retrieval that both have costs the
    same in both.
    """
    both: Bound | None = "likely" if first.lookup is not None and then.lookup is not None else None
    bounds: tuple[tuple[Bound, Bound], ...] = (("high", "low"), ("likely", "likely"), ("low", "high"))
    figures = [(_figures(first, a, both), _figures(then, b, both)) for a, b in bounds]
    days = [_days(one, other, calls_per_day) for one, other in figures]
    traffic = [_traffic(one, other) for one, other in figures]
    calls = [None if d is None else float(math.ceil(round(d * calls_per_day, 6))) for d in days]
    return BreakEven(
        first=first.name, then=then.name, days=Span(*days), calls=Span(*calls), calls_per_day=Span(*traffic)
    )


def _days(first: Figures, then: Figures, calls: int) -> float | None:
    """Return the days until both have cost the same: 0 where `then` is never dearer, None where it always is."""
    more = then[0] - first[0]
    saving = (first[1] + calls * first[2]) - (then[1] + calls * then[2])
    if more <= 0 and saving >= 0:
        return 0.0
    return more / saving if saving > 0 else None


def _traffic(first: Figures, then: Figures) -> float | None:
    """Return the calls a day from which `then` is cheaper to run: 0 for any traffic, None for none."""
    more, saving = then[1] - first[1], first[2] - then[2]
    if saving <= 0:
        return 0.0 if more < 0 and saving == 0 else None
    return max(0.0, more / saving)
