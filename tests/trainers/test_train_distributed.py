"""Trainings on two processes: the same as one, counted, resumed, and ended together.

The libraries are imported once for all processes but those of the one test that starts torchrun itself.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import signal
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
for needed in ("transformers", "trl", "peft", "datasets", "accelerate", "tokenizers", "jinja2"):
    pytest.importorskip(needed)
if not hasattr(signal, "SIGKILL"):
    pytest.skip("needs processes of POSIX", allow_module_level=True)

import msgspec  # noqa: E402
import tiny_lm  # noqa: E402
from together import Ended, together  # noqa: E402

from prepdata.cost import Range  # noqa: E402
from prepdata.errors import PrepdataError, UsageError  # noqa: E402
from prepdata.quiet import keep_quiet  # noqa: E402
from trainers import devices, distributed, estimate, runs  # noqa: E402
from trainers.config import TrainConfig, make_config  # noqa: E402
from trainers.data import Simulated  # noqa: E402
from trainers.distributed import Group, joined  # noqa: E402
from trainers.preflight import Preflight, make_plan, preflight  # noqa: E402
from trainers.sft import _as_planned, train  # noqa: E402

keep_quiet()
STEPS = 8


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration of a run of 8 steps on 96 rows: an epoch of 6 steps for 16 rows, and two more."""
    folder = tmp_path_factory.mktemp("two")
    rows = tiny_lm.json_rows(116, 1)
    files = {"train": rows[:96], "validation": rows[96:]}
    given: dict[str, Any] = {
        name: str(tiny_lm.write_rows(folder / f"{name}.jsonl", held)) for name, held in files.items()
    }
    given |= {
        "model": str(tiny_lm.base_model()), "without_baseline": True, "gpus": [], "steps": STEPS, "eval_steps": 4,
        "learning_rate": 6e-3, "batch_size": 8, "gradient_accumulation": 1, "gradient_checkpointing": False,
    }  # fmt: skip
    file = folder / "run.yaml"
    file.write_text(json.dumps(given))  # JSON is YAML
    return file


def codes(ended: list[Ended]) -> list[int | None]:
    return [one.code for one in ended]


def said(ended: list[Ended]) -> list[str]:
    """Return the lines of all processes, on both streams."""
    return [line for one in ended for line in (one.out + one.err).splitlines()]


def metrics(folder: Path, name: str) -> list[Any]:
    return [line[name] for line in runs.metrics(folder) if name in line]


def adapter(folder: Path) -> str:
    found = runs.read(folder).outcome
    assert found is not None
    return found.adapter


def test_two_processes_of_torchrun_train_like_one(keys: Path, tmp_path: Path) -> None:
    two = tmp_path / "two"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "prepdata", "train", str(keys), "--output", str(two)]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"steps       {STEPS} of 16 rows, 6 an epoch") == 1
    assert done.stdout.count(f"{STEPS} of {STEPS} steps") == 1
    assert done.stderr.count(f"step {STEPS}/{STEPS}  validation loss") == 1
    config = make_config({**json.loads(keys.read_text()), "batch_size": 16, "output": str(tmp_path / "one")})
    one = train(config, preflight(config), None)
    assert metrics(two, "loss") == pytest.approx(metrics(tmp_path / "one", "loss"), rel=1e-4)
    # a validation loss is a mean over batches, which are smaller here
    assert metrics(two, "eval_loss") == pytest.approx(metrics(tmp_path / "one", "eval_loss"), rel=0.01)
    assert metrics(two, "num_tokens") == metrics(tmp_path / "one", "num_tokens")
    assert metrics(two, "step") == sorted([*range(1, STEPS + 1), 4, 8])
    run = runs.read(two)
    assert (run.machine.processes, one.machine.processes) == (2, 1)
    assert (run.rows, run.trained_tokens, run.status) == (one.rows, one.trained_tokens, "finished")
    assert "\n- 2 processes, each on `" in (two / "adapter" / "README.md").read_text()
    assert len(list((two / "checkpoints" / "checkpoint-8").glob("rng_state_*.pth"))) == 2


def killed(rank: int) -> None:
    """Have all processes end without a word when the first checkpoint is whole."""
    from trainers.watching import Watch

    whole = Watch.on_save

    def save_and_die(self: Watch, *given: Any, **more: Any) -> None:
        whole(self, *given, **more)
        self.group.wait()
        time.sleep(0 if rank else 2)  # the first holds the store that the others still ask
        os._exit(9)

    Watch.on_save = save_and_die  # type: ignore[method-assign]


