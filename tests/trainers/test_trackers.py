"""Trackers: what they are told, where they keep it, and what happens where one is missing or fails."""

from __future__ import annotations

import importlib.machinery
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from prepdata.errors import ConfigError, UsageError
from trainers import trackers
from trainers.config import TrainConfig, make_config
from trainers.trackers import Trackers, missing, open_trackers

FIGURES = {"loss": 2.0, "grad_norm": 0.5}


def config(tmp_path: Path, *names: str) -> TrainConfig:
    (tmp_path / "run").mkdir(exist_ok=True)
    return make_config({"model": "m", "train": "t", "output": str(tmp_path / "run"), "trackers": list(names)})


class Noted:
    """A tracker that keeps what it is told, or fails at a step."""

    def __init__(self, fails_at: int = 0) -> None:
        self.told: list[tuple[int, dict[str, float]]] = []
        self.finished: bool | None = None
        self.fails_at = fails_at

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        if step == self.fails_at:
            raise OSError("no room\nleft")
        self.told.append((step, dict(figures)))

    def close(self, *, finished: bool) -> None:
        self.finished = finished


def test_figures_are_named_and_handed_on_to_all() -> None:
    one, other = Noted(), Noted()
    with Trackers({"one": one, "other": other}) as held:
        held.log(1, FIGURES)
        held.log(1, {"eval_loss": 1.5, "seconds": 3})
    assert one.told == [(1, {"train/loss": 2.0, "train/grad_norm": 0.5}), (1, {"eval/loss": 1.5, "train/seconds": 3})]
    assert other.told == one.told
    assert (one.finished, other.finished) == (True, True)


def test_one_that_fails_is_left_out_and_the_run_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    bad, good = Noted(fails_at=2), Noted()
    with pytest.raises(KeyboardInterrupt), Trackers({"bad": bad, "good": good}) as held:
        for step in (1, 2, 3):
            held.log(step, FIGURES)
        raise KeyboardInterrupt
    assert [step for step, _ in bad.told] == [1]
    assert [step for step, _ in good.told] == [1, 2, 3]
    assert (bad.finished, good.finished) == (None, False)
    assert capsys.readouterr().err == "prepdata: bad is left out from here on: no room left\n"


def test_none_by_default_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    assert config(tmp_path).trackers == ()
    assert open_trackers(config(tmp_path), tmp_path / "run", 0).held == {}
    assert not (tmp_path / "run" / "trackers").exists()
    with pytest.raises(ConfigError, match="trackers: expected some of mlflow, tensorboard, wandb, found 'comet'"):
        config(tmp_path, "comet")


def test_packages_that_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = importlib.machinery.ModuleSpec("wandb", None)  # as `find_spec` gives for a folder ./wandb
    real = importlib.machinery.ModuleSpec("mlflow", None, origin="mlflow/__init__.py")
    specs = {"tensorboard": None, "wandb": folder, "mlflow": real}
    monkeypatch.setattr(trackers, "find_spec", specs.__getitem__)
    assert missing(config(tmp_path, "tensorboard", "mlflow", "wandb")) == ["tensorboard", "wandb"]


def test_the_preflight_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for needed in ("torch", "transformers", "trl", "peft", "datasets", "accelerate"):
        pytest.importorskip(needed)
    from trainers.preflight import preflight

    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="not installed: mlflow, wandb; pip install mlflow wandb"):
        preflight(config(tmp_path, "mlflow", "wandb"))


def test_one_that_cannot_be_opened_ends_the_run_and_closes_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_before = Noted()

    def broken(*_: Any) -> Noted:
        raise RuntimeError("no key")

    monkeypatch.setattr(trackers, "KINDS", {"tensorboard": lambda *_: open_before, "wandb": broken})
    with pytest.raises(UsageError, match="wandb cannot be opened: no key; leave it out of trackers"):
        open_trackers(config(tmp_path, "tensorboard", "wandb"), tmp_path / "run", 0)
    assert open_before.finished is False


