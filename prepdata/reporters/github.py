"""GitHub annotations: one per rule, file and severity, worst first, since GitHub shows about ten a step.

The job summary (`GITHUB_STEP_SUMMARY`) gets the counts per rule.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO

from prepdata.findings import RANK, Finding, plural
from prepdata.report import Report
from prepdata.reporters.base import Output, in_repository, safe

LINES = 10
"""Other lines named in an annotation."""
_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def write(report: Report, out: TextIO, output: Output) -> None:
    """Write workflow commands, and the summary table where GitHub asks for one."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in report:
        groups.setdefault((finding.severity, finding.file, finding.name), []).append(finding)
    for key in sorted(groups, key=lambda k: (-RANK[k[0]], -len(groups[k]), k[1], k[2])):
        out.write(_annotation(groups[key]) + "\n")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(_table(report))


def _annotation(findings: list[Finding]) -> str:
    first = findings[0]
    message = first.message
    if len(findings) > 1:
        lines = list(dict.fromkeys(f.line for f in findings if f.line and f.line != first.line))
        listed = ", ".join(map(str, lines[:LINES])) + (", …" if len(lines) > LINES else "")
        where = f": line{'' if len(lines) == 1 else 's'} {listed}" if lines else ""
        message += f" ({len(findings) - 1:,} more like it{where})"
    place = f"file={_property(safe(in_repository(first.file)))}"
    if first.line is not None:
        place += f",line={first.line}"
    title = _property(f"{first.code} {first.name}")
    return f"::{_COMMANDS[first.severity]} {place},title={title}::{_data(safe(message))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _table(report: Report) -> str:
    counts = report.summary()
    found = f"{plural(counts['errors'], 'error')}, {plural(counts['warnings'], 'warning')}"
    head = f"### prepdata: {found} in {plural(counts['examples'], 'row')}"
    lines = [head, "", "| rule | findings |", "|---|---:|"]
    ranked = sorted(counts["by_rule"].items(), key=lambda item: -item[1])
    lines += [f"| {name} | {number:,} |" for name, number in ranked]
    return "\n".join(lines) + "\n\n"
