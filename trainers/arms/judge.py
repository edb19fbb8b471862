"""Arms held against the base and against the best one, by the declared gate; what is dominated; the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

import prepdata
from prepdata.errors import UsageError
from trainers.arms.config import ArmName
from trainers.arms.model import ArmResult, ArmsReport, Loaded, Paired, Verdict
from trainers.arms.pareto import Point, dominators
from trainers.arms.verdict import decide
from trainers.compare import Comparison, Measured, compare
from trainers.gate import Gate
from trainers.pairs import Change, change_of, pair_up
from trainers.statistics import holm


class Judge:
    """Judges arms of one run.

    Args:
        measured: arm -> record and samples; of the base, and of others.
        gate: what an arm has to show against the base.
        floor: what the primary metric has to reach by the lower end of its interval; None for nothing.
        timed: whether times were taken in turns; others are not taken for them.
    """

    def __init__(self, measured: Mapping[ArmName, Measured], gate: Gate, floor: float | None, timed: bool) -> None:
        self.measured, self.gate, self.floor, self.timed = measured, gate, floor, timed
        self.comparisons: dict[ArmName, Comparison] = {}
        self.refused: dict[ArmName, str] = {}
        asked = measured if gate.latency is not None else {name: _untimed(held) for name, held in measured.items()}
        base = asked.get("base")
        for name, held in asked.items():
            if name != "base" and base is not None:
                try:
                    self.comparisons[name] = compare(base, held, gate, other_baseline=True)
                except UsageError as error:
                    self.refused[name] = " ".join(str(error).split())
        self.primary = self._primary()
        self.higher = base is None or base.record.higher_is_better.get(self.primary or "", True)
        found = {name: made.metrics[0] for name, made in self.comparisons.items()}
        self.against_base = _corrected(found, gate.alpha)
        quality = self.quality()
        best = max(quality, key=lambda name: quality[name], default=None)
        self.best = best
        self.against_best = self.hold(best, list(quality)) if best is not None else {}

    def _primary(self) -> str | None:
        if self.comparisons:
            return next(iter(self.comparisons.values())).metrics[0].metric
        first = next(iter(self.measured.values()), None)
        return self.gate.primary or (first.record.scorers[0].name if first and first.record.scorers else None)

    def quality(self) -> dict[ArmName, float]:
        """Return the means of the primary metric, in the direction in which more is better, of comparable arms."""
        found = {}
        for name, held in self.measured.items():
            value = held.record.results.get("test", {}).get(self.primary or "")
            if name not in self.refused and value is not None and value.value is not None:
                found[name] = value.value if self.higher else -value.value
        return found

    def hold(self, one: ArmName, others: Sequence[ArmName]) -> dict[ArmName, Change]:
        """Return the primary metric of other arms against one of them, corrected for having looked at all of these."""
        found = {}
        for other in others:
            if other != one:
                pairs = pair_up(self.measured[one].samples, self.measured[other].samples)
                found[other] = change_of(
                    pairs.get("test", []), "test", self.primary or "", "secondary", higher=self.higher, margin=None,
                    alpha=self.gate.alpha, seed=self.gate.seed,
                )  # fmt: skip
        return _corrected(found, self.gate.alpha)

    def passed(self, name: ArmName) -> tuple[bool | None, tuple[str, ...]]:
        """Return (whether an arm passes, why not)."""
        if "base" not in self.measured:
            return None, ("the base was not measured, so there is nothing to hold it against",)
        if name in self.refused:
            return None, (self.refused[name],)
        low, why = self._above_floor(name)
        if name == "base":
            if self.gate.require == "improved" and self.floor is None:
                return False, ("the gate asks for more than the base",)
            return low, why
        if self.gate.latency is not None and not self.timed:
            return None, ("the gate asks for times, and none were taken in turns",)
        comparison = self.comparisons[name]
        reasons = [*comparison.reasons, *why]
        change = self.against_base[name]
        if comparison.passed and self.gate.require == "improved" and change.outcome != "improved":
            reasons.append(
                f"{change.label}: better than the base with p = {change.p:.2g}, which is {change.p_adjusted:.2g} "
                f"corrected for {len(self.against_base)} arms (Holm)"
            )
        if comparison.passed is None or low is None:
            return None, tuple(reasons)
        return not reasons, tuple(reasons)

    def _above_floor(self, name: ArmName) -> tuple[bool | None, tuple[str, ...]]:
        if self.floor is None:
            return True, ()
        held = self.measured[name].record.results["test"].get(self.primary or "")
        bound = None if held is None else held.low if self.higher else held.high
        if bound is None:
            return None, (f"{self.primary}: it has no interval to hold against the floor",)
        if bound >= self.floor if self.higher else bound <= self.floor:
            return True, ()
        which = "lower" if self.higher else "upper"
        return False, (f"{self.primary}: the {which} end of its interval is {bound:.3f}, the floor {self.floor:g}",)


def _untimed(held: Measured) -> Measured:
    """Return an arm without its times, which nobody asked to compare: to resample them takes longer than the rest."""
    return held._replace(record=msgspec.structs.replace(held.record, latency={}, timing=None))


def _corrected(changes: Mapping[ArmName, Change], alpha: float) -> dict[ArmName, Change]:
    """Return changes with their p-values corrected for having looked at all of them (Holm), and outcomes to fit."""
    adjusted = holm({name: change.p for name, change in changes.items() if change.p is not None})
    found = {}
    for name, change in changes.items():
        p = adjusted.get(name)
        if p is not None:
            outcome = change.outcome if p <= alpha else "no difference shown"
            change = msgspec.structs.replace(change, p_adjusted=p, outcome=outcome)
        found[name] = change
    return found


def report(
    arms: Sequence[ArmResult], measured: Mapping[ArmName, Measured], gate: Gate, floor: float | None, *,
    models: Sequence[Loaded] = (), timed: tuple[int, int] = (0, 0), notes: Sequence[str] = (),
) -> ArmsReport:  # fmt: skip
    """Return the report.

    Args:
        arms: every arm with what was measured of it, not yet judged.
        measured: records and samples of those that were measured.
        gate, floor: what an arm has to show.
        models: what was loaded.
        timed: rows that were timed in turns, and rounds.
        notes: what to know when reading it.
    """
    judge = Judge(measured, gate, floor, timed[0] > 0)
    quality = judge.quality()
    points = {arm.name: _point(arm, quality) for arm in arms if arm.name in quality}
    beaten = dominators(points)
    judged = [
        _judged(arm, judge, beaten.get(arm.name, ()))
        if arm.status == "measured" else arm
        for arm in arms
    ]  # fmt: skip
    verdict: Verdict = decide(judged, quality, judge.hold)
    first = next(iter(measured.values()), None)
    return ArmsReport(
        prepdata=prepdata.__version__,
        rows=len([s for s in first.samples if s.set == "test"]) if first else 0,
        primary=judge.primary,
        higher_is_better=dict(first.record.higher_is_better) if first else {},
        gate=gate,
        floor=floor,
        verdict=verdict,
        arms=tuple(judged),
        models=tuple(models),
        timed_rows=timed[0],
        rounds=timed[1],
        notes=tuple(notes),
    )


def _point(arm: ArmResult, quality: Mapping[ArmName, float]) -> Point:
    usd = arm.cost.usd_per_thousand if arm.cost is not None else None
    return Point(quality[arm.name], usd, arm.latency.p50 if arm.latency is not None else None)


def _judged(arm: ArmResult, judge: Judge, beaten: tuple[ArmName, ...]) -> ArmResult:
    passed, reasons = judge.passed(arm.name)
    change, behind = judge.against_base.get(arm.name), judge.against_best.get(arm.name)
    comparison = judge.comparisons.get(arm.name)
    return msgspec.structs.replace(
        arm,
        passed=passed,
        reasons=reasons,
        against_base=Paired(other="base", change=change) if change is not None else None,
        against_best=Paired(other=judge.best, change=behind) if behind is not None and judge.best else None,
        dominated_by=beaten,
        notes=comparison.notes if comparison is not None else (),
    )
