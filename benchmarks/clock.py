"""Times functions inside this process: processor seconds, and in a pass of its own the peak of traced memory."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

SMALLEST = 0.05
"""Microseconds a row below which rates say nothing."""


class Timed(NamedTuple):
    """One hot path.

    Args:
        group, name: what was timed.
        seconds: processor seconds of one pass over all rows, the least of several passes.
        rows, size: rows and bytes of the input that one pass stands for.
        peak: peak of the memory that Python allocated meanwhile, in bytes; what native libraries hold is not in it.
        note: a word on what the pass did ("saw 312 rows").
        peer: what it is to be compared with: (name of the peer, its seconds for the same rows).
    """

    group: str
    name: str
    seconds: float
    rows: int
    size: int
    peak: int = 0
    note: str = ""
    peer: tuple[str, float] | None = None

    @property
    def micros(self) -> float:
        """Microseconds a row."""
        return self.seconds / max(1, self.rows) * 1e6

    @property
    def key(self) -> str:
        """The name under which a saved run keeps it."""
        return f"{self.group}: {self.name}"


def least(function: Callable[[], Any], repeat: int) -> float:
    """Return the processor seconds of the quickest of several calls; the first is not counted if there are more."""
    taken = []
    for _ in range(max(1, repeat) + (repeat > 1)):
        gc.collect()
        started = time.process_time()
        function()
        taken.append(time.process_time() - started)
    return min(taken[1:] or taken)


def peak_of(function: Callable[[], Any]) -> int:
    """Return the peak of the bytes that Python allocates during a call, above what there was before it."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        function()
        return max(0, tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()


HEAD = (
    "| path | us/row | rows/s | MB/s | peak MiB | to a peer | note |\n"
    "|---|---:|---:|---:|---:|---|---|"
)  # fmt: skip


def line(timed: Timed, before: float | None = None) -> str:
    """Return a table line; `before` is the microseconds a row of an earlier run, to be compared with."""
    speed = rate = "-"
    if timed.micros >= SMALLEST:
        speed, rate = f"{timed.rows / timed.seconds:,.0f}", f"{timed.size / timed.seconds / 1e6:,.0f}"
    peer = ""
    if timed.peer and timed.seconds:
        peer = f"{timed.peer[1] / timed.seconds:.1f}x as fast as {timed.peer[0]}"
    note = timed.note
    if before is not None and timed.micros > before * 1.25 and timed.micros - before > 0.1:
        note = f"**was {before:.2f}** {note}"
    return f"| {timed.name} | {timed.micros:,.2f} | {speed} | {rate} | {timed.peak / 2**20:,.1f} | {peer} | {note} |"


def table(found: Sequence[Timed], before: dict[str, float]) -> list[str]:
    """Return the lines of one table per group, the dearest first."""
    lines: list[str] = []
    for group in dict.fromkeys(timed.group for timed in found):
        members = sorted((t for t in found if t.group == group), key=lambda t: -t.seconds)
        lines += [f"\n### {group}\n", HEAD, *(line(t, before.get(t.key)) for t in members)]
    return lines
