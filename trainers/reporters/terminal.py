"""A comparison as a table for the terminal."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TextIO

from prepdata.reporters.base import Output, safe
from trainers.compare import Comparison
from trainers.reporters.words import HEAD, LEGEND, cells, headline, models, timed

_COLORS = {True: "\x1b[32m", False: "\x1b[31m", None: "\x1b[33m"}
_RIGHT = frozenset({"rows", "p"})


def write(comparison: Comparison, out: TextIO, output: Output) -> None:
    """Write verdict, table, times, reasons and notes."""
    said = headline(comparison)
    if output.color:
        said = f"{_COLORS[comparison.passed]}\x1b[1m{said}\x1b[0m"
    lines = [said, safe(models(comparison)), ""]
    lines += table([HEAD, *map(cells, comparison.metrics)], _RIGHT)
    lines += ["", *(safe(timed(change)) for change in comparison.latency)] if comparison.latency else []
    for title, texts in (("not passed because", comparison.reasons), ("notes", comparison.notes)):
        if texts:
            lines += ["", f"{title}:", *(f"  {safe(text)}" for text in texts)]
    lines += ["", LEGEND]
    out.write("\n".join(lines) + "\n")


def table(rows: Sequence[Sequence[str]], right: Container[str]) -> list[str]:
    """Return rows, their heading first, as lines with columns below one another; empty columns are left out.

    Args:
        rows: of equal length.
        right: headings of columns that are set to the right.
    """
    plain = [[safe(cell) for cell in row] for row in rows]
    shown = [column for column in range(len(plain[0])) if any(row[column] for row in plain[1:])]
    widths = {column: max(len(row[column]) for row in plain) for column in shown[:-1]}
    lines = []
    for row in plain:
        parts = [
            row[c] if c == shown[-1] else row[c].rjust(widths[c]) if plain[0][c] in right else row[c].ljust(widths[c])
            for c in shown
        ]
        lines.append("  ".join(parts).rstrip())
    return lines
