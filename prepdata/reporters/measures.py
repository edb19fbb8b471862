"""Token counts and cost for text formats."""

from __future__ import annotations

from typing import TextIO

from prepdata.report import Report
from prepdata.reporters.base import Output


def write_measures(report: Report, out: TextIO, output: Output) -> None:
    """Write the main measures of the run, a line each."""
    tokens = report.measures.get("tokens")
    if not tokens:
        return
    about = "" if tokens.get("exact") else "about "
    how = tokens.get("counter", "")
    out.write(f"tokens: {about}{tokens['total']:,} in all, {about}{tokens['trained']:,} trained ({how})\n")
