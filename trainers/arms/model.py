"""The report of `prepdata arms`: what each arm came to, and which one to take."""

from __future__ import annotations

from typing import Literal

import msgspec

from prepdata.errors import EXIT_CLEAN, EXIT_ERROR, EXIT_FINDINGS
from trainers.arms.config import ArmName
from trainers.gate import Gate
from trainers.pairs import Change
from trainers.record import Aggregate, Latency

SCHEMA_VERSION = 1

Status = Literal["measured", "left out", "failed"]


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What 1,000 calls cost in USD, None where it is not known; and how that comes about, or what is lacking."""

    usd_per_thousand: float | None
    said: str


class Paired(msgspec.Struct, frozen=True, kw_only=True):
    """The primary metric of an arm against that of another one, row by row.

    Args:
        other: the arm it is held against.
        change: from the other to this one; `p_adjusted` is corrected for all arms held against it (Holm).
    """

    other: ArmName
    change: Change


class ArmResult(msgspec.Struct, frozen=True, kw_only=True):
    """One arm.

    Args:
        name: of the arm.
        status: `measured`; `left out` where the configuration has not what it needs; `failed`.
        reason: why it was not measured, "" where it was.
        record: file of its record, from the output folder; `sha256` of that record.
        asked: answers made by this call; 0 where a finished record was kept.
        metrics: set -> metric -> value with its 95 % interval.
        tokens_in, tokens_out: means of a call on the held-out rows; None where nobody says.
        latency: of whole calls, retrieval included, in turns with the other arms; None without times.
        seconds: mean time of a call, as in `latency`.
        cost: of calls; None where it was not measured.
        k: passages before a question; None for none.
        retrieval: recall, hit rate, MRR and nDCG at k on the rows that mark their sources.
        against_base, against_best: paired comparisons; None for the base or best arm itself.
        passed: whether it passes the gate; None where that could not be measured.
        reasons: why not.
        notes: what its comparison with the base says besides.
        dominated_by: arms at least as good by every measure that both have, and better by one.
    """

    name: ArmName
    status: Status
    reason: str = ""
    record: str | None = None
    sha256: str | None = None
    asked: int = 0
    metrics: dict[str, dict[str, Aggregate]] = {}
    tokens_in: float | None = None
    tokens_out: float | None = None
    latency: Latency | None = None
    seconds: float | None = None
    cost: Cost | None = None
    k: int | None = None
    retrieval: dict[str, Aggregate] = {}
    against_base: Paired | None = None
    against_best: Paired | None = None
    passed: bool | None = None
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    dominated_by: tuple[ArmName, ...] = ()


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A model that was asked: its name, the arms that share it, and bytes of its weights (None for an endpoint)."""

    name: str
    arms: tuple[ArmName, ...]
    weight_bytes: int | None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Which arm to take.

    Args:
        arm: the cheapest one that passes the gate; None where none does, or that could not be measured.
        best: highest mean of the primary metric.
        fallback: the untuned arm with the highest mean.
        reached: True where an arm passes, False where none does, None where it could not be measured.
        said: how it came about, sentence by sentence: ties, unknown costs, better arms that cost more.
    """

    arm: ArmName | None
    best: ArmName | None
    fallback: ArmName | None
    reached: bool | None
    said: tuple[str, ...]


class ArmsReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `prepdata arms --json` writes.

    Args:
        rows: of the held-out set; `primary` the metric that decides there, `higher_is_better` for each metric.
        floor: what the primary metric has to reach.
        models: what was loaded.
        timed_rows, rounds: how times were taken; 0 for not at all.
        notes: what to know when reading it.
    """

    schema_version: int = SCHEMA_VERSION
    prepdata: str
    rows: int
    primary: str | None
    higher_is_better: dict[str, bool]
    gate: Gate
    floor: float | None
    verdict: Verdict
    arms: tuple[ArmResult, ...]
    models: tuple[Loaded, ...]
    timed_rows: int
    rounds: int
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 an arm passes, 1 none does, 2 could not be measured."""
        return {True: EXIT_CLEAN, False: EXIT_FINDINGS, None: EXIT_ERROR}[self.verdict.reached]
