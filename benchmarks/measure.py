"""Runs commands as whole processes and measures wall time, processor time and memory of the process tree."""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

HEAD = (
    "| what | wall s | cpu s | rows/s | MB/s | peak MiB | times the peer loop |\n"
    "|---|---:|---:|---:|---:|---:|---:|"
)  # fmt: skip


class Run(NamedTuple):
    """One run: wall and processor seconds, peak of the summed memory of the process tree in MiB, what it printed."""

    wall: float
    cpu: float
    peak: float
    output: str


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end.

    Raises:
        RuntimeError: it could not do its work (exit code above 1, or ended by a signal).
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen(
        list(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(environment or {})}
    )
    watch = Watch(process.pid)
    watch.start()
    output, errors = process.communicate()
    wall = time.perf_counter() - started
    watch.stop.set()
    watch.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command)}\n{errors.decode(errors='replace')[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(wall, cpu, watch.peak / 2**20, output.decode(errors="replace"))


class Watch(threading.Thread):
    """Samples the proportional memory (PSS) of a process and all it started, up to twenty times a second.

    A look at a process of many gigabytes takes long and holds it up, so the next look comes 20 times as much later.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.stop = pid, 0, threading.Event()

    def run(self) -> None:
        pause = 0.02
        while not self.stop.wait(pause):
            started = time.perf_counter()
            self.peak = max(self.peak, sum(_memory(pid) for pid in _tree(self.pid)))
            pause = max(0.05, 20 * (time.perf_counter() - started))


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


def warm(file: Path) -> None:
    """Read a file once, so that the page cache holds it."""
    with file.open("rb", buffering=0) as opened:
        while opened.read(8 << 20):
            pass


def chill(file: Path) -> None:
    """Ask the kernel to drop a file from the page cache (`posix_fadvise(POSIX_FADV_DONTNEED)`), written out first."""
    with file.open("rb", buffering=0) as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def resident(file: Path) -> float:
    """Return the share of a file that the page cache holds (`mincore`), from 0 to 1."""
    size = file.stat().st_size
    pages = -(-size // mmap.PAGESIZE)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    seen = ctypes.create_string_buffer(pages)
    with file.open("rb") as opened:
        start = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, opened.fileno(), 0)
        try:
            if libc.mincore(start, size, seen):
                raise OSError(ctypes.get_errno(), "mincore")
        finally:
            libc.munmap(start, size)
    return sum(byte & 1 for byte in seen.raw) / pages


def row(name: str, runs: Sequence[Run], rows: int, size: int, against: Sequence[Run] | None = None) -> str:
    """Return a table line: median wall and processor time, rows/s, MB/s, the highest peak memory, and how many times
    as fast as `against`, as the median over pairs of runs of the same round."""
    wall, cpu = median(r.wall for r in runs), median(r.cpu for r in runs)
    times = median(a.wall / r.wall for a, r in zip(against, runs)) if against else 0.0
    peak = max(r.peak for r in runs)
    return (
        f"| {name} | {wall:.2f} | {cpu:.2f} | {rows / wall:,.0f} | {size / wall / 1e6:,.1f} | {peak:,.0f} "
        f"| {f'{times:.2f}x' if times else ''} |"
    )
