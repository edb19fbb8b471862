"""Running over several processes: the same report, clear errors, nothing left behind."""

from __future__ import annotations

import gc
import io
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

import prepdata
from prepdata import runner as running
from prepdata.api import plan_of
from prepdata.engine import Mapper
from prepdata.errors import InputError, PrepdataError
from prepdata.runner import PARALLEL_BYTES, Runner, jobs_for, total_size
from prepdata.select import select
from prepdata.settings import Settings
from prepdata.sources import Input, finder, open_source
from prepdata.sources.cut import Bounds

CAN_FORK = "fork" in multiprocessing.get_all_start_methods()


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are forked, so that they know what the test has patched."""
    if not CAN_FORK:
        pytest.skip("needs fork")
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def lines(count: int) -> Iterator[str]:
    """Rows good and bad of several kinds."""
    for i in range(count):
        role = "human" if i % 50 == 0 else "user"
        question, answer = f"What is {i} times {i % 97}?", f"It is {i * (i % 97)}." if i % 70 else " "
        turns = [{"role": role, "content": question}, {"role": "assistant", "content": answer}]
        yield json.dumps({"messages": turns, "id": str(i % 400)})
        if i % 90 == 0:
            yield "{broken" if i % 180 else ""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(lines(800)) + "\n", encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of about 8 kB, so that small files have many."""
    monkeypatch.setattr(finder, "Bounds", lambda line: Bounds(6_000, 2_000, 20_000, line))


def run(path: Path | list[Path], jobs: int, **more: Any) -> prepdata.Report:
    return prepdata.validate(path, jobs=jobs, cache=False, **more)


# --- the same report -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [2, 3])
def test_any_number_of_processes_gives_the_same_report(data: Path, jobs: int) -> None:
    settings: dict[str, Any] = {"select": ["ALL"], "targets": ["openai"], "encoding": "o200k_base"}
    one = run(data, 1, **settings)
    assert len(list(open_source(str(data)).chunks())) > 10
    several = run(data, jobs, **settings)
    assert several.findings == one.findings
    assert several.to_json() == one.to_json()
    assert {"unknown-role", "invalid-json", "blank-line", "empty-answer", "duplicate-id"} <= {f.name for f in one}