def test_a_killed_run_goes_on_with_as_many_processes(keys: Path, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    command = ["train", str(keys), "--lora-dropout", "0.1", "--quiet", "--output"]
    assert codes(together(tmp_path / "said", [*command, str(whole)])) == [0, 0]
    assert codes(together(tmp_path / "said-cut", [*command, str(cut)], before=killed)) == [9, 9]
    assert runs.read(cut).status == "running"
    config = make_config({**json.loads(keys.read_text()), "lora_dropout": 0.1, "output": str(cut), "resume": True})
    with pytest.raises(UsageError, match="had 2 processes, and there are 1"):
        train(config, preflight(config), None)
    ended = together(tmp_path / "said-on", [*command, str(cut), "--resume"])
    assert (codes(ended), said(ended)) == ([0, 0], [])
    assert adapter(cut) == adapter(whole)
    assert [line["step"] for line in runs.metrics(cut) if "loss" in line] == list(range(1, STEPS + 1))


def no_number(rank: int) -> None:
    """Have the losses of this process be no numbers."""
    from trl.trainer.sft_trainer import SFTTrainer

    right = SFTTrainer.compute_loss
    if rank:
        SFTTrainer.compute_loss = lambda *given, **more: right(*given, **more) * float("nan")  # type: ignore


def test_a_loss_that_is_no_number_in_one_process_stops_all(keys: Path, tmp_path: Path) -> None:
    command = ["train", str(keys), "--quiet", "--output", str(tmp_path / "run")]
    ended = together(tmp_path / "said", command, before=no_number)
    assert codes(ended) == [2, 2]
    (line,) = said(ended)
    assert line.startswith("prepdata: step 1: loss is nan")
    assert runs.read(tmp_path / "run").reason == line.removeprefix("prepdata: ")


def out_of_memory(rank: int) -> None:
    """Have the second process fail alone in a step."""
    from trainers.watching import Watch

    before = Watch.on_step_end

    def end(self: Watch, args: Any, state: Any, *given: Any, **more: Any) -> None:
        if rank and state.global_step == 2:
            raise PrepdataError("no memory left here")
        before(self, args, state, *given, **more)

    Watch.on_step_end = end  # type: ignore[method-assign]
    distributed.PARTING = 0.5


def test_one_process_that_fails_alone_ends_all_and_is_heard(keys: Path, tmp_path: Path) -> None:
    command = ["train", str(keys), "--quiet", "--output", str(tmp_path / "run")]
    ended = together(tmp_path / "said", command, before=out_of_memory)
    assert codes(ended) == [2, 2]
    assert said(ended) == ["prepdata: no memory left here"]
    assert runs.read(tmp_path / "run").reason == "no memory left here"


def test_what_stands_in_the_way_is_said_once_and_ends_all(keys: Path, tmp_path: Path) -> None:
    for number, (flags, code, line) in enumerate(
        [
            (["--max-length", "24"], 1, "error: data-errors"),
            (["--model", str(tmp_path)], 2, "it has no config.json"),
            (["--batch-size", "0"], 2, "--batch-size: "),
            (["--resume"], 2, "no run folder"),
        ]
    ):
        flags = ["train", str(keys), "--output", str(tmp_path / "run"), *flags]
        ended = together(tmp_path / str(number), flags)
        assert codes(ended) == [code, code]
        assert sum(line in one.out + one.err for one in ended) == 1, ended
        assert not any("Traceback" in one or "interrupted" in one for one in said(ended))
        assert min(len(one.out + one.err) for one in ended) == 0
    assert not (tmp_path / "run").exists()


def test_what_launchers_ask_for_and_prepdata_does_not_do(keys: Path, tmp_path: Path) -> None:
    command = ["train", str(keys), "--output", str(tmp_path / "run"), "--dry-run"]
    for number, (env, words) in enumerate(
        [({"LOCAL_WORLD_SIZE": "1"}, "several machines"), ({"ACCELERATE_USE_FSDP": "true"}, "(DDP)")]
    ):
        ended = together(tmp_path / str(number), command, **env)
        assert codes(ended) == [2, 2]
        assert [words in line for line in said(ended)] == [True]


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"WORLD_SIZE": "2", "RANK": "0"}, "without LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT"),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE: expected a number, found 'two'"),
        ({"SLURM_STEP_NUM_TASKS": "4"}, "SLURM_STEP_NUM_TASKS says that 4 copies"),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, "start one `torchrun --nproc-per-node 2 -m prepdata train ...`"),
        ({"ACCELERATE_USE_DEEPSPEED": "true"}, "(DDP)"),
    ],
)
def test_processes_that_would_train_alone(monkeypatch: pytest.MonkeyPatch, env: dict[str, str], words: str) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError) as caught, joined():
        pytest.fail("joined")
    assert words in str(caught.value)


