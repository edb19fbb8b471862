"""Trainings from start to end on a CPU, with a tiny model that LoRA really teaches something.

About 60 s of processor time on one thread, 27 s of them for the model where it is not yet in the cache.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
for needed in ("transformers", "trl", "peft", "datasets", "accelerate", "tokenizers", "jinja2"):
    pytest.importorskip(needed)

import msgspec  # noqa: E402
import tiny_lm  # noqa: E402

from prepdata.errors import PrepdataError, UsageError  # noqa: E402
from prepdata.model_folder import file_hash  # noqa: E402
from prepdata.quiet import keep_quiet  # noqa: E402
from trainers import runs  # noqa: E402
from trainers.config import TrainConfig, make_config  # noqa: E402
from trainers.preflight import DataFile, Preflight, preflight  # noqa: E402
from trainers.runs import Run  # noqa: E402
from trainers.sft import last_checkpoint, train  # noqa: E402
from trainers.summary import preflight_lines  # noqa: E402

keep_quiet()
TRAINING = 480


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def base() -> Path:
    """The base model; what it can do is what the other tests rest on."""
    folder = tiny_lm.base_model()
    assert share(folder, None, tiny_lm.prose_rows(40, 104)) > 0.95
    assert 0.15 < share(folder, None, tiny_lm.json_rows(80, 103)) < 0.35
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files of rows, none in two of them."""
    folder = tmp_path_factory.mktemp("data")
    rows = tiny_lm.json_rows(TRAINING + 120, 1)
    files = {
        "train": rows[:TRAINING],
        "validation": rows[TRAINING : TRAINING + 40],
        "test": rows[TRAINING + 40 :],
        "replay": tiny_lm.prose_rows(200, 2),
    }
    return {name: str(tiny_lm.write_rows(folder / f"{name}.jsonl", held)) for name, held in files.items()}


@pytest.fixture
def given(base: Path, data: dict[str, str], tmp_path: Path) -> dict[str, Any]:
    """The keys of a small run."""
    return {
        "model": str(base), **data, "output": str(tmp_path / "run"), "without_baseline": True, "gpus": ["L4"],
        "learning_rate": 6e-3, "batch_size": 16, "gradient_accumulation": 1, "gradient_checkpointing": False,
    }  # fmt: skip


def made(given: dict[str, Any], **more: Any) -> TrainConfig:
    return make_config({**given, **more})


def run_of(config: TrainConfig) -> Run:
    checked = preflight(config)
    assert checked.found.exit_code == 0, checked.found.problems
    return train(config, checked, None)


def fatal(config: TrainConfig) -> tuple[int, set[str]]:
    """Return (exit code, names of the fatal problems) of a preflight."""
    found = preflight(config).found
    return found.exit_code, {problem.name for problem in found.problems if problem.fatal}


def share(base: Path, adapter: Path | None, rows: list[tiny_lm.Row]) -> float:
    """Return the share of rows that base or tuned model answers exactly."""
    import peft
    import transformers

    model: Any = transformers.AutoModelForCausalLM.from_pretrained(base)
    if adapter is not None:
        model = peft.PeftModel.from_pretrained(model, adapter)
    return tiny_lm.exact_share(model, transformers.AutoTokenizer.from_pretrained(base), rows)


def held_out(data: dict[str, str]) -> list[tiny_lm.Row]:
    return [json.loads(line) for line in Path(data["test"]).read_text().splitlines()]


