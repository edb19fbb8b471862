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

COMPLETE = "complete"
"""Name of the file that says that a checkpoint is whole."""
EVERY = 5.0
"""Seconds between two lines of progress."""
_KEPT = ("loss", "grad_norm", "learning_rate", "eval_loss", "num_tokens", "mean_token_accuracy", "epoch")


class TrainingStopped(PrepdataError):
    """The training cannot go on. Checkpoints made before are kept."""


class Watch(TrainerCallback):
    """Writes metrics, says how far the run is, marks whole checkpoints, and stops where the loss is no number.

    Args:
        metrics: JSONL file that lines are added to.
        out: where progress goes; None for nowhere.
    """

    def __init__(self, metrics: Path, out: TextIO | None = sys.stderr) -> None:
        self.metrics = metrics
        self.out = out
        self.started = self.said = time.monotonic()
        self.first_step = 0
        self.first_tokens: float | None = None
        self.tokens = 0.0
        self.last_loss: float | None = None
        self.peak = 0
        self.device, self.libraries = "cpu", 0

    def start_peak(self, device: str) -> None:
        """Take the peak of memory from here on: to be called before the model is loaded."""
        self.device, self.libraries = device, resident.library_memory(device)
        resident.start_peak(device)

    @property
    def seconds(self) -> float:
        """Wall time since training began."""
        return time.monotonic() - self.started

    @property
    def speed(self) -> float:
        """Tokens a second, with padding."""
        return (self.tokens - (self.first_tokens or 0.0)) / self.seconds if self.seconds > 0 else 0.0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Start the clock; what loading the model left behind is handed back."""
        self.started = self.said = time.monotonic()
        self.first_step = state.global_step
        if self.device == "cpu":
            resident.hand_back()

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
        line = {"step": state.global_step, **found, "seconds": round(self.seconds, 3)}
        with self.metrics.open("ab") as file:
            file.write(json_text(line).encode() + b"\n")
        for name in ("loss", "grad_norm", "eval_loss"):
            if name in found and not math.isfinite(found[name]):
                raise TrainingStopped(
                    f"step {state.global_step}: {name} is {found[name]}: training has gone wrong and was stopped. Use "
                    "a smaller --learning-rate or a smaller --max-grad-norm; with float16 use --dtype bfloat16"
                )
        self._say(state, found)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Mark a checkpoint as whole."""
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
            done = state.global_step - self.first_step
            left = (state.max_steps - state.global_step) * self.seconds / max(1, done)
            said += [f"{self.speed:,.0f} tokens/s", f"{self.peak / 1024**3:.2f} GiB", f"{clock(left)} left"]
        print("  ".join(said), file=self.out, flush=True)


_WORDS = {"loss": "loss", "eval_loss": "validation loss"}


def clock(seconds: float) -> str:
    """Return a stretch of time as 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
