"""The proof of a split: the rules about leaks say nothing of its sides.

Train is held against validation and test, validation against test, by eval-overlap, near-eval-overlap and group-split
as `prepdata validate --eval` runs them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from prepdata.api import validate
from prepdata.findings import Finding
from prepdata.items import items
from prepdata.settings import Settings
from prepdata.sources import Input
from prepdata.splitting.assign import SIDES, TEST, TRAIN, VALIDATION
from prepdata.splitting.report import Checked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RULES = ("eval-overlap", "near-eval-overlap", "group-split")
_NO_MARK = "\0"
"""Name of a mark that no row has: the sides that rows name themselves count for nothing here."""


class Written(NamedTuple):
    """One file of a side.

    Args:
        path: where it is.
        side: number of the side.
        rows: (rows,) numbers of its rows, line by line.
    """

    path: Path
    side: int
    rows: NDArray[np.int64]


class Leak(NamedTuple):
    """A row that an error is about, the rows of the other side it was held against, and what was said of it."""

    row: int
    others: tuple[int, ...]
    rule: str
    message: str


class Proof(NamedTuple):
    """What the rules found."""

    leaks: list[Leak]
    checked: tuple[Checked, ...]


def prove(files: Sequence[Written], settings: Settings, groups: Sequence[str]) -> Proof:
    """Return the leaks between the files of a split.

    Args:
        files: what was written.
        settings: format, columns, marks and worker processes are taken from it.
        groups: row marks that name what a row comes from.
    """
    leaks: list[Leak] = []
    checked: list[Checked] = []
    for lower, uppers in ((TRAIN, (VALIDATION, TEST)), (VALIDATION, (TEST,))):
        held = [file for file in files if file.side == lower and len(file.rows)]
        against = [file for file in files if file.side in uppers and _asks(file, settings)]
        names = tuple(SIDES[side] for side in uppers if any(file.side == side for file in against))
        found = _findings(held, against, settings, groups) if held and against else []
        errors = dict.fromkeys(RULES, 0)
        for finding in found:
            if finding.severity == "error":
                errors[finding.name] = errors.get(finding.name, 0) + 1
        leaks += _leaks([finding for finding in found if finding.severity == "error"], held, against)
        rows = sum(len(file.rows) for file in held)
        infos = sum(finding.severity != "error" for finding in found)
        checked.append(Checked(side=SIDES[lower], rows=rows, against=names,
                               items=sum(len(file.rows) for file in against), errors=errors, infos=infos))  # fmt: skip
    return Proof(leaks, tuple(checked))


def _asks(file: Written, settings: Settings) -> bool:
    """True if some row of a file asks anything that could be found elsewhere."""
    return len(file.rows) > 0 and any(True for _ in items(Input(str(file.path)), settings))


def _findings(
    held: Sequence[Written], against: Sequence[Written], settings: Settings, groups: Sequence[str]
) -> list[Finding]:
    plain = Settings(
        format=settings.format, columns=settings.columns, marks={**settings.marks, "split": _NO_MARK},
        max_line_bytes=settings.max_line_bytes, jobs=settings.jobs, cache=False, tokens=False, offline=True,
        fail_on="never",
        select=RULES, rules={"group-split": {"fields": list(groups)}},
    )  # fmt: skip
    plain = msgspec.structs.replace(plain, eval=tuple(str(file.path) for file in against))
    return list(validate([str(file.path) for file in held], plain, meters=()))


def _leaks(found: Sequence[Finding], held: Sequence[Written], against: Sequence[Written]) -> list[Leak]:
    """Return findings with the numbers of their rows."""
    lower = {str(file.path): file for file in held}
    upper = {str(file.path): file for file in against}
    leaks = []
    for finding in found:
        if finding.record is None:  # a rule that failed
            raise RuntimeError(finding.message)
        others = tuple(
            int(upper[place.file].rows[place.line - 1])
            for place in finding.related
            if place.line is not None and place.file in upper
        )
        leaks.append(Leak(int(lower[finding.file].rows[finding.record]), others, finding.name, finding.message))
    return leaks


def named(row: int, counts: Sequence[int], paths: Sequence[str]) -> tuple[str, int]:
    """Return (file, record in it, counted from 0) of a row counted over all inputs."""
    ends, total = [], 0
    for count in counts:
        total += count
        ends.append(total)
    which = bisect_right(ends, row)
    return paths[which], row - (ends[which - 1] if which else 0)
