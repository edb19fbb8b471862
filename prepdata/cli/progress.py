"""The progress line: on standard error, only on a terminal, gone when done.

Written here because the usual library for it would be a tenth of the whole core install.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from prepdata.reporters.base import safe
from prepdata.runner import Progress

EVERY = 0.1
"""Seconds between two looks of the line."""
_CLEAR = "\r\x1b[K"


@contextmanager
def progress(*, enabled: bool) -> Iterator[Progress | None]:
    """Give a function to call with (path, bytes done, bytes in all), or None where nothing should be shown."""
    if not enabled or not sys.stderr.isatty() or os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        yield None
        return
    line = Line(sys.stderr)
    try:
        yield line.show
    finally:
        line.clear()


class Line:
    """One line that says how far a run has come."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.path = ""
        self.started = self.shown = 0.0

    def show(self, path: str, done: int, total: int) -> None:
        """Say how many of a file's bytes are done; `total` is 0 where it is not known."""
        now = time.monotonic()
        if path != self.path:
            self.path, self.started, self.shown = path, now, 0.0
        if now - self.shown < EVERY:
            return
        self.shown = now
        self.out.write(_CLEAR + self.text(done, total, now - self.started))
        self.out.flush()

    def text(self, done: int, total: int, seconds: float) -> str:
        """Return the line: name, share, megabytes, megabytes a second, seconds left."""
        name = safe(Path(self.path).name)[:40]
        speed = done / seconds if seconds > 0.5 else 0.0
        said = [name, f"{done / 1e6:,.0f} MB"]
        if total:
            said.insert(1, f"{min(100, 100 * done // total)} %")
        if speed:
            said.append(f"{speed / 1e6:,.0f} MB/s")
            if total > done:
                said.append(f"{(total - done) / speed:,.0f} s left")
        return "  ".join(said)

    def clear(self) -> None:
        """Take the line away."""
        self.out.write(_CLEAR)
        self.out.flush()