def test_lora_teaches_json_and_replay_keeps_prose(given: dict[str, Any], base: Path, data: dict[str, str]) -> None:
    config = made(given, steps=120)
    run = run_of(config)
    folder = Path(config.output)
    assert share(base, folder / "adapter", held_out(data)) > 0.9
    assert share(base, folder / "adapter", tiny_lm.prose_rows(40, 104)) > 0.9
    assert runs.read(folder) == run
    assert (run.status, run.problems) == ("finished", [])
    assert run.outcome is not None
    assert run.outcome.adapter == file_hash(folder / "adapter" / "adapter_model.safetensors")
    assert run.rows == TRAINING + TRAINING // 4
    assert {file.role: file.rows for file in run.files} == {
        "train": TRAINING,
        "replay": 200,
        "validation": 40,
        "test": 80,
    }
    lines = list(runs.metrics(folder))
    assert [line["step"] for line in lines if "loss" in line] == list(range(1, 121))
    assert [line["step"] for line in lines if "eval_loss" in line] == list(range(12, 121, 12))
    best = min((line["eval_loss"], line["step"]) for line in lines if "eval_loss" in line)
    assert best == (run.outcome.validation_loss, run.outcome.best_step)
    card = (folder / "adapter" / "README.md").read_text()
    assert all(str(part) in card for part in (run.base.weights, run.files[0].sha256, "train.jsonl", "no baseline"))
    assert "[More Information Needed]" not in card
    assert not list(folder.rglob("*.bin")) or all(file.parent.name != "adapter" for file in folder.rglob("*.bin"))
    assert not (folder / ".cache").exists()
    assert run.plan.seconds is not None and 0 < run.plan.seconds.low < run.plan.seconds.high
    above = run.outcome.peak_memory - run.plan.libraries  # here with what other tests left behind
    assert run.plan.libraries > 200 << 20 and -(200 << 20) < above < 600 << 20


def test_qlora(given: dict[str, Any]) -> None:
    pytest.importorskip("bitsandbytes")
    run = run_of(made(given, steps=12, quantization="nf4", eval_steps=6))
    found = [line["eval_loss"] for line in runs.metrics(Path(run.config["output"])) if "eval_loss" in line]
    assert found[1] < found[0] < 1.5
    folder = Path(run.config["output"])
    assert json.loads((folder / "adapter" / "adapter_config.json").read_text())["r"] == 16
    beside = checkpoint_bytes(folder) - 6 * run.plan.adapter_parameters
    assert 40_000 < beside < 120_000, "adapter and moments are in bfloat16; tokenizer, states and log are beside them"


def checkpoint_bytes(folder: Path) -> int:
    """Return the bytes of the last checkpoint."""
    last = last_checkpoint(folder / "checkpoints")
    assert last is not None
    return sum(file.stat().st_size for file in last.iterdir())


def test_validations_do_not_change_what_qlora_learns(given: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    course = {"steps": 4, "save_steps": 4, "quantization": "nf4"}
    run_of(made(given, **course, eval_steps=1))
    run_of(made(given, **course, validation=None, output=str(tmp_path / "without")))
    with_them, without = (
        [line["loss"] for line in runs.metrics(folder) if "loss" in line]
        for folder in (Path(given["output"]), tmp_path / "without")
    )
    assert with_them == without


def test_killed_and_resumed_gives_the_same_adapter(given: dict[str, Any], tmp_path: Path) -> None:
    course = {"steps": 24, "save_steps": 8, "eval_steps": 8}
    whole = run_of(made(given, **course, output=str(tmp_path / "whole")))
    folder = Path(given["output"])
    keys = tmp_path / "run.json"
    keys.write_text(json.dumps({**given, **course}))  # JSON is YAML
    keys = keys.rename(tmp_path / "run.yaml")
    command = [sys.executable, "-m", "prepdata", "train", str(keys), "--quiet"]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE)
    limit = time.monotonic() + 120
    while not (folder / "checkpoints" / "checkpoint-8" / "complete").exists() and process.poll() is None:
        assert time.monotonic() < limit
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
    assert runs.read(folder).status == "running"
    with pytest.raises(UsageError, match="say --resume"):
        run_of(made(given, **course))
    with pytest.raises(UsageError, match="another seed"):
        run_of(made(given, **course, resume=True, seed=1))
    (folder / "checkpoints" / "checkpoint-23").mkdir()  # as a kill in the middle of saving leaves it
    resumed = run_of(made(given, **course, resume=True))
    assert resumed.outcome is not None
    assert whole.outcome is not None
    assert resumed.outcome.adapter == whole.outcome.adapter
    steps = [line["step"] for line in runs.metrics(folder) if "loss" in line]
    assert steps == list(range(1, 25))
    assert last_checkpoint(folder / "checkpoints").name == "checkpoint-24"
    with pytest.raises(UsageError, match="finished"):
        run_of(made(given, **course, resume=True))


