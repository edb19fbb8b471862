"""Everything that is read as a stream of bytes: files, standard input, compressed or not, in whatever encoding."""

from __future__ import annotations

import codecs
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO

from prepdata.chunk import Fact
from prepdata.errors import InputError
from prepdata.sources.base import HEAD_BYTES, RawChunk, Readable, Source, digest_of
from prepdata.sources.cut import Bounds, Cut, State, cut_lines
from prepdata.sources.digest import Digest
from prepdata.sources.newlines import NewlineCount
from prepdata.sources.sniff import sniff
from prepdata.sources.unpack import Limit, packing, unpack
from prepdata.sources.values import Layout, cut_values, rows_in
from prepdata.text.decode import wide_encoding

_PLAIN_BLOCK = 1 << 20
_PACKED_BLOCK = 256 << 10
_BOM = b"\xef\xbb\xbf"
_PACKED_SUFFIXES = (".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz")
_CR_ROWS = re.compile(rb"[}\]]\r\s*[\[{]")
_CR_SAMPLE = 1 << 16
_LONG_HEAD = 16 << 20  # bytes looked at for the first row, where the head holds no whole one


def opened(path: str) -> IO[bytes]:
    """Return a file opened for reading, standard input for "-".

    Raises:
        InputError: it cannot be opened.
    """
    if path == "-":
        return sys.stdin.buffer
    try:
        return Path(path).open("rb", buffering=0)
    except OSError as error:
        raise unreadable(path, error) from error


class StreamSource(Source):
    """A file or standard input. Opens its file when made, so that an unreadable one is noticed at once."""

    def __init__(self, path: str, *, bounds: Bounds | None = None, limit: Limit | None = None,
                 hashed: bool = True, file: Readable | None = None) -> None:  # fmt: skip
        """Open `path` ("-" for standard input) and look at its head.

        Args:
            path: as given by the user.
            bounds: sizes that steer cutting.
            limit: bounds of decompression.
            hashed: False to leave out `sha256`.
            file: read from this in place of the path.

        Raises:
            InputError: the file cannot be opened or read.
        """
        super().__init__("<stdin>" if path == "-" else path)
        self.name = path
        self.bounds = bounds or Bounds()
        self.limit = limit or Limit()
        self.state = State()
        self.layout = Layout()
        self.json_name = inner_suffix(path) == ".json"
        self._hasher = Digest() if hashed else None
        self._seen = 0
        self._skip = 0  # bytes before the first row of a plain file: its byte order mark
        self._regular = False  # True for a file that a worker can read again
        self._file = file or self._open()
        self._prepare()

    def _open(self) -> IO[bytes]:
        found = opened(self.name)
        if self.name != "-":
            info = os.fstat(found.fileno())
            self._regular = stat.S_ISREG(info.st_mode)
            self.size = info.st_size if self._regular else None
        return found

    def _prepare(self) -> None:
        """Build the stages: stored bytes, decoded bytes, UTF-8 text; and decide on the layout."""
        raw = self._read(_PLAIN_BLOCK)
        first, raw = peek(raw, 4096)
        self.packed = packing(first)
        if self.packed:
            raw = unpack(raw, self.packed, self.limit, self.facts, self.state)
        first, text = peek(raw, HEAD_BYTES + 16)
        self.plain = self.packed is None and self._regular
        wide = wide_encoding(first)
        if wide:
            encoding, mark = wide
            data = {"encoding": encoding, "offset": 0, "bom": mark > 0, "where": "file"}
            self.facts.append(Fact("not-utf8", data=data))
            text = transcode(text, encoding, mark)
            self.plain = False
        elif first.startswith(_BOM):
            self.facts.append(Fact("bom", data={"where": "file"}))
            text = without(text, len(_BOM))
            self._skip = len(_BOM)
        self._head, text = peek(text, HEAD_BYTES)
        if b"\r" in self._head and b"\n" not in self._head and _CR_ROWS.search(self._head[:_CR_SAMPLE]):
            self.facts.append(Fact("mixed-newlines", data={"lf": 0, "crlf": 0, "cr": self._head.count(b"\r")}))
            text = returns_to_newlines(text)
            self._head, text = peek(text, HEAD_BYTES)
            self.plain = False
        self._whole = len(self._head) < HEAD_BYTES
        self._first = self._head
        if not self._whole and b"\n" not in self._head:
            self._first, text = peek(text, _LONG_HEAD)
        self._text = text
        kind = sniff(self._head, whole=self._whole, suffix=inner_suffix(self.name))
        self.kind = kind.layout
        if not self.state.broken or self._head:
            self.facts.extend(kind.facts)
        if self.kind != "none" and not wide and not self._skip:
            self.facts.append(Fact("no-bom"))

    def _read(self, size: int) -> Iterator[bytes]:
        """Yield the stored bytes in blocks."""
        while True:
            try:
                block = self._file.read(_PACKED_BLOCK if getattr(self, "packed", None) else size)
            except OSError as error:
                raise unreadable(self.name, error) from error
            if not block:
                break
            self._seen += len(block)
            if self._hasher:
                self._hasher.update(block)
            yield block
        if self._hasher:
            self.sha256 = self._hasher.hexdigest()
        self.size = self._seen
        if self._file is not sys.stdin.buffer:
            self._file.close()

    def head(self) -> bytes:
        return self._head

    def head_rows(self, n: int = 64) -> Sequence[bytes]:
        if self.kind == "none":
            return []
        if self.kind != "lines":
            return rows_in(self._first, n, array=self.kind == "array")
        lines = self._first.split(b"\n", 4 * n)
        if not self._whole or len(lines) > 4 * n:
            lines.pop()
        return [line for line in lines if line.strip()][:n]

    def chunks(self) -> Iterator[RawChunk]:
        if self.kind == "none":
            for _ in self._text if self._regular else ():  # a device or a pipe may have no end
                pass
            return
        newlines = NewlineCount()
        before = 0
        for cut in self._cuts():
            if self.kind == "lines":
                newlines.see(cut.data, cut.lines)
            taken, before = self._seen - before, self._seen
            yield self._chunk(cut, cut.size if self.plain else taken)
        self._conclude(newlines)

    def _cuts(self) -> Iterator[Cut]:
        if self.kind == "lines":
            return cut_lines(self._text, self.bounds, self.state)
        return cut_values(self._text, self.bounds, self.state, self.layout, array=self.kind == "array")

    def _chunk(self, cut: Cut, size: int) -> RawChunk:
        where = (self.name, cut.offset + self._skip, len(cut.data)) if self.plain and cut.data else None
        digest = digest_of(cut.data, cut.rows, cut.lines)
        return RawChunk(cut.data, where, cut.lines, cut.rows, digest, cut.facts, size)

    def _conclude(self, newlines: NewlineCount) -> None:
        """Add the facts that only the whole file shows."""
        if self.kind == "lines":
            self.facts.extend(newlines.facts(cut_off=self.state.broken))
            return
        data = {"rows": self.layout.rows, "json_name": self.json_name}
        if self.kind == "array":
            self.facts.append(Fact("json-array", data={**data, "closed": self.layout.closed or self.state.broken}))
        else:
            self.facts.append(Fact("pretty-printed", data=data))


