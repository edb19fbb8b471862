"""Token counts and cost for text formats: a few lines; `prepdata stats` and `prepdata cost` say more."""

from __future__ import annotations

from typing import Any, TextIO

from prepdata.findings import plural
from prepdata.report import Report
from prepdata.reporters.base import Output
from prepdata.reporters.summary import say
from prepdata.reporters.training import training_lines


def write_measures(report: Report, out: TextIO, output: Output) -> None:
    """Write the main measures of the run, a line each."""
    tokens = report.measures.get("tokens")
    if not tokens:
        return
    about = "" if tokens.get("exact") else "about "
    how = tokens.get("counter", "")
    said = f"tokens: {about}{tokens['total']:,} in all, {about}{tokens['trained']:,} trained ({how})"
    spread = tokens.get("per_row")
    if spread and tokens.get("rows", 0) > 1:
        said += f"; per row {spread['min']:,} to {spread['max']:,}, median {spread['p50']:,}"
    say(said, out, output)
    for note in tokens.get("notes", ()):
        say(f"tokens: {note}", out, output)
    for limit in tokens.get("limits", ()):
        if limit["rows_over"]:
            rows = plural(limit["rows_over"], "row")
            say(f"tokens: {rows} longer than the {limit['limit']:,} tokens of {limit['target']}", out, output)
    for text in training_lines(report.measures.get("training") or {}):
        say(f"training: {text}", out, output)
    for text in cost_lines(report.measures.get("cost") or {}):
        say(f"cost: {text}", out, output)


def cost_lines(cost: dict[str, Any]) -> list[str]:
    """Return one line per provider with a known price: the likely cost of each job, cheapest first, US dollars."""
    offers: dict[str, list[dict[str, Any]]] = {}
    for job in cost.get("hosted", ()):
        if job.get("usd"):
            offers.setdefault(job["provider"], []).append(job)
    lines = []
    for provider, jobs in offers.items():
        ranked = sorted(jobs, key=lambda job: float(job["usd"]["likely"]))
        if len(ranked) == 1:
            usd = ranked[0]["usd"]
            said = f"{ranked[0]['offer']} {_usd(usd['low'])} to {_usd(usd['high'])}, likely {_usd(usd['likely'])}"
        else:
            ends = [f"{_usd(job['usd']['likely'])} ({job['offer']})" for job in (ranked[0], ranked[-1])]
            said = f"likely from {ends[0]} to {ends[1]}; give --model for one price"
        date = min(str(job["as_of"]).removeprefix("as of ")[:10] for job in jobs)
        lines.append(f"{provider} {said} (prices of {date}; `prepdata cost` shows the assumptions)")
    return lines


def _usd(value: float) -> str:
    return f"${value:,.2f}" if value >= 0.1 or value == 0 else f"${value:.2g}"
