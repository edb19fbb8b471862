"""What is kept between runs: found again where everything is equal, never used where anything is not."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import prepdata
from prepdata import cache as keeping
from prepdata import runner as running
from prepdata.cache import KEEP_DAYS, Cache, Kept, folder
from prepdata.engine import Mapper
from prepdata.settings import Settings
from prepdata.sources import finder
from prepdata.sources.cut import Bounds

CODE = keeping.code_version


def rows(count: int) -> list[str]:
    found = []
    for i in range(count):
        turns = [
            {"role": "human" if i % 40 == 0 else "user", "content": f"What is {i} times {i % 97}?"},
            {"role": "assistant", "content": f"It is {i * (i % 97)}."},
        ]
        found.append(json.dumps({"messages": turns}))
        if i % 90 == 0:
            found.append("")
    return found


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Small files are cached too, in chunks of about 8 kB."""
    monkeypatch.setattr(keeping, "SMALLEST", 0)
    monkeypatch.setattr(keeping, "code_version", lambda: prepdata.__version__)  # sources may change while tests run
    monkeypatch.setattr(finder, "Bounds", lambda line: Bounds(4_000, 2_000, 20_000, line))
    monkeypatch.setenv("PREPDATA_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(rows(1000)) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The digests of the chunks that were mapped in this process."""
    seen: list[int] = []
    real = Mapper.map

    def count(self: Mapper, raw: Any, format_name: str | None) -> Any:
        seen.append(raw.digest)
        return real(self, raw, format_name)

    monkeypatch.setattr(Mapper, "map", count)
    return seen


def run(path: Path | list[Path], **settings: Any) -> prepdata.Report:
    return prepdata.validate(path, **{"jobs": 1, "encoding": "o200k_base", **settings})


def files(folder: Path) -> list[Path]:
    found = folder / "cache"
    return sorted(found.iterdir()) if found.is_dir() else []


# --- what is loaded ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_a_whole_input_needs_is_loaded_before_processes_start(
    data: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    if jobs == 2 and not hasattr(os, "fork"):
        pytest.skip("needs fork")
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    loads: list[int] = []
    monkeypatch.setattr(Mapper, "prepare", lambda self: loads.append(os.getpid()))
    run(data, jobs=jobs)
    assert loads == [os.getpid()]
    run(data, jobs=jobs)  # from the cache
    assert loads == [os.getpid()]


# --- hits ------------------------------------------------------------------------------------------------------------


def test_a_second_run_is_equal_and_maps_nothing(data: Path, mapped: list[int], tmp_path: Path) -> None:
    first = run(data, select=["ALL"])
    count = len(mapped)
    assert count > 10 and len(files(tmp_path)) == 1
    second = run(data, select=["ALL"])
    assert len(mapped) == count
    assert second.findings == first.findings
    assert second.to_json() == first.to_json() == run(data, select=["ALL"], cache=False).to_json()
    assert {"unknown-role", "blank-line"} <= {f.name for f in second}


def test_processes_and_cache_go_together(data: Path, mapped: list[int]) -> None:
    first = run(data, jobs=2)
    assert not mapped
    assert run(data, jobs=1).to_json() == first.to_json()
    assert not mapped, "what several processes made is found again by one"


@pytest.mark.parametrize("where", [0, 500, 1000])
def test_an_edited_row_costs_few_chunks(data: Path, mapped: list[int], where: int) -> None:
    run(data)
    everything = len(mapped)
    mapped.clear()
    lines = data.read_text().split("\n")
    lines[where] = json.dumps({"messages": [{"role": "user", "content": "New?"}, {"role": "bot", "content": "Yes."}]})
    data.write_text("\n".join(lines))
    report = run(data)
    assert 1 <= len(mapped) <= 4 < everything
    assert report.to_json() == run(data, cache=False).to_json()
    assert where + 1 in [f.line for f in report if f.name == "unknown-role"]


@pytest.mark.parametrize("more", [1, 50])
def test_rows_put_in_or_taken_out_cost_few_chunks(data: Path, mapped: list[int], more: int) -> None:
    run(data)
    everything = len(mapped)
    mapped.clear()
    lines = data.read_text().split("\n")
    data.write_text("\n".join(lines[:300] + rows(more) + lines[300:]))
    assert run(data).to_json() == run(data, cache=False).to_json()
    assert len(mapped) - everything <= 8


def test_the_last_run_alone_is_kept(data: Path, tmp_path: Path) -> None:
    run(data)
    before = files(tmp_path)[0].stat().st_size
    data.write_text("\n".join(rows(100)) + "\n")
    run(data)
    (path,) = files(tmp_path)
    assert path.stat().st_size < before / 2


def test_equal_chunks_are_kept_once(data: Path, mapped: list[int]) -> None:
    row = json.dumps({"messages": [{"role": "user", "content": "x" * 9000}, {"role": "assistant", "content": "y"}]})
    data.write_text((row + "\n") * 20)
    first = run(data)
    mapped.clear()
    assert run(data).to_json() == first.to_json()
    assert not mapped


# --- misses ----------------------------------------------------------------------------------------------------------

CHANGES: list[dict[str, Any]] = [
    {"select": ["ROLE"]},
    {"ignore": ["ROLE002"]},
    {"targets": ["openai"]},
    {"targets": ["mistral"]},
    {"model": "gpt-4o"},
    {"encoding": "cl100k_base"},
    {"tokens": False},
    {"rules": {"unknown-key": {"allow": ["x"]}}},
    {"columns": {"prompt": "question", "completion": "sql"}},
    {"marks": {"id": "uid"}},
    {"format": "openai-dpo"},
    {"epochs": 7.0},
    {"context_length": 10},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_other_settings_find_nothing(data: Path, mapped: list[int], change: dict[str, Any]) -> None:
    run(data)
    everything = len(mapped)
    mapped.clear()
    found = run(data, **change)
    assert len(mapped) == everything
    assert found.to_json() == run(data, **change, cache=False).to_json()


def test_what_only_judges_the_report_changes_nothing_that_is_kept(data: Path, mapped: list[int]) -> None:
    run(data)
    mapped.clear()
    report = run(data, fail_on="info", per_file_ignores={"*.jsonl": ["unknown-role"]})
    assert not mapped
    assert report.exit_code == 1 and "unknown-role" not in {f.name for f in report}


def test_another_version_finds_nothing(data: Path, mapped: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    run(data)
    everything = len(mapped)
    monkeypatch.setattr(prepdata, "__version__", "9.9.9")
    run(data)
    assert len(mapped) == 2 * everything


def test_an_installed_version_is_known_by_its_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert CODE().startswith(prepdata.__version__ + " ")
    monkeypatch.setattr(keeping, "__file__", str(tmp_path / "site-packages" / "prepdata" / "cache.py"))
    assert CODE() == prepdata.__version__


def test_another_vocabulary_finds_nothing(data: Path, mapped: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    run(data)
    everything = len(mapped)
    monkeypatch.setattr(keeping, "_counting", lambda plan: "another")
    run(data)
    assert len(mapped) == 2 * everything


def test_two_files_of_equal_content_are_apart(data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_bytes(data.read_bytes())
    first = run([data, other])
    assert len(files(tmp_path)) == 2
    assert run([data, other]).to_json() == first.to_json()


# --- damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["empty", "cut", "flipped", "longer", "text", "other msgpack", "folder"])
def test_a_damaged_file_is_ignored(data: Path, mapped: list[int], tmp_path: Path, how: str) -> None:
    first = run(data)
    (path,) = files(tmp_path)
    good = path.read_bytes()
    if how == "folder":
        path.unlink()
        path.mkdir()
    else:
        middle = len(good) // 2
        flipped = good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :]
        bad = {
            "empty": b"", "cut": good[:middle], "flipped": flipped, "longer": good + b"\0", "text": b"not a cache",
            "other msgpack": b"\x93\x01\x02\x03",
        }  # fmt: skip
        path.write_bytes(bad[how])
    everything = len(mapped)
    assert run(data).to_json() == first.to_json()
    assert len(mapped) == 2 * everything
    if how != "folder":
        assert path.read_bytes() == good, "and it is whole again"


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    kept = Kept(path)
    kept.put(7, b"seven")
    kept.close()
    good = path.read_bytes()
    assert Kept(path).get(7) == b"seven"
    for i in range(len(good)):
        path.write_bytes(good[:i] + bytes([good[i] ^ 0x10]) + good[i + 1 :])
        assert Kept(path).get(7) is None


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_folder_that_cannot_be_written_is_no_error(data: Path, tmp_path: Path, jobs: int) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    first = run(data, cache_dir=str(blocked), jobs=jobs)
    assert first.to_json() == run(data, cache=False).to_json()
    assert blocked.read_text() == "a file where the folder should be"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the super user may write everywhere")
def test_a_folder_without_permission_is_no_error(data: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    assert run(data, cache_dir=str(closed)).examples == 1000


def test_a_disk_that_is_full_is_no_error(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, target: Any) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert run(data).examples == 1000
    assert files(tmp_path) == [], "nothing half written stays behind"


# --- where, and how long ---------------------------------------------------------------------------------------------


def test_where_the_folder_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert folder(str(tmp_path / "given")) == tmp_path / "given"
    assert folder(None) == tmp_path / "cache"
    monkeypatch.delenv("PREPDATA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert "prepdata" in folder(None).parts


@pytest.mark.parametrize("settings", [{"cache": False}, {}])
def test_nothing_is_kept_of_small_runs_or_when_switched_off(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    if not settings:
        monkeypatch.setattr(keeping, "SMALLEST", 4_000_000)
    run(data, **settings)
    assert files(tmp_path) == []


def test_nothing_is_kept_of_huge_results(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LARGEST", 100)
    run(data)
    assert files(tmp_path) == []


def aged(path: Path, days: float) -> Path:
    then = time.time() - days * 86400
    os.utime(path, (then, then))
    return path


def test_old_files_are_removed(data: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (cache / "inner").mkdir(parents=True)
    old, young = "0" * 16, "1" * 16
    (cache / old).write_bytes(b"")
    (cache / young).write_bytes(b"")
    aged(cache / old, KEEP_DAYS + 1)
    aged(cache / young, KEEP_DAYS - 1)
    aged(cache / "inner", KEEP_DAYS + 1)
    run(data)
    names = {path.name for path in files(tmp_path)}
    assert {young, "inner"} < names and old not in names


def test_a_file_in_use_does_not_grow_old(data: Path, mapped: list[int], tmp_path: Path) -> None:
    run(data)
    mapped.clear()
    (path,) = files(tmp_path)
    aged(path, KEEP_DAYS - 1)
    run(data)
    assert not mapped
    assert time.time() - path.stat().st_mtime < 3600


def test_pruning_where_there_is_nothing(tmp_path: Path) -> None:
    Cache(None).prune()
    Cache(tmp_path / "none").prune()
    assert not Cache(None).open("a.jsonl", None).active
    assert Cache.of(Settings(cache=False), None, 10**9).folder is None  # type: ignore[arg-type]


def test_a_path_that_is_no_text_is_cached_too(data: Path, mapped: list[int], tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jsonl"))
    try:
        odd.write_bytes(data.read_bytes())
    except OSError:
        pytest.skip("this file system takes no such name")
    first = run(odd)
    mapped.clear()
    second = run(odd)
    assert not mapped
    assert second.to_json() == first.to_json()
    assert json.loads(first.to_json())["files"][0]["path"].endswith(".jsonl")


def test_a_run_that_fails_keeps_nothing_half(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: running.Runner, *_: Any) -> Any:
        raise RuntimeError("no")

    with monkeypatch.context() as patch:
        patch.setattr(running.Runner, "_take", fail)
        with pytest.raises(RuntimeError):
            run(data)
    assert files(tmp_path) == []


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("value", [str(10**30), '"\\ud800"'])
def test_results_that_cannot_be_kept_are_made_again(data: Path, mapped: list[int], value: str, jobs: int) -> None:
    tool = f'{{"name": "search", "parameters": {{"type": "object", "properties": {{}}, "x": {value}}}}}'
    turns = '[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]'
    with data.open("a") as file:
        file.write(f'{{"messages": {turns}, "tools": {tool}}}\n')
    first = run(data, jobs=jobs)
    mapped.clear()
    second = run(data, jobs=1)
    assert second.findings == first.findings
    assert len(mapped) == (1 if value.isdigit() else 0)


def test_files_of_others_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    for name in ("train.jsonl", "0123456789abcdef", "0123456789abcdef.txt", ".prepdata-0123456789abcdef"):
        (tmp_path / name).write_bytes(b"")
        aged(tmp_path / name, KEEP_DAYS + 1)
    Cache(tmp_path).prune()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0123456789abcdef.txt", "train.jsonl"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_a_pipe_in_the_place_of_a_cache_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert Kept(tmp_path / "pipe").old == {}
