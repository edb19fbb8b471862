"""One finding a line, for `jq` and scripts."""

from __future__ import annotations

from typing import TextIO

from prepdata.report import Report, finding_dict, json_text
from prepdata.reporters.base import Output


def write(report: Report, out: TextIO, output: Output) -> None:
    """Write every finding that is not waived as one line of JSON."""
    for finding in report:
        out.write(json_text(finding_dict(finding)) + "\n")
