"""The two answers to each row side by side, and how one metric changed over them."""

from __future__ import annotations

import statistics as plain
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from trainers.record import SampleResult
from trainers.statistics import (
    Interval,
    bootstrap,
    clustered,
    mcnemar,
    non_inferior,
    sign_flip,
    smallest_detectable,
    smallest_detectable_mean,
    tango,
    wilson,
)

Outcome = Literal["improved", "no difference shown", "worse", "could not be measured"]
Role = Literal["primary", "guard", "secondary"]
USUAL_DISCORDANT = 0.2
"""Share of rows taken to change where fewer did, for the smallest change that could have been seen. How many change is
part of what a change is, so a run that changed one row of 100 does not say that 100 rows could show nothing. A fifth is
what sample sizes are given for in docs/scoring.md; it is an assumption, and is said beside each figure."""


class Pair(NamedTuple):
    """One row, as the baseline and the run answered it."""

    baseline: SampleResult
    run: SampleResult

    @property
    def cluster(self) -> tuple[str, str]:
        """What the row belongs to: its group, or itself."""
        return ("group", self.baseline.group) if self.baseline.group else ("row", self.baseline.doc_id)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """How one metric changed over one set.

    Args:
        set, metric: which; `role`: what the gate makes of it.
        higher_is_better: of the metric.
        n: rows with a score from both; `clusters`: conversations or documents they are from.
        baseline, run: means, with the ends of their 95 % intervals (Wilson for rates of independent rows).
        gain: mean difference in the direction in which more is better, so above 0 is better for every metric; with its
            95 % interval `low` to `high` by `method`.
        better, worse: rows of which the score rose or fell in that direction.
        p: two-sided, by `test`; `p_adjusted` for having looked at several, of secondary metrics only.
        detectable: smallest true gain that so many rows show in 4 of 5 cases, at the share of rows that changed here
            or `USUAL_DISCORDANT`, whichever is more; None where only more changes than that would show one, and for
            secondary metrics.
        margin, within_margin: how much worse it may be, and whether the whole interval says it is not.
        reason: why it could not be measured.
    """

    set: str
    metric: str
    role: Role
    higher_is_better: bool
    n: int = 0
    clusters: int = 0
    baseline: float | None = None
    baseline_low: float | None = None
    baseline_high: float | None = None
    run: float | None = None
    run_low: float | None = None
    run_high: float | None = None
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    method: str = ""
    better: int = 0
    worse: int = 0
    p: float | None = None
    test: str = ""
    p_adjusted: float | None = None
    detectable: float | None = None
    margin: float | None = None
    within_margin: bool | None = None
    outcome: Outcome
    reason: str = ""

    @property
    def label(self) -> str:
        """The metric as people name it: with its set where that is not the held-out one."""
        return self.metric if self.set == "test" else f"{self.set}/{self.metric}"

    @property
    def said(self) -> str:
        """What came out, in words."""
        if self.gain is None or self.low is None or self.high is None:
            return f"{self.outcome}: {self.reason}"
        seen = "" if self.outcome != "no difference shown" else self._seen()
        return (
            f"{self.outcome} ({100 * self.gain:+.1f} points, 95 % interval {100 * self.low:+.1f} to "
            f"{100 * self.high:+.1f}, p = {self.p:.2g}){seen}"
        )

    def _seen(self) -> str:
        """Say what so many rows could have shown."""
        share = max(USUAL_DISCORDANT, (self.better + self.worse) / self.n)
        if self.method != "tango":
            if self.detectable is None:
                return f"; {self.clusters} rows or groups that differ as much as these show no change of their mean"
            return f"; so many rows show a change from about {100 * self.detectable:.0f} points on"
        if self.detectable is None:
            return f"; {self.n} rows show no change if only {100 * share:.0f} % of them differ"
        return (
            f"; {self.n} rows show a change from about {100 * self.detectable:.0f} points on "
            f"if {100 * share:.0f} % of them differ"
        )


def pair_up(baseline: Sequence[SampleResult], run: Sequence[SampleResult]) -> dict[str, list[Pair]]:
    """Return set -> pairs of samples of one row, in the order of the baseline. Both hold the same rows."""
    theirs = {(sample.set, sample.doc_id): sample for sample in run}
    found: dict[str, list[Pair]] = {}
    for sample in baseline:
        found.setdefault(sample.set, []).append(Pair(sample, theirs[sample.set, sample.doc_id]))
    return found


def unmeasured(set: str, metric: str, role: Role, *, higher: bool, margin: float | None, reason: str) -> Change:
    """Return a change of which nothing is known, and why."""
    return Change(
        set=set, metric=metric, role=role, higher_is_better=higher, margin=margin, outcome="could not be measured",
        reason=reason,
    )  # fmt: skip


