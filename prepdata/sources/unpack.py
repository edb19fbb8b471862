"""Decompression as a stream, with bounds: of memory for every block, of the ratio and of the total for the whole."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from prepdata.chunk import Fact
from prepdata.sources.cut import State

MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd", "bzip2": b"BZh", "xz": b"\xfd7zXZ\x00"}
_OUT = 1 << 20  # bytes decoded in one go
_ZSTD_IN = 1 << 10  # bytes of zstd given in one go: at most 32 MiB can come out of them
_ZSTD_WINDOW = 1 << 27  # bytes of memory a zstd frame may ask for, as the zstd tool allows without a flag
_XZ_MEMORY = 1 << 28  # bytes of memory an xz stream may ask for; `xz -9` needs 65 MiB


class Limit(NamedTuple):
    """Bounds of decompression.

    Args:
        ratio: decoded bytes per stored byte, looked at once `free` bytes are decoded. Text comes to 3 to 20, very
            repetitive text to 100; a bomb to 1,000 and more.
        free: decoded bytes up to which any ratio is accepted.
        total: decoded bytes at which reading stops in any case.
    """

    ratio: float = 250
    free: int = 256 << 20
    total: int = 1 << 42


class _Decoder(Protocol):
    """Decodes one member of a compressed stream, no more than `_OUT` bytes at a time."""

    def feed(self, data: bytes) -> bytes:
        """Return the next decoded bytes; with b"" those that earlier data still hold.

        Damaged data raise an error of the library, each has its own.
        """

    @property
    def eof(self) -> bool:
        """True when the end of the member was reached."""

    @property
    def unused(self) -> bytes:
        """What was fed and lies beyond the end of the member."""

    @property
    def hungry(self) -> bool:
        """True when nothing more comes without further data."""


class _Gzip:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        out = self._inner.decompress(self._rest + data, _OUT)
        self._rest = self._inner.unconsumed_tail
        return out

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused(self) -> bytes:
        return self._inner.unused_data

    @property
    def hungry(self) -> bool:
        return not self._rest


class _Standard:
    """bzip2 and xz: both decoders of the standard library have the same face."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def feed(self, data: bytes) -> bytes:
        out: bytes = self._inner.decompress(data, _OUT)
        return out

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def unused(self) -> bytes:
        return bytes(self._inner.unused_data)

    @property
    def hungry(self) -> bool:
        return bool(self._inner.needs_input)


class _Zstd:
    def __init__(self) -> None:
        import zstandard

        self._inner = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        self._rest: memoryview = memoryview(b"")
        self._unused = b""

    def feed(self, data: bytes) -> bytes:
        if data:
            self._rest = memoryview(data)
        out: list[bytes] = []
        size = 0
        while self._rest and size < _OUT:
            piece: bytes = self._inner.decompress(self._rest[:_ZSTD_IN])
            out.append(piece)
            size += len(piece)
            self._rest = self._rest[_ZSTD_IN:]
            if self._inner.eof:
                self._unused = bytes(self._inner.unused_data) + bytes(self._rest)
                break
        return b"".join(out)

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def unused(self) -> bytes:
        return self._unused

    @property
    def hungry(self) -> bool:
        return not self._rest


def _bzip2() -> _Decoder:
    import bz2

    return _Standard(bz2.BZ2Decompressor())


def _xz() -> _Decoder:
    import lzma

    return _Standard(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY))


_MAKERS: dict[str, Callable[[], _Decoder]] = {"gzip": _Gzip, "zstd": _Zstd, "bzip2": _bzip2, "xz": _xz}


def packing(head: bytes) -> str | None:
    """Return the kind of compression that the first bytes of a file show, or None."""
    for kind, magic in MAGIC.items():
        if head.startswith(magic):
            return kind
    if len(head) >= 8 and 0x50 <= head[0] <= 0x5F and head[1:4] == b"\x2a\x4d\x18":
        return "zstd"
    return None


def unpack(blocks: Iterable[bytes], kind: str, limit: Limit, facts: list[Fact], state: State) -> Iterator[bytes]:
    """Yield the decoded bytes of a compressed stream, all its members one after another.

    Damage ends the stream: a fact says where, and `state.broken` is set.
    """
    return _Unpacker(kind, limit, facts, state).run(blocks)


class _Unpacker:
    def __init__(self, kind: str, limit: Limit, facts: list[Fact], state: State) -> None:
        self.kind, self.limit, self.facts, self.state = kind, limit, facts, state
        self.stored = self.decoded = 0
        self.decoder: _Decoder | None = None  # None between two members
        self.skip = 0  # bytes of a skippable zstd frame still to pass over
        self.members = 0

    def run(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the decoded bytes of all members; see `unpack`."""
        waiting = b""
        for block in blocks:
            self.stored += len(block)
            waiting += block
            while waiting or (self.decoder is not None and not self.decoder.hungry):
                if self.decoder is None:
                    waiting, more = self.begin(waiting)
                    if self.state.broken:
                        return
                    if not more:
                        break
                    continue
                try:
                    out = self.decoder.feed(waiting)
                except Exception as error:  # each library has errors of its own
                    self.stop("damaged", str(error))
                    return
                waiting = b""
                if out:
                    self.decoded += len(out)
                    yield out
                    if self.too_much():
                        return
                if self.decoder.eof:
                    waiting, self.decoder = self.decoder.unused, None
        if self.decoder is not None or self.skip or waiting.strip(b"\0"):
            whole = self.decoder is None and self.members > 0
            self.stop("followed by something else" if whole else "cut off", "")

    def begin(self, waiting: bytes) -> tuple[bytes, bool]:
        """Start the next member; return (bytes left, False where more bytes are needed first)."""
        if self.skip:
            step = min(self.skip, len(waiting))
            self.skip -= step
            return waiting[step:], step < len(waiting)
        waiting = waiting.lstrip(b"\0") if self.members else waiting
        magic = MAGIC[self.kind]
        if self.kind == "zstd" and len(waiting) >= 8 and packing(waiting) == "zstd" and not waiting.startswith(magic):
            self.skip = int.from_bytes(waiting[4:8], "little")
            return waiting[8:], True
        if len(waiting) < 8:
            return waiting, False
        if not waiting.startswith(magic):
            if waiting:
                self.stop("followed by something else", "")
            return b"", False
        self.decoder = _MAKERS[self.kind]()
        self.members += 1
        return waiting, True

    def stop(self, what: str, reason: str) -> None:
        """Note the damage that ends the stream: what is wrong with it, and what the decoder says."""
        data = {"kind": self.kind, "what": what, "reason": reason, "stored": self.stored, "decoded": self.decoded}
        self.facts.append(Fact("truncated-archive", data=data))
        self.state.broken = True

    def too_much(self) -> bool:
        """True, with a fact, if the stream decodes to more than the bounds allow."""
        over = self.decoded > self.limit.total
        if self.decoded > self.limit.free and self.decoded > self.limit.ratio * self.stored:
            over = True
        if over:
            data = {"kind": self.kind, "stored": self.stored, "decoded": self.decoded, "ratio": self.limit.ratio,
                    "total": self.limit.total}  # fmt: skip
            self.facts.append(Fact("decompression-bound", data=data))
            self.state.broken = True
        return over
