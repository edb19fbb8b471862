"""GitLab Code Quality report (docs.gitlab.com/ci/testing/code_quality, read 2026-11)."""

from __future__ import annotations

import json
from typing import TextIO

from prepdata.report import Report, harmless
from prepdata.reporters.base import Output, in_repository

_SEVERITY = {"error": "major", "warning": "minor", "info": "info"}


def write(report: Report, out: TextIO, output: Output) -> None:
    """Write a JSON list with one issue per finding; fingerprints are unique, as GitLab wants them."""
    seen: dict[str, int] = {}
    issues = []
    for finding in report:
        count = seen[finding.fingerprint] = seen.get(finding.fingerprint, 0) + 1
        issues.append(
            {
                "description": finding.message,
                "check_name": finding.name,
                "fingerprint": finding.fingerprint if count == 1 else f"{finding.fingerprint}-{count}",
                "severity": _SEVERITY[finding.severity],
                "location": {"path": in_repository(finding.file), "lines": {"begin": finding.line or 1}},
            }
        )
    out.write(harmless(json.dumps(issues, ensure_ascii=False, indent=1)) + "\n")