class FakeRun:
    """What `wandb.init` gives."""

    def __init__(self, **given: Any) -> None:
        self.given = given
        self.told: list[dict[str, float]] = []
        self.defined: list[tuple[str, str]] = []
        self.code: int | None = None

    def define_metric(self, name: str, step_metric: str) -> None:
        self.defined.append((name, step_metric))

    def log(self, told: dict[str, float]) -> None:
        self.told.append(told)

    def finish(self, exit_code: int) -> None:
        self.code = exit_code


def wandb_runs(monkeypatch: pytest.MonkeyPatch) -> list[FakeRun]:
    """Put a module in the place of wandb; return the runs that are begun with it."""
    begun: list[FakeRun] = []
    module = ModuleType("wandb")
    module.Settings = SimpleNamespace  # type: ignore[attr-defined]
    module.init = lambda **given: begun.append(FakeRun(**given)) or begun[-1]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", module)
    for name in ("WANDB_MODE", "WANDB_PROJECT", "WANDB_NAME", "WANDB_SILENT"):
        monkeypatch.setenv(name, "")
    return begun


def test_wandb_stays_offline_and_goes_on_in_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = wandb_runs(monkeypatch)
    for step in (0, 4):
        with open_trackers(config(tmp_path, "wandb"), tmp_path / "run", step) as held:
            held.log(step + 1, FIGURES)
    first, again = begun
    assert (first.given["mode"], first.given["project"], first.given["name"]) == ("offline", "prepdata", "run")
    assert first.given["dir"] == str(tmp_path / "run" / "trackers")
    assert first.given["id"] == again.given["id"]
    assert first.told == [{"step": 1, "train/loss": 2.0, "train/grad_norm": 0.5}]
    assert (first.defined, first.code) == ([("*", "step")], 0)


def test_wandb_goes_online_only_by_its_own_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = wandb_runs(monkeypatch)
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_PROJECT", "shop")
    with pytest.raises(ValueError), open_trackers(config(tmp_path, "wandb"), tmp_path / "run", 0):
        raise ValueError
    assert (begun[0].given["mode"], begun[0].given["project"], begun[0].code) == ("online", "shop", 1)


def test_statistics_of_trackers_are_off() -> None:
    code = "import os; from prepdata.quiet import keep_quiet; keep_quiet(); print(*sorted(os.environ))"
    names = ("MLFLOW_DISABLE_TELEMETRY", "WANDB_ERROR_REPORTING", "WANDB_MODE")
    env = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert [name in done.stdout.split() for name in names] == [True, True, False]


def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    # ended before a checkpoint, and after step 6; gone on from the checkpoint of 4
    for begun, steps in ((0, range(1, 4)), (0, range(1, 7)), (4, range(5, 9))):
        with open_trackers(config(tmp_path, "tensorboard"), tmp_path / "run", begun) as held:
            for step in steps:
                held.log(step, {"loss": begun + step})
    read = EventAccumulator(str(tmp_path / "run" / "trackers" / "tensorboard")).Reload()
    found = [(event.step, event.value) for event in read.Scalars("train/loss")]
    assert found == [(1, 1), (2, 2), (3, 3), (4, 4), (5, 9), (6, 10), (7, 11), (8, 12)]
    text = read.Tensors("config/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "lora_r: 16" in text


def test_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for begun in (0, 1):
        with open_trackers(config(tmp_path, "mlflow"), tmp_path / "run", begun) as held:
            held.log(begun + 1, FIGURES)
    client = MlflowClient(f"sqlite:///{tmp_path / 'run' / 'trackers' / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("prepdata").experiment_id])
    assert (run.info.run_name, run.info.status, run.data.params["lora_r"]) == ("run", "FINISHED", "16")
    assert [metric.step for metric in client.get_metric_history(run.info.run_id, "train/loss")] == [1, 2]


def test_wandb_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    with open_trackers(config(tmp_path, "wandb"), tmp_path / "run", 0) as held:
        held.log(1, FIGURES)
    assert list((tmp_path / "run" / "trackers" / "wandb").glob("offline-run-*/run-*.wandb"))
