"""Times of base and tuned model taken in turns: a slower model is caught, noise of the machine is not taken for one."""

from __future__ import annotations

import gc
import json
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import msgspec
import pytest
from chat_server import served
from command import prepdata
from records_made import measured, samples

from prepdata.errors import InputError, UsageError
from trainers import record_files as records
from trainers import timing
from trainers.compare import Comparison, compare
from trainers.evaluate import Asked, InTurns, evaluate
from trainers.gate import Gate
from trainers.generate import Options, Output, Prompt, open_backend
from trainers.latency import latency_of_rounds
from trainers.prompting import Prompting
from trainers.record import Arm, Environment, Evaluation, Latency, ModelInfo, Rounds, TimedRow, Timing
from trainers.reporters.words import timed
from trainers.scorers import find_all
from trainers.testset import read_rows
from trainers.timing import (
    LEAST_ROUNDS,
    MOST_ROUNDS,
    Timed,
    check_same_prompts,
    in_turns,
    order,
    rounds_for,
    rounds_in_turns,
    spread,
)

ROOT = Path(__file__).parents[2]
LATER = {"kind": "tuned", "created": "2026-11-29T12:00:00Z"}
GATE = Gate(require="not-worse", margin=0.1, latency=0.2)


class Machine:
    """A clock that answers move, and load that makes them slower: a burst from one second to another."""

    def __init__(self, burst: tuple[float, float], times: float) -> None:
        self.now, self.burst, self.times, self.chance = 0.0, burst, times, random.Random(0)

    def spend(self, seconds: float) -> float:
        loaded = self.burst[0] <= self.now < self.burst[1]
        took = seconds * self.chance.uniform(0.95, 1.1) * (self.times if loaded else 1.0)
        self.now += took
        return took


class Simulated:
    """A model that takes so many seconds a token on such a machine."""

    environment = Environment(python="3.11", system="Linux")

    def __init__(self, machine: Machine, pace: float, name: str = "model") -> None:
        self.machine, self.pace, self.model = machine, pace, ModelInfo(name=name, backend="openai")

    def generate(self, prompts: list[Prompt]) -> list[Output]:
        tokens = [10 + int(prompt.key) % 7 for prompt in prompts]
        return [Output("x", n - 1, "stopped", self.machine.spend(self.pace * n)) for n in tokens]


def asked(rows: int) -> list[tuple[str, Prompt]]:
    return [(f"row-{n}", Prompt(str(n), ())) for n in range(rows)]


@pytest.fixture
def compared(tmp_path: Path) -> Callable[..., Comparison]:
    """Return a function that compares two records of as many rows as there are times."""

    def run(before: list[float], after: list[float], gate: Gate = GATE, **changes: Any) -> Comparison:
        sides = []
        for name, times in (("baseline", before), ("run", after)):
            held = [
                msgspec.structs.replace(sample, seconds=seconds)
                for sample, seconds in zip(samples({"exact_match": [1.0] * len(times)}), times)
            ]
            given = {"model": ModelInfo(name="model", backend="openai"), **({} if name == "baseline" else LATER)}
            sides.append(measured(tmp_path / f"{name}.json", held, **given, **(changes if name == "run" else {})))
        return compare(sides[0], sides[1], gate)

    return run


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_every_side_comes_equally_often_at_each_place_and_after_each_other(count: int) -> None:
    turns = [order(count, turn) for turn in range(2 * count)]
    assert all(sorted(turn) == list(range(count)) for turn in turns)
    for place in range(count):
        assert {side: [t[place] for t in turns].count(side) for side in range(count)} == dict.fromkeys(range(count), 2)
    after = [pair for turn in turns for pair in pairwise(turn)]
    assert len({after.count((a, b)) for a in range(count) for b in range(count) if a != b}) <= 1
    assert [order(2, turn) for turn in (0, 1)] == [[0, 1], [1, 0]]


def test_three_sides_and_what_comes_before_them_are_timed() -> None:
    machine = Machine(burst=(0.0, 0.0), times=1.0)
    prompts = [prompt for _, prompt in asked(4)]
    searched: list[int] = []
    sides = [
        Timed(Simulated(machine, 0.01), prompts), Timed(Simulated(machine, 0.02), prompts),
        Timed(Simulated(machine, 0.01), prompts, lambda number: searched.append(number) or time.sleep(0.002)),
    ]  # fmt: skip
    one, two, three = rounds_in_turns(sides, [name for name, _ in asked(4)])
    assert latency_of_rounds(two).p50 == pytest.approx(2 * latency_of_rounds(one).p50, rel=0.15)
    assert min(min(row.seconds) for row in three) > 0.1 and set(searched) == {0, 1, 2, 3}
    assert len(searched) == 2 + 4 * len(one[0].seconds)  # twice before times are taken


