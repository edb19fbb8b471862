"""When the arm that is dearer to begin with has paid off, and at which traffic it does at all. Pure functions.

What two arms share is the same for both: the tokens of a call, the passages, the prices of the base model, whether the
cache has the prompt, what retrieval costs besides passages. Only what they do not share is at its low figure in one and
its high one in the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, product
from typing import NamedTuple

import msgspec

from prepdata.cost import Range
from prepdata.cost_compare.model import Arm, BreakEven, Reach, Span, Traffic, total
from prepdata.cost_compare.running import Bound, Running, hit_share

MOST = 10**12
"""Calls a day up to which is looked."""
STEPS = 20
"""Traffics that are looked at in each decade; and `MACHINES` times those on both sides of one machine more."""
MACHINES = 100
LONGEST = 1e9
"""Days after which a point counts as never."""
SAME = 1e-9
"""Relative difference of two costs that is rounding."""


class Paid(NamedTuple):
    """What is held against another arm: USD once, and what is paid from then on."""

    once: Range
    running: Running


class Case(NamedTuple):
    """Two arms at figures that they do not share: `first` at the bound `a`, `then` at `b`; cache as `hits` says."""

    first: Paid
    a: Bound
    then: Paid
    b: Bound
    hits: float | None


def break_evens(cases: Sequence[Sequence[Arm]], calls_per_day: int) -> list[BreakEven]:
    """Return the break-even of each pair of priced arms that know the same.

    Args:
        cases: all arms, once for each set of figures that arms share; the likely set first.
        calls_per_day: calls.
    """
    named = [{arm.name: arm for arm in case if arm.priced} for case in cases]
    found = []
    for first, then in pairs(cases[0]):
        both = [(c[first.name], c[then.name]) for c in named if first.name in c and then.name in c]
        found.append(break_even(both, calls_per_day))
    return found


def pairs(arms: Sequence[Arm]) -> Iterator[tuple[Arm, Arm]]:
    """Yield pairs of priced arms that know the same: the one that is cheaper without any call, and the other."""
    for one, other in combinations([arm for arm in arms if arm.priced], 2):
        if one.serves == other.serves:
            yield (one, other) if _start(one) <= _start(other) else (other, one)


def _start(arm: Arm) -> tuple[float, float]:
    """Return what an arm costs without any call: a day first, since that goes on; then once."""
    paid = _paid(arm)
    return paid.running.standing(0, "likely"), paid.once.likely


def _paid(arm: Arm, *, lookup: bool = True) -> Paid:
    """Return what an arm costs; without embeddings and the store where both arms have these."""
    if arm.one_time is None or arm.running is None:
        raise ValueError(f"the arm {arm.name} has no price")
    if lookup or arm.lookup is None:
        return Paid(arm.one_time, arm.running)
    once, fixed, call = (
        total([whole, part.times(-1)])
        for whole, part in (
            (arm.one_time, arm.lookup.one_time),
            (arm.running.fixed, arm.lookup.per_day),
            (arm.running.call, arm.lookup.per_call),
        )
    )
    return Paid(once, msgspec.structs.replace(arm.running, fixed=fixed, call=call))


def break_even(cases: Sequence[tuple[Arm, Arm]], calls_per_day: int) -> BreakEven:
    """Return when `then` has cost no more than `first`, at the earliest, likely, and at the latest.

    After t days an arm has cost once + t x what a day costs at that traffic. Both are equal at
    t = (once of `then` - once of `first`) / (day of `first` - day of `then`). The earliest point takes the high figures
    of `first` and the low ones of `then`, the latest the other way round, over all cases and with the cache always,
    as the traffic lets it, or never in use.

    Args:
        cases: `first` and `then` for each set of figures that they share; the likely set first.
        calls_per_day: calls.
    """
    first, then = cases[0]
    apart = first.lookup is None or then.lookup is None
    paid = list(dict.fromkeys((_paid(a, lookup=apart), _paid(b, lookup=apart)) for a, b in cases))
    likely = Case(paid[0][0], "likely", paid[0][1], "likely", None)
    hits = (None, 1.0, 0.0) if any(p.running.cached.high for pair in paid for p in pair) else (None,)
    early = [likely, *(Case(one, "high", other, "low", share) for (one, other), share in product(paid, hits))]
    late = [likely, *(Case(one, "low", other, "high", share) for (one, other), share in product(paid, hits))]
    days = Span(
        min((d for c in early if (d := _days(c, calls_per_day)) is not None), default=None),
        _days(likely, calls_per_day),
        _latest([_days(c, calls_per_day) for c in late]),
    )
    calls = [None if d is None else _calls(d, calls_per_day) for d in (days.low, days.likely, days.high)]
    early_at, late_at = ([cheaper_at(case, calls_per_day) for case in part] for part in (early, late))
    widest = max(early_at, key=lambda span: _reach(span, calls_per_day))
    narrowest = min(late_at, key=lambda span: _reach(span, calls_per_day))
    return BreakEven(
        first=first.name,
        then=then.name,
        days=days,
        calls=Span(*calls),
        cheaper_at=Reach(widest, cheaper_at(likely, calls_per_day), narrowest),
    )


def _calls(days: float, calls_per_day: int) -> float:
    return float(math.ceil(round(days * calls_per_day, 6)))


def _latest(days: Sequence[float | None]) -> float | None:
    """Return the latest point; None, never, is later than all."""
    known = [d for d in days if d is not None]
    return max(known) if len(known) == len(days) else None


def _days(case: Case, calls: int) -> float | None:
    """Return the days until both have cost the same: 0 where `then` is never dearer, None where it always is."""
    first, then = _once(case.first, case.a), _once(case.then, case.b)
    day = case.first.running.day(calls, case.a, case.hits)
    saving = day - case.then.running.day(calls, case.b, case.hits)
    if abs(saving) <= SAME * day:
        saving = 0.0
    if then <= first and saving >= 0:
        return 0.0
    days = max(0.0, (then - first) / saving) if saving > 0 else math.inf
    return days if days <= LONGEST else None


def _once(paid: Paid, bound: Bound) -> float:
    return float(getattr(paid.once, bound))


def cheaper_at(case: Case, today: int) -> Traffic | None:
    """Return the traffic at which `then` costs no more to run, machines added as calls need them; None for none.

    Both are priced at 20 traffics in each decade from 1 to 10^12 calls a day and on both sides of each of the first 100
    machines. Spans in which `then` is cheaper are followed to the very call at either end. Of several, each machine may
    begin one, it is that with the traffic of today, or else the widest.
    """
    one, other = case.first.running, case.then.running

    def better(calls: int) -> bool:
        share = hit_share(calls) if case.hits is None else case.hits
        return other.day(calls, case.b, share) <= one.day(calls, case.a, share) * (1 + SAME)

    looked = {round(10 ** (i / STEPS)) for i in range(12 * STEPS + 1)} | _added(one, case.a) | _added(other, case.b)
    return max(spans(better, sorted(looked | {today})), key=lambda span: _reach(span, today), default=None)


def _added(running: Running, bound: Bound) -> set[int]:
    """Return the traffics just before and just after one machine more is needed."""
    busy = float(getattr(running.busy, bound))
    if not running.machine.high or busy <= 0:
        return set()
    served = [count / busy for count in range(1, MACHINES + 1)]
    full = [math.floor(round(calls, 6)) for calls in served if calls < MOST]
    return {calls for most in full for calls in (most, most + 1) if calls >= 1}


def spans(better: Callable[[int], bool], looked: Sequence[int]) -> Iterator[Traffic]:
    """Yield the spans of numbers for which something holds, told from those that are looked at, in order."""
    start: int | None = None
    for last, calls in zip([None, *looked], looked):
        if better(calls):
            if start is None:
                start = calls if last is None else _turn(better, calls, last)
        elif start is not None and last is not None:
            yield Traffic(start, _turn(better, last, calls))
            start = None
    if start is not None:
        yield Traffic(start, None)


def _turn(better: Callable[[int], bool], yes: int, no: int) -> int:
    """Return the last number for which something holds between one for which it does and one for which it does not."""
    while abs(yes - no) > 1:
        middle = (yes + no) // 2
        yes, no = (middle, no) if better(middle) else (yes, middle)
    return yes


def _reach(span: Traffic | None, today: int) -> tuple[bool, float]:
    """Return how far a span reaches: whether it has the traffic of today, and its orders of magnitude; -1 for none."""
    if span is None:
        return False, -1.0
    end = span.end or MOST
    return span.start <= today <= end, math.log10(end / span.start)
