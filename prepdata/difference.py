"""What a fix would change, line by line: from the receipt, so in linear time however large the file is."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

from prepdata.findings import plural
from prepdata.fix import Change, Fixed
from prepdata.sources import discover, open_source
from prepdata.text.masking import masked

MOST_LINES = 5_000
"""Lines up to which files are compared without a receipt (arrays that are split into lines)."""


def difference(fixed: Fixed) -> Iterator[str]:
    """Yield the lines of a unified difference without context; secrets and personal data are masked."""
    old, new = lines_of(fixed.path), lines_of(fixed.written)
    yield f"--- {fixed.path}"
    yield f"+++ {fixed.path} (fixed)"
    kept = survivors(len(old), fixed.changes)
    if len(kept) == len(new):
        yield from _by_receipt(old, new, kept)
    elif len(old) <= MOST_LINES and len(new) <= MOST_LINES:
        compared = difflib.unified_diff([line + "\n" for line in old], [line + "\n" for line in new], n=0)
        for line in list(compared)[2:]:
            yield line[:1] + masked(line[1:].rstrip("\n"))
    else:
        lines = f"{plural(len(old), 'line')} before, {plural(len(new), 'line')} after"
        yield f"{lines}: too many to compare without an order in common"


def survivors(lines: int, changes: Sequence[Change]) -> list[int]:
    """Return the numbers (0-based) of the lines of the original that are still there, in order.

    Args:
        lines: lines of the original.
        changes: the receipt; lines of each round count in the file as the round before left it.
    """
    kept = list(range(lines))
    for number in sorted({change.round for change in changes}):
        gone = {
            change.line - 1
            for change in changes
            if change.round == number and change.line is not None and change.old is not None and change.new is None
        }
        kept = [line for place, line in enumerate(kept) if place not in gone]
    return kept


def _by_receipt(old: list[str], new: list[str], kept: list[int]) -> Iterator[str]:
    now = dict(zip(kept, new, strict=True))
    for number, line in enumerate(old):
        if now.get(number) == line:
            continue
        yield f"@@ line {number + 1} @@"
        yield "-" + masked(line)
        if number in now:
            yield "+" + masked(now[number])


def lines_of(path: Path) -> list[str]:
    """Return the lines of a file as text, unpacked if it is compressed."""
    source = open_source(discover([str(path)])[0])
    text = b"".join(raw.load() for raw in source.chunks()).decode("utf-8", "replace")
    lines = text.split("\n")
    return lines[:-1] if lines and not lines[-1] else lines
