"""What a split did, for people and programs."""

from __future__ import annotations

from typing import Any

import msgspec


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a split.

    Args:
        rows: rows it has; `asked` what it was to have.
        share: of all rows on sides, 0 to 1.
        clusters: clusters of rows on it, single rows included.
        files: what was written.
    """

    rows: int
    asked: int
    share: float
    clusters: int
    files: tuple[str, ...] = ()


class SetAside(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is on no side. `line` counts from 1 and is None where rows have no lines; `record` counts from 0."""

    file: str
    line: int | None
    record: int
    reason: str
    ties: tuple[str, ...] = ()


class CutCluster(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster that was too large and was cut into parts, or could not be (`without` is empty)."""

    rows: int
    without: str
    parts: int
    largest: int


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """One proof: the rows of one side held against others.

    Args:
        rows: rows of the lower side; `side` its name.
        against: names of the sides it was held against; `items` their rows.
        errors: findings of each rule that are errors.
        infos: findings that are told and are no errors: the same task with other numbers.
    """

    side: str
    rows: int
    against: tuple[str, ...]
    items: int
    errors: dict[str, int]
    infos: int


class SplitReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of `prepdata.split`.

    Args:
        rows: rows read.
        sides: train, validation and test, by name.
        known: rows that had a side from an earlier run; `new` those that had none.
        clusters: clusters of two rows or more; `largest` the rows of the largest.
        strata: rows of each side, by stratum; empty without `stratify`.
        cut: clusters that were too large.
        variants: pairs of rows that differ in a number, a name or the like and were not kept together for that.
        set_aside: rows on no side since they tie two of them together.
        unread: rows without a record, with why.
        moved: rows that the proof moved to another side.
        rounds: how often the proof was run.
        proof: what was checked at last.
        left: leaks between rows that were on their sides before this run.
        notes: what else is to be known.
        manifest: path of the manifest.
        dry_run: True if nothing was written.
    """

    rows: int
    sides: dict[str, Side]
    known: int
    new: int
    clusters: int
    largest: int
    strata: dict[str, dict[str, int]]
    cut: tuple[CutCluster, ...]
    variants: int
    set_aside: tuple[SetAside, ...]
    unread: tuple[SetAside, ...]
    moved: int
    rounds: int
    proof: tuple[Checked, ...]
    left: tuple[str, ...]
    notes: tuple[str, ...]
    manifest: str
    dry_run: bool

    @property
    def exit_code(self) -> int:
        """0 if every row is on a side and no leak is left, else 1."""
        return int(bool(self.set_aside or self.unread or self.left))

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found
