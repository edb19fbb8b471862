"""Compares two records of the same held-out rows: what changed, how surely, and whether the gate is passed.

What was not measured is never a pass: a metric that the gate needs and that lacks scores "could not be measured".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

import prepdata
from prepdata.errors import EXIT_CLEAN, EXIT_ERROR, EXIT_FINDINGS, UsageError, nearest
from trainers.gate import Gate
from trainers.guards import more_replay
from trainers.latency import LatencyChange, latency_changes, taken
from trainers.lineage import check_lineage
from trainers.pairs import Change, Outcome, Pair, change_of, pair_up, unmeasured
from trainers.record import Evaluation, SampleResult, differences
from trainers.statistics import holm

SCHEMA_VERSION = 1
FORGETTING = 0.1
"""Margin of the retention set where the gate names none."""
UNGROUNDED = 0.05
"""Margin of the share of ungrounded values where the gate names none."""
UNGROUNDED_METRIC = "ungrounded_value_rate"


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two records: its file, hash, model, kind (`base`, `prompted`, `tuned`), when it was made."""

    path: str
    sha256: str
    model: str
    kind: str
    created: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison came to.

    Args:
        verdict: of the primary metric; `worse` too where a guarded one was shown to be worse than its margin allows.
        passed: whether the gate is passed; None where something it needs could not be measured.
        reasons: why it is not passed, in words; empty where it is.
        metrics: the primary one first, then guards, then the others.
        notes: what to know when reading it: what was not asked, what differs in the environment.
    """

    schema_version: int = SCHEMA_VERSION
    prepdata: str
    baseline: Side
    run: Side
    gate: Gate
    verdict: Outcome
    passed: bool | None
    reasons: tuple[str, ...]
    metrics: tuple[Change, ...]
    latency: tuple[LatencyChange, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 passed, 1 not passed, 2 could not be measured."""
        return EXIT_ERROR if self.passed is None else EXIT_CLEAN if self.passed else EXIT_FINDINGS


class Measured(NamedTuple):
    """A record with its samples, and the file it was read from."""

    path: str
    record: Evaluation
    samples: Sequence[SampleResult]


class _Wanted(NamedTuple):
    """A metric to be looked at, and what the gate wants of it."""

    set: str
    metric: str
    role: Literal["primary", "guard", "secondary"]
    margin: float | None


def compare(baseline: Measured, run: Measured, gate: Gate, *, other_baseline: bool = False) -> Comparison:
    """Compare a run with its baseline.

    Args:
        baseline, run: the two records.
        gate: what the run has to show.
        other_baseline: True to take a baseline that the training was not started with.

    Raises:
        UsageError: the records cannot be compared (says which fields differ), or lack a metric that the gate names, or
            the training was started with another baseline.
    """
    _comparable(baseline, run)
    lineage = list(check_lineage(baseline.record, run.record, other_baseline=other_baseline))
    pairs = pair_up(baseline.samples, run.samples)
    wanted = _wanted(baseline.record, run.record, gate)
    direction = {**run.record.higher_is_better, **baseline.record.higher_is_better}
    changes = [_change(pairs, item, direction.get(item.metric, True), gate) for item in wanted]
    changes = _corrected(changes, gate.alpha)
    latency = latency_changes(baseline.record, run.record, pairs.get("test", []), gate)
    verdict, passed, reasons = _judged(changes, latency, gate)
    return Comparison(
        prepdata=prepdata.__version__,
        baseline=_side(baseline),
        run=_side(run),
        gate=msgspec.structs.replace(gate, primary=changes[0].metric),
        verdict=verdict,
        passed=passed,
        reasons=tuple(reasons),
        metrics=tuple(changes),
        latency=tuple(latency),
        notes=(
            *_warnings(run.record, changes),
            *lineage,
            *_notes(baseline.record, run.record, wanted, gate),
            *taken(latency, run.record),
        ),
    )


def _comparable(baseline: Measured, run: Measured) -> None:
    found = differences(baseline.record, run.record)
    ids = [{(s.set, s.doc_id) for s in side.samples} for side in (baseline, run)]
    lines = [f"  {name}: {one!r:.90} in the baseline, {other!r:.90} in the run" for name, one, other in found]
    if not lines and ids[0] != ids[1]:
        lines.append(
            f"  samples: {len(ids[0] - ids[1])} rows only in the baseline, {len(ids[1] - ids[0])} only in the run"
        )
    if lines:
        raise UsageError(
            f"{baseline.path} and {run.path} cannot be compared; they differ in\n" + "\n".join(lines) + "\n"
            "Evaluate the run again with the baseline's data and settings, or record the baseline anew."
        )


