"""PROV005: a data file that is not the one that was locked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Hit, Place, Severity, clip
from prepdata.rules.base import FactRule


class FingerprintDrift(FactRule):
    """Finds data files whose bytes differ from those in the lock file.

    Every byte counts, also line ends and packing. Files that are checked but not in the lock are named once, as an
    info. Files of the lock that are not checked in this run are left to `prepdata lock --check`.

    Why: results can only be compared and repeated if the data is what it was; a file that changed after it was looked
        at was not looked at.
    Bad:
        train.jsonl, locked with 330 rows, to which someone added a row
    Good:
        the same file after the change was looked at and `prepdata lock` was run again
    Fix: none; look at the change, then run `prepdata lock` again.
    Source: FIPS 180-4 (SHA-256); docs/lock.md.
    """

    code: ClassVar[str] = "PROV005"
    name: ClassVar[str] = "fingerprint-drift"
    severity: ClassVar[Severity] = "error"
    facts: ClassVar[tuple[str, ...]] = ("fingerprint-drift",)

    def missing(self) -> str | None:
        return None if self.context.locked else "a lock file, made by `prepdata lock`"

    def explain(self, fact: Fact) -> Iterator[Hit]:
        data = fact.data
        lock = clip(data["lock"])
        if data["what"] == "unlocked":
            others = data["others"]
            kind = "is 1 other file" if len(others) == 1 else f"are {len(others):,} other files"
            more = f", nor {kind}" if others else ""
            yield Hit(
                f"not in {lock}{more}: nobody will notice if it changes; `prepdata lock PATHS` locks the files named",
                severity="info",
                related=tuple(Place(path, None) for path in others[:20]),
            )
            return
        then, now = data["then"], data["now"]
        found = now["sha256"][:12] if now["sha256"] else "it cannot be read to its end"
        yield Hit(
            f"the file is not the one in {lock}: sha256 {then['sha256'][:12]} and {_rows(then['rows'])} then, {found} "
            f"and {_rows(now['rows'])} now; look at the change, then run `prepdata lock` again"
        )


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"
