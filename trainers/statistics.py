"""Statistics of a comparison of two models on the same items: pure functions, without a model and without a file.

Differences are written "run minus baseline", and always in the direction in which more is better. All intervals are
two-sided; 0.95 unless said otherwise. Random numbers come from a seed, so that a comparison can be repeated.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 10_000
"""Resamples of a bootstrap, and sign patterns drawn where there are too many to try all."""
SEED = 20_260_101
EXACT_CLUSTERS = 16
"""Clusters up to which every pattern of signs is tried (2^16 = 65,536)."""
EXACT_ITEMS = 5_000
"""Items up to which the power of a test is worked out exactly; beyond, the normal distribution is within 2 points."""
FEW = 10
"""Clusters with a difference below which a bootstrap alone says too little."""
MANY = 2_000
"""Clusters from which on kinds of clusters are drawn in their place."""
_BLOCK = 1 << 21
"""Numbers drawn at once."""


class Interval(NamedTuple):
    """Two bounds, `low` <= `high`."""

    low: float
    high: float


class Clusters(NamedTuple):
    """Paired differences summed within clusters: `sums` and `counts`, both of shape (clusters,)."""

    sums: NDArray[np.float64]
    counts: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """The mean over items."""
        return float(self.sums.sum() / self.counts.sum())


class Paired(NamedTuple):
    """Times of some items, and the units (tokens) that each of them took them for; both of shape (items,)."""

    times: Sequence[float]
    units: Sequence[float]


def z_value(confidence: float) -> float:
    """Return the quantile of the normal distribution for a two-sided confidence, 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the score interval of a rate, which is right for small n and for rates near 0 and 1.

    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209; in the form of R. G. Newcombe, Stat. Med. 17 (1998) 857,
    method 3.

    Raises:
        ValueError: n is not positive, or `successes` is not between 0 and n.
    """
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no rate")
    z = z_value(confidence)
    rate = successes / n
    middle = rate + z * z / (2 * n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    low = 0.0 if successes == 0 else (middle - half) / whole
    high = 1.0 if successes == n else (middle + half) / whole
    return Interval(low, high)


def mcnemar(better: int, worse: int) -> float:
    """Return the two-sided exact p-value that as many items became better as became worse.

    Items that did not change say nothing. Source: Q. McNemar, Psychometrika 12 (1947) 153, with the binomial
    distribution in place of the normal one.

    Args:
        better: items that failed before and pass now.
        worse: items that passed before and fail now.
    """
    n = better + worse
    fewer = min(better, worse)
    tail = ways = 1  # of choosing k of n, for k = 0
    for k in range(fewer):
        ways = ways * (n - k) // (k + 1)
        tail += ways
    return min(1.0, float((2 * tail) / (1 << n))) if n < 1000 else min(1.0, math.exp(_log(2 * tail) - n * math.log(2)))


def _log(number: int) -> float:
    """Return the logarithm of a whole number that may be too large for a float."""
    bits = max(0, number.bit_length() - 900)
    return math.log(number >> bits) + bits * math.log(2)


def tango(better: int, worse: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the score interval of the difference of two rates on the same n items.

    It stays honest where few or no items changed: without a change it reaches z²/(n + z²) to both sides, where a
    bootstrap would say exactly 0. Source: T. Tango, Stat. Med. 17 (1998) 891.

    Raises:
        ValueError: more items changed than there are, or n is not positive.
    """
    if n <= 0 or better < 0 or worse < 0 or better + worse > n:
        raise ValueError(f"{better} better and {worse} worse of {n} items")
    z, estimate = z_value(confidence), (better - worse) / n

    def beyond(delta: float) -> bool:
        """True where the difference `delta` is refused."""
        a = 2 * n
        b = -better - worse + (2 * n - better + worse) * delta
        c = -worse * delta * (1 - delta)
        lost = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)  # likeliest share that became worse, given delta
        variance = n * (2 * lost + delta * (1 - delta))
        away = better - worse - n * delta
        return away * away > z * z * max(variance, 0.0)

    def edge(inside: float, outside: float) -> float:
        for _ in range(60):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if beyond(middle) else (middle, outside)
        return inside

    return Interval(edge(estimate, -1.0), edge(estimate, 1.0))


