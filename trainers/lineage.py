"""Whether a baseline was there before the training that it is compared with, and is the one that was there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prepdata.errors import UsageError
from trainers.record import Data, Evaluation, Training

_TRAINED = ("train", "replay", "validation")
"""Files that decide what a model becomes."""


def unrelated(baseline: Evaluation, run: Evaluation) -> str:
    """Return why a baseline is not the one that the run was started with, "" where it is or nobody can tell.

    A prompted or tuned record in its place is another comparison, which the run need not have known of.
    """
    training = run.training
    if baseline.kind != "base" or training is None or training.baseline in (None, baseline.sha256):
        return ""
    return (
        f"the training was started with the baseline {training.baseline[:12]} at {training.created}, and this is "
        f"{baseline.sha256[:12]}, recorded at {baseline.created}"
    )


def check_held_out(data: Data, training: Training | None) -> None:
    """Raise where the rows that are asked are in a file that the model was trained with.

    Args:
        data: the rows.
        training: of the model, None where it is not known.

    Raises:
        UsageError: says which file; scores on it would show memory.
    """
    if training is None:
        return
    used = {digest: role for role in _TRAINED if (digest := training.files.get(role)) is not None}
    for name, held in (("test", data.test), ("retention", data.retention)):
        if held is not None and (role := used.get(held.sha256 or "")):
            raise UsageError(
                f"{held.path}: this {name} file is the {role} file of the training, byte for byte: the model has seen "
                "its answers, so that scores on it show nothing. Give rows that it was not trained with"
            )


def check_lineage(baseline: Evaluation, run: Evaluation, *, other_baseline: bool) -> Iterator[str]:
    """Yield what should be known of how the two came about.

    Args:
        baseline, run: the two records.
        other_baseline: True to take a baseline that the run was not started with, and say so.

    Raises:
        UsageError: the run was started with another baseline, or with this one before it was recorded anew; or was
            trained with the file of the rows.
    """
    check_held_out(run.data, run.training)
    if why := unrelated(baseline, run):
        if not other_baseline:
            raise UsageError(
                f"{why}. A baseline that was recorded anew could have been chosen to suit. Compare with the one that "
                "the run names, train again, or say --other-baseline to compare all the same"
            )
        yield f"another baseline than the run was started with: {why}"
    training = run.training
    if training is None:
        if run.kind == "tuned":
            yield (
                "the run's record names no training (evaluate with --adapter RUN or --run RUN): nobody can tell "
                "whether the baseline is older, and whether the test file was checked for leaks"
            )
        return
    if baseline.kind == "base" and training.baseline != baseline.sha256:
        began = training.first_step or training.created
        if _later(baseline.created, began):
            yield f"the baseline was recorded after the training began ({baseline.created}, {began})"
        elif training.baseline is None:
            yield "the run was started without a baseline; this one is older than its first step by the clock alone"
    yield from _unchecked(run, training)


def _later(one: str, other: str) -> bool:
    try:
        return datetime.fromisoformat(one) > datetime.fromisoformat(other)
    except (ValueError, TypeError):  # no time, or one with and one without a zone
        return one > other


def _unchecked(run: Evaluation, training: Training) -> Iterator[str]:
    """Yield whether the rows that were asked are those that training data was checked against."""
    test = run.data.test
    if training.files.get("test") != test.sha256 or test.sha256 is None:
        what = "another test file" if training.files.get("test") else "no test file"
        yield (
            f"leaks not checked: the training data was held against {what} and not against {test.path}; "
            f"check by `prepdata validate TRAIN --eval {test.path}`"
        )
