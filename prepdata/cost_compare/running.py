"""What keeping an arm in use costs a day, at any traffic: calls, caching, machines. Pure functions.

The beginning of a prompt is in the cache of the provider for 5 to 10 minutes without a call (OpenAI, prompt caching in
the API, 2024-10-01): with calls at random times, a share of 1 - exp(-calls in 5 minutes) finds it there.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from prepdata.cost import Range

Bound = Literal["low", "likely", "high"]

CACHE_MINUTES = 5.0
NOTHING = Range(0.0, 0.0, 0.0)


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What an arm costs once it is there. USD.

    Args:
        fixed: a day, called or not; machines are not among it.
        call: a call, with nothing from the cache.
        cached: what a call costs less where the beginning of its prompt is in the cache.
        machine: a day of the GPUs that hold the model once.
        busy: how many such machines a call a day keeps busy, in the busiest hour; a day has one at least.
    """

    fixed: Range = NOTHING
    call: Range = NOTHING
    cached: Range = NOTHING
    machine: Range = NOTHING
    busy: Range = NOTHING

    def machines(self, calls: float, bound: Bound) -> int:
        """Return how many machines serve so many calls a day; 0 where none is one's own."""
        if not self.machine.high:
            return 0
        return max(1, math.ceil(round(calls * float(getattr(self.busy, bound)), 9)))

    def standing(self, calls: float, bound: Bound) -> float:
        """Return USD a day besides what is paid by the call."""
        return float(getattr(self.fixed, bound) + self.machines(calls, bound) * getattr(self.machine, bound))

    def a_call(self, bound: Bound, hits: float) -> float:
        """Return USD a call, a share of `hits` of them with the beginning of the prompt from the cache."""
        return float(getattr(self.call, bound) - hits * getattr(self.cached, bound))

    def day(self, calls: float, bound: Bound, hits: float | None = None) -> float:
        """Return USD a day; `hits` as `a_call` has it, None for the share that follows from the traffic."""
        found = hit_share(calls) if hits is None else hits
        return self.standing(calls, bound) + calls * self.a_call(bound, found)

    def standing_range(self, calls: float) -> Range:
        """Return `standing` as a range."""
        return Range(self.standing(calls, "low"), self.standing(calls, "likely"), self.standing(calls, "high"))

    def call_range(self, calls: float) -> Range:
        """Return USD a call, low: all from the cache, likely: the share that follows from the traffic, high: none."""
        return Range(self.a_call("low", 1.0), self.a_call("likely", hit_share(calls)), self.a_call("high", 0.0))


def hit_share(calls_per_day: float) -> float:
    """Return the share of calls at random times that come within 5 minutes of the one before."""
    return 1 - math.exp(-calls_per_day * CACHE_MINUTES / (24 * 60))
