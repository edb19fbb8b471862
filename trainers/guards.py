"""Guards against overfitting and forgetting, one function each: what a run shows that its best loss does not.

They warn and stop nothing: the checkpoint of the best validation loss is taken in any case. Answers that repeat
training text are looked for by `trainers/memorised.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from trainers.problems import Problem

RISE = 0.05
"""Share of the best validation loss by which a later one is higher: GL of 5 %, the largest that Prechelt tried ("Early
Stopping - But When?", 1998)."""
LEAST_RISE = 0.01
"""Nats by which it is higher at least: 1 % of perplexity. Losses near 0 move by more than 5 % for nothing."""
STRIPS = 2
"""Validations in succession that are higher: one may be chance. Prechelt's UP criterion, with s = 2."""
GAP = 2.0
"""How many times the training loss the validation loss is, replay allowed for."""
LEAST_GAP = 0.1
"""Nats between the two at least: 10 % of perplexity. Measured on a model of half a million parameters: 0.0118 and
0.0110 in a run of 1,280 rows, 0.011 and 0.059 in one of 24 rows that answers well (both silent), 0.03 and 1.10 in one
of 24 rows that can only be learnt by heart."""
SMOOTHED = 10
"""Steps whose mean is the training loss at least: the loss of one batch is mostly that of its rows."""
MOST_EPOCHS = 4.0
"""Epochs up to which rows seen again teach nearly as much as new ones (Muennighoff et al. 2023, arXiv 2305.16264, of
pre-training). Guides to LoRA advise 1 to 3 (Unsloth's, read 2026-11-29)."""
REPLAY = 0.25
"""Share of replay to begin with: with it the tiny model of the tests forgot nothing, without it everything."""
MOST_REPLAY = 0.8

Course = Sequence[tuple[int, float]]
"""(step, loss), in the order of the steps."""


def after_training(metrics: Iterable[dict[str, Any]], replay_share: float) -> list[Problem]:
    """Return what the course of a run shows.

    Args:
        metrics: lines of its metrics.
        replay_share: rows of replay for each training row, 0 for none.
    """
    trained, validated = [], []
    for line in metrics:
        if "loss" in line:
            trained.append((line["step"], line["loss"]))
        if "eval_loss" in line:
            validated.append((line["step"], line["eval_loss"]))
    found = validation_rising(validated), loss_gap(trained, validated, replay_share)
    return [problem for problem in found if problem is not None]


def validation_rising(validated: Course) -> Problem | None:
    """Warn where the validation loss has turned up: the last validations are higher than the best one by more than it
    went up at any time on its way down, and by more than `RISE` and `LEAST_RISE`."""
    if len(validated) <= STRIPS:
        return None
    losses = [loss for _, loss in validated]
    best = losses.index(min(losses))
    jitter = max((after - before for before, after in pairwise(losses[: best + 1])), default=0.0)
    limit = losses[best] + max(RISE * losses[best], LEAST_RISE, jitter)
    if len(losses) - 1 - best < STRIPS or min(losses[-STRIPS:]) <= limit:
        return None
    rise = losses[-1] - losses[best]
    said = (
        f"the validation loss was best at step {validated[best][0]:,} ({losses[best]:.4f}) and has risen by {rise:.4f} "
        f"since, to {losses[-1]:.4f} at step {validated[-1][0]:,}"
    )
    cure = "fewer epochs, a smaller learning rate or more rows; the adapter is that of the best step"
    return Problem("validation-loss-rising", False, True, said, cure)


def loss_gap(trained: Course, validated: Course, replay_share: float) -> Problem | None:
    """Warn where the training loss of the last stretch is far below the validation loss at its end.

    The stretch is that since the validation before, and at least `SMOOTHED` steps. Rows of replay may be known to the
    base: if their loss were 0, the mean would be lower by the factor 1 + `replay_share`, which is allowed for.
    """
    if not trained or not validated:
        return None
    last, loss = validated[-1]
    since = validated[-2][0] if len(validated) > 1 else 0
    stretch = [value for step, value in trained if min(since, last - SMOOTHED) < step <= last]
    if not stretch:
        return None
    mean = sum(stretch) / len(stretch)
    if loss < GAP * (1 + replay_share) * mean or loss - mean < LEAST_GAP:
        return None
    said = (
        f"training loss {mean:.4f} over the last {len(stretch):,} steps, validation loss {loss:.4f}: the model knows "
        "its training rows far better than others of their kind"
    )
    cure = "more or more varied rows, fewer epochs, a smaller --lora-r; look whether the two files are of one kind"
    return Problem("loss-gap", False, True, said, cure)


def many_epochs(epochs: float, rows: int) -> list[Problem]:
    """Warn where rows are seen more often than `MOST_EPOCHS` times.

    Args:
        epochs: times that every row is seen.
        rows: rows of an epoch.
    """
    if epochs <= MOST_EPOCHS:
        return []
    said = f"{epochs:.3g} epochs of {rows:,} rows: the model may learn them by heart"
    cure = f"at most {MOST_EPOCHS:g} epochs, or more rows"
    return [Problem("many-epochs", False, True, said, cure)]


def more_replay(share: float | None) -> str:
    """Return what to try against forgetting.

    Args:
        share: rows of replay for each training row that the run had; 0 for none, None where nobody knows.
    """
    if not share:
        known = ", which this run had none of" if share == 0 else ""
        return (
            f"against forgetting: mix in rows of what the model could do{known}: --replay FILE "
            f"--replay-share {REPLAY:g}"
        )
    if share >= MOST_REPLAY:
        return (
            f"against forgetting: the run had a replay share of {share:g} already; try a smaller --learning-rate, "
            "fewer --epochs, or replay of what was forgotten"
        )
    more = min(2 * share, MOST_REPLAY)
    return (
        f"against forgetting: the run had a replay share of {share:g}; try --replay-share {more:g}, with rows of what "
        "was forgotten"
    )
