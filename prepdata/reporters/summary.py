"""What text formats share: colours, counts per rule, the closing lines, the target matrix."""

from __future__ import annotations

from collections import Counter
from typing import Any, TextIO

from prepdata.findings import RANK, plural
from prepdata.report import Blocked, Report
from prepdata.reporters.base import Output, safe
from prepdata.reporters.text import indented

SEVERAL = 12
"""Findings from which on the counts per rule are worth their lines, and rules listed there."""
CAUSES = 5
"""Rules named per target."""
_COLORS = {"error": "31", "warning": "33", "info": "36", "ok": "32", "dim": "2", "bold": "1"}


def paint(text: str, kind: str, output: Output) -> str:
    """Return text in the colour of a kind ("error", "dim", ...) where colours are wanted."""
    return f"\x1b[{_COLORS[kind]}m{text}\x1b[0m" if output.color else text


def write_statistics(report: Report, out: TextIO, output: Output, *, most: int | None = None) -> None:
    """Write findings and rows concerned per rule, worst severity first, then most frequent first.

    Args:
        report: what to count.
        out: where to write.
        output: how to write.
        most: rules listed; None for all.
    """
    counts = Counter((f.severity, f.code, f.name) for f in report)
    ranked = sorted(counts.items(), key=lambda item: (-RANK[item[0][0]], -item[1], item[0][1]))
    places = {(f.severity, f.code, f.name, f.file, f.record if f.line is None else f.line) for f in report}
    lines = Counter(place[:3] for place in places if place[4] is not None)
    widest = max((len(name) for _, _, name in counts), default=0)
    for key, count in ranked[:most]:
        severity, code, name = key
        where = f"in {plural(lines[key], 'line')}" if lines[key] else "in the whole file"
        kind = paint(f"{severity:<7}", severity, output)
        out.write(f"{count:>8,}  {kind}  {code:<8} {name:<{widest}}  {where}\n")
    if most is not None and len(ranked) > most:
        out.write(f"{'':>8}  and {plural(len(ranked) - most, 'more rule')} (--statistics lists all)\n")


def write_rules(report: Report, out: TextIO, output: Output) -> None:
    """Write the counts per rule below a list of findings, where there is more than a handful."""
    if len(report) < SEVERAL or len({f.name for f in report}) < 2:
        return
    out.write("\n")
    write_statistics(report, out, output, most=SEVERAL)
    out.write("\n")


def say(text: str, out: TextIO, output: Output) -> None:
    """Write one line, wrapped on a terminal."""
    out.write(indented(text, output.width) + "\n")


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
    say(f"{files}: {plural(report.examples, 'row')} ({formats}): {said}{waived}", out, output)
    write_matrix(report, out, output)
    for entry in report.measures.get("contamination", ()):
        say(contaminated(entry), out, output)
    for item in report.not_run:
        say(f"not run: {item.name} (needs {safe(item.needs)})", out, output)
    for note in report.notes:
        say(f"note: {safe(note)}", out, output)
    _write_fixes(report, out, output)


def contaminated(entry: dict[str, Any]) -> str:
    """Return how much of an evaluation set is among the rows."""
    name, items = safe(entry["name"]), plural(entry["items"], "item")
    left_out = f" ({plural(entry['left_out'], 'row')} of it left out: nothing is asked)" if entry["left_out"] else ""
    if not entry["items"]:
        return f"{entry['kind']} {name}: no row in it asks anything"
    if not entry["spoilt"]:
        return f"{entry['kind']} {name}: none of {items} is among the rows{left_out}"
    rows, verb = plural(entry["rows"], "row"), "is" if entry["spoilt"] == 1 else "are"
    return (
        f"{entry['kind']} {name}: {entry['spoilt']:,} of {items} ({entry['share']:.1%}) {verb} in {rows}; "
        f"without these {plural(entry['rows_left'], 'row')} are left{left_out}"
    )


def _write_fixes(report: Report, out: TextIO, output: Output) -> None:
    safe_fixes = sum(1 for f in report if f.fix and f.fix.safe)
    unsafe = sum(1 for f in report if f.fix and not f.fix.safe)
    if safe_fixes:
        more = f", {unsafe:,} more with --unsafe-fixes" if unsafe else ""
        say(f"{plural(safe_fixes, 'finding')} can be repaired with `prepdata fix`{more}", out, output)
    elif unsafe:
        say(f"{plural(unsafe, 'finding')} can be repaired with `prepdata fix --unsafe-fixes`", out, output)


def write_matrix(report: Report, out: TextIO, output: Output) -> None:
    """Write which targets would refuse how many rows, and why."""
    widest = max((len(line.target) for line in report.targets), default=0)
    for line in report.targets:
        name = f"target {line.target:<{widest}}"
        if not line.rows and not line.files:
            say(f"{name}  {paint('accepts all rows', 'ok', output)}", out, output)
            continue
        whole = " and the file as a whole" if line.files else ""
        kind = paint("blocks " + plural(line.rows, "row") + whole, "error", output)
        say(f"{name}  {kind}: {causes(line)}", out, output)


def causes(line: Blocked) -> str:
    """Return the rules that make a target refuse rows, the most frequent ones with their counts."""
    ranked = sorted(line.by_rule.items(), key=lambda item: (-item[1], item[0]))
    worst = ", ".join(f"{rule} {n:,}" for rule, n in ranked[:CAUSES])
    return worst + (f" and {plural(len(ranked) - CAUSES, 'more rule')}" if len(ranked) > CAUSES else "")
