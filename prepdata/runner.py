"""Runs a plan over inputs: opens sources, feeds chunks to one or several processes, keeps and reuses their results."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, repeat
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, Any

import msgspec

from prepdata.cache import Cache
from prepdata.chunk import Fact
from prepdata.engine import ChunkResult, Mapper, Plan, decode_result, encode_result
from prepdata.errors import PrepdataError
from prepdata.formats import detect
from prepdata.reduce import FileRun
from prepdata.reread import Origin, Reader, Spooling
from prepdata.settings import Settings
from prepdata.signals import ENDING, signals_blocked
from prepdata.sources import Input, open_source
from prepdata.sources.base import RawChunk, Source
from prepdata.sources.stream import opened

PARALLEL_BYTES = 6_000_000
"""Inputs smaller than this are mapped in one process: starting others costs more than it saves (bytes)."""

MOST_JOBS = 61
"""Worker processes there are at most; Windows cannot wait for more (`concurrent.futures`, Python 3.11)."""

Progress = Callable[[str, int, int], None]
"""Called with (path, bytes done, bytes in all or 0) after each chunk."""

LOOK_SECONDS = 5.0
"""How often a run that waits for a result looks whether its worker processes are alive."""

GARBAGE = 100_000
"""Objects after which Python looks for garbage during a run. Chunks make many objects and hardly any cycles: with the
usual 700 it would look through them in vain for one twentieth of the time."""

_WHY_EMPTY = {
    "empty-file", "unsupported-file", "lfs-pointer", "truncated-archive", "decompression-bound", "oversized-line",
}  # fmt: skip
"""Facts that say why an input has no rows. Without any of them it holds white space or an empty array."""

_mapper: Mapper | None = None


def _start(plan: bytes, whole: bool) -> None:
    global _mapper
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process decides
    for number in ENDING - {signal.SIGINT}:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, signal.SIG_DFL)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.freeze()  # what the parent process has made is no garbage here
    _collect_seldom()
    _mapper = Mapper(msgspec.msgpack.decode(plan, type=Plan))
    if whole:
        _mapper.prepare()


def _collect_seldom() -> None:
    often, *others = gc.get_threshold()
    if 0 < often < GARBAGE:  # 0: the user wants no collections at all
        gc.set_threshold(GARBAGE, *others)


class _Collecting:
    """Python's own garbage collection is seldom while any run of this process lasts, and then as it was before."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.runs = 0
        self.before: tuple[int, int, int] = (0, 0, 0)

    def begin(self) -> None:
        """Begin a run."""
        with self.lock:
            if not self.runs:
                self.before = gc.get_threshold()
                _collect_seldom()
            self.runs += 1

    def end(self) -> None:
        """End a run."""
        with self.lock:
            self.runs -= 1
            if not self.runs:
                gc.set_threshold(*self.before)


_collecting = _Collecting()


def _flows(path: str) -> bool:
    """Return whether an input can be read once only: standard input, a pipe, a device."""
    return path == "-" or not (Path(path).is_file() or Path(path).is_dir())


