"""Work at once: all of it is done in its place, and an interruption waits for none of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_server import served

from trainers.in_flight import each

pytestmark = pytest.mark.timeout(120)
WINDOWS = sys.platform == "win32"


@pytest.mark.parametrize("threads", [1, 3, 50])
def test_each_result_is_in_its_place(threads: int) -> None:
    at_work: list[int] = []
    most = 0

    def square(number: int) -> int:
        nonlocal most
        at_work.append(number)
        most = max(most, len(at_work))
        time.sleep(0.002 * (number % 3))
        at_work.remove(number)
        return number * number

    found: list[int | None] = [None] * 20
    each(square, range(20), threads, found)
    assert found == [number * number for number in range(20)]
    assert most <= threads


def test_nothing_to_do() -> None:
    each(str, [], 4, [])


def test_an_error_ends_it_and_nothing_new_is_begun() -> None:
    begun: list[int] = []
    seen = threading.Event()

    def fail(number: int) -> int:
        begun.append(number)
        if number == 1:
            raise ValueError("one")
        if number > 1:
            seen.wait()
        return number

    found: list[int | None] = [None] * 100
    with pytest.raises(ValueError, match="one"):
        each(fail, range(100), 1, found)
    seen.set()
    assert found == [0] + [None] * 99
    for thread in threading.enumerate():
        if "take" in thread.name:
            thread.join()
    assert begun in ([0, 1], [0, 1, 2])


@pytest.mark.skipif(WINDOWS, reason="signals")
def test_an_interruption_keeps_what_is_done() -> None:
    stuck, found = threading.Event(), [None, None]

    def work(number: int) -> int:
        if number == 1:
            stuck.wait()
        return number + 7

    def interrupt() -> None:
        while found[0] is None:
            time.sleep(0.005)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        each(work, range(2), 2, found)
    assert found == [7, None]
    stuck.set()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    yield from served("faulty")


@pytest.mark.skipif(WINDOWS, reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_at_once_and_keeps_its_answers(server: str, tmp_path: Path, number: signal.Signals) -> None:
    """One answer takes ten minutes; the batch before it is done."""
    stuck = f"stuck {number:d}"
    rows = [{"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": text}]}
            for text in ("fine", "good", "well", stuck)]  # fmt: skip
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ["baseline", "--model", server, "--test", "test.jsonl", "--output", "base.json", "--batch-size", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "prepdata", *words], cwd=tmp_path, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    while stuck not in json.loads(urllib.request.urlopen(f"{server}/asked").read()):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=100)
    assert (process.returncode, said.split(b"\n")[-2:]) == (128 + number, [b"prepdata: interrupted", b""])
    kept = [json.loads(line) for line in (tmp_path / "base.unfinished.jsonl").read_text().splitlines()[1:]]
    assert {"fine", "good"} <= {sample["target"] for sample in kept} <= {"fine", "good", "well"}
