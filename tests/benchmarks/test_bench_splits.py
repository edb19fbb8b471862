"""The benchmark of splits counts what is lost, what leaks and what moves from the files themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import splits

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def test_samples_are_split_without_leaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = splits.main([str(SAMPLES), "--names", "support/train,preference/train", "--json", str(tmp_path / "out")])
    assert len(results) == 2 and all(sum(result.sides) + result.aside <= result.rows for result in results)
    assert {(r.errors, r.lost, r.old_moved, r.later_errors) for r in results} == {(0, 0, 0, 0)}
    assert [row["file"] for row in json.loads((tmp_path / "out").read_text())] == [result.file for result in results]
    assert "old moved" in capsys.readouterr().out


def test_leaks_and_lost_lines_are_counted(tmp_path: Path) -> None:
    row = json.dumps({"prompt": "How many herons sleep on one leg in the old harbour?", "completion": "Nine."})
    for side in ("train", "test"):
        (tmp_path / f"x.{side}.jsonl").write_text(row + "\n")
    assert splits.errors(tmp_path) == 1
    (tmp_path / "x.set-aside.jsonl").write_text(json.dumps({"text": row}) + "\n")
    assert splits.lines_of(tmp_path, "set-aside") == splits.lines_of(tmp_path, "test") == [row.encode()]
