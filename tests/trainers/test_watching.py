"""How long a step takes, and what is said of it."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from trainers import watching
from trainers.distributed import Group
from trainers.trackers import Trackers
from trainers.watching import OVERFLOWS, SETTLED, WARM_UP, Pace, TrainingStopped, Watch


def test_first_steps_do_not_count_once_the_pace_has_settled() -> None:
    pace, seconds = Pace(), 0.0
    assert (pace.settled, pace.of_a_step) == (False, 0.0)
    for step in range(1, SETTLED + 11):
        seconds += 10.0 if step <= WARM_UP else 2.0
        pace.step(seconds)
        if step == WARM_UP:
            assert (pace.settled, pace.of_a_step) == (False, 10.0)
        if step == SETTLED - 1:
            assert not pace.settled and 2.0 < pace.of_a_step < 10.0
    assert pace.settled
    assert pace.of_a_step == pytest.approx(2.0)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


def run(watch: Watch, clock: Clock, steps: int, of: int, each: float = 6.0) -> None:
    """Take a watch through steps of some seconds."""
    args: Any = SimpleNamespace(output_dir="")
    for step in range(steps + 1):
        state: Any = SimpleNamespace(global_step=step, max_steps=of)
        if not step:
            watch.on_train_begin(args, state, None)  # type: ignore[arg-type]
            continue
        clock.now += 60.0 if step == 1 else each
        watch.on_step_end(args, state, None)  # type: ignore[arg-type]
        watch.on_log(args, state, None, {"loss": 1.0, "num_tokens": 100.0 * step})  # type: ignore[arg-type]


def test_time_left_is_said_by_measured_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, out = Clock(), io.StringIO()
    monkeypatch.setattr(watching, "time", clock)
    run(Watch(tmp_path / "metrics.jsonl", out), clock, 30, 100)
    said = out.getvalue().splitlines()
    assert said[0].startswith("step 1/100  loss 1.0000  2 tokens/s") and said[0].endswith("about 1:39:00 left")
    assert said[18].endswith("left") and "about" in said[18]
    assert said[SETTLED - 1].endswith("GiB  8:00 left")  # 80 steps of 6 s: the minute of the first one is no rule
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 31))
    assert lines[1]["seconds"] == 66.0
    assert all(line["peak_memory"] > 1 << 20 for line in lines)


def test_trackers_are_told_numbers_only(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    noted: Any = SimpleNamespace(log=lambda _, figures: told.append(dict(figures)), close=lambda **_: None)
    watch = Watch(tmp_path / "metrics.jsonl", None, trackers=Trackers({"noted": noted}))
    state: Any = SimpleNamespace(global_step=1, max_steps=2)
    watch.on_log(None, state, None, {"loss": 1.0, "num_tokens": 100.0})  # type: ignore[arg-type]
    assert [set(figures) for figures in told] == [
        {"train/loss", "train/num_tokens", "train/seconds", "train/peak_memory"}
    ]
    assert all(isinstance(value, (int, float)) for value in told[0].values())
    assert "time" in json.loads((tmp_path / "metrics.jsonl").read_text())


def test_each_process_looks_at_its_own_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    device, asked = [0], set()
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    monkeypatch.setattr(torch.cuda, "set_device", lambda number: device.append(number))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: asked.add(device[-1]) or (3, 10))  # of the current one
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 2)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: asked.add(device[-1]))
    watch = Watch(tmp_path / "metrics.jsonl", None, Group(rank=1, size=2))
    watch.start_peak("cuda")
    assert (asked, watch.libraries) == ({1}, 5)


def test_float16_may_skip_steps_until_its_scale_fits(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "metrics.jsonl", None)
    half, full = SimpleNamespace(fp16=True), SimpleNamespace(fp16=False)

    def step(args: Any, norm: float) -> None:
        state: Any = SimpleNamespace(global_step=1, max_steps=99)
        watch.on_log(args, state, None, {"loss": 1.0, "grad_norm": norm})  # type: ignore[arg-type]

    for norm in (*[math.inf] * OVERFLOWS, 1.0, *[math.nan] * OVERFLOWS):
        step(half, norm)
    with pytest.raises(TrainingStopped, match="grad_norm is inf"):
        step(half, math.inf)
    with pytest.raises(TrainingStopped, match="grad_norm is inf"):
        step(full, math.inf)


def test_other_processes_watch_and_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, out = Clock(), io.StringIO()
    monkeypatch.setattr(watching, "time", clock)
    watch = Watch(tmp_path / "metrics.jsonl", out, Group(rank=1, size=2))
    run(watch, clock, 3, 3)
    assert (out.getvalue(), list(tmp_path.iterdir())) == ("", [])
    with pytest.raises(TrainingStopped, match="step 4: loss is inf"):
        state: Any = SimpleNamespace(global_step=4, max_steps=4)
        watch.on_log(None, state, None, {"loss": float("inf")})  # type: ignore[arg-type]
