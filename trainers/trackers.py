"""Trackers that show a run while it trains: TensorBoard, MLflow, Weights & Biases. None unless `trackers` names it.

What they keep stays in the folder `trackers` of the run. It leaves this machine only where the environment says so in
the tracker's own words: WANDB_MODE=online, or a server in MLFLOW_TRACKING_URI. A tracker that fails on the way is left
out from then on; the training goes on.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from prepdata.errors import UsageError
from prepdata.files import replacing
from prepdata.reporters.base import safe
from trainers.config import TrainConfig, as_dict

FOLDER = "trackers"
PROJECT = "prepdata"
"""What the runs stand under at MLflow and W&B; MLFLOW_EXPERIMENT_NAME and WANDB_PROJECT name another."""
_LONGEST = 250
"""Characters of a parameter that every version of MLflow takes (500 until 2.8, 6,000 since; read 2026-11)."""


class Tracker(Protocol):
    """Takes the figures of one run."""

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Take the figures of a step."""

    def close(self, *, finished: bool) -> None:
        """Write out what waits; `finished` is False where the run was stopped."""


class TensorBoard:
    """Event files in `trackers/tensorboard`; figures after `step`, which a resumed run makes again, are purged."""

    def __init__(self, config: TrainConfig, place: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer: Any = SummaryWriter(str(place / "tensorboard"), purge_step=step + 1)
        self.writer.add_text("config", "\n".join(f"    {k}: {v}" for k, v in as_dict(config).items()), step)

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def close(self, *, finished: bool) -> None:
        self.writer.close()


class MLflow:
    """A run in the database `trackers/mlflow.db`, or at the server that MLFLOW_TRACKING_URI names."""

    def __init__(self, config: TrainConfig, place: Path, step: int) -> None:
        from mlflow.tracking import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.WARNING)
        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(place / 'mlflow.db').absolute()}"
        self.client: Any = MlflowClient(tracking_uri=uri)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or PROJECT

        def begin() -> str:
            found = self.client.get_experiment_by_name(name)
            number = found.experiment_id if found else self.client.create_experiment(name)
            run = str(self.client.create_run(number, run_name=_run_name(config)).info.run_id)
            for key, value in as_dict(config).items():
                self.client.log_param(run, key, str(value)[:_LONGEST])
            return run

        self.run = _kept(place / "mlflow-run", begin)
        self.client.update_run(self.run, status="RUNNING")

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)  # milliseconds
        self.client.log_batch(self.run, metrics=[Metric(name, value, now, step) for name, value in figures.items()])

    def close(self, *, finished: bool) -> None:
        self.client.set_terminated(self.run, "FINISHED" if finished else "FAILED")


class Wandb:
    """A run in `trackers/wandb`, for `wandb sync`; sent at once only where WANDB_MODE says so."""

    def __init__(self, config: TrainConfig, place: Path, step: int) -> None:
        os.environ.setdefault("WANDB_SILENT", "true")
        import wandb

        self.run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            name=os.environ.get("WANDB_NAME") or _run_name(config),
            id=_kept(place / "wandb-run", lambda: uuid.uuid4().hex[:12]),
            resume="allow",
            dir=str(place),
            mode=os.environ.get("WANDB_MODE") or "offline",
            config=as_dict(config),
            settings=wandb.Settings(console="off"),
        )
        self.run.define_metric("*", step_metric="step")

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        self.run.log({"step": step, **figures})

    def close(self, *, finished: bool) -> None:
        self.run.finish(exit_code=0 if finished else 1)


KINDS: dict[str, Callable[[TrainConfig, Path, int], Tracker]] = {
    "tensorboard": TensorBoard,
    "mlflow": MLflow,
    "wandb": Wandb,
}
"""Name, which is that of its package too -> tracker."""


class Trackers:
    """The trackers of a run, closed where a `with` block ends.

    Args:
        held: name -> tracker.
    """

    def __init__(self, held: Mapping[str, Tracker]) -> None:
        self.held = dict(held)

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Hand on the figures of a step, or of a validation, named like those of transformers."""
        named = {f"eval/{name[5:]}" if name.startswith("eval_") else f"train/{name}": figures[name] for name in figures}
        for name, tracker in list(self.held.items()):
            self._try(name, tracker.log, step, named)

    def _try(self, name: str, call: Callable[..., None], *given: Any, **named: Any) -> None:
        try:
            call(*given, **named)
        except Exception as error:
            self.held.pop(name, None)
            print(f"prepdata: {name} is left out from here on: {_line(error)}", file=sys.stderr, flush=True)

    def __enter__(self) -> Trackers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, tracker in list(self.held.items()):
            self._try(name, tracker.close, finished=kind is None)


def missing(config: TrainConfig) -> list[str]:
    """Return the packages of trackers that are not installed. A folder of that name, which W&B leaves, is none."""
    found = {name: find_spec(name) for name in config.trackers}
    return [name for name, spec in found.items() if spec is None or spec.origin is None]


def open_trackers(config: TrainConfig, folder: Path, step: int) -> Trackers:
    """Return the trackers of a run.

    Args:
        config: of the run.
        folder: of the run.
        step: that it goes on from, 0 for a new one.

    Raises:
        UsageError: one cannot be opened.
    """
    held: dict[str, Tracker] = {}
    place = folder / FOLDER
    for name in config.trackers:
        place.mkdir(exist_ok=True)
        try:
            held[name] = KINDS[name](config, place, step)
        except Exception as error:
            Trackers(held).__exit__(type(error), error, None)
            raise UsageError(f"{name} cannot be opened: {_line(error)}; leave it out of trackers") from None
    return Trackers(held)


def _run_name(config: TrainConfig) -> str:
    return Path(config.output).absolute().name


def _kept(file: Path, make: Callable[[], str]) -> str:
    """Return the text in a file, made now where there is none: a resumed run goes on in the same run of a tracker."""
    if not file.is_file():
        made = make()
        with replacing(file) as opened:
            opened.write(made.encode())
    return file.read_text(encoding="utf-8").strip()


def _line(error: Exception) -> str:
    return safe(" ".join(str(error).split())[:300] or type(error).__name__)
