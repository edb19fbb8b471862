"""How numbers are spread: percentiles and a histogram, computed once all numbers of a file are there."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from typing import Any

PERCENTILES = (5, 25, 50, 75, 95, 99)

_SORT_WITH_NUMPY_FROM = 200_000


def ordered(values: array[int]) -> Any:
    """Return the numbers in ascending order. numpy is loaded for long lists only."""
    if len(values) < _SORT_WITH_NUMPY_FROM:
        return sorted(values)
    import numpy

    copy = numpy.frombuffer(values, dtype=numpy.uint32).copy()
    copy.sort()
    return copy


def spread(values: array[int]) -> dict[str, float | int]:
    """Return min, max, mean and percentiles (nearest rank) of numbers; zeros where there are none."""
    if not values:
        return {"min": 0, "max": 0, "mean": 0.0} | {f"p{p}": 0 for p in PERCENTILES}
    rising = ordered(values)
    size = len(rising)
    result: dict[str, float | int] = {
        "min": int(rising[0]),
        "max": int(rising[-1]),
        "mean": round(sum(values) / size, 2),
    }
    for percent in PERCENTILES:
        result[f"p{percent}"] = int(rising[max(0, math.ceil(percent / 100 * size) - 1)])
    return result


def bars(values: array[int]) -> list[list[int]]:
    """Return a histogram as [from, below, count], each bar twice as wide as the one before, first to last used."""
    if not values:
        return []
    counts: dict[int, int] = {}
    for value, times in Counter(values).items():
        step = value.bit_length()
        counts[step] = counts.get(step, 0) + times
    return [[1 << (s - 1) if s else 0, 1 << s, counts.get(s, 0)] for s in range(min(counts), max(counts) + 1)]
