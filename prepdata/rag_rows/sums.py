"""The file beside an output that knows what was written: `NAME.sha256`, as `sha256sum` writes and checks it.

By it a later run tells its own files from those of others, and from those that people have edited since.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from prepdata.files import read_bounded

_LINE = re.compile(rb"(\\?)([0-9a-f]{64})  (.+)")
_MOST_BYTES = 1 << 16


def sums_of(target: Path) -> Path:
    """Return the file that knows what was written for an output."""
    return target.with_name(f"{target.stem}.sha256")


def digest(path: Path) -> str:
    """Return the sha256 of a file (hex).

    Raises:
        OSError: it cannot be read.
    """
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()


def read(path: Path, names: Collection[str]) -> dict[str, str] | None:
    """Return the digests by name, an empty mapping where there is no such file.

    Args:
        path: the file.
        names: files that it may tell of.

    Returns:
        None where the file holds anything else, as one of another program does.

    Raises:
        OSError: it cannot be read.
    """
    if not path.exists():
        return {}
    try:
        raw = read_bounded(path, _MOST_BYTES)
    except OSError as error:
        if error.errno == errno.EFBIG:
            return None
        raise
    found: dict[str, str] = {}
    for line in raw.splitlines():
        match = _LINE.fullmatch(line)
        name = os.fsdecode(_plain(match[3]) if match[1] else match[3]) if match else ""
        if match is None or name not in names:
            return None
        found[name] = match[2].decode()
    return found


def written(digests: Mapping[str, str]) -> bytes:
    """Return the content of the file: a line for each name."""
    return b"".join(_line(os.fsencode(name), value.encode()) for name, value in sorted(digests.items()))


def _line(name: bytes, value: bytes) -> bytes:
    """Return a line; names with a line end or a backslash are escaped, as `sha256sum` does it."""
    escaped = name.replace(b"\\", rb"\\").replace(b"\n", rb"\n").replace(b"\r", rb"\r")
    return (b"\\" if escaped != name else b"") + value + b"  " + escaped + b"\n"


def _plain(name: bytes) -> bytes:
    return re.sub(rb"\\(.)", lambda match: {b"n": b"\n", b"r": b"\r"}.get(match[1], match[1]), name)
