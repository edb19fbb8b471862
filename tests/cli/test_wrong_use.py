"""What the command line says of wrong use: one clear message, exit code 2, nothing written. As a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = {"messages": [{"role": "user", "content": "Capital of Peru?"}, {"role": "assistant", "content": "Lima."}]}
QUICK = ["--no-tokens", "--no-cache", "--jobs", "1"]


def prepdata(*arguments: str, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("PREPDATA_")}
    return subprocess.run(
        [sys.executable, "-m", "prepdata", *arguments],
        cwd=cwd, capture_output=True, text=True, encoding="utf-8", input=stdin, timeout=120,
        env={**given, "PREPDATA_CACHE_DIR": str(cwd / ".cache"), "NO_COLOR": "1"},
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.jsonl").write_text(json.dumps(GOOD) + "\n", encoding="utf-8")
    return tmp_path


EMPTY = "the text given is empty; is a variable not set?"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["validate", ""], f"PATHS: {EMPTY}"),
        (["validate", "good.jsonl", ""], f"PATHS: {EMPTY}"),
        (["validate", "good.jsonl", "--eval", ""], f"--eval: {EMPTY}"),
        (["validate", "good.jsonl", "--select", ""], f"--select: {EMPTY}"),
        (["validate", "good.jsonl", "--model", ""], f"--model: {EMPTY}"),
        (["validate", "good.jsonl", "-f", "json", "-o", ""], f"--output-file: {EMPTY}"),
        (["fix", ""], f"FILES: {EMPTY}"),
        (["fix", "good.jsonl", "-o", ""], f"--output: {EMPTY}"),
        (["convert", "", "--to", "openai"], f"FILE: {EMPTY}"),
        (["stats", ""], f"PATHS: {EMPTY}"),
        (["cost", ""], f"PATHS: {EMPTY}"),
        (["split", ""], EMPTY),
        (["index", "build", "x", ""], EMPTY),
        (["vocab", "add", ""], f"FILES: {EMPTY}"),
        (["rule", ""], f"NAME: {EMPTY}"),
        (["cost", "good.jsonl", "--epochs", "0"], "epochs: expected 0.01 or more, found 0.0"),
        (["cost", "good.jsonl", "--epochs", "-2"], "epochs: expected 0.01 or more, found -2.0"),
        (["cost", "good.jsonl", "--epochs", "nan"], "epochs: expected 0.01 or more, found nan"),
        (["cost", "good.jsonl", "--epochs", "inf"], "epochs: expected at most 10,000, found inf"),
        (["cost", "good.jsonl", "--epochs", "x"], "'x' is not a valid float"),
        (["cost", "good.jsonl", "--params", "0"], "--params"),
        (["cost", "good.jsonl", "--params", "nan"], "expected the billions of parameters"),
        (["cost", "good.jsonl", "--params", "8e9"], "expected the billions of parameters"),
        (["cost", "good.jsonl", "--prompt-before", "0"], "--prompt-before"),
        (["cost", "good.jsonl", "--prompt-before", "1" + "0" * 400], "--prompt-before"),
        (["cost", "good.jsonl", "--no-tokens"], "leave out --no-tokens"),
        (["cost", "good.jsonl", "--gpu", "H100"], "give --params"),
        (["cost", "good.jsonl", "--gpu", "H10", "--params", "8"], "H100"),
        (["validate", "good.jsonl", "--jobs", "-1"], "--jobs"),
        (["validate", "good.jsonl", "--context-length", "0"], "--context-length"),
        (["validate", "good.jsonl", "--max-line-bytes", "0"], "--max-line-bytes"),
        (["validate", "good.jsonl", "--max-line-bytes", "1" + "0" * 20], "max_line_bytes: numbers must be smaller"),
        (["split", "good.jsonl", "--test", "2"], "2 rows asked for beside train, but there is only 1"),
        (["split", "good.jsonl", "--test", "200%"], "test: '200%' is neither a share"),
        (["split", "good.jsonl", "--test", "-1"], "test: '-1' is neither a share"),
        (["split", "good.jsonl", "--test", "nan"], "test: 'nan' is neither a share"),
        (["index", "build", "x", "good.jsonl", "--gram", "0"], "--gram"),
        (["vocab", "list", "good.jsonl"], "files belong to 'prepdata vocab add'"),
        (["vocab", "add"], "give the file to add"),
        (["vocab", "add", "good.jsonl"], "good.jsonl"),
        (["init", "missing"], "missing"),
        (["completion", "tcsh"], "tcsh"),
        (["validate", "good.jsonl", "--write-waivers"], "--write-waivers needs --reason"),
        (["fix", "-"], "fix needs a file"),
        (["fix", "good.jsonl", "good.jsonl", "-o", "x.jsonl"], "--output goes with one file"),
        (["fix", "good.jsonl", "-o", "missing/x.jsonl"], "missing is no folder"),
        (["fix", "missing.jsonl"], "missing.jsonl"),
        (["convert", "good.jsonl", "--to", "alpaka"], "alpaca"),
        (["convert", "good.jsonl", "--to", "alpaca", "-o", "x.jsonl.gz"], "convert writes plain JSONL"),
        (["convert", "good.jsonl", "--to", "alpaca", "-o", "good.jsonl"], "is the input"),
    ],
)  # fmt: skip
def test_wrong_use_is_told_clearly(folder: Path, arguments: list[str], said: str) -> None:
    run = prepdata(*arguments, cwd=folder)
    assert run.returncode == 2
    assert said in run.stderr and run.stderr.startswith("prepdata: ")
    assert "Traceback" not in run.stderr and "internal error" not in run.stderr
    assert run.stdout == ""
    assert [path.name for path in folder.iterdir() if path.name != ".cache"] == ["good.jsonl"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[rules.edge-whitespace]\nmax = "200%"', "rules.edge-whitespace: max = '200%': a share is 0% to 100%"),
        ('[rules.edge-whitespace]\nmax = "100.1%"', "a share is 0% to 100%"),
        ('[rules.edge-whitespace]\nmax = "-1"', "rules.edge-whitespace: max = '-1': expected a share"),
        ('[rules.edge-whitespace]\nmax = "many"', "rules.edge-whitespace: max = 'many': expected a share"),
        ("[rules.edge-whitespace]\nmax = 5", "rules.edge-whitespace.max: expected a text, found 5"),
        (
            "[rules.repeated-answer]\nmin_share = 2",
            "rules.repeated-answer.min_share: expected a number <= 1.0, found 2",
        ),
        (
            "[rules.repeated-answer]\nmin_share = nan",
            "rules: numbers must be smaller than 1,000,000,000,000,000, and no nan",
        ),
        ("[rules.too-few-examples]\nleast = -1", "rules.too-few-examples.least: expected a whole number >= 0"),
        ("[rules.too-few-examples]\nleast = 1.5", "rules.too-few-examples.least: expected a whole number, found 1.5"),
        ('[rules.missing-edge-case]\nmin = "200%"', "rules.missing-edge-case.min = '200%': expected a share from"),
        ('[rules.missing-edge-case]\nmin = "-5"', "rules.missing-edge-case.min = '-5': expected a share"),
        ("epochs = 0", "epochs: expected 0.01 or more, found 0"),
        ("epochs = inf", "epochs: expected at most 10,000, found inf"),
        ("jobs = -1", "jobs: expected 0 or more, found -1"),
        ("context_length = 0", "context_length: expected 1 or more, found 0"),
        ('model = ""', "model: an empty text; leave it out"),
        ('fail_on = "eror"', "fail_on: 'eror' is none of 'error'"),
        ("tokens = 1", "tokens: expected true or false, found 1"),
        ("targets = 1", "targets: expected a list of texts, found 1"),
        ("rules = 1", "rules: expected a table, found 1"),
        ("jobs = ", "not valid TOML"),
        ("a.b = 1", "unknown setting 'a'"),
    ],
)
def test_impossible_settings_are_told_with_the_file(folder: Path, table: str, said: str) -> None:
    (folder / "prepdata.toml").write_text(table + "\n", encoding="utf-8")
    run = prepdata("validate", "good.jsonl", *QUICK, cwd=folder)
    assert run.returncode == 2 and run.stdout == ""
    assert said in run.stderr and "Traceback" not in run.stderr and "internal error" not in run.stderr


@pytest.mark.parametrize("table", ['[rules.edge-whitespace]\nmax = "100%"', '[rules.edge-whitespace]\nmax = "0"', ""])
def test_settings_at_the_edge_are_taken(folder: Path, table: str) -> None:
    (folder / "prepdata.toml").write_text(table + "\n", encoding="utf-8")
    assert prepdata("validate", "good.jsonl", *QUICK, "--ignore", "COV", cwd=folder).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", "-f", "full"],
        ["validate", "-f", "concise"],
        ["validate", "-f", "github"],
        ["validate", "-f", "junit"],
        ["validate", "-f", "json"],
        ["validate", "-f", "sarif"],
        ["validate", "-f", "gitlab"],
        ["validate", "-f", "html"],
        ["stats", "-f", "text"],
        ["stats", "-f", "json"],
        ["fix", "--diff"],
        ["split", "--dry-run"],
        ["split", "--dry-run", "--json"],
        ["convert", "--to", "alpaca"],
    ],
)  # fmt: skip
def test_hostile_names_and_texts_are_escaped(folder: Path, arguments: list[str]) -> None:
    odd = "\x1b[2J\x85\u2028\u2029\u202e\x0b\x0c"
    name = "a\x1b[2J\u2028\u202e.jsonl"
    row = {
        "messages": [
            {"role": f"user{odd}", "content": f" Hi {odd}"},
            {"role": "assistant", "content": f" Hello {odd}", odd: 1},
        ],
        f"k{odd}": odd,
    }
    (folder / name).write_text(json.dumps(row) + "\n" + json.dumps(GOOD) + "\n" + odd + "\n", encoding="utf-8")
    quick = QUICK if arguments[0] in ("validate", "stats", "fix") else []
    run = prepdata(arguments[0], name, *arguments[1:], *quick, cwd=folder)
    assert run.returncode in (0, 1), run.stderr
    said = run.stdout + run.stderr
    assert said and not set("\x1b\x85\u2028\u2029\u202e\x0b\x0c") & set(said)
