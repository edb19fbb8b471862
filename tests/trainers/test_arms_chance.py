"""Arms that do not differ are seldom called better: 1,000 made-up reports judged as `prepdata arms` judges them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import pytest
from records_made import record, samples

from trainers.arms.config import ARMS, ArmName
from trainers.arms.judge import Judge
from trainers.arms.ways import kind_of
from trainers.compare import Measured
from trainers.gate import Gate
from trainers.record import SampleResult, ScoreValue
from trainers.statistics import wilson

REPORTS, ROWS, RATE = 1_000, 80, 0.5
GATE = Gate(primary="exact_match")


class Called(NamedTuple):
    """What one report says of arms that do not differ."""

    better: bool
    different: bool
    different_alone: bool
    worse_than_best: bool


def measured(rows: list[SampleResult], scores: list[float], name: ArmName) -> Measured:
    """Return an arm whose rows have these scores."""
    values = {score: {"exact_match": ScoreValue(score)} for score in set(scores)}
    held = [msgspec.structs.replace(row, scores=values[score]) for row, score in zip(rows, scores)]
    return Measured(name, record(held, kind=kind_of(name), created=f"2026-11-29T1{ARMS.index(name)}:00:00Z"), held)


def reports() -> Iterator[Called]:
    chance, rows = random.Random(20261130), samples({"exact_match": [0.0] * ROWS})
    for _ in range(REPORTS):
        columns = {name: [float(chance.random() < RATE) for _ in rows] for name in ARMS}
        judge = Judge({name: measured(rows, column, name) for name, column in columns.items()}, GATE, None, False)
        changes = judge.against_base.values()
        yield Called(
            better=any(judge.passed(name)[0] for name in ARMS),
            different=any(change.outcome != "no difference shown" for change in changes),
            different_alone=any((change.p or 0.0) <= GATE.alpha for change in changes),
            worse_than_best=any(change.outcome == "worse" for change in judge.against_best.values()),
        )


@pytest.fixture(scope="module")
def called() -> list[Called]:
    return list(reports())


@pytest.mark.timeout(120)
def test_an_arm_is_called_better_or_different_by_chance_in_at_most_one_report_of_twenty(called: list[Called]) -> None:
    assert len(called) == REPORTS
    for count in (sum(one.better for one in called), sum(one.different for one in called)):
        assert count > 0 and wilson(count, REPORTS).low <= GATE.alpha


@pytest.mark.timeout(120)
def test_without_the_correction_it_would_be_more(called: list[Called]) -> None:
    assert wilson(sum(one.different_alone for one in called), REPORTS).low > GATE.alpha


@pytest.mark.timeout(120)
def test_against_the_best_more_differences_are_called_than_there_are(called: list[Called]) -> None:
    assert wilson(sum(one.worse_than_best for one in called), REPORTS).low > GATE.alpha
