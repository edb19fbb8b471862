"""One line a finding: file:line: severity code name path: message."""

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
    targets = f" [{', '.join(finding.targets)}]" if finding.targets else ""
    return f"{head(finding, output)} {safe(finding.message)}{targets}"


def head(finding: Finding, output: Output, *, path: bool = True) -> str:
    """Return where a finding is and which rule it is of, up to the colon before the message."""
    place = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
    if finding.line is None and finding.record is not None:
        place = f"{finding.file}[{finding.record}]"
    inside = f" {safe(finding.path)}" if finding.path and path else ""
    kind = paint(finding.severity, finding.severity, output)
    return f"{paint(safe(place), 'bold', output)}: {kind} {finding.code} {finding.name}{inside}:"
