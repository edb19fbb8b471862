"""Work of the end of a run spread over processes that share the memory of this one."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from prepdata.errors import PrepdataError

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Sequence[Item]], list[Result]]


def spread(work: Work[Item, Result], items: Sequence[Item], jobs: int, least: int = 1) -> list[Result]:
    """Return `work(items)`, done by several processes where that can be: each has a stretch of the items, and sees all
    that this process holds without a copy. Where processes cannot be forked (Windows, macOS, other threads running),
    this one does all.

    Args:
        work: from items to results. The results for some items and those for the next ones, put together, must be the
            results for all of them; they are pickled on their way.
        items: what to work on.
        jobs: processes at most.
        least: items for which a process is worth its start.

    Raises:
        PrepdataError: a process was ended from outside.
        Exception: whatever `work` raises.
    """
    jobs = min(jobs, len(items) // max(1, least))
    if jobs <= 1 or sys.platform in ("win32", "darwin") or threading.active_count() > 1:
        return work(items)
    context = multiprocessing.get_context("fork")
    started = []
    try:
        for number in range(jobs):
            stretch = items[number * len(items) // jobs : (number + 1) * len(items) // jobs]
            reader, writer = context.Pipe(duplex=False)
            process = context.Process(target=_send, args=(writer, work, stretch), daemon=True)
            process.start()
            writer.close()
            started.append((process, reader))
        return [result for _, reader in started for result in _received(reader)]
    finally:
        for process, reader in started:
            process.terminate()  # of use only after an error: else it has sent all and is gone
            process.join()
            reader.close()


def _send(writer: Connection, work: Work[Any, Any], items: Sequence[Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    gc.freeze()  # what the parent process has made is no garbage here
    try:
        found: tuple[bool, Any] = True, work(items)
    except Exception as error:
        found = False, error
    with contextlib.suppress(OSError):  # nobody there any more
        try:
            writer.send(found)
        except OSError:
            raise
        except Exception as unsent:
            said = unsent if found[0] else found[1]
            writer.send((False, PrepdataError(f"{type(said).__name__}: {said}")))
    os._exit(0)


def _received(reader: Connection) -> list[Any]:
    try:
        done, found = reader.recv()
    except EOFError as error:
        raise PrepdataError("a process ended before its work was done; try --jobs 1") from error
    if not done:
        raise found
    return list(found)
