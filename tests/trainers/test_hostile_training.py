"""Hostile input through the command line: model folders, configurations, rows, endpoints. Each ends with exit code 2 and
a clear word, nothing is run or unpickled, and what was finished is kept."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import served
from command import prepdata

from trainers import record_files as records

ROOT = Path(__file__).parents[2]


def refused(made: subprocess.CompletedProcess[str], said: str, code: int = 2) -> None:
    """Check that a command ended with this exit code and a clear word."""
    assert made.returncode == code, made.stdout + made.stderr
    assert said in made.stderr + made.stdout
    assert "Traceback" not in made.stderr and "internal error" not in made.stderr
    assert "\x1b" not in made.stderr


def row(question: str, answer: str | None = None) -> dict[str, Any]:
    turns = [{"role": "user", "content": question}]
    return {"messages": [*turns, {"role": "assistant", "content": answer}] if answer is not None else turns}


def write_rows(file: Path, rows: list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


# --- model folders ---------------------------------------------------------------------------------------------------


class Opened:
    """Writes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.canary),)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with hostile models and adapters, rows, and a configuration."""
    for needed in ("torch", "transformers", "trl", "peft", "datasets", "accelerate"):
        pytest.importorskip(needed)
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
    for name in ("pickled", "code", "adapter"):
        (tmp_path / name).mkdir()
    payload = pickle.dumps(Opened(tmp_path / "opened"))
    (tmp_path / "pickled" / "config.json").write_text(json.dumps(config))
    (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(payload)
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 4}))
    (tmp_path / "adapter" / "adapter_model.bin").write_bytes(payload)
    named = {**config, "auto_map": {"AutoModelForCausalLM": "code.Model"}}
    (tmp_path / "code" / "config.json").write_text(json.dumps(named))
    (tmp_path / "code" / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    (tmp_path / "code" / "code.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'opened')!r})\n")
    write_rows(tmp_path / "test.jsonl", [row("ping", "pong")])
    return tmp_path


@pytest.mark.parametrize(("model", "said"), [("pickled", "is pickled"), ("code", "code of its own (auto_map)")])
@pytest.mark.parametrize("command", ["baseline", "evaluate", "train"])
def test_no_model_is_unpickled_and_none_brings_code(models: Path, command: str, model: str, said: str) -> None:
    given = ["--model", model, "--test", "test.jsonl", "--output", "out.json"]
    if command == "train":
        given = ["--model", model, "--train", "test.jsonl", "--output", "out", "--without-baseline"]
    refused(prepdata(models, command, *given), said)
    assert not (models / "opened").exists() and not list(models.glob("out*"))


def test_the_pickle_of_these_tests_is_dangerous(models: Path) -> None:
    pickle.loads((models / "pickled" / "pytorch_model.bin").read_bytes())
    assert (models / "opened").exists()


def test_no_adapter_and_no_base_is_unpickled(models: Path) -> None:
    from random_lm import write_random_model

    write_random_model(models / "good")
    given = ("--model", "good", "--test", "test.jsonl", "--output", "out.json")
    refused(prepdata(models, "evaluate", *given, "--adapter", "adapter"), "is pickled")
    refused(prepdata(models, "evaluate", *given, "--latency-rows", "2", "--base", "pickled"), "is pickled")
    assert not (models / "opened").exists() and not list(models.glob("out*"))


# --- configurations and rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "file", "text", "said"),
    [
        ("train run.toml", "run.toml", 'model = "m"\nlearning-rat = 1', "unknown key 'learning-rat'. Did you mean"),
        ("train run.toml", "run.toml", 'model = "m"\n[lora]\nrank = 1', "unknown key 'lora'"),
        ("train run.toml", "run.toml", 'model = "m\x00"\n', "run.toml: not valid TOML"),
        ("compare a.json b.json --config gate.toml", "gate.toml", "[gate]\nlatenzy = 1", "unknown setting 'gate.latenzy'"),
        ("baseline --config c.toml", "c.toml", "max-line-byte = 1", "unknown setting 'max_line_byte'"),
    ],
)  # fmt: skip
def test_unknown_keys_are_named(tmp_path: Path, command: str, file: str, text: str, said: str) -> None:
    (tmp_path / file).write_text(text)
    write_rows(tmp_path / "test.jsonl", [row("ping", "pong")])
    asked = ["--model", "http://127.0.0.1:9", "--test", "test.jsonl", "--output", "out.json"]
    refused(prepdata(tmp_path, *command.split(), *(asked if command.startswith("baseline") else ())), said)


@pytest.fixture(scope="module")
def faulty() -> Iterator[str]:
    yield from served("faulty")


def ask(folder: Path, command: str, url: str, *more: str) -> subprocess.CompletedProcess[str]:
    given = ("--model", url, "--model-name", "tiny", "--test", "test.jsonl", "--output", "out.json")
    patience = ("--retries", "0", "--timeout", "1", "--batch-size", "1")
    return prepdata(folder, command, *given, *patience, *more)


@pytest.mark.parametrize("command", ["baseline", "evaluate"])
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "nothing to ask: the file has no rows"),
        ([row("Hi")], "nothing to ask: 1 row not asked: it has no reference"),
        ([{"messages": 7}, {"x": []}], "nothing to ask: "),
    ],
)
def test_test_sets_with_nothing_to_ask(faulty: str, tmp_path: Path, command: str, rows: Any, said: str) -> None:
    write_rows(tmp_path / "test.jsonl", rows)
    refused(ask(tmp_path, command, faulty), said)
    assert not list(tmp_path.glob("out*"))


def test_a_row_without_a_reference_is_left_out_and_told(faulty: str, tmp_path: Path) -> None:
    write_rows(tmp_path / "test.jsonl", [row("ping", "ping"), row("nobody knows"), row("pong", "pong")])
    made = ask(tmp_path, "evaluate", faulty)
    assert made.returncode == 0 and "1 row not asked: it has no reference" in made.stderr
    assert "(test.jsonl:2)" in made.stderr
    assert records.read(tmp_path / "out.json").n_samples == {"test": {"original": 3, "effective": 2}}


def test_rows_cannot_be_test_and_retention(faulty: str, tmp_path: Path) -> None:
    write_rows(tmp_path / "test.jsonl", [row("ping", "pong")])
    (tmp_path / "same.jsonl").write_bytes((tmp_path / "test.jsonl").read_bytes())
    refused(ask(tmp_path, "baseline", faulty, "--retention", "same.jsonl"), "--retention same.jsonl are the same rows")


# --- endpoints -------------------------------------------------------------------------------------------------------


def counts(url: str) -> dict[str, int]:
    with urllib.request.urlopen(url + "/asked") as answer:
        return dict(json.loads(answer.read()))


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("hang", "no answer within 1 s"),
        ("trickle", "within 1 s"),
        ("429", "HTTP 429"),
        ("500", "HTTP 500"),
        ("no json", "the answer is no JSON"),
        ("other json", "is not what the protocol says"),
        ("cut", "the connection was cut after 13 of 5,000 bytes"),
        ("nothing", "the connection was cut"),
        ("huge", "the answer is larger than 67,108,864 bytes"),
    ],
)
def test_what_was_answered_beside_a_faulty_answer_is_kept(faulty: str, tmp_path: Path, what: str, said: str) -> None:
    first, odd, last = f"first beside {what}", f"once {what}", f"last beside {what}"
    write_rows(tmp_path / "test.jsonl", [row(text, "x") for text in (first, odd, last)])
    made = ask(tmp_path, "baseline", faulty)
    refused(made, "1 of 3 rows got no answer")
    assert said in made.stderr and "2 answers are kept in out.unfinished.jsonl" in made.stderr
    assert not (tmp_path / "out.json").exists()
    again = ask(tmp_path, "baseline", faulty)
    assert again.returncode == 0, again.stderr
    asked = counts(faulty)
    assert (asked[first], asked[odd], asked[last]) == (1, 2, 1)
    assert records.read(tmp_path / "out.json").results["test"]["error_rate"].value == 0.0


def test_a_redirect_is_not_followed_and_ends_the_run(faulty: str, tmp_path: Path) -> None:
    write_rows(tmp_path / "test.jsonl", [row("before it", "x"), row("elsewhere", "x"), row("after it", "x")])
    made = ask(tmp_path, "evaluate", faulty)
    refused(made, "redirects are not followed")
    assert (tmp_path / "out.unfinished.jsonl").read_bytes().count(b"\n") == 2  # a head, and the first answer
    assert "after it" not in counts(faulty)