def alone(model: Simulated, rows: int) -> list[float]:
    """Return the times of rows that a model is asked alone."""
    return [model.generate([prompt])[0].seconds for _, prompt in asked(rows)]


def test_a_burst_of_load_moves_separate_times_and_not_those_in_turns(compared: Callable[..., Comparison]) -> None:
    machine = Machine(burst=(5.6, 15.0), times=8.0)  # the base is asked before it, the tuned model into it
    base, tuned = Simulated(machine, 0.01), Simulated(machine, 0.01)
    apart = compared(alone(base, 40), alone(tuned, 40))
    assert apart.passed is False and "times the baseline" in apart.reasons[0]
    assert apart.latency[1].ratio is not None and apart.latency[1].ratio > 5
    machine = Machine(burst=(5.6, 15.0), times=8.0)
    held = in_turns(Simulated(machine, 0.01), Simulated(machine, 0.01), asked(40))
    disturbed = [max(row.base.seconds) / min(row.base.seconds) for row in held.rows]
    assert max(disturbed) > 5  # the burst was among them
    found = compared(alone(base, 40), alone(tuned, 40), timing=held)
    assert found.passed is True and found.exit_code == 0
    assert [(change.in_turns, change.ratio) for change in found.latency] == [(True, pytest.approx(1, abs=0.05))] * 3
    assert "40 rows in turns" in found.notes[-1]


def test_load_that_stays_moves_both_equally(compared: Callable[..., Comparison]) -> None:
    machine = Machine(burst=(3.0, 1e9), times=8.0)
    for pace, passed in ((0.01, True), (0.014, False)):
        machine.now = 0.0
        held = in_turns(Simulated(machine, 0.01), Simulated(machine, pace), asked(30))
        found = compared([1.0] * 40, [1.0] * 40, timing=held)
        assert found.passed is passed
        assert found.latency[2].ratio == pytest.approx(pace / 0.01, abs=0.06)
    assert [reason.split(":")[0] for reason in found.reasons] == ["seconds_p95", "ms_per_token"]
    assert timed(found.latency[1]).startswith("seconds_p95 (in turns): ")
    assert timed(found.latency[1]).endswith("NOT within its margin")


def test_each_model_is_as_often_the_first() -> None:
    said: list[tuple[str, str]] = []

    class Listed(Simulated):
        def generate(self, prompts: list[Prompt]) -> list[Output]:
            said.append((self.model.name, prompts[0].key))
            assert len(prompts) == 1
            return super().generate(prompts)

    machine = Machine((0, 0), 1)
    held = in_turns(Listed(machine, 1.0, "base"), Listed(machine, 1.0, "tuned"), asked(4))
    pairs = list(zip(said[4::2], said[5::2]))  # after two answers of each that are not timed
    assert len(pairs) == 4 * LEAST_ROUNDS
    assert all(one[1] == other[1] and one[0] != other[0] for one, other in pairs)
    assert [one[0] for one, _ in pairs] == ["base", "tuned"] * 2 + ["tuned", "base"] * 2 + ["base", "tuned"] * 2
    assert [row.doc_id for row in held.rows] == ["row-0", "row-1", "row-2", "row-3"]
    assert {len(side.seconds) for row in held.rows for side in (row.base, row.tuned)} == {LEAST_ROUNDS}


def test_no_garbage_is_collected_while_a_model_is_asked() -> None:
    seen = []

    class Looking(Simulated):
        def generate(self, prompts: list[Prompt]) -> list[Output]:
            seen.append(gc.isenabled())
            if len(seen) > 9:
                return [Output("", 0, "error", 0.0, error="gone")]
            return super().generate(prompts)

    machine = Machine((0, 0), 1)
    assert gc.isenabled()
    with pytest.raises(InputError, match=r"model gave no answer to row row-0 while it was timed \(gone\)"):
        in_turns(Looking(machine, 1.0), Looking(machine, 1.0), asked(2))
    assert seen == [True] * 4 + [False] * 6 and gc.isenabled()


def test_rounds_and_rows() -> None:
    assert [rounds_for(seconds) for seconds in (0.0, 1.0, 3.0, 4.0, 600.0)] == [MOST_ROUNDS, 15, 5, 3, LEAST_ROUNDS]
    assert spread(4, 8) == [0, 2, 4, 6] and spread(9, 3) == [0, 1, 2]
    assert len(set(spread(40, 41))) == 40


def timing_of(base: ModelInfo, **changes: Any) -> Timing:
    held = {"seconds": (0.2, 0.1, 0.3), "tokens": (20, 10, 30), **changes}
    rows = tuple(TimedRow(doc_id=f"row-{n}", base=Rounds(**held), tuned=Rounds(**held)) for n in range(9))
    total = Latency(p50=0.2, p95=0.2, ms_per_token=10.0, n=9)
    return Timing(model=base, environment=Simulated.environment, rows=rows, base=total, tuned=total)


