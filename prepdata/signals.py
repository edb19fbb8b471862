"""The signals that end a run, and how they wait while something is done that must not be cut in two."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator

ENDING = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}
"""Signals that end a run."""


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Hold back the signals that end a run until the block has ended; on Windows nothing can be held back."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
