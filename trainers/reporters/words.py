"""Numbers and words that all forms of a comparison share."""

from __future__ import annotations

from trainers.compare import Comparison, LatencyChange
from trainers.pairs import Change

HEAD = ("metric", "rows", "baseline", "run", "change in points", "p", "margin", "outcome")


def headline(comparison: Comparison) -> str:
    """Return the verdict and what it means for the gate, in one line."""
    state = {True: "gate passed", False: "gate not passed", None: "gate not decided"}[comparison.passed]
    return f"{comparison.verdict}: {state}"


def gate_line(comparison: Comparison) -> str:
    """Return which gate was applied, in one line: the primary metric and what it has to show, then margins in points.

    Margins that the gate does not name are those that held all the same.
    """
    gate = comparison.gate
    asked = "improved" if gate.require == "improved" else f"not worse by {100 * gate.margin:g}"
    guards = [change for change in comparison.metrics if change.role == "guard"]
    said = [f"{change.label} {100 * (change.margin or 0):g}" for change in guards]
    said += [f"times {100 * gate.latency:g} %"] if gate.latency is not None else []
    level = "" if gate.alpha == 0.05 else f" (alpha {gate.alpha:g})"
    return f"{gate.primary} {asked}{level}{'; margins: ' if said else ''}{', '.join(said)}"


def models(comparison: Comparison) -> str:
    """Return which models were compared, and of which kind they are."""
    one, other = comparison.baseline, comparison.run
    return f"{other.model} ({other.kind}) against {one.model} ({one.kind})"


def cells(change: Change) -> tuple[str, ...]:
    """Return a metric's row, one text for each of `HEAD`. Change is written so that more is better."""
    arrow = "" if change.higher_is_better else " (less is better)"
    name = f"{change.label}{arrow}{'' if change.role == 'secondary' else f' [{change.role}]'}"
    if change.gain is None or change.low is None or change.high is None:
        return name, "", "", "", "", "", margin(change), f"{change.outcome}: {change.reason}"
    rows = f"{change.n:,}" if change.clusters == change.n else f"{change.n:,} in {change.clusters:,} groups"
    sides = [
        f"{value:.3f} [{low:.3f}, {high:.3f}]"
        for value, low, high in (
            (change.baseline, change.baseline_low, change.baseline_high),
            (change.run, change.run_low, change.run_high),
        )
    ]
    gain = f"{100 * change.gain:+.1f} [{100 * change.low:+.1f}, {100 * change.high:+.1f}]"
    p = change.p if change.p_adjusted is None else change.p_adjusted
    return name, rows, *sides, gain, f"{p:.2g}", margin(change), change.outcome


def margin(change: Change) -> str:
    """Return how a metric stands to its margin, "" where it has none."""
    if change.margin is None:
        return ""
    state = {True: "kept", False: "not kept", None: "not measured"}[change.within_margin]
    return f"{100 * change.margin:g}: {state}"


def timed(change: LatencyChange) -> str:
    """Return how a time changed, in one line."""
    unit = "ms" if change.name == "ms_per_token" else "s"
    name = f"{change.name}{' (in turns)' if change.in_turns else ''}"
    sides = " -> ".join("?" if value is None else f"{_three(value)} {unit}" for value in (change.baseline, change.run))
    if change.ratio is None:
        return f"{name}: {sides}, not compared: {change.reason}"
    state = {True: ", within its margin", False: ", NOT within its margin", None: ""}[change.within_margin]
    return f"{name}: {sides}, {change.ratio:.2f} times [{change.low:.2f}, {change.high:.2f}]{state}"


def _three(value: float) -> str:
    """Return a number with three significant digits, zeros at its end among them."""
    return f"{value:,.0f}" if value >= 999.5 else f"{value:#.3g}".rstrip(".")


LEGEND = (
    "Intervals are 95 %. Changes are in points, above 0 is better. p of the primary metric and of guards is as tested, "
    "that of the others corrected by Holm."
)