def _end_with_parent() -> None:
    """End this process when its parent is gone: killed, it cannot end its workers itself."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(raw: RawChunk, format_name: str | None) -> bytes | ChunkResult:
    assert _mapper is not None
    result = _mapper.map(raw, format_name)
    return encode_result(result) or result


def jobs_for(settings: Settings, size: int) -> int:
    """Return the number of worker processes for inputs of `size` bytes (1: no others)."""
    if settings.jobs:
        return min(settings.jobs, MOST_JOBS)
    if size < PARALLEL_BYTES:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Runner:
    """Maps inputs to file runs. Use as a context manager."""

    def __init__(self, plan: Plan, settings: Settings, size: int, progress: Progress | None = None) -> None:
        self.plan = plan
        self.settings = settings
        self.progress = progress
        self.jobs = jobs_for(settings, size)
        self.mapper = Mapper(plan)
        self.cache = Cache.of(settings, plan, size)
        self.pool: ProcessPoolExecutor | None = None
        self.seen: set[str] = set()  # kinds of facts of the chunks of one input
        self.origins: dict[str, Origin] = {}  # by the path that people see
        self.spools: dict[str, IO[bytes]] = {}

    def __enter__(self) -> Runner:
        _collecting.begin()
        return self

    def __exit__(self, kind: Any, *rest: Any) -> None:
        _collecting.end()
        if self.pool and kind is not None:
            _end(self.pool)
        self.dismiss()

    def dismiss(self) -> None:
        """End the worker processes, which gives their memory back before the report is made."""
        if self.pool:
            self.pool.shutdown()
            self.pool = None

    def run(self, item: Input) -> tuple[FileRun, Source, str | None]:
        """Return what one input gave, its source, and the name of its format."""
        source = self._open(item)
        chosen = self.settings.format
        format_name = chosen if chosen != "auto" else detected(source, self.plan.columns)
        kept = self.cache.open(source.path, format_name)
        self.seen = set()
        self.prepare(whole=not kept.old)
        results = list(self._results(source, format_name, kept))
        kept.close()
        facts = list(source.facts)
        if not any(r.rows for r in results) and _WHY_EMPTY.isdisjoint(self.seen | {f.kind for f in facts}):
            facts.append(Fact("empty-file"))
        hits = self.mapper.explain(facts)
        self.origins[source.path] = Origin(item, format_name, self.spools.get(item.path))
        return (
            FileRun(source.path, item.argument, source.size or 0, source.has_lines, results, hits),
            source,
            format_name,
        )

    def prepare(self, *, whole: bool) -> None:
        """Start the worker processes, if there shall be any.

        Args:
            whole: True where a whole input is to be mapped, which is worth loading what makes that quicker (processes
                that are forked share it); False where the cache has most of it.
        """
        if self.pool:
            return
        usable = multiprocessing.get_all_start_methods()
        forkable = self.jobs > 1 and "fork" in usable and threading.active_count() == 1
        if whole and (forkable or self.jobs == 1):
            self.mapper.prepare()
        if self.jobs > 1:
            context = multiprocessing.get_context("fork" if forkable else "spawn")
            plan = msgspec.msgpack.encode(self.plan)
            self.pool = ProcessPoolExecutor(self.jobs, context, initializer=_start, initargs=(plan, whole))
            # a process started meanwhile gets the signals once it has its own handlers
            with signals_blocked(), contextlib.suppress(BrokenProcessPool):  # the first chunk will tell
                self.pool.submit(int)  # starts all processes now, before any thread is
            if forkable:
                _close_writer(self.pool)

    def reader(self) -> Reader:
        """Return what reads rows of the inputs again."""
        return Reader(self.origins, self.settings, self.plan.columns)

    def _open(self, item: Input) -> Source:
        """Open an input; what can be read once only is kept beside where some rule will read rows again."""
        if not _flows(item.path) or not any(rule.rereads for rule in self.mapper.corpus):
            return open_source(item, self.settings)
        spool = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the runner's last reader)
        self.spools[item.path] = spool
        return open_source(item, self.settings, file=Spooling(opened(item.path), spool))

    def _results(self, source: Source, format_name: str | None, kept: Any) -> Iterator[ChunkResult]:
        waiting: deque[tuple[RawChunk, ChunkResult | Future[bytes | ChunkResult]]] = deque()
        ahead = self.jobs * 3 if self.pool else 0
        done = 0
        for raw in chain(source.chunks(), repeat(None)):
            if raw is not None:
                waiting.append((raw, self._submit(raw, format_name, kept)))
                if len(waiting) <= ahead:
                    continue
            elif not waiting:
                return
            first, result = waiting.popleft()
            yield self._take(first, result, kept)
            done += first.size
            if self.progress:
                self.progress(source.path, done, source.size or 0)

    def _submit(self, raw: RawChunk, format_name: str | None, kept: Any) -> ChunkResult | Future[bytes | ChunkResult]:
        blob = kept.get(raw.digest)
        if blob is not None:
            return decode_result(blob)
        if self.pool:
            try:
                return self.pool.submit(_work, raw, format_name)
            except BrokenProcessPool as error:
                raise _ended(error) from error
        result = self.mapper.map(raw, format_name)
        if kept.active and (blob := encode_result(result)):
            kept.put(raw.digest, blob)
        return result

    def _wait(self, result: Future[bytes | ChunkResult]) -> bytes | ChunkResult:
        """Return what a worker process gives.

        Raises:
            PrepdataError: a worker was ended from outside; the pool notices unless it is in the middle of a result.
        """
        assert self.pool is not None
        while True:
            try:
                return result.result(LOOK_SECONDS)
            except BrokenProcessPool as error:
                raise _ended(error) from error
            except TimeoutError:
                dead = [p for p in _processes(self.pool) if p.exitcode is not None]
                if dead and not result.done():
                    raise _ended(f"exit code {dead[0].exitcode}") from None

    def _take(self, raw: RawChunk, result: ChunkResult | Future[bytes | ChunkResult], kept: Any) -> ChunkResult:
        if isinstance(result, Future):
            sent = self._wait(result)
            if isinstance(sent, bytes) and kept.active:
                kept.put(raw.digest, sent)
            result = decode_result(sent) if isinstance(sent, bytes) else sent
        if raw.facts:
            self.seen.update(fact.kind for fact in raw.facts)
            result.hits.extend(self.mapper.explain(list(raw.facts)))
        return result


def _ended(error: object) -> PrepdataError:
    return PrepdataError(f"a worker process ended before its work was done ({error}); try --jobs 1")


def _processes(pool: ProcessPoolExecutor) -> list[BaseProcess]:
    return list((getattr(pool, "_processes", None) or {}).values())


def _end(pool: ProcessPoolExecutor) -> None:
    """End the processes of a pool at once, whatever they are doing."""
    for process in _processes(pool):
        process.terminate()
    _close_writer(pool)


def _close_writer(pool: ProcessPoolExecutor) -> None:
    """Close this process's own end of the pipe that results come through, which it never writes to. Otherwise the pool
    waits for ever for the rest of a result whose writer was ended in the middle of it."""
    writer = getattr(getattr(pool, "_result_queue", None), "_writer", None)
    if writer is not None:
        with contextlib.suppress(OSError):
            writer.close()


def detected(source: Source, columns: dict[str, str]) -> str | None:
    """Return the name of the format of an input by its first rows, None if it is of none."""
    rows: list[dict[str, Any]] = []
    for line in source.head_rows():
        try:
            value = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if type(value) is dict:
            rows.append(value)
    found = detect(rows, columns)
    return found.name if found else None


def total_size(items: Sequence[Input]) -> int:
    """Return the bytes of all inputs, as far as known."""
    return sum(item.size or 0 for item in items)
