"""How long answers take: what times come to, and how those of a run compare with those of its baseline.

Times that one process took of both models in turns (`trainers.timing`) come first; those that each record has of itself
only where there are none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from trainers.gate import Gate
from trainers.pairs import Pair
from trainers.record import Evaluation, Latency, ModelInfo, Rounds, SampleResult, Timing
from trainers.statistics import Paired, bootstrap_ratio

SHARES = {"seconds_p50": 0.5, "seconds_p95": 0.95, "ms_per_token": None}
"""Name -> quantile of the seconds of whole answers; None for all milliseconds over all tokens."""
_ADVICE = "evaluate the run with --latency-rows, which times both in turns"
Time = tuple[float, int | None]
"""Seconds of an answer, 0 where there is none; its tokens with the one that ends it, None where they are not known."""
GATED = ("seconds_p95", "ms_per_token")


class LatencyChange(msgspec.Struct, frozen=True, kw_only=True):
    """How a time changed.

    Args:
        name: `seconds_p50` and `seconds_p95` of whole answers, or `ms_per_token`.
        baseline, run: in the unit of the name.
        in_turns: whether one process asked both models in turns; else each record was timed by itself.
        ratio: run / baseline, with the ends of its 95 % interval; None where it could not be measured.
        within_margin: True where the whole interval lies below 1 + margin; None where nobody asked or could measure.
        reason: why it could not be measured.
    """

    name: str
    baseline: float | None
    run: float | None
    in_turns: bool = False
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    within_margin: bool | None = None
    reason: str = ""


def latency_from(seconds: Sequence[float], tokens: Sequence[int | None], together: Sequence[int]) -> Latency:
    """Return what times come to.

    Args:
        seconds: of whole answers, one or more.
        tokens: of each answer with the one that ends it; None where it is not known.
        together: answers that were written in this time.
    """
    ordered = sorted(seconds)
    known = [(time / batch, count) for time, count, batch in zip(seconds, tokens, together) if count is not None]
    written = sum(count for _, count in known)
    return Latency(
        p50=_quantile(ordered, 0.5),
        p95=_quantile(ordered, 0.95),
        ms_per_token=1000 * math.fsum(time for time, _ in known) / written if written else None,
        n=len(ordered),
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of all do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def latency_of(samples: Sequence[SampleResult]) -> Latency | None:
    """Return how long answers took; None where there are none."""
    held = [sample for sample in samples if sample.finish_reason != "error"]
    if not held:
        return None
    return latency_from(
        [sample.seconds for sample in held], [_written(sample) for sample in held], [sample.batch for sample in held]
    )


def latency_of_rounds(rows: Sequence[Rounds]) -> Latency:
    """Return how long answers took that were asked alone, each row counted with its middle round."""
    times = [middle(row) for row in rows]
    return latency_from([seconds for seconds, _ in times], [tokens for _, tokens in times], [1] * len(times))


def _written(sample: SampleResult) -> int | None:
    """Return the tokens of an answer with the one that ends it."""
    return None if sample.tokens is None else sample.tokens + (sample.finish_reason == "stopped")


def middle(rounds: Rounds) -> Time:
    """Return (seconds, tokens) of the middle round by time, so that one that something disturbed does not count."""
    order = sorted(range(len(rounds.seconds)), key=lambda number: rounds.seconds[number])
    number = order[(len(order) - 1) // 2]
    return rounds.seconds[number], rounds.tokens[number]


def latency_changes(baseline: Evaluation, run: Evaluation, pairs: Sequence[Pair], gate: Gate) -> list[LatencyChange]:
    """Return how times changed; with a ratio only where they can be compared.

    Args:
        baseline, run: the records.
        pairs: of the held-out set.
        gate: its `latency` is the margin of what `GATED` names.
    """
    timing = run.timing
    one, other = (baseline.latency.get("test"), run.latency.get("test"))
    if timing is not None:
        one, other = timing.base, timing.tuned
    if gate.latency is None and (one is None or other is None):
        return []
    times = _times(timing, pairs)
    reason = _stale(baseline, run) if timing is not None else _apart(baseline, run, pairs)
    if not reason and len(times) < 2:
        reason = "there are too few rows"
    elif not reason and any(seconds <= 0 for row in times for seconds, _ in row):
        reason = "there are rows without a time"
    found = []
    for name, share in SHARES.items():
        margin = gate.latency if name in GATED else None
        change = LatencyChange(
            name=name, baseline=_recorded(one, name), run=_recorded(other, name), in_turns=timing is not None,
            margin=margin, reason=reason,
        )  # fmt: skip
        if not reason:
            change = _measured(change, times, share, gate.seed)
        found.append(change)
    return found


def _times(timing: Timing | None, pairs: Sequence[Pair]) -> list[tuple[Time, Time]]:
    """Return the times of both models row by row: those taken in turns, else those of the records."""
    if timing is not None:
        return [(middle(row.base), middle(row.tuned)) for row in timing.rows]
    return [(_time(pair.baseline), _time(pair.run)) for pair in pairs]


def _time(sample: SampleResult) -> Time:
    return (0.0, None) if sample.finish_reason == "error" else (sample.seconds, _written(sample))


def _measured(
    change: LatencyChange, times: Sequence[tuple[Time, Time]], share: float | None, seed: int
) -> LatencyChange:
    """Return a change with its ratio: of a quantile of seconds, or of milliseconds per token where `share` is None."""
    sides = []
    for side in (0, 1):
        seconds, tokens = [row[side][0] for row in times], [row[side][1] for row in times]
        if share is None and not all(tokens):
            return msgspec.structs.replace(change, reason="how many tokens answers have is not known of all rows")
        units = [1.0 if share is not None else float(count or 0) for count in tokens]
        sides.append(Paired(seconds, units))
    ratio, (low, high) = bootstrap_ratio(sides[0], sides[1], share=share, seed=seed)
    within = None if change.margin is None else high < 1 + change.margin
    return msgspec.structs.replace(change, ratio=ratio, low=low, high=high, within_margin=within)


def _recorded(latency: Latency | None, name: str) -> float | None:
    found = None if latency is None else getattr(latency, name.removeprefix("seconds_"))
    return found if found is None else float(found)


def _apart(baseline: Evaluation, run: Evaluation, pairs: Sequence[Pair]) -> str:
    """Return why times that each record has of itself do not compare; "" if they do."""
    if baseline.environment != run.environment:
        return f"the two were timed on different machines or versions; {_ADVICE}"
    if any(sample.batch > 1 for pair in pairs for sample in pair):
        return f"answers were written in batches, whose rows share one time; {_ADVICE}"
    return ""


def _stale(baseline: Evaluation, run: Evaluation) -> str:
    """Return why times taken in turns say nothing of these two records; "" if they do."""
    if run.timing is not None and (said := other_model(run.timing.model, baseline.model)):
        return f"the base model that was timed in turns is not that of the baseline: {said}"
    if baseline.arm != run.arm and not (run.timing is not None and run.timing.own_prompts):
        return "both models were timed with the prompt of the run, which is not that of the baseline"
    return ""


def other_model(timed: ModelInfo, recorded: ModelInfo) -> str:
    """Return in what a model that is timed differs from the one that a baseline was recorded of; "" in nothing."""
    names = ["backend", *(["name"] if timed.backend == "openai" else ["weights", "adapter", "dtype"])]
    differing = [(name, getattr(timed, name), getattr(recorded, name)) for name in names]
    return "; ".join(
        f"{name} {str(one)[:60]}, recorded {str(other)[:60]}" for name, one, other in differing if one != other
    )


def taken(changes: Sequence[LatencyChange], run: Evaluation) -> Iterator[str]:
    """Yield what to know of how times were taken."""
    if run.timing is not None:
        rows, rounds = len(run.timing.rows), len(run.timing.rows[0].base.seconds)
        yield f"times: both models were asked {rows:,} rows in turns, {rounds} times each; these times are compared"
    elif any(change.ratio is not None for change in changes):
        yield f"times: each model was timed by itself, so load on the machine may tell here; {_ADVICE}"
