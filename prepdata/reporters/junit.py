"""JUnit XML: one suite per file, one case per rule that ran or found something."""

from __future__ import annotations

import re
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from prepdata.findings import RANK, Finding, plural
from prepdata.report import Report
from prepdata.reporters.base import Output, safe

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LINES = 100
"""Findings listed per case; the rest are counted."""


def write(report: Report, out: TextIO, output: Output) -> None:
    """Write the report; findings at or above `fail_on` are failures, the others system output."""
    limit = RANK.get(report.fail_on, 3)
    suites = []
    total = failed = 0
    by_file: dict[str, dict[str, list[Finding]]] = {}
    for finding in report:
        by_file.setdefault(finding.file, {}).setdefault(f"{finding.code} {finding.name}", []).append(finding)
    for file in report.files:
        groups = by_file.get(file.path, {})
        failures = sum(1 for found in groups.values() if any(RANK[f.severity] >= limit for f in found))
        cases = [_case(name, found, file.path, limit) for name, found in sorted(groups.items())]
        cases = cases or [f'  <testcase name="all rules" classname={quoteattr(_clean(file.path))}/>\n']
        suites.append(
            f'<testsuite name={quoteattr(_clean(file.path))} tests="{len(cases)}" failures="{failures}" '
            f'errors="0" skipped="0" time="0">\n{"".join(cases)}</testsuite>\n'
        )
        total, failed = total + len(cases), failed + failures
    out.write('<?xml version="1.0" encoding="utf-8"?>\n')
    out.write(f'<testsuites name="prepdata" tests="{total}" failures="{failed}" errors="0" time="0">\n')
    out.writelines(suites)
    out.write("</testsuites>\n")


def _case(name: str, findings: list[Finding], file: str, limit: int) -> str:
    lines = [f"{f.file}:{f.line or ''} {f.path or ''} {f.message}" for f in findings[:LINES]]
    if len(findings) > LINES:
        lines.append(f"and {len(findings) - LINES:,} more")
    body = escape(_clean("\n".join(lines)))
    failed = any(RANK[f.severity] >= limit for f in findings)
    message = quoteattr(_clean(f"{plural(len(findings), 'finding')}: {findings[0].message}"))
    inner = f"<failure message={message}>{body}</failure>" if failed else f"<system-out>{body}</system-out>"
    return f"  <testcase name={quoteattr(name)} classname={quoteattr(_clean(file))}>{inner}</testcase>\n"


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", safe(text))
