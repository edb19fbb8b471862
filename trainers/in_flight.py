"""Work done by several threads at once that an interruption does not wait for.

The pool of the standard library waits for its threads when it is left and when the program ends, here for requests that
may take minutes. Daemon threads end with the program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def each(work: Callable[[T], R], items: Sequence[T], threads: int, found: list[R | None]) -> None:
    """Put what `work` returns for each item in its place.

    Args:
        work: called with an item, from any thread.
        items: taken up in order.
        threads: how many work at once, at least 1.
        found: one place for each item; those that are done hold a result, even where this ends with an exception.

    Raises:
        BaseException: what `work` raised first; or an interruption. What is at work is then left alone.
    """
    waiting = iter(range(len(items)))  # as a range it gives each number to one thread only
    done: SimpleQueue[tuple[int, R | None, BaseException | None]] = SimpleQueue()
    ended = Event()

    def take() -> None:
        for number in waiting:
            if ended.is_set():
                return
            try:
                done.put((number, work(items[number]), None))
            except BaseException as error:
                done.put((number, None, error))

    for _ in range(min(threads, len(items))):
        Thread(target=take, daemon=True).start()
    try:
        for _ in items:
            number, found[number], error = done.get()
            if error is not None:
                raise error
    except BaseException:
        ended.set()
        while not done.empty():
            number, found[number], _ = done.get()
        raise
