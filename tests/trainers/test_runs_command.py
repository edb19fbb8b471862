"""`prepdata runs` where there is nothing to list: folders without runs, records that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from prepdata.cli.main import cli


def runs(*folders: Path | str) -> int:
    return int(cli.main(["runs", *map(str, folders)], standalone_mode=False))


def test_here_there_may_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)
    assert runs() == 0
    assert capsys.readouterr().err == "no run folders here\n"


def test_a_folder_that_is_named_has_to_hold_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runs(tmp_path) == 2
    assert capsys.readouterr().err == f"prepdata: {tmp_path}: no run folder, and none in it\n"
    assert runs(tmp_path, "--json") == 2
    assert '"runs": []' in capsys.readouterr().out


def test_records_that_cannot_be_read_are_named_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in (("cut", '{"status": "fin'), ("empty", ""), ("list", "[]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(text)
    assert runs(tmp_path) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert [
        f"{name}/run.json: no record of a run" in line
        for name, line in zip(("cut", "empty", "list"), said.err.splitlines())
    ] == [True] * 3