def peek(blocks: Iterable[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """Return (the first bytes, at most `size`; the whole stream)."""
    stream = iter(blocks)
    taken: list[bytes] = []
    have = 0
    while have < size:
        block = next(stream, b"")
        if not block:
            break
        taken.append(block)
        have += len(block)
    first = taken[0] if len(taken) == 1 else b"".join(taken)
    return first[:size], chain([first] if first else [], stream)


def without(blocks: Iterator[bytes], count: int) -> Iterator[bytes]:
    """Yield a stream without its first `count` bytes."""
    for block in blocks:
        if count < len(block):
            yield block[count:] if count else block
            count = 0
        else:
            count -= len(block)


def transcode(blocks: Iterator[bytes], encoding: str, mark: int) -> Iterator[bytes]:
    """Yield a stream of UTF-16 or UTF-32 as UTF-8, without the byte order mark of `mark` bytes."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for block in without(blocks, mark):
        for at in range(0, len(block), _PLAIN_BLOCK):
            text = decoder.decode(block[at : at + _PLAIN_BLOCK])
            if text:
                yield text.encode("utf-8", "replace")
    last = decoder.decode(b"", final=True)
    if last:
        yield last.encode("utf-8", "replace")


def returns_to_newlines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    r"""Yield a stream with each "\r\n" and each lone "\r" as "\n"."""
    held = b""
    for block in blocks:
        block = held + block
        held = b"\r" if block.endswith(b"\r") else b""
        if held:
            block = block[:-1]
        if block:
            yield block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if held:
        yield b"\n"


def inner_suffix(path: str) -> str:
    """Return the ending of a file name in lower case, without that of a compression."""
    name = Path(path.lower())
    while name.suffix in _PACKED_SUFFIXES:
        name = name.with_suffix("")
    return name.suffix


def unreadable(path: str, error: OSError) -> InputError:
    """Return the error for a path that cannot be read, with what to do."""
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path}: no such file or folder. Check the spelling and the current folder.")
    if isinstance(error, PermissionError):
        return InputError(f"{path}: permission denied. Make it readable (chmod +r) or run as its owner.")
    return InputError(f"{path} cannot be read: {error.strerror or error}.")
