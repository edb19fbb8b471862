"""Whole processes are measured with all that they start; the page cache is emptied where that can be done."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.measure import HEAD, Run, chill, resident, row, run, warm

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and posix_fadvise")


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_wall_and_output() -> None:
    taken = run(python("import time; time.sleep(0.3); print('done')"))
    assert 0.3 <= taken.wall < 5
    assert taken.output.strip() == "done"
    assert taken.cpu < taken.wall


def test_processor_time_counts_children() -> None:
    work = "sum(i * i for i in range(3_000_000))"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}])"
    assert run(python(code)).cpu > run(python("pass")).cpu + 0.05


@linux
def test_peak_counts_children() -> None:
    hold = "import time; held = bytearray(80_000_000); time.sleep(0.6)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    assert 75 < run(python(code)).peak < 160


@pytest.mark.parametrize("code", ["raise SystemExit(2)", "import os; os.abort()"])
def test_a_run_that_failed_is_an_error(code: str) -> None:
    with pytest.raises(RuntimeError):
        run(python(code))


def test_findings_are_no_error() -> None:
    assert run(python("raise SystemExit(1)")).wall > 0


def test_the_environment_is_added_to() -> None:
    code = "import os; print(os.environ['BENCH_WORD'], 'PATH' in os.environ)"
    assert run(python(code), {"BENCH_WORD": "here"}).output.split() == ["here", "True"]


def test_errors_are_told() -> None:
    with pytest.raises(RuntimeError, match="no such thing"):
        run(python("import sys; sys.stderr.write('no such thing'); sys.exit(3)"))


@linux
def test_page_cache(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 4_000_000)
    warm(file)
    assert resident(file) == 1.0
    chill(file)
    left = resident(file)
    if left == 1.0:
        pytest.skip("this file system keeps its files in memory")
    assert left < 0.1
    warm(file)
    assert resident(file) > 0.9


def runs(*walls: float) -> list[Run]:
    return [Run(wall, wall / 2, 100 + wall, "") for wall in walls]


def test_row_holds_medians_and_the_highest_peak() -> None:
    line = row("it", runs(2.0, 4.0, 3.0), 3000, 6_000_000)
    assert line == "| it | 3.00 | 1.50 | 1,000 | 2.0 | 104 |  |"
    assert line.count("|") == HEAD.split("\n")[0].count("|")


def test_ratio_is_paired_by_turn() -> None:
    line = row("it", runs(1.0, 10.0, 1.0), 10, 10, runs(4.0, 50.0, 3.0))
    assert line.endswith("| 4.00x |")
