"""What an input is to the engine: raw chunks of bytes cut at line ends, and facts about the file as a whole."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import xxhash

from prepdata.chunk import Fact
from prepdata.errors import InputError

HEAD_BYTES = 1 << 20
"""Decoded bytes that format detection may look at."""

Rows = tuple[tuple[int, int, int], ...]


class Readable(Protocol):
    """What a stream of bytes is read from."""

    def read(self, size: int = ..., /) -> bytes:
        """Return up to `size` bytes, b"" at the end."""

    def close(self) -> None:
        """Let go of it."""


class RawChunk(NamedTuple):
    """One stretch of a file, cut at line ends. Pickled without its bytes where a worker can read them itself.

    Args:
        data: the bytes, UTF-8 without a byte order mark; None where `where` is set and they are to be read again.
        where: (path, offset, length) for plain files, in bytes.
        lines: number of lines it spans; the last line of a file counts even without a newline.
        rows: (start, end, line) of each row in `data` where a row is not a line; line is 0-based in the chunk.
        digest: content key, see `digest_of`.
        facts: what was seen while reading; their lines are 0-based in the chunk.
        size: bytes of the input that this chunk took, for progress.
    """

    data: bytes | None
    where: tuple[str, int, int] | None
    lines: int
    rows: Rows | None
    digest: int
    facts: tuple[Fact, ...] = ()
    size: int = 0

    def load(self) -> bytes:
        """Return the bytes, reading them again where they did not travel.

        Raises:
            InputError: the file changed or vanished since the chunk was cut.
        """
        if self.data is not None:
            return self.data
        assert self.where is not None
        path, offset, length = self.where
        try:
            with Path(path).open("rb") as file:
                file.seek(offset)
                data = file.read(length)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error} while it was being checked; run again") from error
        if digest_of(data, self.rows, self.lines) != self.digest:
            raise InputError(f"{path} changed while it was being checked; run again when nothing writes to it")
        return data

    def __reduce__(self) -> tuple[Any, ...]:
        data = None if self.where is not None else self.data
        return RawChunk, (data, self.where, self.lines, self.rows, self.digest, self.facts, self.size)


def digest_of(data: bytes | memoryview, rows: Rows | None, lines: int) -> int:
    """Return the content key of a chunk: chunks with equal keys give equal results.

    The bytes alone decide, but where rows are told apart by the source, or where bytes were passed over: there the
    rows and the number of lines count too.
    """
    if rows is None and data:
        return xxhash.xxh3_64_intdigest(data)
    hasher = xxhash.xxh3_64(data)
    hasher.update(array("q", [-1, lines, *(number for row in rows or () for number in row)]).tobytes())
    return hasher.intdigest()


class Source:
    """One input, read once from start to end.

    Attributes:
        path: as given by the user, for people.
        size: bytes as stored; None for standard input until it was read.
        has_lines: False where rows have no lines (Parquet, datasets): findings then have line None.
        kind: "lines", "array", "values" (objects one after another), "table", or "none" (nothing to read).
        facts: facts about the file as a whole; complete once `chunks()` is exhausted.
        sha256: hex digest of the bytes as stored; None until `chunks()` is exhausted, and where there is none.
    """

    path: str
    size: int | None = None
    has_lines: bool = True
    kind: str = "lines"
    sha256: str | None = None

    def __init__(self, path: str) -> None:
        self.path = path
        self.facts: list[Fact] = []

    def head(self) -> bytes:
        """Return up to `HEAD_BYTES` decoded bytes from the start; the same however the file is cut."""
        raise NotImplementedError

    def head_rows(self, n: int = 64) -> Sequence[bytes]:
        """Return the bytes of up to `n` first rows that lie within `head()`."""
        raise NotImplementedError

    def chunks(self) -> Iterator[RawChunk]:
        """Yield the chunks in file order. To be called once."""
        raise NotImplementedError
