"""Small files read whole but never without end, and files written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from prepdata.signals import signals_held

_BLOCK = 1 << 20


def read_bounded(path: str | os.PathLike[str], most: int) -> bytes:
    """Return the bytes of a file that is expected to be small: a device without end is not read for ever.

    Args:
        path: the file.
        most: bytes it may have.

    Raises:
        OSError: it cannot be read, or is larger (EFBIG).
    """
    try:
        with Path(path).open("rb") as file:
            pieces, left = [], most + 1
            while left and (piece := file.read(min(left, _BLOCK))):
                pieces.append(piece)
                left -= len(piece)
    except ValueError as error:  # a name with a zero character
        raise OSError(errno.EINVAL, str(error), os.fspath(path)) from None
    if not left:
        raise OSError(errno.EFBIG, f"more than {most:,} bytes", os.fspath(path))
    return b"".join(pieces)


@contextlib.contextmanager
def replacing(target: Path, *, mode: int | None = None, synced: bool = True) -> Iterator[IO[bytes]]:
    """Open a file beside `target` that takes its place in one step when the block ends well.

    Until then an old file stays as it is; after an error nothing is left behind. Where `target` is a symbolic link,
    the file it leads to is replaced; a device or a pipe cannot be, and is written to directly.

    Args:
        target: the file to be written; its folder must be there.
        mode: permissions; those of the old file if None, and for a new file what the user's umask leaves.
        synced: False where the file may be lost with the machine, as a cache may.

    Raises:
        OSError: it cannot be written; `filename` is the target.
    """
    if target.exists() and not target.is_file():
        try:
            with target.open("wb") as out:
                yield out
        except OSError as error:
            error.filename = error.filename or str(target)
            raise
        return
    place = Path(os.path.realpath(target))
    made = place.with_name(f".prepdata-{os.urandom(8).hex()}")
    try:
        with made.open("xb") as out:
            if mode is None and place.exists():
                mode = place.stat().st_mode & 0o777
            if mode is not None:
                made.chmod(mode)
            yield out
            out.flush()
            if synced:
                os.fsync(out.fileno())
        made.replace(place)
    except BaseException as error:
        with contextlib.suppress(OSError):
            made.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(made)):
            error.filename, error.filename2 = str(target), None
        raise


@contextlib.contextmanager
def naming(target: Path) -> Iterator[None]:
    """Let an error that names no file, or a temporary one beside `target`, name `target`: a full disk, a folder that
    takes no files."""
    try:
        yield
    except OSError as error:
        if error.filename is None or "/.prepdata-" in str(error.filename):
            error.filename, error.filename2 = str(target), None
        raise


def settle_together(made: Mapping[Path, Path], gone: Iterable[Path]) -> None:
    """Put finished files in the places of others, one right after the other, so that they are there together or not at
    all: signals that would end the run wait, and what could fail slowly is done before.

    Args:
        made: each file, on the same disk as its place.
        gone: files that are taken away before, also where another takes the place: should the machine stop in between,
            no old file stands beside a new one.

    Raises:
        OSError: a file cannot be written or moved.
    """
    for file, place in made.items():
        with file.open("rb+") as opened:
            os.fsync(opened.fileno())
        if place.exists():
            file.chmod(place.stat().st_mode & 0o777)
    with signals_held():
        for path in gone:
            path.unlink(missing_ok=True)
        for file, place in made.items():
            file.replace(place)


def settle(made: Path, target: Path, *, mode: int) -> None:
    """Put a finished file in the place of `target` in one step; its bytes are on the disk before.

    Raises:
        OSError: it cannot be moved there.
    """
    with made.open("rb+") as file:
        os.fsync(file.fileno())
    made.chmod(mode)
    made.replace(target)