def test_a_loss_that_is_no_number_ends_the_run(given: dict[str, Any], base: Path, tmp_path: Path) -> None:
    import transformers

    model: Any = transformers.AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        model.model.norm.weight[0] = float("nan")
    broken = tmp_path / "broken"
    model.save_pretrained(broken)
    transformers.AutoTokenizer.from_pretrained(base).save_pretrained(broken)
    with pytest.raises(PrepdataError, match="step 1: loss is nan"):
        run_of(made(given, model=str(broken), steps=4))
    run = runs.read(given["output"])
    assert (run.status, run.outcome) == ("stopped", None)
    assert "nan" in run.reason


@pytest.mark.parametrize("packing", ["bfd", "bfd_split", "wrapped"])
def test_packed_rows_are_counted_as_trl_packs_them(given: dict[str, Any], packing: str) -> None:
    run = run_of(made(given, packing=packing, max_length=100, steps=1, batch_size=2, validation=None, replay=None))
    assert run.plan.rows == run.rows < TRAINING / 1.5


def test_counts_that_differ_from_those_of_trl_end_the_run(given: dict[str, Any]) -> None:
    config = made(given, steps=1)
    checked = preflight(config)
    assert checked.train is not None
    off = checked._replace(train=checked.train._replace(trained=checked.train.trained + 1))
    with pytest.raises(PrepdataError, match="nothing was trained"):
        train(config, off, None)
    assert runs.read(config.output).status == "stopped"


def test_early_stopping(given: dict[str, Any]) -> None:
    run = run_of(made(given, steps=60, eval_steps=2, learning_rate=0.3, scheduler="constant", early_stopping=2))
    assert run.outcome is not None
    assert run.outcome.stopped_early
    assert run.outcome.best_step == run.outcome.steps - 4


def test_data_that_stands_in_the_way(given: dict[str, Any], data: dict[str, str], tmp_path: Path) -> None:
    rows = held_out(data)
    leaking = str(tiny_lm.write_rows(tmp_path / "leak.jsonl", tiny_lm.json_rows(100, 9) + rows[:3]))
    assert fatal(made(given, train=leaking, replay=None)) == (1, {"data-errors"})
    found = preflight(made(given, train=leaking, replay=None)).found
    assert "3 errors in 103 rows; 3 of the findings are rows that a test or" in found.problems[-1].message
    assert "prepdata split" in found.problems[-1].cure and "--ignore" not in found.problems[-1].cure
    empty = str(tiny_lm.write_rows(tmp_path / "empty.jsonl", []))
    assert fatal(made(given, test=empty)) == (1, {"empty-file"})
    assert fatal(made(given, max_length=24)) == (1, {"data-errors"})
    assert fatal(made(given, max_length=36, ignore=["TOK"])) == (1, {"answers-cut"})
    assert fatal(made(given, max_length=16, ignore=["TOK"])) == (1, {"rows-left-out"})
    found = preflight(made(given)).found
    assert found.plan is not None
    assert found.plan.max_length == found.plan.tokens // found.plan.rows + 4  # the longest row, so that none is cut


def test_counts_of_findings_add_up(given: dict[str, Any]) -> None:
    file = DataFile("test", "t.jsonl", None, 3, 0, 1, {"missing-edge-case": 1, "small-dataset": 1})
    found = Preflight([file], [], "cpu", "float32", 1, None)
    (line, _) = preflight_lines(made(given), found)
    assert line.endswith("3 rows, 0 errors, 1 warning, 1 info (missing-edge-case 1, small-dataset 1)")


