"""Arms side by side, in tables that all forms share."""

from __future__ import annotations

from trainers.arms.model import ArmResult, ArmsReport, Loaded, Paired
from trainers.record import Aggregate
from trainers.reporters.document import Document, Table

LEGEND = (
    "Intervals are 95 %. Changes are in points of the primary metric, above 0 is better; p is corrected for all arms "
    "in its column (Holm). The best arm is found on the same rows: part of its lead is chance. Times are of single "
    "calls, all arms in turns, retrieval included. 'Dominated' goes by means."
)
_STATE = {True: "passed", False: "not passed", None: "not measured"}
_NUMBERS = frozenset({"tokens in", "tokens out", "p50 s", "p95 s", "USD per 1,000"})


def document(report: ArmsReport) -> Document:
    """Return the report as tables and lists."""
    measured = [arm for arm in report.arms if arm.status == "measured"]
    return Document(
        command="prepdata arms",
        headline=headline(report),
        state=report.verdict.reached,
        lead=tuple(report.verdict.said),
        tables=(_overview(report, measured), _metrics(report, measured), _retrieval(measured)),
        lists=(
            ("Not measured", tuple(f"{a.name}: {a.status}: {a.reason}" for a in report.arms if a.status != "measured")),
            ("Not passed because", tuple(f"{a.name}: {why}" for a in measured for why in a.reasons)),
            ("Costs", tuple(f"{arm.name}: {arm.cost.said}" for arm in measured if arm.cost is not None)),
            ("Models", tuple(map(_model, report.models))),
            ("Notes", (*_shared_notes(measured), *_timed(report), *report.notes)),
        ),
        legend=LEGEND,
    )


def headline(report: ArmsReport) -> str:
    """Return the verdict in one line."""
    verdict = report.verdict
    if verdict.reached is None:
        return "could not be measured"
    return f"take {verdict.arm}" if verdict.reached else "no arm passes the gate"


def _overview(report: ArmsReport, arms: list[ArmResult]) -> Table:
    primary = report.primary or ""
    head = (
        "arm", primary, "against base", "p", "against best", "p", "tokens in", "tokens out", "p50 s", "p95 s",
        "USD per 1,000", "gate", "dominated by",
    )  # fmt: skip
    rows = tuple((arm.name, *_cells(arm, primary)) for arm in arms)
    return Table(f"Arms ({report.rows:,} held-out rows)", head, rows, _NUMBERS)


def _cells(arm: ArmResult, primary: str) -> tuple[str, ...]:
    held = arm.metrics.get("test", {}).get(primary)
    usd = arm.cost.usd_per_thousand if arm.cost is not None else None
    return (
        value(held) if held is not None else "-",
        *_change(arm.against_base),
        *_change(arm.against_best),
        "unknown" if arm.tokens_in is None else f"{arm.tokens_in:,.1f}",
        "unknown" if arm.tokens_out is None else f"{arm.tokens_out:,.1f}",
        "-" if arm.latency is None else f"{arm.latency.p50:.3f}",
        "-" if arm.latency is None else f"{arm.latency.p95:.3f}",
        "unknown" if usd is None else f"{usd:.4g}",
        _STATE[arm.passed],
        ", ".join(arm.dominated_by),
    )


def _change(paired: Paired | None) -> tuple[str, str]:
    if paired is None:
        return "", ""
    change = paired.change
    if change.gain is None or change.low is None or change.high is None or change.p_adjusted is None:
        return "could not be measured", ""
    said = f"{100 * change.gain:+.1f} [{100 * change.low:+.1f}, {100 * change.high:+.1f}]"
    return said, f"{change.p_adjusted:.2g}"


def value(held: Aggregate) -> str:
    """Return a metric with its interval."""
    if held.value is None:
        return "-"
    around = f" [{held.low:.3f}, {held.high:.3f}]" if held.low is not None and held.high is not None else ""
    return f"{held.value:.3f}{around}"


def _metrics(report: ArmsReport, arms: list[ArmResult]) -> Table:
    """Return every metric, a row each, and the arms beside one another."""
    named = dict.fromkeys((set_, name) for arm in arms for set_, held in arm.metrics.items() for name in held)
    rows = []
    for set_, name in named:
        label = name if set_ == "test" else f"{set_}/{name}"
        less = "" if report.higher_is_better.get(name, True) else " (less is better)"
        cells = [held.get(name) for arm in arms for held in (arm.metrics.get(set_, {}),)]
        if any(cell is not None and cell.value is not None for cell in cells):
            rows.append((f"{label}{less}", *("-" if cell is None else value(cell) for cell in cells)))
    return Table("Metrics", ("metric", *(arm.name for arm in arms)), tuple(rows))


def _retrieval(arms: list[ArmResult]) -> Table:
    held = [arm for arm in arms if arm.retrieval]
    names = tuple(dict.fromkeys(name for arm in held for name in arm.retrieval))
    rows = tuple(
        (arm.name, f"{arm.k}", f"{arm.retrieval[names[0]].n:,}", *(value(arm.retrieval[name]) for name in names))
        for arm in held
    )
    return Table("Retrieval", ("arm", "k", "questions", *names), rows, frozenset({"k", "questions"}))


def _model(model: Loaded) -> str:
    size = "weights elsewhere, or not known" if model.weight_bytes is None else f"{model.weight_bytes / 1e6:,.1f} MB"
    return f"{model.name}: loaded once for {', '.join(model.arms)} ({size})"


def _timed(report: ArmsReport) -> list[str]:
    if not report.timed_rows:
        return []
    return [f"times: {report.timed_rows:,} rows in turns over all arms, {report.rounds} times each"]


def _shared_notes(arms: list[ArmResult]) -> list[str]:
    """Return notes of comparisons, each once with the arms that it holds for."""
    found: dict[str, list[str]] = {}
    for arm in arms:
        for note in arm.notes:
            if not note.startswith(("times:", "loss on")):
                found.setdefault(note, []).append(arm.name)
    return [f"{', '.join(names)}: {note}" for note, names in found.items()]