def _wanted(baseline: Evaluation, run: Evaluation, gate: Gate) -> list[_Wanted]:
    """Return the metrics to be looked at: primary, guards, then all the others that both have."""
    have = {set_: [m for m in metrics if m in run.results.get(set_, {})] for set_, metrics in baseline.results.items()}
    of_items = [scorer.name for scorer in baseline.scorers]
    test, retention = (_of_items(have.get(name, []), of_items) for name in ("test", "retention"))
    if not test:
        raise UsageError("the records have no metric in common; evaluate both with the same scorers")
    primary = gate.primary or next((name for name in of_items if name in test), test[0])
    if primary not in test:
        raise UsageError(
            f"neither record has the metric '{primary[:80]}'.{nearest(primary, test)} They have {', '.join(test)}"
        )
    found = [_Wanted("test", primary, "primary", gate.margin if gate.require == "not-worse" else None)]
    if retention or gate.forgetting is not None:
        first = (
            primary
            if _scored(baseline, "retention", primary) or not retention
            else next((name for name in retention if _scored(baseline, "retention", name)), retention[0])
        )
        if retention and gate.forgetting_metric not in (None, *retention):
            known = f"{nearest(gate.forgetting_metric or '', retention)} They have {', '.join(retention)}"
            raise UsageError(f"neither record has '{gate.forgetting_metric}' on the retention set.{known}")
        margin = FORGETTING if gate.forgetting is None else gate.forgetting
        found.append(_Wanted("retention", gate.forgetting_metric or first, "guard", margin))
    if primary != UNGROUNDED_METRIC and (UNGROUNDED_METRIC in test or gate.ungrounded is not None):
        margin = UNGROUNDED if gate.ungrounded is None else gate.ungrounded
        found.append(_Wanted("test", UNGROUNDED_METRIC, "guard", margin))
    for word, margin in gate.guards.items():
        set_, _, metric = word.rpartition("/")
        if metric not in have.get(set_ or "test", ()):
            raise UsageError(
                f"the gate guards '{word[:80]}', which the records do not have; they have {', '.join(test)}"
            )
        found = [w for w in found if (w.set, w.metric) != (set_ or "test", metric) or w.role == "primary"]
        found.append(_Wanted(set_ or "test", metric, "guard", margin))
    named = {(item.set, item.metric) for item in found}
    others = [("test", name) for name in test] + [("retention", name) for name in retention]
    others = [(set_, name) for set_, name in others if _scored(baseline, set_, name) or _scored(run, set_, name)]
    return found + [_Wanted(*other, "secondary", None) for other in others if other not in named]


def _of_items(metrics: list[str], scorers: list[str]) -> list[str]:
    """Return the metrics that have a score for each item; aggregates (f1_macro) and the error rate have none."""
    return [name for name in metrics if name in scorers or name == "stop_rate"]


def _scored(record: Evaluation, set_: str, metric: str) -> bool:
    """Return whether any row has a score."""
    held = record.results.get(set_, {}).get(metric)
    return held is not None and held.n > 0


def _change(pairs: dict[str, list[Pair]], item: _Wanted, higher: bool, gate: Gate) -> Change:
    if item.set not in pairs:
        reason = "there is no retention set: record the baseline with one" if item.set == "retention" else "no rows"
        return unmeasured(item.set, item.metric, item.role, higher=higher, margin=item.margin, reason=reason)
    return change_of(
        pairs[item.set], item.set, item.metric, item.role, higher=higher, margin=item.margin, alpha=gate.alpha,
        seed=gate.seed,
    )  # fmt: skip


def _corrected(changes: list[Change], alpha: float) -> list[Change]:
    """Return changes with the p-values of the secondary ones corrected by Holm, and outcomes to fit."""
    looked_at = {
        str(number): change.p
        for number, change in enumerate(changes)
        if change.role == "secondary" and change.p is not None
    }
    adjusted = holm(looked_at)
    found = []
    for number, change in enumerate(changes):
        p = adjusted.get(str(number))
        if p is not None:
            outcome: Outcome = change.outcome if p <= alpha else "no difference shown"
            change = msgspec.structs.replace(change, p_adjusted=p, outcome=outcome)
        found.append(change)
    return found


