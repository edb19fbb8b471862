"""Runs commands as whole processes and measures wall time, processor time and memory of the process tree."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple


class Run(NamedTuple):
    """One run: wall and processor seconds, peak of the summed resident memory of the tree in MiB, what it printed."""

    wall: float
    cpu: float
    peak: float
    output: str


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end.

    Raises:
        RuntimeError: it could not do its work (exit code above 1).
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen(
        list(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(environment or {})}
    )
    watch = _Watch(process.pid)
    watch.start()
    output, errors = process.communicate()
    wall = time.perf_counter() - started
    watch.stop.set()
    watch.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode > 1:
        raise RuntimeError(f"{' '.join(command)}\n{errors.decode(errors='replace')[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(wall, cpu, watch.peak / 2**20, output.decode(errors="replace"))


class _Watch(threading.Thread):
    """Samples the proportional memory of a process and all it started, twenty times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.stop = pid, 0, threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.05):
            self.peak = max(self.peak, sum(_memory(pid) for pid in _tree(self.pid)))


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def _memory(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().split("\n"):
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def row(name: str, runs: Sequence[Run], rows: int, size: int, against: float | None = None) -> str:
    """Return a table line: median wall time, rows/s, MB/s, peak memory, and how many times as fast as `against`."""
    wall = median(r.wall for r in runs)
    ratio = f"{against / wall:.1f}x" if against else ""
    cpu = median(r.cpu for r in runs)
    peak = max(r.peak for r in runs)
    return (
        f"| {name} | {wall:.2f} | {cpu:.2f} | {rows / wall:,.0f} | {size / wall / 1e6:,.1f} | {peak:,.0f} | {ratio} |"
    )


HEAD = "| what | wall s | cpu s | rows/s | MB/s | peak MiB | times the peer loop |\n|---|---:|---:|---:|---:|---:|---:|"
