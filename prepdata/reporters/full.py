"""For people: every finding with its place, the excerpt with the span marked, and the cure.

Findings on rows come first, those on the file as a whole after them, next to the summary.
"""

from __future__ import annotations

from collections import Counter
from typing import TextIO

from prepdata.findings import MARKS, Finding, plural
from prepdata.report import Report
from prepdata.reporters.base import Output, safe
from prepdata.reporters.concise import head, line
from prepdata.reporters.measures import write_measures
from prepdata.reporters.summary import paint, write_rules, write_statistics, write_summary
from prepdata.reporters.text import columns, indented, window, wrap

RELATED = 5
"""Other places named per finding."""
SHOWN = 20
"""Findings shown per rule and file, unless everything is wanted (`--verbose`); the rest are counted."""
_INDENT = 4


def write(report: Report, out: TextIO, output: Output) -> None:
    """Write findings with excerpts, then counts per rule, measures and the summary."""
    if output.statistics:
        write_statistics(report, out, output)
    else:
        _write_findings(report, out, output)
    if output.level != "quiet":
        if not output.statistics:
            write_rules(report, out, output)
        if output.measures:
            write_measures(report, out, output)
        write_summary(report, out, output)


def _write_findings(report: Report, out: TextIO, output: Output) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    order = {file.path: number for number, file in enumerate(report.files)}
    for finding in sorted(report, key=lambda f: (order.get(f.file, 0), f.line is None and f.record is None)):
        key = (finding.file, finding.name)
        seen[key] += 1
        if seen[key] <= SHOWN or output.level == "verbose":
            write_finding(finding, out, output)
    if output.level == "verbose":
        return
    for (file, name), number in sorted(seen.items()):
        if number > SHOWN:
            more = plural(number - SHOWN, "more finding")
            said = f"{safe(file)}: {more} of {name} (-v or -f concise shows all)"
            out.write(indented(said, output.width) + "\n")


def write_finding(finding: Finding, out: TextIO, output: Output) -> None:
    """Write one finding: on a terminal the message wraps below the place, elsewhere all is one line."""
    whole = line(finding, output)
    room = output.width - _INDENT if output.width else 0
    if not output.width or columns(line(finding, Output())) <= output.width:
        out.write(whole + "\n")
    else:
        fits = columns(head(finding, output)) <= output.width
        out.write(head(finding, output, path=fits) + "\n")
        targets = f" [{', '.join(finding.targets)}]" if finding.targets else ""
        place = f"{safe(finding.path)}: " if finding.path and not fits else ""
        for part in wrap(f"{place}{safe(finding.message)}{targets}", max(20, room)):
            out.write(f"{' ' * _INDENT}{part}\n")
    if finding.excerpt:
        _write_excerpt(finding, out, output, room)
    if finding.related:
        out.write(f"    {paint('=', 'dim', output)} see {_places(finding)}\n")
    if finding.fix:
        flag = "" if finding.fix.safe else " (with --unsafe-fixes)"
        out.write(f"    {paint('=', 'dim', output)} fix: {safe(finding.fix.title)}{flag}\n")


def _places(finding: Finding) -> str:
    """Return the other places of a finding: lines alone where they are in the same file."""
    shown = finding.related[:RELATED]
    more = f" and {len(finding.related) - RELATED:,} more" if len(finding.related) > RELATED else ""
    if all(place.file == finding.file and place.line for place in shown):
        return f"line{'' if len(finding.related) == 1 else 's'} {', '.join(f'{p.line}' for p in shown)}{more}"
    return ", ".join(f"{safe(p.file)}:{p.line}" if p.line else safe(p.file) for p in shown) + more


def _write_excerpt(finding: Finding, out: TextIO, output: Output, room: int) -> None:
    text, start, end = _marked(safe(finding.excerpt or ""))
    all_marked = end - start >= len(text.strip("…"))
    if room:
        text, start, end = window(text, start, end, max(20, room - 2))
    bar = paint("|", "dim", output)
    out.write(f"    {bar} {text}\n")
    if MARKS[0] in (finding.excerpt or "") and not all_marked:
        marks = "^" * max(1, columns(text[start:end]))
        out.write(f"    {bar} {' ' * columns(text[:start])}{paint(marks, finding.severity, output)}\n")


def _marked(excerpt: str) -> tuple[str, int, int]:
    """Return (excerpt without marks, first marked character, character after the last)."""
    start, end = excerpt.find(MARKS[0]), excerpt.rfind(MARKS[1])
    if start < 0 or end < start:
        return excerpt, 0, 0
    return excerpt[:start] + excerpt[start + 1 : end] + excerpt[end + 1 :], start, end - 1