def _judged(
    changes: Sequence[Change], latency: Sequence[LatencyChange], gate: Gate
) -> tuple[Outcome, bool | None, list[str]]:
    """Return (verdict, passed, why not)."""
    primary, guards = changes[0], [change for change in changes if change.role == "guard"]
    timed = [time for time in latency if time.margin is not None]
    lacking = [f"{c.label}: {c.reason}" for c in (primary, *guards) if c.outcome == "could not be measured"]
    lacking += [f"{time.name}: {time.reason}" for time in timed if time.within_margin is None]
    if lacking:
        return "could not be measured", None, lacking
    reasons = []
    if gate.require == "improved" and primary.outcome != "improved":
        reasons.append(f"{primary.label}: {primary.said}")
    if gate.require == "not-worse" and not primary.within_margin:
        reasons.append(f"{primary.label}: {_beyond(primary)}")
    reasons += [f"{guard.label}: {_beyond(guard)}" for guard in guards if not guard.within_margin]
    for time in timed:
        if not time.within_margin:
            reasons.append(
                f"{time.name}: {time.ratio:.2f} times the baseline, and up to {time.high:.2f} by its 95 % interval; "
                f"allowed is less than {1 + (time.margin or 0):.2f}"
            )
    lost = any(guard.outcome == "worse" and not guard.within_margin for guard in guards)
    verdict: Outcome = "worse" if lost else primary.outcome
    return verdict, not reasons, reasons


def _beyond(change: Change) -> str:
    """Say how a metric stands to its margin."""
    assert change.low is not None and change.margin is not None
    lost = -(change.gain or 0.0)
    sure = change.outcome == "worse" and lost >= change.margin
    shown = "worse by" if sure else "not shown to stay within its margin: it may be worse by up to"
    return (
        f"{shown} {100 * (lost if sure else -change.low):.1f} points; allowed are less than {100 * change.margin:.1f}"
    )


def _side(measured: Measured) -> Side:
    record = measured.record
    return Side(
        path=measured.path, sha256=record.sha256, model=record.model.name, kind=record.kind, created=record.created
    )


def _warnings(run: Evaluation, changes: Sequence[Change]) -> list[str]:
    """Return what speaks of rows learnt by heart, and what to do against forgetting where the retention set lost."""
    found = []
    if run.memorised is not None and run.memorised.copied:
        seen, worst = run.memorised, run.memorised.worst[0]
        found.append(
            f"memorised answers: {seen.copied:,} of {seen.answers:,} repeat a training row where neither prompt "
            f"nor reference has; '{worst.doc_id[:60]}' repeats {worst.words} words of row {worst.row:,}: {worst.text}"
        )
    lost = any(c.set == "retention" and c.within_margin is False and (c.gain or 0.0) < 0 for c in changes)
    if run.kind == "tuned" and lost:
        found.append(more_replay(run.training.replay_share if run.training else None))
    return found


def _notes(baseline: Evaluation, run: Evaluation, wanted: Sequence[_Wanted], gate: Gate) -> list[str]:
    found = []
    if baseline.sha256 == run.sha256:
        found.append("the two records are one and the same")
    if run.created < baseline.created:
        found.append(f"the baseline was recorded after the run ({baseline.created}, {run.created})")
    if gate.primary is None:
        found.append("the gate names no primary metric; the first scorer of the baseline was taken")
    if not any(item.set == "retention" for item in wanted):
        found.append("forgetting was not looked at: the records have no retention set")
    if not any(item.metric == UNGROUNDED_METRIC for item in wanted):
        found.append(f"ungrounded values were not looked at: the scorer {UNGROUNDED_METRIC} was not used")
    named = {(item.set, item.metric) for item in wanted}
    bare = [(set_, name) for set_, metrics in baseline.results.items() for name, held in metrics.items() if held.n == 0]
    if lacking := [f"{name} on {set_}" for set_, name in bare if (set_, name) not in named]:
        found.append(f"no row has a score, so not compared: {', '.join(lacking)}")
    one, other = (msgspec.to_builtins(record.environment) for record in (baseline, run))
    if changed := [name for name in one if one[name] != other[name]]:
        found.append(f"the two were evaluated in different environments: {', '.join(changed)} differ")
    for set_, metrics in baseline.results.items():
        for name, value in metrics.items():
            after = run.results.get(set_, {}).get(name)
            whole = name not in {item.metric for item in wanted} and name != "error_rate"
            if whole and after is not None and value.value is not None and after.value is not None:
                found.append(f"{name} on {set_}, not tested: {value.value:.3f} before, {after.value:.3f} after")
    for set_ in baseline.loss:
        if set_ in run.loss:
            found.append(f"loss on {set_}: {baseline.loss[set_].value:.4f} before, {run.loss[set_].value:.4f} after")
    return found


__all__ = ["Change", "Comparison", "LatencyChange", "Measured", "Side", "compare"]
