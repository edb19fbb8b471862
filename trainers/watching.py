"""What watches a training: metrics into a file, progress for people, an end to runs that have gone wrong.

Imports transformers: to be imported where a training starts.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from prepdata.errors import PrepdataError
from prepdata.jsontext import json_text
from trainers import resident
from trainers.distributed import ALONE, Group
from trainers.guards import validation_rising
from trainers.runs import now
from trainers.trackers import Trackers

COMPLETE = "complete"
"""Name of the file that says that a checkpoint is whole."""
EVERY = 5.0
"""Seconds between two lines of progress."""
WARM_UP, SETTLED = 5, 20
"""Steps that tell nothing of those to come, and steps after which the others are gone by."""
OVERFLOWS = 16
"""Steps in a row with float16 whose gradient may be no number: each is skipped and halves the scale of the loss, which
begins at 2^16 (GradScaler of torch)."""
_KEPT = ("loss", "grad_norm", "learning_rate", "eval_loss", "num_tokens", "mean_token_accuracy", "epoch")


class TrainingStopped(PrepdataError):
    """The training cannot go on. Checkpoints made before are kept."""


class Watch(TrainerCallback):
    """Writes metrics, says how far the run is, marks whole checkpoints, and stops where the loss is no number.

    Args:
        metrics: JSONL file that lines are added to.
        out: where progress goes; None for nowhere.
        group: the processes that train together; all of them watch, the first one writes.
        trackers: what the figures are handed on to.
    """

    def __init__(
        self,
        metrics: Path,
        out: TextIO | None = sys.stderr,
        group: Group = ALONE,
        trackers: Trackers | None = None,
    ) -> None:
        self.metrics = metrics
        self.out = out if group.leads else None
        self.group = group
        self.trackers = trackers or Trackers({})
        self.started = self.said = time.monotonic()
        self.pace = Pace()
        self.first_step = 0
        self.first_tokens: float | None = None
        self.tokens = 0.0
        self.last_loss: float | None = None
        self.peak = 0
        self.validated: list[tuple[int, float]] = []
        self.warned = False
        self.overflows = 0
        self.device, self.libraries = "cpu", 0

    def start_peak(self, device: str) -> None:
        """Take the peak of memory from here on: to be called before the model is loaded."""
        if device == "cuda":
            import torch

            torch.cuda.set_device(self.group.local_rank)  # before accelerate does so: the first GPU is another's
        self.device, self.libraries = device, resident.library_memory(device)
        resident.start_peak(device)

    @property
    def seconds(self) -> float:
        """Wall time since training began."""
        return time.monotonic() - self.started

    @property
    def speed(self) -> float:
        """Tokens a second of all processes together, without padding."""
        return (self.tokens - (self.first_tokens or 0.0)) / self.seconds if self.seconds > 0 else 0.0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Start the clock; what loading the model left behind is handed back."""
        self.started = self.said = time.monotonic()
        self.first_step = state.global_step
        if self.device == "cpu":
            resident.hand_back()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Take the time of a step."""
        self.pace.step(time.monotonic() - self.started)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Keep the figures of a step or a validation.

        Raises:
            TrainingStopped: loss or gradient is no number.
        """
        found = {name: logs[name] for name in _KEPT if logs and name in logs}
        if "loss" not in found and "eval_loss" not in found:
            return
        self.peak = max(self.peak, resident.peak(self.device, self.libraries))
        self.last_loss = found.get("loss", self.last_loss)
        tokens = found.get("num_tokens")
        if tokens is not None and "loss" in found:
            self.first_tokens = 0.0 if self.first_tokens is None and not self.first_step else self.first_tokens
            self.first_tokens = tokens if self.first_tokens is None else self.first_tokens
            self.tokens = tokens
        found |= {"seconds": round(self.seconds, 3), "peak_memory": self.peak}
        if self.group.leads:
            with self.metrics.open("ab") as file:
                file.write(json_text({"step": state.global_step, **found, "time": now()}).encode() + b"\n")
            self.trackers.log(state.global_step, found)  # numbers only
        for name in ("loss", "grad_norm", "eval_loss"):
            if name in found and not math.isfinite(found[name]) and not self._scaled(args, name):
                raise TrainingStopped(
                    f"step {state.global_step}: {name} is {found[name]}: training has gone wrong and was stopped. Use "
                    "a smaller --learning-rate or a smaller --max-grad-norm; with float16 use --dtype bfloat16"
                )
        if math.isfinite(found.get("grad_norm", math.inf)):
            self.overflows = 0
        self._say(state, found)
        if "eval_loss" in found:
            self._guard(state.global_step, found["eval_loss"])

    def _scaled(self, args: TrainingArguments, name: str) -> bool:
        """Return whether a figure is no number only because the loss is still scaled too high for float16."""
        if name != "grad_norm" or not args.fp16:
            return False
        self.overflows += 1
        return self.overflows <= OVERFLOWS

    def _guard(self, step: int, loss: float) -> None:
        """Say once that the validation loss is rising; whether it goes on doing so is told when the run is over."""
        self.validated.append((step, loss))
        problem = None if self.warned else validation_rising(self.validated)
        if problem is not None and self.out is not None:
            self.warned = True
            print(f"warning: {problem.message}", file=self.out, flush=True)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Mark a checkpoint as whole, when all processes have written their part of it."""
        self.group.wait()
        if self.group.leads:
            (Path(str(args.output_dir)) / f"checkpoint-{state.global_step}" / COMPLETE).touch()

    def _say(self, state: TrainerState, found: dict[str, Any]) -> None:
        now = time.monotonic()
        last = state.global_step >= state.max_steps
        if self.out is None or ("loss" in found and now - self.said < EVERY and not last):
            return
        self.said = now
        said = [f"step {state.global_step}/{state.max_steps}"]
        said += [f"{word} {found[name]:.4f}" for name, word in _WORDS.items() if name in found]
        if "loss" in found:
            left = clock((state.max_steps - state.global_step) * self.pace.of_a_step)
            about = "" if self.pace.settled or last else "about "
            said += [f"{self.speed:,.0f} tokens/s", f"{self.peak / 1024**3:.2f} GiB", f"{about}{left} left"]
        print("  ".join(said), file=self.out, flush=True)


class Pace:
    """How long a step takes: once it has settled without the first steps, in which memory is laid out."""

    def __init__(self) -> None:
        self.steps = 0
        self.seconds = self._warm = 0.0

    def step(self, seconds: float) -> None:
        """Count a step; `seconds` since the training began."""
        self.steps += 1
        self.seconds = seconds
        if self.steps == WARM_UP:
            self._warm = seconds

    @property
    def settled(self) -> bool:
        """True when enough steps were done to go by them."""
        return self.steps >= SETTLED

    @property
    def of_a_step(self) -> float:
        """Seconds, with the validations and checkpoints between steps."""
        if self.settled:
            return (self.seconds - self._warm) / (self.steps - WARM_UP)
        return self.seconds / max(1, self.steps)


_WORDS = {"loss": "loss", "eval_loss": "validation loss"}


def clock(seconds: float) -> str:
    """Return a stretch of time as 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