@pytest.mark.parametrize(("one", "other"), [("train", "test"), ("train", "validation"), ("validation", "test")])
def test_one_file_in_two_roles_stands_in_the_way(
    given: dict[str, Any], data: dict[str, str], tmp_path: Path, one: str, other: str
) -> None:
    import shutil

    alias, copy = tmp_path / "alias.jsonl", tmp_path / "copy.jsonl"
    alias.symlink_to(data[one])
    shutil.copy(data[one], copy)
    for path, said in ((data[one], "is named twice"), (str(alias), "is named twice"), (str(copy), "the same bytes")):
        found = preflight(made(given, **{other: path})).found
        (same, *_) = [problem for problem in found.problems if problem.name == "same-file"]
        assert found.exit_code == 1 and said in same.message and one in same.message and other in same.message


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"eval_steps": 31}, {"not-validated": "eval-steps is 31", "no-checkpoints": "eval-steps is 31"}),
        ({"eval_steps": 10, "save_steps": 40}, {"no-checkpoints": "save-steps is 40"}),
        ({"validation": None, "save_steps": 31}, {"no-checkpoints": "save-steps is 31"}),
        ({"eval_steps": 30}, {}),
        ({"validation": None, "eval_steps": 31, "save_steps": 30}, {}),
        ({}, {}),
    ],
)
def test_more_steps_than_the_run_has(given: dict[str, Any], keys: dict[str, Any], named: dict[str, str]) -> None:
    found = preflight(made(given, steps=30, **keys), here=False).found
    problems = {one.name: one for one in found.problems}
    assert found.exit_code == 0 and problems.keys() == named.keys()
    for name, said in named.items():
        assert problems[name].message.startswith(f"{said} and the run has 30 steps: ")
        assert problems[name].cure == f"--{said.split()[0]} 3, or leave it out: a tenth of the run"


def test_layers_that_are_not_there_stand_in_the_way(given: dict[str, Any]) -> None:
    found = preflight(made(given, lora_targets=["q_prj", "v_proj"])).found
    (absent,) = (problem for problem in found.problems if problem.fatal)
    assert (found.exit_code, absent.name) == (2, "no-such-layer") and "'q_prj'" in absent.message
    assert "Did you mean 'q_proj'?" in absent.cure and "down_proj" in absent.cure
    assert fatal(made(given, lora_targets=["q_proj", "v_proj"])) == (0, set())


def test_templates_that_stand_in_the_way(given: dict[str, Any], tmp_path: Path) -> None:
    marked = tiny_lm.TEMPLATE
    unmarked = marked.replace("{% generation %}", "").replace("{% endgeneration %}", "")
    outside = marked.replace(
        "{{ message['content'] + '<|im_end|>' }}{% endgeneration %}",
        "{{ message['content'] }}{% endgeneration %}{{ '<|im_end|>' }}",
    )
    for text, name in ((unmarked, "no-generation-markers"), (outside, "stop-token-not-trained")):
        (tmp_path / "template.jinja").write_text(text)
        code, names = fatal(made(given, chat_template=str(tmp_path / "template.jinja")))
        assert (code, name in names) == (2, True)
        assert ("data-errors" in names) == (name == "stop-token-not-trained")  # no word for each file on the markers
        assert name not in fatal(made(given, chat_template=str(tmp_path / "template.jinja"), loss="completion"))[1]