def test_times_that_say_nothing_of_the_two_records(compared: Callable[..., Comparison]) -> None:
    model = ModelInfo(name="model", backend="openai")
    times = [0.1] * 40
    assert compared(times, times, timing=timing_of(model)).passed is True
    other = compared(times, times, timing=timing_of(ModelInfo(name="other", backend="openai")))
    assert (other.passed, other.exit_code) == (None, 2)
    assert "is not that of the baseline: name other, recorded model" in other.reasons[0]
    prompted = compared(times, times, timing=timing_of(model), arm=Arm(few_shot=2))
    assert prompted.passed is None and "the prompt of the run" in prompted.reasons[0]
    counts = compared(times, times, timing=timing_of(model, tokens=(None,) * 3))
    assert counts.passed is None
    assert counts.reasons == ("ms_per_token: how many tokens answers have is not known of all rows",)
    without = compared(times, times, Gate(require="not-worse", margin=0.1), timing=timing_of(model, tokens=(None,) * 3))
    assert without.passed is True


# --- real models -----------------------------------------------------------------------------------------------------


def write_rows(file: Path, count: int = 40) -> Path:
    rows = [f"count the beans, row {n}" for n in range(count)]
    turns = [[{"role": "user", "content": text}, {"role": "assistant", "content": text}] for text in rows]
    file.write_text("".join(json.dumps({"messages": turn}) + "\n" for turn in turns))
    return file


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    yield from served("faulty")


