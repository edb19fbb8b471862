"""Hot paths: every group gives figures, and a path that became slower is told."""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

import pytest

from benchmarks import clock, data, hot_paths, paths
from benchmarks.clock import Timed


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> paths.Bench:
    file = tmp_path_factory.mktemp("hot") / "rows.jsonl"
    data.write(150, file)
    made = paths.Bench(file, 1)
    gc.freeze()  # else each of the many collections walks everything that the test session holds
    return made


@pytest.fixture(scope="module")
def found(bench: paths.Bench) -> list[Timed]:
    return list(hot_paths.measured(bench))


def test_every_group_gives_paths(found: list[Timed]) -> None:
    groups = {timed.group for timed in found}
    assert set(paths.PARTS) <= groups
    assert {"source", "whole", "at the end", "token counters", "reporters", "parsers of others"} <= groups
    assert any(timed.key == paths.WHOLE for timed in found)


def test_every_running_rule_is_timed(bench: paths.Bench, found: list[Timed]) -> None:
    from prepdata.rules.base import CorpusRule, RecordRule

    timed = {t.name.split(":")[0] for t in found if t.group in ("record rules", "corpus rules")}
    wanted = {f"{r.code} {r.name}" for r in paths._rules(bench) if isinstance(r, RecordRule | CorpusRule)}
    assert wanted == timed


def test_keys_are_unique(found: list[Timed]) -> None:
    keys = [timed.key for timed in found]
    assert len(keys) == len(set(keys))


def test_rows_and_bytes_stand_for_the_file(bench: paths.Bench, found: list[Timed]) -> None:
    assert bench.rows == 150
    assert all((t.rows, t.size) == (150, bench.size) for t in found)


def test_rules_are_unchanged_afterwards(bench: paths.Bench, found: list[Timed]) -> None:
    assert found
    assert all("check" not in vars(rule) for rule in paths._rules(bench))


def test_least_leaves_out_the_first_call() -> None:
    calls: list[int] = []
    clock.least(lambda: calls.append(1), 3)
    assert len(calls) == 4
    clock.least(lambda: calls.append(1), 1)
    assert len(calls) == 5


def test_peak_of() -> None:
    assert 10_000_000 <= clock.peak_of(lambda: len(bytearray(10_000_000))) < 11_000_000


def timed(seconds: float, name: str = "x", **more: object) -> Timed:
    return Timed("g", name, seconds, 1000, 2_000_000, **more)  # type: ignore[arg-type]


def test_line() -> None:
    line = clock.line(timed(0.002, peer=("json.loads", 0.004), note="a note"))
    assert line == "| x | 2.00 | 500,000 | 1,000 | 0.0 | 2.0x as fast as json.loads | a note |"
    assert line.count("|") == clock.HEAD.split("\n")[0].count("|")


def test_rates_of_next_to_nothing_are_left_out() -> None:
    assert clock.line(timed(1e-9)).startswith("| x | 0.00 | - | - |")


@pytest.mark.parametrize(("before", "marked"), [(None, False), (2.0, False), (1.7, False), (1.5, True), (3.0, False)])
def test_slower_paths_are_marked(before: float | None, marked: bool) -> None:
    assert ("**was" in clock.line(timed(0.002), before)) is marked


def test_table_puts_the_dearest_first() -> None:
    lines = clock.table([timed(0.1, "cheap"), timed(0.3, "dear")], {})
    names = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    assert names == ["path", "dear", "cheap"]


def test_dearest_counts_parts_only() -> None:
    whole = Timed("whole", paths.WHOLE.partition(": ")[2], 1.0, 1000, 1)
    part = Timed("parse", "p", 0.4, 1000, 1)
    lines = hot_paths.dearest([whole, part, Timed("reporters", "r", 0.9, 1000, 1)])
    assert any("parse: p" in line and "40%" in line for line in lines)
    assert not any("reporters" in line for line in lines)
    assert lines[-1].endswith("add up to 40% of it.")


def start(monkeypatch: pytest.MonkeyPatch, *more: str) -> int:
    monkeypatch.setattr(sys, "argv", ["hot_paths", "--rows", "60", "--repeat", "1", *more])
    return hot_paths.main()


@pytest.mark.slow
def test_save_and_compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "before.json"
    assert start(monkeypatch, "--save", str(saved)) == 0
    kept = json.loads(saved.read_text())
    assert paths.WHOLE in kept
    saved.write_text(json.dumps({**kept, paths.WHOLE: 0.01}))
    capsys.readouterr()
    assert start(monkeypatch, "--against", str(saved), "--fail-above", "1000") == 1
    printed = capsys.readouterr().out
    assert "**was 0.01**" in printed
    assert f"Slower than 1000 times before: {paths.WHOLE}" in printed