def test_model_folders_that_are_not_loaded(given: dict[str, Any], base: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(base, tmp_path / "pickled")
    (tmp_path / "pickled" / "model.safetensors").rename(tmp_path / "pickled" / "pytorch_model.bin")
    with pytest.raises(UsageError, match="pickled"):
        preflight(made(given, model=str(tmp_path / "pickled")))
    shutil.copytree(base, tmp_path / "code")
    held = json.loads((base / "config.json").read_text())
    (tmp_path / "code" / "config.json").write_text(json.dumps({**held, "auto_map": {"AutoModel": "m.M"}}))
    with pytest.raises(UsageError, match="auto_map"):
        preflight(made(given, model=str(tmp_path / "code")))


def test_weights_that_are_cut_are_not_loaded(given: dict[str, Any], base: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "cut"
    shutil.copytree(base, folder)
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    odd = (8).to_bytes(8, "little") + b"[1,2,3] "
    for held, said in (
        (whole[:-1], "bytes where its header says"), (whole + b"x", "bytes where its header says"),
        (whole[:200], "no whole header"), (b"abc", "no whole header"), (b"", "no whole header"),
        (b"\xff" * 100, "no whole header"), (odd, "its header is none of safetensors"),
    ):  # fmt: skip
        weights.write_bytes(held)
        with pytest.raises(UsageError, match=said):
            preflight(made(given, model=str(folder)))
    weights.write_bytes(whole)
    assert fatal(made(given, model=str(folder))) == (0, set())


def test_a_folder_that_is_taken_is_told_before_anything_is_looked_at(given: dict[str, Any], tmp_path: Path) -> None:
    from prepdata.cli.main import cli

    def dry(**more: Any) -> None:
        keys = tmp_path / "run.yaml"
        keys.write_text(json.dumps({**given, "train": str(tmp_path / "absent.jsonl"), **more}))
        cli.main(["train", str(keys), "--dry-run"], standalone_mode=False)

    with pytest.raises(PrepdataError, match="no run folder"):
        dry(resume=True)
    Path(given["output"]).mkdir()
    (Path(given["output"]) / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="there is something already"):
        dry()
    with pytest.raises(PrepdataError, match="no run folder"):
        dry(resume=True)


def test_a_run_needs_a_baseline_of_the_same_test_file(given: dict[str, Any]) -> None:
    assert fatal(made(given, without_baseline=False)) == (2, {"no-baseline"})
    with pytest.raises(PrepdataError, match="cannot be read"):
        preflight(made(given, without_baseline=False, baseline=given["output"] + ".json"))


def test_a_recorded_baseline_lets_the_run_start(given: dict[str, Any], base: Path, tmp_path: Path) -> None:
    from prepdata.cli.main import cli

    rows = tiny_lm.json_rows(6, 77)
    test, record = str(tiny_lm.write_rows(tmp_path / "few.jsonl", rows)), str(tmp_path / "baseline.json")
    asked = ["--model", str(base), "--test", test, "--output", record, "--max-new-tokens", "8", "--quiet"]
    assert cli.main(["baseline", *asked], standalone_mode=False) == 0
    recorded = {**given, "without_baseline": False, "baseline": record}
    assert fatal(made(recorded, test=test)) == (0, set())
    assert fatal(made(recorded)) == (2, {"other-test-file"})
    import shutil

    other = tmp_path / "other"
    shutil.copytree(base, other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 1e-3}))
    assert fatal(made(recorded, test=test, model=str(other))) == (2, {"other-model"})


def test_padding_that_is_the_end_is_warned_about(given: dict[str, Any], base: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "same"
    shutil.copytree(base, folder)
    held = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**held, "pad_token": held["eos_token"]}))
    found = preflight(made(given, model=str(folder))).found
    assert [(problem.name, problem.fatal) for problem in found.problems] == [("pad-is-eos", False)]


def test_the_command(given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from prepdata.cli.main import cli

    keys = tmp_path / "run.yaml"
    keys.write_text(json.dumps({**given, "steps": 10}))
    assert cli.main(["train", str(keys), "--dry-run", "--json", "--lora-r", "4"], standalone_mode=False) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["plan"]["adapter_parameters"] == 4 * 2560 * 2
    assert told["plan"]["steps"] == 10
    assert told["plan"]["libraries"] > 200 << 20 and told["plan"]["seconds"]["likely"] > 0
    assert cli.main(["train", str(keys), "--dry-run"], standalone_mode=False) == 0
    said = capsys.readouterr().out
    assert "GiB of them the libraries" in said and "on this machine as busy as it is now" in said
    assert not Path(given["output"]).exists()
    assert cli.main(["train", str(keys), "--dry-run", "--max-length", "24"], standalone_mode=False) == 1
    assert "answer-cut" in capsys.readouterr().out


def test_runs_are_listed(given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from prepdata.cli.main import cli

    run_of(made(given, steps=1, output=str(tmp_path / "runs" / "one")))
    (tmp_path / "runs" / "bad").mkdir()
    (tmp_path / "runs" / "bad" / "run.json").write_text("{}")
    assert cli.main(["runs", str(tmp_path / "runs")], standalone_mode=False) == 2
    shown = capsys.readouterr()
    assert [line.split()[1] for line in shown.out.splitlines()] == ["status", "finished"]
    assert "lora r16" in shown.out
    assert "no record of a run" in shown.err
    assert cli.main(["runs", str(tmp_path / "runs" / "one"), "--json"], standalone_mode=False) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["runs"][0]["outcome"]["steps"], told["runs"][0]["comparison"], told["differences"]) == (1, None, [])


def test_records_are_checked_when_read(tmp_path: Path) -> None:
    for text in ("{}", "[", '{"schema_version": 9}'):
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(PrepdataError, match="no record of a run"):
            runs.read(tmp_path)
    assert msgspec.json.schema(Run)["$ref"]
