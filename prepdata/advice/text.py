"""Advice as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from prepdata.advice.report import Advice, Missing, Reason, Trace
from prepdata.findings import plural


def lines(advice: Advice, unknown: Sequence[str] = (), go_on: str | None = None) -> list[str]:
    """Return the lines of an advice: verdict, reasons, what would change it, next steps, sources.

    Args:
        advice: the advice.
        unknown: questions to which somebody answered that they do not know.
        go_on: the command that takes the questions up again, where they have led to no verdict.
    """
    told = [f"Verdict: {advice.verdict}", f"  {advice.summary}"]
    for clash in advice.conflicts:
        between = ", ".join(f"{t.name} = {_value(t)}" for t in clash.between)
        told += ["", f"These answers exclude each other: {between}", f"  {clash.ask}"]
    if advice.missing:
        told += ["", f"Still possible: {', '.join(advice.open)}. It hangs on"]
        told += [f"  {_open(item, unknown)}" for item in advice.missing]
        if advice.later:
            told += ["and, depending on the answer, on"]
            told += [f"  {_open(item, unknown)}" for item in advice.later]
    if go_on and advice.missing:
        told += ["", "To go on from the answers so far, with the flags of what is lacking", f"  {go_on}"]
    sources: dict[str, int] = {}
    if advice.reasons:
        told += ["", "For it", *(f"  - {_reason(reason, sources)}" for reason in advice.reasons)]
    if advice.ruled_out:
        told += ["", "Ruled out"]
        for excluded in advice.ruled_out:
            told += [f"  {excluded.way}", *(f"    - {_reason(reason, sources)}" for reason in excluded.reasons)]
    if advice.changes:
        told += ["", "What would change it, all else as it is"]
        told += [f"  {change.answer}: {change.instead} -> {change.verdict}" for change in advice.changes]
    if advice.fallback:
        told += ["", f"Until it has shown on held-out rows that it is better, {advice.fallback} stays in use."]
    if advice.local_only:
        told += ["", "Neither data nor weights leave the house: models on your own machines only, no hosted service."]
    elif advice.steps and advice.answers.data_may_leave is None:
        told += ["", "Whether data and weights may leave the house was not said; the steps take it that they may."]
    told += _steps(advice)
    told += _measured(advice)
    if sources:
        told += ["", "Sources", *(f"  [{number}] {title}" for title, number in sources.items())]
    return told


def _open(item: Missing, unknown: Sequence[str]) -> str:
    return f"{item.question}  ({'not known so far; ' if item.answer in unknown else ''}{item.flag})"


def _reason(reason: Reason, sources: dict[str, int]) -> str:
    label = f"{reason.source}, {reason.date}" + (f", {reason.url}" if reason.url else "")
    number = sources.setdefault(label, len(sources) + 1)
    marked = [(t, ", measured" if t.kind == "measurement" else "") for t in reason.traced_to]
    traced = "; ".join(f"{t.name} = {_value(t)}{how}" for t, how in marked)
    return f"{reason.because} [{number}]" + (f"  ({traced})" if traced else "")


def _value(trace: Trace) -> str:
    value = trace.value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "+".join(value)
    return f"{value:,.0f}" if isinstance(value, (int, float)) else str(value)


def _steps(advice: Advice) -> list[str]:
    if not advice.steps:
        return []
    told = ["", "Next steps"]
    for step in advice.steps:
        told += [f"  # {step.purpose}", *([f"  {step.command}"] if step.command else [])]
    return told


def _measured(advice: Advice) -> list[str]:
    seen = advice.measured
    if seen is None:
        return []
    reviewed = "no review marks" if seen.reviewed_rows is None else f"{seen.reviewed_rows:,} reviewed"
    told = [
        "",
        "Measured",
        f"  {plural(seen.rows, 'row')}, {reviewed}, {seen.negative_rows:,} that decline or ask back",
    ]
    if seen.unread_rows:
        told.append(f"  {plural(seen.unread_rows, 'row')} more could not be read: `prepdata validate` shows why")
    if seen.system_tokens is not None and seen.prompt_tokens is not None and seen.answer_tokens is not None:
        how = "" if seen.tokens_exact else ", estimated"
        told.append(
            f"  tokens a row{how}: {seen.prompt_tokens:,.0f} of prompt, {seen.system_tokens:,.0f} of them repeated "
            f"system prompt; {seen.answer_tokens:,.0f} trained"
        )
    if seen.knowledge_found:
        told.append(f"  {seen.knowledge_found}")
    if seen.knowledge_needs:
        told.append(f"  whether the answers are mostly facts cannot be told: that needs {seen.knowledge_needs}")
    return told
