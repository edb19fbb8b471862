"""How good rankings are against what is known to be right, with intervals. Pure functions."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Sequence

import msgspec

_RESAMPLES = 2_000
_SEED = 20261129
_Z = 1.959963984540054  # of 95 %


class Measured(msgspec.Struct, frozen=True):
    """The mean of a measure over questions, and its 95 % interval.

    Args:
        mean: from 0 to 1.
        low, high: of the interval.
        interval: "wilson" where every question gives 0 or 1, else "bootstrap" (percentiles).
    """

    mean: float
    low: float
    high: float
    interval: str


def scores(ranking: Sequence[Collection[str] | str], gold: Collection[str], k: int) -> dict[str, float]:
    """Return recall@k, reciprocal rank and nDCG of one ranking, with `hit`: 1 where at least one is found.

    recall@k is the share of `gold` among the first k; the reciprocal rank is 1 / place of the first that is right, 0
    beyond k; nDCG (Jarvelin and Kekalainen 2002) is the sum of 1 / log2(1 + place) over places that bring something
    new that is right, over the highest sum that could be. A second hit on the same counts nothing.

    Args:
        ranking: what each place stands for: an id, or several (a chunk that holds two known passages).
        gold: what is right; not empty.
        k: places that count.
    """
    found: set[str] = set()
    first, gain = 0.0, 0.0
    for place, item in enumerate(ranking[:k], 1):
        new = ({item} if isinstance(item, str) else {*item}) & {*gold} - found
        if new:
            first = first or 1 / place
            gain += len(new) / math.log2(1 + place)
            found |= new
    best = sum(1 / math.log2(1 + place) for place in range(1, min(len({*gold}), k) + 1))
    recall = len(found) / len({*gold})
    return {"recall": recall, "hit": float(bool(found)), "mrr": first, "ndcg": min(1.0, gain / best)}


def measure(
    rankings: Sequence[Sequence[Collection[str] | str]], gold: Sequence[Collection[str]], k: int
) -> dict[str, Measured]:
    """Return recall@k, hit rate, MRR and nDCG over questions, each with its interval.

    Raises:
        ValueError: no question, or one without gold.
    """
    if not rankings or len(rankings) != len(gold) or not all(gold):
        raise ValueError("every question needs a ranking and something that is right")
    each = [scores(ranking, right, k) for ranking, right in zip(rankings, gold)]
    return {name: interval([one[name] for one in each]) for name in ("recall", "hit", "mrr", "ndcg")}


def interval(values: Sequence[float]) -> Measured:
    """Return the mean of values from 0 to 1 with its 95 % interval: that of Wilson (1927) where all are 0 or 1, else
    percentiles of 2,000 bootstrap samples (Efron 1979) of a fixed seed."""
    mean, number = statistics.fmean(values), len(values)
    if all(value in (0.0, 1.0) for value in values):
        spread = _Z * math.sqrt(mean * (1 - mean) / number + _Z**2 / (4 * number**2))
        low, high = ((mean + _Z**2 / (2 * number) + sign * spread) / (1 + _Z**2 / number) for sign in (-1, 1))
        return Measured(mean, max(0.0, low), min(1.0, high), "wilson")
    import numpy as np

    drawn = np.random.default_rng(_SEED).integers(0, number, (_RESAMPLES, number))
    means = np.array(values)[drawn].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Measured(mean, float(low), float(high), "bootstrap")
