"""The folder of a run, and those that dead runs have left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from prepdata.rag_rows.workplace import PREFIX, workplace

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks and signals of POSIX")
CHILD = """
import sys
from pathlib import Path
from prepdata.rag_rows.workplace import workplace
with workplace(Path(sys.argv[1])) as folder:
    (folder / "rows.jsonl").write_text("half a row")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_folders_of_living_runs_stay_and_those_of_killed_ones_go(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        assert child.stdout is not None
        folder = Path(child.stdout.readline().strip())
        with workplace(tmp_path) as own:
            assert (folder / "rows.jsonl").is_file() and own != folder
    finally:
        child.kill()
        child.communicate(timeout=60)
    assert folder.is_dir()
    with workplace(tmp_path) as own:
        assert list(tmp_path.iterdir()) == [own]
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_surely_of_a_dead_run_stays(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}begun").mkdir()
    (tmp_path / f"{PREFIX}file").write_text("mine")
    other = tmp_path / "other"
    other.mkdir()
    (other / "lock").touch()
    (tmp_path / f"{PREFIX}link").symlink_to(other)
    before = sorted(tmp_path.iterdir())
    with workplace(tmp_path):
        pass
    assert sorted(tmp_path.iterdir()) == before and (other / "lock").exists()


def test_after_an_error_the_folder_is_gone(tmp_path: Path) -> None:
    with pytest.raises(KeyError), workplace(tmp_path):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_without_locks_nothing_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / f"{PREFIX}old"
    old.mkdir()
    (old / "lock").touch()
    monkeypatch.setattr("prepdata.rag_rows.workplace._locked", lambda handle: False)
    with workplace(tmp_path) as own:
        assert not (own / "lock").exists()
    assert list(tmp_path.iterdir()) == [old]
