"""`prepdata baseline` and `prepdata evaluate` as a user meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_server import served
from command import prepdata

from trainers import record_files as records
from trainers.record import differences

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def faulty() -> Iterator[str]:
    yield from served("faulty")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    turns = [{"role": "user", "content": "pong"}, {"role": "assistant", "content": "pong"}]
    (tmp_path / "test.jsonl").write_text(json.dumps({"messages": turns}) + "\n")
    return tmp_path


def baseline(folder: Path, url: str, *more: str, **env: str) -> subprocess.CompletedProcess[str]:
    given = ("--model", url, "--model-name", "tiny", "--test", "test.jsonl", "--output", "base.json")
    return prepdata(folder, "baseline", *given, *more, **env)


def test_baseline_then_evaluate_with_its_settings(faulty: str, folder: Path) -> None:
    made = baseline(folder, faulty, "--max-new-tokens", "9", "--scorer", "exact_match")
    assert made.returncode == 0, made.stderr
    assert "exact_match               1.000  [0.207, 1.000]" in made.stdout
    assert "written: base.json, base.samples.jsonl" in made.stderr
    given = ("--model", faulty, "--model-name", "tiny", "--test", "test.jsonl", "--output", "tuned.json")
    tuned = prepdata(folder, "evaluate", *given, "--baseline", "base.json")
    assert tuned.returncode == 0, tuned.stderr
    one, other = records.read(folder / "base.json"), records.read(folder / "tuned.json")
    assert (one.kind, other.kind, other.decoding.max_new_tokens) == ("base", "tuned", 9)
    assert differences(one, other) == []
    (folder / "tuned.json").unlink()
    refused = prepdata(folder, "evaluate", *given, "--baseline", "base.json", "--seed", "5")
    assert refused.returncode == 2
    assert "decoding.seed: 0 there, 5 here" in refused.stderr
    assert not (folder / "tuned.json").exists()


def test_a_changed_baseline_is_refused(faulty: str, folder: Path) -> None:
    assert baseline(folder, faulty).returncode == 0
    text = (folder / "base.json").read_text()
    (folder / "base.json").write_text(text.replace('"value": 1.0', '"value": 0.0', 1))
    given = ("--model", faulty, "--model-name", "tiny", "--test", "test.jsonl", "--output", "tuned.json")
    refused = prepdata(folder, "evaluate", *given, "--baseline", "base.json")
    assert refused.returncode == 2
    assert "changed after it was written" in refused.stderr


def test_a_prompted_arm_says_so(faulty: str, folder: Path) -> None:
    (folder / "system.txt").write_text("Say it back.")
    made = baseline(folder, faulty, "--system-prompt", "system.txt")
    assert made.stdout.startswith("prompted: tiny with own system prompt")
    assert records.read(folder / "base.json").kind == "prompted"


def test_the_key_stands_nowhere(faulty: str, folder: Path) -> None:
    secret = "-".join(["sk", "qrstuvwxyz012345"])
    turns = [{"role": "user", "content": "400"}, {"role": "assistant", "content": "x"}]
    with (folder / "test.jsonl").open("a") as file:
        file.write(json.dumps({"messages": turns}) + "\n")
    made = baseline(folder, faulty, PREPDATA_API_KEY=secret)
    assert made.returncode == 0
    written = made.stdout + made.stderr + "".join(p.read_text() for p in folder.iterdir())
    assert "[key]" in written and secret not in written


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--output", "base.txt"], "end its name in .json"),
        (["--output", "none/base.json"], "is no folder"),
        (["--test", "none.jsonl"], "none.jsonl"),
        (["--test", "empty.jsonl"], "nothing to ask"),
        (["--test", "question.jsonl"], "it has no reference"),
        (["--scorer", "exact_mach"], "Did you mean 'exact_match'?"),
        (["--model", "none"], "Nothing is downloaded"),
        (["--model", "http://127.0.0.1:9", "--retries", "0"], "no connection"),
        (["--general", "test.jsonl"], "an endpoint tells no loss"),
        (["--shots", "2"], "give that file"),
        (["--chat-template", "x"], "cannot be given to an endpoint"),
        (["--temperature", "99"], "--temperature"),
    ],
)
def test_wrong_use_is_told_in_a_line(faulty: str, folder: Path, more: list[str], said: str) -> None:
    (folder / "empty.jsonl").write_text("\n")
    (folder / "question.jsonl").write_text('{"messages": [{"role": "user", "content": "Hi"}]}\n')
    made = baseline(folder, faulty, *more)
    assert made.returncode == 2, made.stdout
    assert said in made.stderr
    assert "Traceback" not in made.stderr and "internal error" not in made.stderr
    assert not list(folder.glob("*base*.json"))


def test_a_record_is_not_replaced_by_accident(faulty: str, folder: Path) -> None:
    assert baseline(folder, faulty).returncode == 0
    again = baseline(folder, faulty)
    assert again.returncode == 2 and "--overwrite replaces it" in again.stderr
    assert baseline(folder, faulty, "--overwrite", "--quiet").stdout == ""


def test_rows_left_out_are_told(faulty: str, folder: Path) -> None:
    with (folder / "test.jsonl").open("a") as file:
        file.write('{"messages": [{"role": "user", "content": "\\u001b[2J?"}]}\n')
    made = baseline(folder, faulty)
    assert "test: 1 row not asked: it has no reference" in made.stderr
    assert records.read(folder / "base.json").data.test.skipped


@pytest.mark.parametrize("command", ["baseline", "evaluate"])
def test_help_loads_nothing_heavy(command: str) -> None:
    code = (
        "import sys\nfrom prepdata.cli.main import cli\n"
        f"try: cli.main([{command!r}, '--help'], standalone_mode=False)\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'trl', 'peft', 'datasets', 'trainers', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    made = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert "--system-prompt" in made.stdout
