"""Work spread over forked processes gives what one process gives."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence

import pytest

from prepdata.errors import InputError, PrepdataError
from prepdata.spread import spread

forks = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="processes are not forked here")


def squares(items: Sequence[int]) -> list[tuple[int, int]]:
    return [(os.getpid(), item * item) for item in items]


@pytest.mark.parametrize("number", [0, 1, 2, 7, 100])
@pytest.mark.parametrize("jobs", [1, 2, 3, 200])
def test_all_results_in_order(number: int, jobs: int) -> None:
    assert [square for _, square in spread(squares, range(number), jobs)] == [item * item for item in range(number)]


@forks
def test_each_process_has_a_stretch_and_none_is_left_behind() -> None:
    by = [process for process, _ in spread(squares, range(10), 3)]
    assert len(set(by)) == 3 and os.getpid() not in by
    assert by == sorted(by, key=by.index), "a stretch each, not turn by turn"
    assert not multiprocessing.active_children()


def test_few_items_are_not_worth_a_process() -> None:
    assert {process for process, _ in spread(squares, range(9), 4, least=5)} == {os.getpid()}


def test_no_fork_beside_other_threads() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert {process for process, _ in spread(squares, range(9), 2)} == {os.getpid()}
    finally:
        done.set()
        thread.join()


@forks
def test_what_processes_share_need_not_be_pickled() -> None:
    held = {"lock": threading.Lock(), "add": 5}
    assert spread(lambda items: [item + held["add"] for item in items], range(4), 2) == [5, 6, 7, 8]


def failing(items: Sequence[int]) -> list[int]:
    if 3 in items:
        raise InputError("data.jsonl changed while it was being checked; run again")
    return list(items)


@pytest.mark.parametrize("jobs", [1, 2])
def test_errors_come_as_they_are(jobs: int) -> None:
    with pytest.raises(InputError, match="run again"):
        spread(failing, range(4), jobs)
    assert not multiprocessing.active_children()


@forks
def test_errors_that_cannot_be_sent_are_told_in_words() -> None:
    class Odd(Exception):
        pass

    def work(items: Sequence[int]) -> list[int]:
        raise Odd("no such luck")

    with pytest.raises(PrepdataError, match="Odd: no such luck"):
        spread(work, range(4), 2)


@forks
def test_results_that_cannot_be_sent_are_an_error() -> None:
    with pytest.raises(PrepdataError, match="pickle"):
        spread(lambda items: [threading.Lock() for _ in items], range(4), 2)


@forks
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_ended_from_outside(how: int) -> None:
    def work(items: Sequence[int]) -> list[int]:
        if 0 in items:
            os.kill(os.getpid(), how)
        return list(items)

    with pytest.raises(PrepdataError, match="ended before its work was done"):
        spread(work, range(4), 2)
    assert not multiprocessing.active_children()


@forks
def test_results_larger_than_a_pipe() -> None:
    assert sum(map(len, spread(lambda items: ["x" * 300_000 for _ in items], range(8), 2))) == 2_400_000
