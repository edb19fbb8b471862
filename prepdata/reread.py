"""Reading rows again after the pass: for rules that find candidates by digests and then need to see the rows."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from typing import IO, Any, NamedTuple

from prepdata.errors import InputError
from prepdata.formats import get
from prepdata.formats.base import Format
from prepdata.parse import WHITE, parse, split
from prepdata.record import Record
from prepdata.reduce import FileRun
from prepdata.sources import Input, open_source
from prepdata.sources.base import Source


class Origin(NamedTuple):
    """Where the rows of a file came from.

    Args:
        item: the input.
        format_name: the format of the file, if it has one.
        spool: what standard input held, else None.
    """

    item: Input
    format_name: str | None
    spool: IO[bytes] | None = None


class Reader:
    """Reads rows of the inputs of a run again. Memory: one chunk."""

    def __init__(self, origins: dict[str, Origin], settings: Any, columns: dict[str, str]) -> None:
        """Args:
        origins: by path as shown to people (`FileRun.path`).
        settings: for opening inputs.
        columns: user-given column names for rows of no known format.
        """
        self.origins = origins
        self.settings = settings
        self.columns = columns

    def rows(self, files: Sequence[FileRun], wanted: Collection[int]) -> Iterator[tuple[int, Record]]:
        """Yield (number, record) of some rows, counted over the files, in rising order; rows without a record are
        left out.

        Raises:
            InputError: a file changed since it was checked.
        """
        numbers = sorted(set(wanted))
        first = 0
        for file in files:
            here = numbers[bisect_left(numbers, first) : bisect_left(numbers, first + file.rows)]
            if here:
                yield from self._in_file(file, first, here)
            first += file.rows

    def _in_file(self, file: FileRun, first: int, wanted: Sequence[int]) -> Iterator[tuple[int, Record]]:
        origin = self.origins[file.path]
        expected = get(origin.format_name, self.columns) if origin.format_name else None
        last = wanted[-1]
        for raw, result in zip(self._open(origin).chunks(), file.results):
            here = wanted[bisect_left(wanted, first) : bisect_left(wanted, first + result.rows)]
            if here:
                texts = [text for _, text in split(raw.load(), raw.rows) if text[:1] == b"{" or text.strip(WHITE)]
                if len(texts) != result.rows:
                    raise InputError(f"{file.path} changed while it was being checked; run again")
                for record in _parsed([texts[row - first] for row in here], expected):
                    yield here[record.row], record
            first += result.rows
            if first > last:
                return

    def _open(self, origin: Origin) -> Source:
        if origin.spool is not None:
            origin.spool.seek(0)
        return open_source(origin.item, self.settings, hashed=False, file=Kept(origin.spool) if origin.spool else None)


def _parsed(texts: Sequence[bytes], expected: Format | None) -> list[Record]:
    """Return the records of some rows; each has its place among them as its row number."""
    ends = list(accumulate(map(len, texts)))
    rows = tuple((end - len(text), end, number) for number, (text, end) in enumerate(zip(texts, ends)))
    return parse(b"".join(texts), rows, len(texts), expected).chunk.records


class Kept:
    """A file that stays open when its reader is done with it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.read = file.read

    def close(self) -> None:
        """Leave it open."""


class Spooling:
    """A file that can be read once only, written to another one while it is read."""

    def __init__(self, file: IO[bytes], spool: IO[bytes]) -> None:
        self.file = file
        self.spool = spool

    def read(self, size: int = -1) -> bytes:
        """Read on, keeping what was read."""
        block = self.file.read(size)
        self.spool.write(block)
        return block

    def close(self) -> None:
        """Leave the copy open, and standard input."""
        if self.file is not sys.stdin.buffer:
            self.file.close()