def test_several_files_share_the_processes(data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_bytes(data.read_bytes()[:30_000])
    one, two = (run([data, other], jobs, select=["ALL"], tokens=False) for jobs in (1, 2))
    assert one.to_json() == two.to_json()
    assert {Path(f.file).name for f in one} == {"data.jsonl", "other.jsonl"}


def test_input_that_no_worker_can_read_again_travels(data: Path, tmp_path: Path) -> None:
    import gzip

    packed = tmp_path / "data.jsonl.gz"
    packed.write_bytes(gzip.compress(data.read_bytes()))
    plain, travelled = run(data, 1, tokens=False), run(packed, 2, tokens=False)
    assert [(f.line, f.name, f.digest) for f in plain if f.line] == [
        (f.line, f.name, f.digest) for f in travelled if f.line
    ]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_are_forked_only_where_no_other_thread_runs(
    data: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if method == "fork" and (not CAN_FORK or threading.active_count() > 1):
        pytest.skip("needs fork and no thread")
    expected = run(data, 1, tokens=False, select=["FMT", "ROLE"]).to_json()
    asked: list[str] = []
    real = multiprocessing.get_context

    def get_context(name: str) -> Any:
        asked.append(name)
        return real(name)

    monkeypatch.setattr(multiprocessing, "get_context", get_context)
    if method == "fork":
        assert run(data, 2, tokens=False, select=["FMT", "ROLE"]).to_json() == expected
    else:
        found: list[str] = []
        worker = threading.Thread(
            target=lambda: found.append(run(data, 2, tokens=False, select=["FMT", "ROLE"]).to_json())
        )
        worker.start()
        worker.join(120)
        assert found == [expected]
    assert asked == [method]


def test_runs_may_go_on_side_by_side(data: Path) -> None:
    expected = run(data, 1, tokens=False).to_json()
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(run(data, 1, tokens=False).to_json())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert found == [expected] * 3


# --- how many processes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("jobs", "size", "expected"),
    [(1, 10**9, 1), (3, 0, 3), (3, 10**9, 3), (0, PARALLEL_BYTES - 1, 1), (0, 0, 1), (0, PARALLEL_BYTES, None)],
)
def test_how_many_processes(jobs: int, size: int, expected: int | None) -> None:
    assert jobs_for(Settings(jobs=jobs), size) == (expected or len(os.sched_getaffinity(0)))


def test_cores_where_the_system_does_not_tell_which_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert jobs_for(Settings(), PARALLEL_BYTES) == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert jobs_for(Settings(), PARALLEL_BYTES) == 1


def test_sizes_are_added_as_far_as_known() -> None:
    assert total_size([Input("a", 0, 5), Input("-", 1, None), Input("b", 2, 7)]) == 12


def test_a_small_run_starts_no_process(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "ProcessPoolExecutor", None)
    assert run(data, 0, tokens=False).examples > 800


# --- progress --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_goes_up_to_the_whole_file(data: Path, jobs: int) -> None:
    told: list[tuple[str, int, int]] = []
    run(data, jobs, tokens=False, progress=lambda *now: told.append(now))
    size = data.stat().st_size
    assert {(path, total) for path, _, total in told} == {(str(data), size)}
    done = [now for _, now, _ in told]
    assert done == sorted(done) and done[-1] == size
    assert len(done) == len(list(open_source(str(data)).chunks()))


# --- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("forked")
def test_a_worker_that_dies_is_told_clearly(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = os.getpid()
    real = Mapper.map

    def die(self: Mapper, raw: Any, format_name: str | None) -> Any:
        if os.getpid() != parent:
            os._exit(3)
        return real(self, raw, format_name)

    monkeypatch.setattr(Mapper, "map", die)
    for _ in range(3):
        with pytest.raises(PrepdataError, match=r"a worker process ended before its work was done .* try --jobs 1"):
            run(data, 2, tokens=False)
    assert run(data, 1, tokens=False).examples > 800


@pytest.mark.usefixtures("forked")
def test_a_worker_that_dies_late_is_told_clearly(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent, seen = os.getpid(), [0]
    real = Mapper.map

    def die(self: Mapper, raw: Any, format_name: str | None) -> Any:
        seen[0] += 1
        if os.getpid() != parent and seen[0] > 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, raw, format_name)

    monkeypatch.setattr(Mapper, "map", die)
    with pytest.raises(PrepdataError, match="try --jobs 1"):
        run(data, 2, tokens=False)


@pytest.mark.usefixtures("forked")
def test_a_worker_that_cannot_start_is_told_clearly(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_start(plan: bytes, whole: bool) -> None:
        os._exit(1)

    monkeypatch.setattr(running, "_start", no_start)
    with pytest.raises(PrepdataError, match="a worker process ended"):
        run(data, 2, tokens=False)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_that_changes_under_the_run_is_no_guess(data: Path, jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if jobs == 2 and not CAN_FORK:
        pytest.skip("needs fork")
    real = Runner._submit

    def submit(self: Runner, raw: Any, *rest: Any) -> Any:
        if raw.where is not None:
            raw = raw._replace(data=None, digest=raw.digest ^ 1)
        return real(self, raw, *rest)

    monkeypatch.setattr(Runner, "_submit", submit)
    with pytest.raises(InputError, match="changed while it was being checked"):
        run(data, jobs, tokens=False)


@pytest.mark.parametrize("jobs", [1, 2])
def test_no_process_outlives_its_run(data: Path, jobs: int) -> None:
    run(data, jobs, tokens=False)
    assert multiprocessing.active_children() == []


@pytest.mark.usefixtures("forked")
def test_no_process_outlives_a_run_that_failed(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def progress(*_: Any) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        run(data, 2, tokens=False, progress=progress)
    stop = time.monotonic() + 10
    while multiprocessing.active_children() and time.monotonic() < stop:
        time.sleep(0.05)
    assert multiprocessing.active_children() == []


# --- Ctrl-C ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 60 MB: several seconds of work."""
    path = tmp_path_factory.mktemp("big") / "big.jsonl"
    text = ("\n".join(lines(40_000)) + "\n").encode()
    with path.open("wb") as file:
        for _ in range(60_000_000 // len(text) + 1):
            file.write(text)
    return path


def children(pid: int) -> list[int]:
    """Return the processes that a process started."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(word) for word in listed.stdout.split()]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("group", [True, False], ids=["keyboard", "kill"])
def test_interrupting_stops_and_leaves_nothing(big: Path, jobs: str, group: bool) -> None:
    command = [sys.executable, "-m", "prepdata", "validate", str(big), "--jobs", jobs, "--no-cache"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    time.sleep(2.5 if jobs == "2" else 1.5)
    assert process.poll() is None, "the file is too small for this test"
    started = children(process.pid)
    assert len(started) >= (2 if jobs == "2" else 0)
    (os.killpg if group else os.kill)(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.strip().splitlines()[-1] == "prepdata: interrupted"
    assert "Traceback" not in said and "Error" not in said
    time.sleep(0.2)
    assert not [pid for pid in started if alive(pid)]


def test_standard_input_is_run_over_processes_too(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = run(data, 1, tokens=False)

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data.read_bytes())))
    report = prepdata.validate("-", jobs=2, tokens=False, cache=False)
    assert [(f.line, f.name) for f in report if f.line] == [(f.line, f.name) for f in expected if f.line]
    assert report.files[0].path == "<stdin>"


ODD_VALUES = {"a huge integer": str(10**30), "half a character": '"\\ud800"', "a negative one": str(-(10**30))}


def odd_rows(value: str) -> str:
    """A row whose fix puts an odd value into another place."""
    tool = f'{{"name": "search", "parameters": {{"type": "object", "properties": {{}}, "x": {value}}}}}'
    turns = '[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]'
    return f'{{"messages": {turns}, "tools": {tool}}}\n'


@pytest.mark.parametrize("what", ODD_VALUES)
def test_values_that_few_encodings_can_say_travel_too(tmp_path: Path, what: str) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text(odd_rows(ODD_VALUES[what]) + "\n".join(lines(200)) + "\n")
    one, two = (run(path, jobs, tokens=False, select=["ALL"]) for jobs in (1, 2))
    assert one.findings == two.findings
    assert any(f.fix and f.name == "invalid-tool-list" for f in one)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens and cannot be read")
def test_workers_that_are_ended_while_they_start_say_nothing() -> None:
    command = [
        sys.executable,
        "-m",
        "prepdata",
        "validate",
        "/proc/self/mem",
        "--jobs",
        "2",
        "--no-tokens",
        "--no-cache",
    ]
    for _ in range(10):
        run = subprocess.run(command, capture_output=True, text=True)
        assert run.returncode == 2
        assert run.stderr.startswith("prepdata: /proc/self/mem cannot be read") and run.stderr.count("\n") == 1


def test_a_worker_that_ends_in_the_middle_of_a_result_is_noticed(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "LOOK_SECONDS", 0.01)
    settings = Settings(jobs=2, cache=False, tokens=False)
    plan = plan_of(settings, select(settings), (), 0)
    waiting: Future[Any] = Future()  # the pool never hears of it
    with Runner(plan, settings, 0) as runner:
        runner.prepare(whole=True)
        assert runner.pool is not None
        first = running._processes(runner.pool)[0]
        first.kill()
        with pytest.raises(PrepdataError, match=r"a worker process ended before its work was done \(exit code -9\)"):
            runner._wait(waiting)


def test_python_collects_garbage_as_before_when_a_run_is_over(data: Path) -> None:
    usual = gc.get_threshold()
    settings = Settings(jobs=1, cache=False, tokens=False)
    plan = plan_of(settings, select(settings), (), 0)
    try:
        for often, meanwhile in ((500, running.GARBAGE), (0, 0), (10**6, 10**6)):
            gc.set_threshold(often, 7, 8)
            with Runner(plan, settings, 0), pytest.raises(InputError), Runner(plan, settings, 0):
                assert gc.get_threshold() == (meanwhile, 7, 8)
                raise InputError("no")
            assert gc.get_threshold() == (often, 7, 8)
    finally:
        gc.set_threshold(*usual)
