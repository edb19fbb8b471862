"""One line a finding: file:line: severity code name: message."""

from __future__ import annotations

from typing import TextIO

from prepdata.findings import Finding
from prepdata.report import Report
from prepdata.reporters.base import Output, safe
from prepdata.reporters.summary import paint, write_statistics, write_summary


def write(report: Report, out: TextIO, output: Output) -> None:
    """Write one line per finding, then the summary."""
    if output.statistics:
        write_statistics(report, out, output)
    else:
        for finding in report:
            out.write(line(finding, output) + "\n")
    if output.level != "quiet":
        write_summary(report, out, output)


def line(finding: Finding, output: Output) -> str:
    """Return a finding on one line."""
    place = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
    if finding.line is None and finding.record is not None:
        place = f"{finding.file}[{finding.record}]"
    path = f" {safe(finding.path)}" if finding.path else ""
    kind = paint(finding.severity, finding.severity, output)
    targets = f" [{', '.join(finding.targets)}]" if finding.targets else ""
    return f"{safe(place)}: {kind} {finding.code} {finding.name}{path}: {safe(finding.message)}{targets}"