def clustered(differences: Sequence[float], groups: Sequence[Hashable]) -> Clusters:
    """Sum differences within clusters (one conversation, one document), in the order in which clusters appear.

    Args:
        differences: one per item, shape (items,).
        groups: the cluster of every item, shape (items,).

    Raises:
        ValueError: no items, or two lengths.
    """
    import numpy as np

    if not differences or len(differences) != len(groups):
        raise ValueError(f"{len(differences)} differences of {len(groups)} items")
    order: dict[Hashable, int] = {}
    where = [order.setdefault(group, len(order)) for group in groups]
    sums = np.bincount(where, weights=np.asarray(differences, dtype=np.float64), minlength=len(order))
    counts = np.bincount(where, minlength=len(order)).astype(np.float64)
    return Clusters(np.asarray(sums, dtype=np.float64), counts)


def bootstrap(
    clusters: Clusters, *, confidence: float = CONFIDENCE, resamples: int = RESAMPLES, seed: int = SEED
) -> Interval:
    """Return the interval of the mean difference over items, by drawing whole clusters with replacement.

    The percentiles are widened as Student's t is wider than the normal, and by sqrt(c/(c-1)), which matters with few
    clusters. Where fewer than `FEW` clusters differ from the median one, there is too little to draw from: then the
    interval reaches at least as far as if z² more clusters lay 1 below, or above, the median. Without any difference
    that is z²/(c + z²) to both sides, as with `tango`.

    Source: B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), ch. 13; the widening: T. Hesterberg,
    The American Statistician 69 (2015) 371, "expanded percentile interval".
    """
    import numpy as np

    count, means = len(clusters.sums), clusters.sums / clusters.counts
    median = float(np.median(means))
    least = Interval(clusters.mean, clusters.mean)
    if int((np.abs(means - median) > 1e-12).sum()) < FEW:
        unseen = z_value(confidence) ** 2 * float(clusters.counts.mean())
        low, high = (
            (clusters.sums.sum() + unseen * (median + way)) / (clusters.counts.sum() + unseen) for way in (-1, 1)
        )
        least = Interval(float(low), float(high))
    if count == 1 or float(np.ptp(means)) < 1e-12:
        return least
    drawn = _drawn(clusters, resamples, np.random.default_rng(seed))
    wide = student_t(confidence, count - 1) * math.sqrt(count / (count - 1))
    tail = NormalDist().cdf(-wide)
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(min(least.low, float(low)), max(least.high, float(high)))


