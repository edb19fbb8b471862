"""The example of the guide from start to end: five steps that show an improvement, and runs that must fail the gate.

`samples/finetune/run.sh` is run once; the tests look at what it left, and go on from there through the command line.
About 100 s of processor time, and 27 s more where the model is not yet in the cache.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

for needed in (
    "torch",
    "transformers",
    "trl",
    "peft",
    "datasets",
    "accelerate",
    "tokenizers",
    "jinja2",
    "bitsandbytes",
):
    pytest.importorskip(needed)
fcntl = pytest.importorskip("fcntl")  # the lock, and a shell

import tiny_lm  # noqa: E402

from trainers import record_files as records  # noqa: E402
from trainers import runs  # noqa: E402

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "samples" / "finetune"
GATE = ("--config", "gate.toml")


class Example(NamedTuple):
    """What a run of the example left: its folder, exit code, and what it said."""

    folder: Path
    code: int
    said: str


def environment(home: Path | None = None) -> dict[str, str]:
    paths = os.pathsep.join([str(ROOT), *sys.path])
    home_of = {} if home is None else {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    return {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **home_of}


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The example, run once however many processes the tests are spread over."""
    place = tmp_path_factory.getbasetemp()
    place = (place.parent if "PYTEST_XDIST_WORKER" in os.environ else place) / "finetune"
    place.mkdir(exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "code").exists():
            (place / "home").mkdir()
            shutil.copytree(tiny_lm.base_model(), place / "inside" / "example" / "model")
            python = {"PYTHON": os.path.relpath(sys.executable, place / "inside")}
            done = subprocess.run(
                ["bash", str(EXAMPLE / "run.sh"), "example"], cwd=place / "inside",
                env={**environment(place / "home"), **python}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            (place / "said").write_text(done.stdout)
            (place / "code").write_text(str(done.returncode))
    return Example(place / "inside" / "example", int((place / "code").read_text()), (place / "said").read_text())


@pytest.fixture
def example(whole: Example, tmp_path: Path) -> Iterator[Path]:
    """Records and files of the example in a folder of their own, which a test may change."""
    for file in whole.folder.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    (tmp_path / "model").symlink_to(whole.folder / "model")
    shutil.copytree(whole.folder / "lora", tmp_path / "lora", ignore=shutil.ignore_patterns("checkpoints"))
    return tmp_path


def prepdata(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "prepdata", *arguments], cwd=folder, env=environment(), capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip


def compared(folder: Path, baseline: str, run: str, *more: str) -> dict[str, Any]:
    """Return a comparison as JSON, its exit code added."""
    found = prepdata(folder, "compare", baseline, run, *GATE, "--json", *more)
    assert found.returncode in (0, 1), found.stderr
    return {**json.loads(found.stdout), "code": found.returncode}


def refused(found: subprocess.CompletedProcess[str], said: str) -> None:
    """Check that a command ended with 2, a clear word and nothing else."""
    assert found.returncode == 2, found.stdout + found.stderr
    assert said in found.stderr + found.stdout
    assert "Traceback" not in found.stderr


def test_the_example_ends_as_it_should(whole: Example) -> None:
    assert whole.code == 0, whole.said[-3000:]
    assert "== all as expected, in " in whole.said
    codes = re.findall(r"^ *\d+ s  exit code (\d)  prepdata (\w+)", whole.said, re.MULTILINE)
    assert [code for code, name in codes if name == "compare"] == ["0", "0", "1", "1", "2", "2"]
    assert [code for code, name in codes if name == "train"] == ["0", "0", "0", "1", "0", "2", "2"]
    assert "Traceback" not in whole.said


def test_it_writes_nowhere_else(whole: Example) -> None:
    assert [path.name for path in whole.folder.parent.iterdir()] == ["example"]
    assert list((whole.folder.parent.parent / "home").rglob("*")) == []
    assert (whole.folder / "cache").is_dir()


def test_it_does_not_write_over_a_run(whole: Example) -> None:
    command = ["bash", str(EXAMPLE / "run.sh"), str(whole.folder)]
    again = subprocess.run(command, env=environment(), capture_output=True, text=True)
    assert again.returncode == 2 and "name a new folder" in again.stderr


def test_what_it_lacks_is_said_first(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    bare.chmod(0o755)
    command = ["bash", str(EXAMPLE / "run.sh"), "example"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**environment(), "PYTHON": str(bare)}, capture_output=True, text=True
    )
    assert done.returncode == 2 and 'then "prepdata[qlora]"' in done.stderr
    assert not (tmp_path / "example").exists()


@pytest.mark.parametrize("guide", ["README.md", "docs/training.md"])
def test_the_guides_show_its_commands(whole: Example, guide: str) -> None:
    text = (ROOT / guide).read_text(encoding="utf-8")
    shown = text[text.index("samples/finetune/run.sh") :]
    shown = shown[: shown.index("\n## ")] if "\n## " in shown else shown
    run = set(re.findall(r"^\$ (prepdata .*)$", whole.said, re.MULTILINE))
    commands = re.findall(r"^\$ (prepdata .*)$", shown, re.MULTILINE)
    assert (
        len({command.split()[1] for command in commands} & {"validate", "baseline", "train", "evaluate", "compare"})
        == 5
    )
    assert [command for command in commands if command not in run] == []


def test_the_guide_shows_its_configuration() -> None:
    assert (EXAMPLE / "run.toml").read_text() in (ROOT / "docs" / "training.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["lora", "qlora"])
def test_an_improvement_is_shown(whole: Example, name: str) -> None:
    found = compared(whole.folder, "baseline.json", name)
    primary = found["metrics"][0]
    assert (found["code"], found["verdict"], found["passed"], found["reasons"]) == (0, "improved", True, [])
    assert primary["metric"] == "exact_match" and primary["p"] < 1e-6 and primary["low"] > 0.3
    assert all(metric["within_margin"] for metric in found["metrics"] if metric["role"] == "guard")
    run = runs.read(whole.folder / name)
    assert run.config["quantization"] == {"lora": None, "qlora": "nf4"}[name] or name == "lora"
    assert run.status == "finished"


def test_times_were_taken_in_turns(whole: Example) -> None:
    record, baseline = (records.read(whole.folder / name) for name in ("lora/evaluation.json", "baseline.json"))
    assert record.timing is not None and len(record.timing.rows) == 40
    assert record.timing.model == baseline.model and record.model.adapter is not None
    found = compared(whole.folder, "baseline.json", "lora", "--latency", "20")
    assert [(change["in_turns"], change["within_margin"]) for change in found["latency"]][1:] == [(True, True)] * 2
    undecided = prepdata(whole.folder, "compare", "baseline.json", "qlora", *GATE, "--latency", "20")
    assert undecided.returncode == 2 and "could not be measured: gate not decided" in undecided.stdout


def test_without_replay_it_forgets(whole: Example) -> None:
    found = compared(whole.folder, "baseline.json", "forgets")
    assert (found["code"], found["verdict"], found["passed"]) == (1, "worse", False)
    assert found["metrics"][0]["outcome"] == "improved"
    assert [reason.split(":")[0] for reason in found["reasons"]] == ["retention/exact_match"]


def test_cut_answers_fail_by_their_format(whole: Example) -> None:
    found = compared(whole.folder, "baseline.json", "cut")
    assert (found["code"], found["passed"]) == (1, False)
    assert "json_schema" in [reason.split(":")[0] for reason in found["reasons"]]
    path = whole.folder / "cut" / "evaluation.json"
    samples = records.read_samples(path, records.read(path))
    assert sum(not sample.output.endswith("}") for sample in samples if sample.set == "test") > 100
    dry = whole.said[whole.said.index("--max-length 36") :]
    assert "error: answers-cut: 1,280 rows lose trained tokens" in dry[: dry.index("\n$ ")]


@pytest.mark.parametrize("damage", ["value", "model", "hash", "half"])
def test_a_baseline_that_was_changed_is_refused(example: Path, damage: str) -> None:
    text = (example / "baseline.json").read_text()
    changed = {
        "value": text.replace('"value": 0.25', '"value": 0.05', 1),
        "model": text.replace('"name": "model"', '"name": "mozel"', 1),
        "hash": re.sub(r'"sha256": "[0-9a-f]{64}"\n}', f'"sha256": "{"0" * 64}"\n}}', text),
        "half": text[: len(text) // 2],
    }[damage]
    assert changed != text
    (example / "baseline.json").write_text(changed)
    said = "no record of an evaluation" if damage == "half" else "its hash does not fit"
    refused(prepdata(example, "compare", "baseline.json", "lora", *GATE), said)
    if damage == "value":
        refused(prepdata(example, "train", "run.toml", "--dry-run", "--output", "none"), said)
        given = ("--test", "test.jsonl", "--baseline", "baseline.json", "--output", "none.json")
        refused(prepdata(example, "evaluate", "--model", "model", *given), said)
        assert not list(example.glob("none*"))


def test_samples_that_were_changed_are_refused(example: Path) -> None:
    file = example / "baseline.samples.jsonl"
    file.write_text(file.read_text().replace('"value":1.0', '"value":0.0', 1))
    refused(prepdata(example, "compare", "baseline.json", "lora", *GATE), "hash does not fit")


def test_a_baseline_of_other_rows_or_other_decoding_is_refused(example: Path) -> None:
    refused(prepdata(example, "compare", "other.json", "lora", *GATE), "data.test.hash")
    asked = ("--model", "model", "--test", "test.jsonl", "--retention", "retention.jsonl", "--quiet")
    made = prepdata(example, "baseline", *asked, "--max-new-tokens", "20", "--output", "short.json")
    assert made.returncode == 0, made.stderr
    said = "decoding.max_new_tokens: 20 in the baseline, 40 in the run"
    refused(prepdata(example, "compare", "short.json", "lora", *GATE), said)
    lengths = ("--max-new-tokens", "40", "--baseline", "short.json", "--output", "none.json")
    refused(prepdata(example, "evaluate", *asked, *lengths), "nothing was asked")
    assert not list(example.glob("none*"))


def test_a_test_file_that_was_changed_after_the_baseline_is_refused(example: Path) -> None:
    rows = (example / "test.jsonl").read_text().splitlines(keepends=True)
    (example / "test.jsonl").write_text("".join(rows[:-1]))
    refused(prepdata(example, "train", "run.toml", "--dry-run", "--output", "none"), "other-test-file")