def test_processes_that_do_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0",
                        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(distributed, "GATHERING", timedelta(seconds=1))
    with pytest.raises(UsageError, match="process 1 of 2 does not reach the others"), joined():
        pytest.fail("joined")


def test_one_process_alone_needs_no_torch() -> None:
    code = (
        "import sys; from trainers.distributed import joined\n"
        "with joined() as group: assert (group.size, group.all(7), group.first(lambda: 8)) == (1, [7], 8)\n"
        "assert 'torch' not in sys.modules"
    )
    env = {name: value for name, value in os.environ.items() if name not in ("WORLD_SIZE", *distributed.COPIES)}
    assert subprocess.run([sys.executable, "-c", code], env=env).returncode == 0


def test_accelerate_is_held_against_the_plan() -> None:
    found = Preflight([], [], "cpu", "float32", 2, None)

    def as_planned(size: int, rank: int, device: str, group: Group) -> None:
        args = SimpleNamespace(device=torch.device(device), process_index=rank)
        trainer: Any = SimpleNamespace(args=args, accelerator=SimpleNamespace(num_processes=size))
        _as_planned(trainer, msgspec.structs.replace(found, device=device.partition(":")[0]), group)

    as_planned(2, 1, "cpu", Group(1, 2))
    as_planned(2, 1, "cuda:1", Group(1, 2))
    as_planned(1, 0, "cuda:0", Group())
    for size, rank, device, group in (
        (1, 0, "cpu", Group(0, 2)),  # each would train alone
        (2, 0, "cpu", Group()),
        (2, 0, "cpu", Group(1, 2)),
        (2, 1, "cuda:0", Group(1, 2)),  # both on one GPU
    ):
        with pytest.raises(PrepdataError, match="nothing was trained"):
            as_planned(size, rank, device, group)


class Store(dict[str, bytes]):
    """The key-value store of a launcher, as far as a group uses it."""

    set = dict.__setitem__

    def wait(self, keys: list[str], _: timedelta) -> None:
        assert all(key in self for key in keys)

    def get(self, key: str) -> bytes:  # type: ignore[override]
        return self[key]


def test_what_is_shared_is_read_as_what_it_should_be(tmp_path: Path) -> None:
    store: Any = Store()
    simulated = Simulated(3, array("q", [5, 7]), 4, 7, 0, {"why": 1}, "")
    given = (simulated, tmp_path, [math.inf, "\udcff"])
    kind = tuple[Simulated, Path, list[float | str]]
    assert Group(0, 2, store).first(lambda: given, kind) is given
    told = Group(1, 2, store).first(lambda: given, kind)
    assert told == (simulated._replace(lengths=[5, 7]), *given[1:])


def test_nothing_in_the_store_runs_code(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "harm",)

    for text in (pickle.dumps((Harm(),)), b'{"path": 3}', b"[" * 100_000):
        with pytest.raises(PrepdataError, match="the store of the launcher holds"):
            Group(1, 2, Store({"1": text})).first(lambda: tmp_path, Path)
    assert not (tmp_path / "harm").exists()


def test_gpus_and_processes(monkeypatch: pytest.MonkeyPatch, keys: Path) -> None:
    config = make_config({**json.loads(keys.read_text()), "output": "run", "dtype": "bfloat16"})
    folder = Path(config.model)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert [devices.choose(config, size) for size in (1, 2, 4)] == ["cuda"] * 3
    assert devices.problems_of(config, folder, "cuda", 4) == ("bfloat16", [])
    dtype, (problem,) = devices.problems_of(config, folder, "cuda", 1)
    assert (dtype, problem.name, problem.fatal) == ("bfloat16", "several-gpus", True)
    assert "`torchrun --nproc-per-node 4 -m prepdata train ...`" in problem.cure
    with pytest.raises(UsageError, match=r"5 processes and 4 visible GPUs.*--nproc-per-node 4"):
        devices.choose(config, 5)
    assert devices.choose(msgspec.structs.replace(config, device="cpu"), 5) == "cpu"


