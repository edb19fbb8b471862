"""The folder that a run works in, beside its output: gone afterwards, and taken away by a later run after a kill.

A run holds a lock on a file in its folder as long as it lives; the lock goes with the process, however it ends. So a
folder whose lock is free is of a dead run. Where there are no such locks (Windows, some network drives), nothing is
taken away.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = ".prepdata-rag-"
_LOCK = "lock"


@contextlib.contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """Give a folder within another one; folders of dead runs there are taken away.

    Raises:
        OSError: it cannot be made.
    """
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.name.startswith(PREFIX) and not path.is_symlink() and _is_dead(path):
                shutil.rmtree(path, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
    try:
        with contextlib.ExitStack() as stack:
            _hold(made, stack)
            yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _hold(folder: Path, stack: contextlib.ExitStack) -> None:
    """Lock a file of a folder. It gets its name when it is locked: a folder without it is of a run that begins."""
    new = folder / "unlocked"
    file = stack.enter_context(new.open("wb"))
    if _locked(file.fileno()):
        new.replace(folder / _LOCK)


def _is_dead(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("rb") as file:
            return _locked(file.fileno())
    except OSError:
        return False


def _locked(handle: int) -> bool:
    """Lock an open file and return True; False where another process has it, or files cannot be locked."""
    if os.name == "nt":
        return False
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
