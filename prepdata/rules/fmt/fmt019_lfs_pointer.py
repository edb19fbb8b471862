"""FMT019: a Git LFS pointer in place of data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Hit, Severity, clip
from prepdata.rules.base import FactRule


class LfsPointer(FactRule):
    """Finds files that are Git LFS pointers: three lines that stand for data which was never fetched.

    Why: a clone without Git LFS has only the pointer; a loader then speaks of broken JSON, which leads astray.
    Bad:
        version https://git-lfs.github.com/spec/v1
        oid sha256:4d7a...
        size 752801
    Good:
        {"messages": [...]}
    Fix: none; fetch the data: `git lfs install`, then `git lfs pull`.
    Source: Git LFS specification, pointer file (v1).
    """

    code: ClassVar[str] = "FMT019"
    name: ClassVar[str] = "lfs-pointer"
    severity: ClassVar[Severity] = "error"
    facts: ClassVar[tuple[str, ...]] = ("lfs-pointer",)

    def explain(self, fact: Fact) -> Iterator[Hit]:
        size = str(fact.data["size"])
        of = f" of {int(size):,} bytes" if size.isdecimal() and len(size) < 20 else ""
        oid = clip(str(fact.data["oid"]), 12)
        yield Hit(f"a Git LFS pointer, not the data{of} (object {oid}) it stands for; run `git lfs install` and "
                  "`git lfs pull`, or download the file itself")  # fmt: skip
