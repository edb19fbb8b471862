"""A small training to be submitted, and its job files, for tests of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import tiny_lm

from prepdata.cli.main import cli

HOSTILE = 'it\'s a $(touch broken) $$ "run" `touch broken` ü; #1'
"""A name of a run folder that every way of quoting has to stand."""
TO_THE_VOLUME = ["--submit-image", "reg.example/prepdata:1", "--submit-volume", "work"]


def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with model, rows and a configuration, work in it, and return it."""
    here = tmp_path / "my work"
    here.mkdir()
    monkeypatch.chdir(here)
    (here / "model").symlink_to(tiny_lm.base_model())
    rows = tiny_lm.json_rows(72, 1)
    tiny_lm.write_rows(here / "train.jsonl", rows[:64])
    tiny_lm.write_rows(here / "test.jsonl", rows[64:])
    given = {
        "model": "model", "train": "train.jsonl", "test": "test.jsonl", "output": "run", "without_baseline": True,
        "batch_size": 16, "gradient_accumulation": 1, "gradient_checkpointing": False, "steps": 2, "gpus": ["L4", "H100"],
    }  # fmt: skip
    (here / "run.yaml").write_text(json.dumps(given))
    return here


def submit(name: str, *words: str) -> int:
    return int(cli.main(["train", "run.yaml", "--submit", name, *words], standalone_mode=False))


def text_of(name: str, *words: str) -> str:
    """Return the job file of a launcher, written without looking at the run."""
    assert submit(name, "--no-preflight", "--quiet", "--job-file", "job", *words) == 0
    return Path("job").read_text()


def expanded(text: str, known: dict[str, str]) -> str:
    """Return an argument as Kubernetes hands it on: $(NAME) of a known variable is its value, $$ is $."""
    return re.sub(r"\$\$|\$\(([^)]*)\)", lambda m: "$" if m[0] == "$$" else known.get(m[1], m[0]), text)
