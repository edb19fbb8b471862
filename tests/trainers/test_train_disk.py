"""How large run folders grow: figures worked out by hand, and sizes of real ones (tests/trainers/test_train_runs.py)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from prepdata.errors import UsageError
from trainers import disk
from trainers.config import TrainConfig
from trainers.resuming import check_free

CONFIG = TrainConfig(model="m", train="t", output="o", keep_checkpoints=2)
RUN: dict[str, Any] = {
    "adapter": 41_943_040, "steps": 1000, "save_steps": 100, "eval_steps": 100, "tokens": 10**6, "rows": 4 * 10**6,
    "tokenizer": 17 * 10**6,
}  # fmt: skip
"""Llama 3.1 8B with r 16 has this adapter and tokenizer."""


def grown(**changes: Any) -> int:
    keys = {name: changes.pop(name) for name in ("keep_checkpoints", "quantization") if name in changes}
    return disk.run_folder(msgspec.structs.replace(CONFIG, **keys), **{**RUN, **changes})


def test_worked_out_by_hand() -> None:
    checkpoint = 12 * 41_943_040 + 17 * 10**6 + 32_000 + 350 * 1010
    rows = 4 * 10**6 + (3 * (12 * 10**6 + 4 * 10**6) + 4 * 10**6)
    assert grown() == 3 * checkpoint + rows + 350 * 1010 + disk.REST
    assert round(grown() / 1e9, 2) == 1.62


def test_adapters_of_qlora_take_half() -> None:
    assert grown() - grown(quantization="nf4") == 3 * 6 * 41_943_040


@pytest.mark.parametrize(
    ("keys", "checkpoints", "final"),  # bytes of the adapter where there is one checkpoint more no longer
    [
        ({"keep_checkpoints": 1}, 3, 0),  # the best, the last, and the one that is written
        ({"keep_checkpoints": 1, "eval_steps": None}, 2, 0),
        ({"keep_checkpoints": 2}, 3, 0),
        ({"keep_checkpoints": 7}, 8, 0),
        ({"keep_checkpoints": 10**9}, 10, 4000),  # as many as the run has
        ({"save_steps": 900}, 2, 4000),
        ({"save_steps": 5000}, 1, 4000),
    ],
)
def test_how_many_checkpoints_there_are_at_once(keys: dict[str, Any], checkpoints: int, final: int) -> None:
    assert grown(**keys, adapter=1000) - grown(**keys, adapter=0) == checkpoints * 12_000 + final


def test_every_process_has_states_of_its_own() -> None:
    assert grown(processes=4) - grown() == 3 * 3 * disk.STATE_OF_PROCESS


def test_files_of_a_tokenizer(tmp_path: Path) -> None:
    assert disk.tokenizer_bytes(tmp_path) == 0
    for name, size in (("tokenizer.json", 1000), ("tokenizer_config.json", 30), ("model.safetensors", 9000)):
        (tmp_path / name).write_bytes(b"x" * size)
    assert disk.tokenizer_bytes(tmp_path) == 1030


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    check_free(tmp_path / "new" / "run")
    with pytest.raises(UsageError, match=r"run: this folder cannot be made, since .*file is a file"):
        check_free(tmp_path / "file" / "run")
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write anywhere
    with pytest.raises(UsageError, match=f"since {tmp_path} cannot be written to"):
        check_free(tmp_path / "new" / "run")


class Usage(NamedTuple):
    free: int


def test_too_little_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Path] = []

    def usage(place: Path) -> Usage:
        asked.append(place)
        return Usage(30_000_000)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert disk.problems(str(tmp_path / "no" / "run"), 30_000_000) == []
    (problem,) = disk.problems(str(tmp_path / "no" / "run"), 1_620_000_000)
    assert (problem.name, problem.fatal, problem.data) == ("disk", True, False)
    assert problem.message == f"the run folder may grow to 1.6 GB; 30 MB are free at {tmp_path}"
    assert asked == [tmp_path, tmp_path]