def scores_of(pair: Pair, metric: str) -> tuple[float | None, float | None]:
    """Return the two scores of a row; None where the metric does not apply or could not be measured."""
    one, other = pair.baseline.scores.get(metric), pair.run.scores.get(metric)
    return one.value if one else None, other.value if other else None


def change_of(
    pairs: Sequence[Pair], set: str, metric: str, role: Role, *, higher: bool, margin: float | None, alpha: float,
    seed: int,
) -> Change:  # fmt: skip
    """Return how a metric changed.

    Rows that neither answer has a score for are left out; a row that only one has a score for, or that ended in an
    error, makes the metric unmeasured, since leaving it out could hide just the failures.

    Args:
        pairs: of one set.
        set, metric, role: which.
        higher: whether more is better.
        margin: how much worse it may be; None where nobody asked.
        alpha: two-sided level.
        seed: of resampling.
    """
    held, lacking = [], []
    for pair in pairs:
        one, other = scores_of(pair, metric)
        if "error" in (pair.baseline.finish_reason, pair.run.finish_reason) or (one is None) is not (other is None):
            lacking.append(pair)
        elif one is not None and other is not None:
            held.append((pair, one, other))
    if lacking or not held:
        return unmeasured(set, metric, role, higher=higher, margin=margin, reason=_lacking(lacking, len(pairs), metric))
    sign = 1.0 if higher else -1.0
    gains = [sign * (other - one) for _, one, other in held]
    clusters = [pair.cluster for pair, _, _ in held]
    better, worse = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    sums = clustered(gains, clusters)
    apart = len(sums.sums) == len(held)
    rates = apart and all(value in (0.0, 1.0) for _, *both in held for value in both)
    bounds = tango(better, worse, len(held)) if rates else bootstrap(sums, seed=seed)
    p = mcnemar(better, worse) if rates else sign_flip(sums, seed=seed)
    columns = (tuple(one for _, one, _ in held), tuple(other for _, _, other in held))
    sides = [_side(column, tuple(clusters), rates=rates, seed=seed) for column in columns]
    outcome: Outcome = "no difference shown" if p > alpha else "improved" if sums.mean > 0 else "worse"
    return Change(
        set=set, metric=metric, role=role, higher_is_better=higher, n=len(held), clusters=len(sums.sums),
        baseline=sides[0][0], baseline_low=sides[0][1].low, baseline_high=sides[0][1].high,
        run=sides[1][0], run_low=sides[1][1].low, run_high=sides[1][1].high,
        gain=sums.mean, low=bounds.low, high=bounds.high, method="tango" if rates else "cluster bootstrap",
        better=better, worse=worse, p=p, test="exact McNemar" if rates else "sign flip by cluster",
        detectable=None if role == "secondary" else _detectable(gains, clusters, rates=rates, changed=better + worse),
        margin=margin, within_margin=None if margin is None else non_inferior(bounds, margin), outcome=outcome,
    )  # fmt: skip


@lru_cache(maxsize=16)
def _side(
    values: tuple[float, ...], clusters: tuple[tuple[str, str], ...], *, rates: bool, seed: int
) -> tuple[float, Interval]:
    """Return the mean of one side with its interval, within 0 and 1; kept, since one baseline meets several runs."""
    mean = sum(values) / len(values)
    if rates:
        return mean, wilson(round(sum(values)), len(values))
    low, high = bootstrap(clustered(values, clusters), seed=seed)
    return mean, Interval(max(0.0, low), min(1.0, high))


def _detectable(gains: list[float], clusters: list[tuple[str, str]], *, rates: bool, changed: int) -> float | None:
    if rates or not changed:
        return smallest_detectable(len(set(clusters)), max(USUAL_DISCORDANT, changed / len(gains)))
    sums = clustered(gains, clusters)
    if len(sums.sums) < 2:
        return None
    means = [float(total / count) for total, count in zip(sums.sums, sums.counts)]
    found = smallest_detectable_mean(plain.stdev(means), len(means))
    return found if found < 1 else None


def _lacking(lacking: list[Pair], rows: int, metric: str) -> str:
    if not lacking:
        return f"none of {rows} rows has a score"
    first = lacking[0]
    side = "baseline" if first.baseline.finish_reason == "error" or scores_of(first, metric)[0] is None else "run"
    sample = first.baseline if side == "baseline" else first.run
    detail = sample.error or (sample.scores[metric].detail if metric in sample.scores else "")
    why = f": {detail[:120]}" if detail else ""
    return (
        f"{len(lacking)} of {rows} rows have no score in one of the records (the first is row "
        f"'{first.baseline.doc_id[:60]}' of the {side}{why}); evaluate again, rows that are finished are kept"
    )