@pytest.fixture(scope="module")
def folder(server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rows and the baseline of an endpoint that waits 10 ms."""
    made = tmp_path_factory.mktemp("endpoint")
    write_rows(made / "test.jsonl")
    given = ("--model", server, "--model-name", "base-10", "--test", "test.jsonl", "--output", "baseline.json")
    assert prepdata(made, "baseline", *given, "--batch-size", "1").returncode == 0
    return made


def evaluated(folder: Path, server: str, name: str, *more: str) -> subprocess.CompletedProcess[str]:
    given = ("--model", server, "--model-name", name, "--test", "test.jsonl", "--baseline", "baseline.json")
    return prepdata(folder, "evaluate", *given, "--output", f"{name}.json", *more)


@pytest.mark.parametrize(("name", "code"), [("tuned-10", 0), ("tuned-30", 1)])
def test_a_slower_endpoint_is_caught(server: str, folder: Path, name: str, code: int) -> None:
    made = evaluated(folder, server, name, "--latency-rows", "6", "--base-name", "base-10")
    assert made.returncode == 0, made.stderr
    assert "in turns with base-10 (6 rows)" in made.stdout
    gate = ("--require", "not-worse", "--margin", "0.1", "--latency", "0.5")
    found = prepdata(folder, "compare", "baseline.json", f"{name}.json", *gate)
    assert found.returncode == code, found.stdout
    assert "seconds_p95 (in turns)" in found.stdout
    assert code == 0 or "times the baseline, and up to" in found.stdout
    schema = json.loads((ROOT / "schemas" / "evaluation.schema.json").read_text())
    jsonschema.validate(json.loads((folder / f"{name}.json").read_text()), schema)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--base-name", "base-10"], "say by --latency-rows N"),
        (["--latency-rows", "8"], "one and the same"),
        (["--latency-rows", "8", "--base-name", "tuned"], "one and the same"),
        (["--latency-rows", "8", "--base-name", "other"], "is not the model of the baseline (name other"),
        (["--latency-rows", "8", "--base", "folder"], "a folder and an endpoint"),
        (["--latency-rows", "8", "--base", "http://127.0.0.1:9/v1", "--retries", "0"], "no connection"),
        (["--latency-rows", "1", "--base-name", "base-10"], "--latency-rows"),
    ],
)
def test_wrong_use(server: str, folder: Path, more: list[str], said: str) -> None:
    made = evaluated(folder, server, "tuned", *more)
    assert made.returncode == 2 and said in made.stderr and "Traceback" not in made.stderr
    assert not list(folder.glob("tuned.*"))


def test_a_gate_with_a_latency_and_no_times_is_not_decided(server: str, folder: Path) -> None:
    made = evaluated(folder, server, "many-10", "--batch-size", "1")
    assert made.returncode == 0, made.stderr
    record = records.read(folder / "many-10.json")
    held = records.read_samples(folder / "many-10.json", record)
    batched = [msgspec.structs.replace(sample, batch=8) for sample in held]
    records.write(folder / "many-10.json", record, batched)
    found = prepdata(folder, "compare", "baseline.json", "many-10.json", "--latency", "0.5")
    assert found.returncode == 2 and "could not be measured" in found.stdout
    assert "--latency-rows, which times both in turns" in found.stdout


def test_answers_are_kept_where_timing_fails(server: str, folder: Path) -> None:
    rows = [{"role": "user", "content": text} for text in ("once fine", "fine")]
    file = folder / "kept.jsonl"
    file.write_text("".join(json.dumps({"messages": [r, {**r, "role": "assistant"}]}) + "\n" for r in rows))
    backend = open_backend(server, Options(model_name="tuned", retries=0))
    what = Asked(read_rows(file), None, Prompting(), find_all(("exact_match",)))
    machine = Machine((0, 0), 1)

    class Gone(Simulated):
        def rendering(self, prompts: Any) -> Any:
            return backend.rendering(prompts)

        def generate(self, prompts: list[Prompt]) -> list[Output]:
            return [Output("", 0, "error", 0.0, error="gone")]

    with pytest.raises(InputError, match="all other answers are kept"):
        evaluate(backend, what, folder / "kept.json", kind="tuned", against=InTurns(Gone(machine, 1), 2))
    assert (folder / "kept.unfinished.jsonl").read_bytes().count(b"\n") == 3
    record = evaluate(backend, what, folder / "kept.json", kind="tuned")
    assert record.timing is None and not (folder / "kept.unfinished.jsonl").exists()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of models: a base, one with the same weights, one that is six times as deep."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from random_lm import write_random_model

    made = tmp_path_factory.mktemp("models")
    write_random_model(made / "base")
    shutil.copytree(made / "base", made / "equal")
    write_random_model(made / "slow", layers=12)
    write_random_model(made / "other", "tags")
    write_rows(made / "test.jsonl", 12)
    return made


def local(models: Path, name: str, against: InTurns | None, kind: Any) -> Evaluation:
    backend = open_backend(str(models / name), Options(max_new_tokens=6, threads=1, batch_size=8))
    what = Asked(read_rows(models / "test.jsonl"), None, Prompting(), find_all(("contains", "stop_rate")))
    return evaluate(backend, what, models / f"{name}.json", kind=kind, against=against)


@pytest.fixture
def work_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have local models take a millisecond for each module that they run, however busy the machine is."""
    from torch.nn.modules.module import register_module_forward_hook

    ran = [0]

    def count(*_: Any) -> None:
        ran[0] += 1

    def clock() -> float:
        return ran[0] / 1000

    hook = register_module_forward_hook(count)
    monkeypatch.setattr("trainers.local.time", SimpleNamespace(perf_counter=clock, process_time=clock))
    yield
    hook.remove()


@pytest.mark.usefixtures("work_clock")
def test_a_slower_model_in_a_folder_is_caught(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "SHORT", 2.0)
    base = open_backend(str(models / "base"), Options(max_new_tokens=6, threads=1))
    sides = [local(models, "base", None, "base")]
    sides += [local(models, name, InTurns(base, 10), "tuned") for name in ("equal", "slow")]
    gate = Gate(primary="stop_rate", require="not-worse", margin=1.0, latency=0.5)
    held = [compare_files(models, name, gate) for name in ("equal", "slow")]
    assert [[change.within_margin for change in found.latency] for found in held] == [
        [None, True, True],
        [None, False, False],
    ]
    assert all(change.in_turns for found in held for change in found.latency)
    assert sides[1].timing is not None and sides[1].timing.model.weights == sides[0].model.weights


def compare_files(folder: Path, name: str, gate: Gate) -> Comparison:
    from trainers.compare import Measured

    found = []
    for path in (folder / "base.json", folder / f"{name}.json"):
        record = records.read(path)
        found.append(Measured(str(path), record, records.read_samples(path, record)))
    return compare(found[0], found[1], gate)


def test_models_that_read_prompts_differently_are_not_timed(models: Path) -> None:
    one, other = (open_backend(str(models / name), Options(threads=1)) for name in ("base", "other"))
    prompts = [Prompt("row", ({"role": "user", "content": "Hi"},))]
    check_same_prompts(one, prompts, one.rendering(prompts))
    with pytest.raises(UsageError, match="render prompts differently"):
        check_same_prompts(other, prompts, one.rendering(prompts))


def test_the_base_is_the_model_of_the_baseline(models: Path) -> None:
    from trainers.timing import open_base

    options = Options(max_new_tokens=6, threads=1)
    baseline = local(models, "base", None, "base") if not (models / "base.json").exists() else None
    baseline = baseline or records.read(models / "base.json")
    found = open_base(str(models / "equal"), None, str(models / "slow"), options, baseline)
    assert found.model.weights == baseline.model.weights
    with pytest.raises(UsageError, match="is not the model of the baseline"):
        open_base(str(models / "slow"), None, str(models / "equal"), options, baseline)
    with pytest.raises(UsageError, match="one and the same"):
        open_base(None, None, str(models / "equal"), options, baseline)
