"""The runner of whole runs: what it starts, how it edits, and that a small table comes out."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from benchmarks import data, memory, validate
from benchmarks.measure import Run, run
from prepdata.tokens.vocab import find

needs_vocabulary = pytest.mark.skipif(
    find(validate.ENCODING, offline=True) is None, reason="no vocabulary on this machine"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    data.write(120, path)
    return path


def test_edit_changes_one_row(file: Path) -> None:
    before = file.read_text(encoding="utf-8").split("\n")
    validate.edit_one_row(file, 0)
    after = file.read_text(encoding="utf-8").split("\n")
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(changed) == 1
    assert json.loads(changed[0][1])["messages"][-1]["content"] == "An edited answer, number 0."
    assert len(changed[0][0]) != len(changed[0][1])
    assert list(file.parent.iterdir()) == [file]


def test_edits_of_later_turns_change_other_rows(file: Path) -> None:
    validate.edit_one_row(file, 0)
    first = file.read_bytes()
    validate.edit_one_row(file, 1)
    second = file.read_bytes()
    assert b"number 0" in second
    assert b"number 1" in second
    assert first != second


def test_contenders_work_on_the_same_file(file: Path, tmp_path: Path) -> None:
    contenders = validate.own(file, tmp_path / "cache")
    assert contenders[0].name.startswith("peer loop")
    assert all(str(file) in c.command for c in contenders)
    assert len({c.name for c in contenders}) == len(contenders)
    kept = [c for c in contenders if "--cache-dir" in c.command]
    assert [c.before is None for c in kept] == [False, True, False]
    assert all("--no-cache" in c.command for c in contenders[1:] if c not in kept)
    assert all("--offline" in c.command and "--isolated" in c.command for c in contenders[1:])


def test_the_first_run_finds_no_cache(file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    first = next(c for c in validate.own(file, cache) if "first run" in c.name)
    assert first.before is not None
    first.before(0)
    assert not cache.exists()


def test_peers_that_are_not_installed_are_left_out(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])
    assert validate.others(file, sys.executable, []) == []
    assert validate.others(file, shutil.which("true") or sys.executable, []) == []
    missing = [name for name in validate.PEERS if name not in installed()]
    assert validate.others(file, sys.executable, missing) == []
    assert all(f"{name}: not installed" in capsys.readouterr().err for name in missing[:1])


def installed() -> set[str]:
    from importlib.metadata import distributions

    return {d.metadata["Name"] for d in distributions()}


@needs_vocabulary
def test_tiktoken_finds_the_ranks(file: Path, tmp_path: Path) -> None:
    ranks = tmp_path / "ranks"
    ranks.mkdir()
    environment = {**validate.rank_folder(ranks), "PYTHONPATH": str(validate.ROOT)}
    taken = run([sys.executable, "-m", "benchmarks.peer_loop", str(file), validate.ENCODING], environment)
    seen = json.loads(taken.output)
    assert (seen["rows"], seen["problems"]) == (120, 0)
    assert seen["tokens"] > 5000


def test_the_peer_loop_sees_problems(file: Path) -> None:
    import jsonschema

    from benchmarks.peer_loop import SCHEMA

    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert list(validator.iter_errors({"messages": []}))
    assert list(validator.iter_errors({"messages": [{"role": "robot"}]}))
    assert not list(validator.iter_errors(data.sample_rows()[0]))


def test_about_names_the_versions() -> None:
    line = validate.about()
    assert "cores" in line
    assert "tiktoken" in line
    assert "prepdata" in line


@pytest.mark.slow
@needs_vocabulary
def test_a_whole_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = tmp_path / "tables.md"
    argv = ["validate", "--rows", "60", "--runs", "1", "--states", "warm", "--peers", "", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", argv)
    validate.main()
    printed = capsys.readouterr().out
    assert "**60 rows" in printed
    assert printed.count("\n| prepdata") == 7
    assert out.read_text() == printed
    loop = next(line for line in printed.split("\n") if line.startswith("| peer loop"))
    assert loop.endswith("| 1.00x |")


def test_budget() -> None:
    assert memory.budget(0) == pytest.approx(500e6 / 2**20)
    assert memory.budget(1_000_000) == pytest.approx(564e6 / 2**20)


def test_a_run_over_the_budget_is_marked() -> None:
    runs = {"small": Run(1.0, 1.0, 200.0, ""), "large": Run(1.0, 1.0, 600.0, "")}
    lines = memory.table(runs, 1000, 10_000_000)
    assert any(line.startswith("| small") and line.endswith("| yes |") for line in lines)
    assert any(line.startswith("| large") and line.endswith("| **no** |") for line in lines)


def test_rows_are_counted(file: Path) -> None:
    assert memory.rows_of(file) == 120
