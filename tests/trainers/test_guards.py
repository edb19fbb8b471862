"""Guards against overfitting and forgetting: courses made by hand, and trainings made to set them off."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from trainers.guards import (
    MOST_REPLAY,
    SMOOTHED,
    after_training,
    loss_gap,
    many_epochs,
    more_replay,
    validation_rising,
)


def course(*losses: float, every: int = 10) -> list[tuple[int, float]]:
    return [(every * number, loss) for number, loss in enumerate(losses, 1)]


@pytest.mark.parametrize(
    "losses",
    [
        (1.0, 0.8, 0.7, 0.65, 0.64),  # down to the end
        (1.0, 0.8, 0.7, 0.72, 0.72, 0.72),  # up by less than 5 %
        (1.0, 0.8, 0.7, 0.9, 0.71),  # up once, and back
        (1.0, 0.8, 0.7, 0.9),  # up once, at the end
        (1.0, 0.7, 0.9, 0.6, 0.75, 0.78),  # up by less than it jumped on its way down
        (0.0110, 0.0100, 0.0180, 0.0190),  # up by 90 %, of nothing
        (0.5, 0.6),  # too short a course to tell
        (),
    ],
)
def test_validation_that_is_not_rising(losses: tuple[float, ...]) -> None:
    assert validation_rising(course(*losses)) is None


@pytest.mark.parametrize(
    ("losses", "best", "rise"),
    [
        ((1.0, 0.8, 0.7, 0.75, 0.8), 30, 0.1),
        ((0.6, 0.7, 0.9), 10, 0.3),  # best at once
        ((1.0, 0.7, 0.75, 0.65, 0.75, 0.85, 0.95), 40, 0.3),  # by more than it jumped on its way down
        ((0.05, 0.02, 0.04, 0.05), 20, 0.03),
    ],
)
def test_validation_that_is_rising(losses: tuple[float, ...], best: int, rise: float) -> None:
    problem = validation_rising(course(*losses))
    assert problem is not None
    assert (problem.name, problem.fatal) == ("validation-loss-rising", False)
    assert f"best at step {best} " in problem.message and f"risen by {rise:.4f} since" in problem.message


def steady(loss: float, steps: int = 40) -> list[tuple[int, float]]:
    return [(step, loss) for step in range(1, steps + 1)]


@pytest.mark.parametrize(
    ("trained", "validated", "replay", "fires"),
    [
        (0.3, 1.0, 0.0, True),
        (0.6, 1.0, 0.0, False),  # less than half
        (0.45, 1.0, 0.0, True),
        (0.45, 1.0, 0.25, False),  # a fifth of the rows are replay, whose loss may be 0
        (0.39, 1.0, 0.25, True),
        (0.001, 0.05, 0.0, False),  # 50 times, of nothing
        (0.0, 0.2, 0.0, True),
        (1.0, 0.8, 0.0, False),
    ],
)
def test_gap(trained: float, validated: float, replay: float, fires: bool) -> None:
    problem = loss_gap(steady(trained), course(2.0, validated, every=20), replay)
    assert (problem is not None) is fires
    assert problem is None or problem.name == "loss-gap"


def test_the_gap_is_that_of_the_last_stretch() -> None:
    noisy = [(step, 0.1 if step % 2 else 1.5) for step in range(1, 41)]
    assert loss_gap(noisy, course(1.0, 1.0, every=20), 0.0) is None  # one batch of 0.1 says nothing
    sunk = [*steady(2.0, 30), *((step, 0.1) for step in range(31, 41))]
    assert loss_gap(sunk, course(1.0, 1.0, 1.0, 1.0), 0.0) is not None
    assert loss_gap(sunk, course(1.0, 1.0, every=20), 0.0) is None  # since the validation before: 21 to 40
    problem = loss_gap(sunk, course(*[1.0] * 40, every=1), 0.0)
    assert problem is not None and f"over the last {SMOOTHED} steps" in problem.message
    assert loss_gap([], course(1.0), 0.0) is None and loss_gap(sunk, [], 0.0) is None


def test_epochs() -> None:
    assert many_epochs(4.0, 100) == []
    (problem,) = many_epochs(5.5, 1200)
    assert (problem.name, problem.fatal) == ("many-epochs", False)
    assert "5.5 epochs of 1,200 rows" in problem.message


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (None, "--replay FILE --replay-share 0.25"),
        (0.0, "none of: --replay FILE --replay-share 0.25"),
        (0.25, "had a replay share of 0.25; try --replay-share 0.5"),
        (0.6, f"try --replay-share {MOST_REPLAY:g}"),
        (0.8, "0.8 already; try a smaller --learning-rate"),
    ],
)
def test_what_to_do_against_forgetting(share: float | None, said: str) -> None:
    assert said in more_replay(share)


def test_lines_of_metrics_are_told_apart() -> None:
    lines: list[dict[str, Any]] = []
    for step in range(1, 41):
        lines.append({"step": step, "loss": 2 / step, "num_tokens": 9.0})
        if step % 10 == 0:
            lines.append({"step": step, "eval_loss": 0.5 + 0.1 * (step // 10)})
    assert [problem.name for problem in after_training(lines, 0.0)] == ["validation-loss-rising", "loss-gap"]
    assert after_training([{"step": 1, "loss": 1.0}], 0.0) == []


# --- trainings -------------------------------------------------------------------------------------------------------


@pytest.fixture
def by_heart(tmp_path: Path) -> dict[str, Any]:
    """The keys of a run on 16 rows whose answers have nothing to do with their prompts."""
    for needed in ("torch", "transformers", "trl", "peft", "datasets"):
        pytest.importorskip(needed)
    import tiny_lm

    rows = tiny_lm.unrelated_rows(tiny_lm.CITIES[:24], 3)
    files = {"train": rows[:16], "validation": rows[16:]}
    named = {name: str(tiny_lm.write_rows(tmp_path / f"{name}.jsonl", held)) for name, held in files.items()}
    return {
        "model": str(tiny_lm.base_model()), **named, "output": str(tmp_path / "run"), "without_baseline": True,
        "gpus": ["L4"], "learning_rate": 6e-3, "batch_size": 16, "gradient_accumulation": 1,
        "gradient_checkpointing": False,
    }  # fmt: skip


def test_a_run_that_learns_by_heart_is_warned_of(by_heart: dict[str, Any]) -> None:
    import torch

    from trainers import runs
    from trainers.config import make_config
    from trainers.preflight import preflight
    from trainers.run_evaluation import listed
    from trainers.run_table import table
    from trainers.sft import train
    from trainers.summary import run_lines

    torch.set_num_threads(1)
    config = make_config({**by_heart, "epochs": 36, "eval_steps": 6, "early_stopping": 0})
    checked = preflight(config)
    assert [problem.name for problem in checked.found.problems] == ["many-epochs"]
    assert not preflight(make_config({**by_heart, "steps": 4})).found.problems
    progress = io.StringIO()
    run = train(config, checked, progress)
    names = ["many-epochs", "validation-loss-rising", "loss-gap"]
    assert [problem.name for problem in run.problems] == names
    assert run.outcome is not None and run.outcome.best_step < 24
    folder = Path(config.output)
    assert runs.read(folder) == run
    told = [line for line in progress.getvalue().split("\n") if line.startswith("warning:")]
    assert len(told) == 1 and f"best at step {run.outcome.best_step} " in told[0]
    assert sum(line.startswith("warning: ") for line in run_lines(run)) == 3
    card = (folder / "adapter" / "README.md").read_text()
    assert all(f"- {name}: " in card for name in names)
    assert next(line for line in table(listed([folder])[0]) if "finished" in line).endswith(", ".join(names))
