"""The whole report as one JSON document (`schemas/report.schema.json`)."""

from __future__ import annotations

from typing import TextIO

from prepdata.report import Report
from prepdata.reporters.base import Output


def write(report: Report, out: TextIO, output: Output) -> None:
    """Write the report as indented JSON."""
    for piece in report.json_pieces():
        out.write(piece)
    out.write("\n")