def _drawn(clusters: Clusters, resamples: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the mean difference of each resample.

    Of many clusters of few kinds it is drawn how often each kind comes: the same distribution, and far fewer draws.
    """
    import numpy as np

    count = len(clusters.sums)
    kinds, times = np.unique(np.stack([clusters.sums, clusters.counts]), axis=1, return_counts=True)
    if count >= MANY and len(times) * 20 <= count:
        picked = random.multinomial(count, times / count, size=resamples)  # (draws, kinds)
        return np.asarray((picked @ kinds[0]) / (picked @ kinds[1]))
    drawn, uneven = np.empty(resamples), bool(np.ptp(clusters.counts))
    step = max(1, _BLOCK // count)
    for start in range(0, resamples, step):
        stop = min(resamples, start + step)
        picked = random.integers(0, count, size=(stop - start, count))  # (draws, clusters)
        items = clusters.counts[picked].sum(axis=1) if uneven else clusters.counts.sum()
        drawn[start:stop] = clusters.sums[picked].sum(axis=1) / items
    return drawn


def sign_flip(clusters: Clusters, *, resamples: int = RESAMPLES, seed: int = SEED) -> float:
    """Return the two-sided p-value of the mean difference: how often signs drawn for clusters give as large a one.

    If the two models do not differ, either could have given either answer, so every pattern of signs is as likely.
    All patterns are tried up to `EXACT_CLUSTERS` clusters with a difference, else `resamples` are drawn.
    Source: R. A. Fisher, The Design of Experiments (1935), sec. 21; the drawn form, with 1 added to both counts:
    B. Phipson, G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39.
    """
    import numpy as np

    sums = clusters.sums[np.abs(clusters.sums) > 1e-12]
    count = len(sums)
    if not count:
        return 1.0
    seen = abs(float(sums.sum())) - 1e-9 * float(np.abs(sums).sum())
    if count <= EXACT_CLUSTERS:
        patterns = 1 - 2 * ((np.arange(1 << count)[:, None] >> np.arange(count)) & 1)  # (patterns, clusters)
        return float((np.abs(patterns @ sums) >= seen).mean())
    random = np.random.default_rng(seed)
    reached = 0
    step = max(1, _BLOCK // count)
    for start in range(0, resamples, step):
        size = (min(resamples, start + step) - start, count)
        signs = random.integers(0, 2, size=size, dtype=np.int8) * 2.0 - 1
        reached += int((np.abs(signs @ sums) >= seen).sum())
    return (reached + 1) / (resamples + 1)


def student_t(confidence: float, freedom: int) -> float:
    """Return the two-sided quantile of Student's t, by bisection on its distribution (whole degrees of freedom).

    Source of the distribution: M. Abramowitz, I. Stegun, Handbook of Mathematical Functions (1964), 26.7.3 and 26.7.4.
    """
    if freedom > 2000:
        return z_value(confidence)
    low, high = 0.0, 1.0
    while _t_within(high, freedom) < confidence:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_within(middle, freedom) < confidence else (low, middle)
    return high


def _t_within(t: float, freedom: int) -> float:
    """Return the probability that Student's t lies between -t and t."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine, sine = math.cos(angle), math.sin(angle)
    term = total = cosine if freedom % 2 else 1.0
    for k in range(3 if freedom % 2 else 2, freedom - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    if freedom % 2 == 0:
        return sine * total
    return 2 / math.pi * (angle + (sine * total if freedom > 1 else 0.0))


def non_inferior(interval: Interval, margin: float) -> bool:
    """Return whether the run is shown to be no more than `margin` worse: the whole interval lies above -margin.

    A p-value above 0.05 shows nothing of the kind. Source: ICH E9 (1998), 3.3.2.

    Raises:
        ValueError: the margin is negative or no number.
    """
    if not margin >= 0:
        raise ValueError(f"a margin cannot be {margin}")
    return interval.low > -margin


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return p-values corrected for having looked at several metrics, by name, in the order given.

    Source: S. Holm, Scand. J. Stat. 6 (1979) 65.
    """
    ordered = sorted(p_values.items(), key=lambda item: item[1])
    largest, found = 0.0, {}
    for rank, (name, p) in enumerate(ordered):
        largest = max(largest, min(1.0, p * (len(ordered) - rank)))
        found[name] = largest
    return {name: found[name] for name in p_values}


def mcnemar_power(n: int, change: float, discordant: float, alpha: float = 0.05) -> float:
    """Return the probability that `mcnemar` shows an improvement with p <= alpha: exactly, without simulation, up to
    `EXACT_ITEMS` items; beyond by the normal distribution (R. J. Connor, Biometrics 43 (1987) 207).

    Args:
        n: items.
        change: true difference of the two rates, 0 to `discordant`.
        discordant: share of items on which the two models differ, 0 to 1.
        alpha: two-sided level.
    """
    import numpy as np

    if n > EXACT_ITEMS:
        reach = change * math.sqrt(n) - z_value(1 - alpha) * math.sqrt(discordant)
        return NormalDist().cdf(reach / math.sqrt(max(discordant - change * change, 1e-12)))
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1)))))  # log k!, shape (n + 1,)
    spread = 9 * math.sqrt(n * discordant * (1 - discordant)) + 9
    first, last = max(0, int(n * discordant - spread)), min(n, int(n * discordant + spread))
    gain = (discordant + change) / (2 * discordant)
    power = 0.0
    for pairs in range(first, last + 1):
        k = np.arange(pairs + 1)
        ways = logs[pairs] - logs[k] - logs[pairs - k]
        upper = np.cumsum(np.exp(ways - pairs * math.log(2))[::-1])[::-1]  # P(at least k of the pairs became better)
        enough = np.flatnonzero(2 * upper <= alpha)
        if not len(enough):
            continue
        shown = k[enough[0] :]
        with np.errstate(divide="ignore", invalid="ignore"):
            lost = np.where(pairs - shown > 0, (pairs - shown) * np.log(max(1 - gain, 1e-300)), 0.0)
        chance = float(np.exp(ways[shown] + shown * math.log(gain) + lost).sum())
        power += _binomial(n, pairs, discordant, logs) * chance
    return min(1.0, power)


def _binomial(n: int, k: int, rate: float, logs: NDArray[np.float64]) -> float:
    if rate >= 1:
        return float(k == n)
    if rate <= 0:
        return float(k == 0)
    return math.exp(logs[n] - logs[k] - logs[n - k] + k * math.log(rate) + (n - k) * math.log1p(-rate))


@lru_cache(maxsize=256)
def smallest_detectable(n: int, discordant: float = 0.2, *, power: float = 0.8, alpha: float = 0.05) -> float | None:
    """Return the smallest true improvement of a pass rate that n items show with the given power; None if none would.

    100 items of which 20 % change need about 13 points. Found by bisection on the exact power of `mcnemar`, to 0.0001.

    Raises:
        ValueError: n is not positive, or `discordant` is not above 0 and at most 1.
    """
    if n <= 0 or not 0 < discordant <= 1:
        raise ValueError(f"{n} items, share that changes {discordant}")
    if mcnemar_power(n, discordant, discordant, alpha) < power:
        return None
    low, high = 0.0, discordant
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if mcnemar_power(n, middle, discordant, alpha) < power else (low, middle)
    return high


def smallest_detectable_mean(deviation: float, clusters: int, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the same for a graded score, from the standard deviation of the clusters' mean differences.

    (t + z) times the standard error. Source: J. Cohen, Statistical Power Analysis (1988), ch. 2, with t for alpha.

    Raises:
        ValueError: fewer than two clusters.
    """
    if clusters < 2:
        raise ValueError(f"{clusters} clusters")
    t = student_t(1 - alpha, clusters - 1)
    return (t + NormalDist().inv_cdf(power)) * deviation / math.sqrt(clusters)


def bootstrap_ratio(
    baseline: Paired,
    run: Paired,
    *,
    share: float | None = None,
    confidence: float = CONFIDENCE,
    resamples: int = 2_000,
    seed: int = SEED,
) -> tuple[float, Interval]:
    """Return run / baseline of a quantile of times, or of time per unit, with its percentile interval; items are drawn
    in pairs.

    Args:
        baseline, run: measurements of the same items.
        share: which quantile of the times, 0.95 for the 95th percentile; None for all time over all units.
        confidence, resamples, seed: as for `bootstrap`.

    Raises:
        ValueError: fewer than two items, two lengths, or a time or unit that is not positive.
    """
    import numpy as np

    sides = [
        (np.asarray(side.times, dtype=np.float64), np.asarray(side.units, dtype=np.float64)) for side in (baseline, run)
    ]
    count = len(sides[0][0])
    if count < 2 or any(len(column) != count or column.min() <= 0 for side in sides for column in side):
        raise ValueError("two or more pairs of positive measurements are needed")

    def ratio(picked: NDArray[np.int64]) -> NDArray[np.float64]:
        values = [
            np.quantile(times[picked], share, axis=1)
            if share
            else times[picked].sum(axis=1) / units[picked].sum(axis=1)
            for times, units in sides
        ]  # each (draws,)
        return values[1] / values[0]

    random = np.random.default_rng(seed)
    step = max(1, _BLOCK // count)
    sizes = [min(step, resamples - start) for start in range(0, resamples, step)]
    drawn = np.concatenate([ratio(random.integers(0, count, size=(size, count))) for size in sizes])
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(ratio(np.arange(count)[None, :])[0]), Interval(float(low), float(high))