@pytest.mark.parametrize(
    ("kept", "bf16", "dtypes"),
    [
        ("bfloat16", True, ("bfloat16", "float32")), ("bfloat16", False, ("float16", "float32")),
        ("float16", True, ("float16", "float32")), ("float32", True, ("bfloat16", "float32")),
        (None, False, ("float16", "float32")),
    ],
)  # fmt: skip
def test_dtype_by_checkpoint_and_device(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: str | None, bf16: bool, dtypes: tuple[str, str]
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"dtype": kept} if kept else {}))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: bf16)
    config = make_config({"model": str(tmp_path), "train": "t", "output": "o"})
    assert tuple(devices.dtype_of(config, tmp_path, device) for device in ("cuda", "cpu")) == dtypes
    named = make_config({"model": str(tmp_path), "train": "t", "output": "o", "dtype": "bfloat16"})
    assert devices.dtype_of(named, tmp_path, "cuda") == "bfloat16"
    (*_, problem) = devices.problems_of(named, tmp_path, "cuda", 1)[1] or [None]
    assert (problem is None) == bf16


def test_memory_is_that_of_each_process() -> None:
    needed = Range(2, 3, 4).times(estimate.GIB)
    assert devices.memory_problems(needed, 4 * estimate.GIB, 2) == []
    (warned,) = devices.memory_problems(needed, 3 * estimate.GIB, 2)
    (fatal,) = devices.memory_problems(needed, estimate.GIB, 1)
    assert (warned.fatal, fatal.fatal) == (False, True)
    assert "for each of 2 processes" in warned.message
    alone, half = (devices.free_memory("cpu", Group(0, size)) for size in (1, 2))
    assert half == pytest.approx(alone / 2, rel=0.2)


@pytest.mark.parametrize("rows", [1, 7, 32, 33, 64, 101])
@pytest.mark.parametrize(("batch", "accumulation", "size"), [(1, 1, 2), (8, 1, 2), (8, 4, 2), (4, 2, 3), (16, 1, 8)])
def test_steps_are_those_of_accelerate(rows: int, batch: int, accumulation: int, size: int) -> None:
    from accelerate.data_loader import BatchSamplerShard
    from torch.utils.data import BatchSampler

    shapes = estimate.Shapes(1000, (estimate.Linear("q_proj", 10, 10),), 1, 10, 20, 50)
    config = TrainConfig(model="m", train="t", output="o", batch_size=batch, gradient_accumulation=accumulation)
    config = msgspec.structs.replace(config, gpus=("L4",), epochs=2)
    lengths = array("q", [10] * rows)
    plan = make_plan(config, shapes, Simulated(rows, lengths, rows, 10, 0, {}, ""), None, 10, "cpu", "float32", size)
    shards = [BatchSamplerShard(BatchSampler(range(rows), batch, False), size, rank) for rank in range(size)]
    assert {len(list(shard)) for shard in shards} == {len(shards[0])}
    assert plan.steps_per_epoch == math.ceil(len(shards[0]) / accumulation)
    assert plan.steps == 2 * plan.steps_per_epoch


def test_hours_are_shared_and_rent_is_not() -> None:
    shapes = estimate.Shapes(10**9, (estimate.Linear("q_proj", 4096, 4096),), 16, 4096, 8192, 50_000)
    config = TrainConfig(model="m", train="t", output="o", gpus=("H100",), batch_size=1, gradient_accumulation=1)
    rows = Simulated(9600, array("q", [100] * 9600), 9600, 100, 0, {}, "")
    one, two = (make_plan(config, shapes, rows, None, 100, "cuda", "bfloat16", size).gpus[0] for size in (1, 2))
    assert one.hours is not None and two.hours is not None and one.usd is not None and two.usd is not None
    assert two.hours.likely == pytest.approx(one.hours.likely / 2)
    assert two.usd.likely == pytest.approx(one.usd.likely)


def test_a_run_that_a_signal_ended_says_which() -> None:
    assert distributed.reason(KeyboardInterrupt(signal.SIGTERM)) == "ended by SIGTERM"
    assert distributed.reason(KeyboardInterrupt()) == "ended by SIGINT"
