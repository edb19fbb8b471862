"""For people: every finding with its place, the excerpt with the span marked, and the cure."""

from __future__ import annotations

from typing import TextIO

from prepdata.findings import MARKS, Finding
from prepdata.report import Report
from prepdata.reporters.base import Output, safe
from prepdata.reporters.concise import line
from prepdata.reporters.measures import write_measures
from prepdata.reporters.summary import paint, write_statistics, write_summary

RELATED = 3
"""Other places named per finding."""


def write(report: Report, out: TextIO, output: Output) -> None:
    """Write findings with excerpts, then measures and the summary."""
    if output.statistics:
        write_statistics(report, out, output)
    else:
        for finding in report:
            write_finding(finding, out, output)
    if output.level != "quiet":
        if output.measures:
            write_measures(report, out, output)
        write_summary(report, out, output)


def write_finding(finding: Finding, out: TextIO, output: Output) -> None:
    """Write one finding."""
    out.write(line(finding, output) + "\n")
    if finding.excerpt:
        text, start, length = _marked(safe(finding.excerpt))
        out.write(f"    {paint('|', 'dim', output)} {text}\n")
        if length:
            out.write(f"    {paint('|', 'dim', output)} {' ' * start}{paint('^' * length, finding.severity, output)}\n")
    if finding.related:
        places = [f"{safe(p.file)}:{p.line}" if p.line else safe(p.file) for p in finding.related[:RELATED]]
        more = f" and {len(finding.related) - RELATED:,} more" if len(finding.related) > RELATED else ""
        out.write(f"    {paint('=', 'dim', output)} see {', '.join(places)}{more}\n")
    if finding.fix:
        flag = "" if finding.fix.safe else " (with --unsafe-fixes)"
        out.write(f"    {paint('=', 'dim', output)} fix: {safe(finding.fix.title)}{flag}\n")


def _marked(excerpt: str) -> tuple[str, int, int]:
    """Return (excerpt without marks, columns before the marked part, columns of it)."""
    start, end = excerpt.find(MARKS[0]), excerpt.rfind(MARKS[1])
    if start < 0 or end < start:
        return excerpt, 0, 0
    inner = excerpt[start + 1 : end]
    return excerpt[:start] + inner + excerpt[end + 1 :], _columns(excerpt[:start]), max(1, _columns(inner))


def _columns(text: str) -> int:
    """Return how many terminal columns a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
