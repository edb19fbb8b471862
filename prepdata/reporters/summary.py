"""What text formats share: colours, counts per rule, the closing lines, the target matrix."""

from __future__ import annotations

from collections import Counter
from typing import TextIO

from prepdata.report import Report
from prepdata.reporters.base import Output, safe

_COLORS = {"error": "31", "warning": "33", "info": "36", "ok": "32", "dim": "2", "bold": "1"}


def paint(text: str, kind: str, output: Output) -> str:
    """Return text in the colour of a kind ("error", "dim", ...) where colours are wanted."""
    return f"\x1b[{_COLORS[kind]}m{text}\x1b[0m" if output.color else text


def plural(number: int, word: str) -> str:
    """Return `1 row`, `2 rows`, with thousands separated."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def write_statistics(report: Report, out: TextIO, output: Output) -> None:
    """Write findings and rows concerned per rule, most frequent first."""
    counts = Counter((f.code, f.name, f.severity) for f in report)
    rows = Counter(
        (f.code, f.name, f.severity)
        for f in {(f.code, f.name, f.severity, f.file, f.record): f for f in report}.values()
    )
    for key, count in counts.most_common():
        code, name, severity = key
        out.write(f"{count:>8,}  {code:<8} {paint(name, severity, output)}  ({plural(rows[key], 'row')})\n")


def write_summary(report: Report, out: TextIO, output: Output) -> None:
    """Write the closing lines: totals, target matrix, what could not run, notes."""
    counts = report.summary()
    kinds = [(counts["errors"], "error"), (counts["warnings"], "warning"), (counts["infos"], "info")]
    said = ", ".join(paint(plural(n, kind), kind, output) for n, kind in kinds if n) or paint(
        "no findings", "ok", output
    )
    waived = f", {counts['waived']:,} waived" if counts["waived"] else ""
    formats = ", ".join(sorted({f.format or "unknown format" for f in report.files}))
    files = plural(len(report.files), "file") if len(report.files) > 1 else safe(report.files[0].path)
    out.write(f"{files}: {plural(report.examples, 'row')} ({formats}): {said}{waived}\n")
    write_matrix(report, out, output)
    for item in report.not_run:
        out.write(f"not run: {item.name} (needs {item.needs})\n")
    for note in report.notes:
        out.write(f"note: {note}\n")
    fixable = sum(1 for f in report if f.fix and f.fix.safe)
    if fixable:
        out.write(f"{plural(fixable, 'finding')} can be repaired with `prepdata fix`\n")


def write_matrix(report: Report, out: TextIO, output: Output) -> None:
    """Write which targets would refuse how many rows, and why."""
    for line in report.targets:
        if not line.rows and not line.files:
            out.write(f"{line.target:<16} {paint('accepts all rows', 'ok', output)}\n")
            continue
        whole = " and the file as a whole" if line.files else ""
        worst = ", ".join(f"{name} {n:,}" for name, n in sorted(line.by_rule.items(), key=lambda item: -item[1])[:4])
        out.write(
            f"{line.target:<16} {paint('blocks ' + plural(line.rows, 'row') + whole, 'error', output)}: {worst}\n"
        )
