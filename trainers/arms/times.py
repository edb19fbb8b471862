"""Times of all arms taken in turns, kept beside their records for as long as these are the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from prepdata.files import read_bounded, replacing
from prepdata.jsontext import json_text
from trainers.arms.config import ArmName
from trainers.compare import Measured
from trainers.latency import latency_of_rounds, middle
from trainers.record import Environment, Evaluation, Rounds, TimedRow, Timing, hash_of
from trainers.timing import Timed, rounds_in_turns, spread

TIMES = "times.json"
MOST_BYTES = 1 << 26


class Times(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What calls took.

    Args:
        key: of the records that were timed, and how many rows.
        rows: ids of the rows, in the order in which they were asked.
        arms: arm -> what it took for each of them, search for passages included.
        environment: where they were taken.
    """

    key: str
    rows: tuple[str, ...]
    arms: dict[ArmName, tuple[Rounds, ...]]
    environment: Environment

    def mean(self, arm: ArmName) -> float:
        """Return the mean seconds of a call, each row counted with its middle round."""
        found = [middle(rounds)[0] for rounds in self.arms[arm]]
        return sum(found) / len(found)

    def beside(self, arm: ArmName, held: Measured, base: Evaluation) -> Measured:
        """Return an arm with its times beside those of the base, as `compare` reads them."""
        one, other = self.arms["base"], self.arms[arm]
        timing = Timing(
            model=base.model,
            environment=self.environment,
            rows=tuple(TimedRow(doc_id=name, base=b, tuned=t) for name, b, t in zip(self.rows, one, other)),
            base=latency_of_rounds(one),
            tuned=latency_of_rounds(other),
            own_prompts=True,
        )
        return held._replace(record=msgspec.structs.replace(held.record, timing=timing))


def timed(
    sides: Mapping[ArmName, Timed],
    measured: Mapping[ArmName, Measured],
    rows: int,
    folder: Path,
    progress: Callable[[int, int], None] | None,
) -> Times:
    """Return the times of arms, those of the last call where nothing has changed since.

    Args:
        sides: arm -> model, prompts of all rows of the held-out set, search.
        measured: the records of the same arms.
        rows: how many rows are timed, spread evenly over those that every arm answered.
        folder: where times are kept.
        progress: called with (answers so far, answers in all).

    Raises:
        InputError: a model gave no answer, or a search failed.
        ValueError: no row was answered by every arm.
    """
    key = hash_of([rows, {name: held.record.sha256 for name, held in measured.items()}])
    if (kept := _kept(folder / TIMES, key)) is not None:
        return kept
    samples = {name: [s for s in held.samples if s.set == "test"] for name, held in measured.items()}
    ids = [sample.doc_id for sample in samples["base"]]
    whole = [n for n in range(len(ids)) if all(found[n].finish_reason != "error" for found in samples.values())]
    if not whole:
        raise ValueError("no row was answered by every arm")
    taken = [whole[n] for n in spread(rows, len(whole))]
    picked = [_picked(side, taken) for side in sides.values()]
    names = tuple(ids[n] for n in taken)
    found = rounds_in_turns(picked, names, progress)
    environment = measured["base"].record.environment
    times = Times(key=key, rows=names, arms={a: tuple(r) for a, r in zip(sides, found)}, environment=environment)
    with replacing(folder / TIMES) as out:
        out.write(json_text(times).encode() + b"\n")
    return times


def _picked(side: Timed, rows: list[int]) -> Timed:
    before = side.before
    search = None if before is None else lambda place: before(rows[place])
    return Timed(side.backend, [side.prompts[n] for n in rows], search)


def _kept(file: Path, key: str) -> Times | None:
    """Return the times of the last call; None where there are none, or of other records."""
    try:
        held = msgspec.json.decode(read_bounded(file, MOST_BYTES), type=Times)
    except (OSError, msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return held if held.key == key else None
