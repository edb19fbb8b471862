"""What is measured of the rows of a file as a trainer makes them: the shape of `measures.training` in a report."""

from __future__ import annotations

from typing import Any

import msgspec

from prepdata.training.advice import Advice
from prepdata.training.settings import TrainerSettings


class TrainerMeasures(msgspec.Struct, frozen=True):
    """What a trainer makes of the rows.

    Args:
        trainer: the simulated trainer.
        settings: how it is set up.
        note: what the simulation takes for granted or leaves out.
        rows: rows that could be read.
        kept: rows that are trained on, cut ones among them.
        cut: kept rows that are cut.
        answers_cut: cut rows that lose trained tokens.
        dropped: why rows are left out -> how many.
        stopped: rows at which the trainer ends with an error.
        refused: rows that cannot be rendered.
        unknown: rows of which it is not known what the trainer makes of them.
        changed: rows that the trainer changes before rendering.
        tokens: tokens of all uncut rows.
        trained_tokens: trained tokens of all uncut rows.
        left_tokens: tokens that are left in training, in one epoch.
        left_trained_tokens: trained tokens that are left in training.
        per_row: how the tokens of uncut rows are spread (nearest rank).
        padding: the figures of the recommendation "against-padding"; null where no row is trained on.
        recommendations: what to set, each with what it follows from.
    """

    trainer: str
    settings: TrainerSettings
    note: str
    rows: int
    kept: int
    cut: int
    answers_cut: int
    dropped: dict[str, int]
    stopped: int
    refused: int
    unknown: int
    changed: int
    tokens: int
    trained_tokens: int
    left_tokens: int
    left_trained_tokens: int
    per_row: dict[str, float]
    padding: dict[str, Any] | None
    recommendations: list[Advice]


class TrainingMeasures(msgspec.Struct, frozen=True):
    """What the simulated trainers make of the rows: one entry for each trainer asked for, "plain" where none is."""

    trainers: list[TrainerMeasures]
