"""Cuts a stream of bytes into stretches of whole lines, at borders that depend on the content alone.

A stretch has at least `least` bytes; from there on it ends after the first line whose hash is small in proportion to
the line's length, which is after `spread` more bytes on average, and at `most` bytes at the latest. So an edit moves
only the borders near it. A line longer than `most` is a stretch of its own. Memory: one stretch and one block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from xxhash import xxh3_64_intdigest

from prepdata.chunk import Fact
from prepdata.findings import clip
from prepdata.sources.base import Rows

MAX_LINE_BYTES = 64 << 20
"""Longest line that is read, in bytes. The longest context of any current model is about 10 MB of text."""


class Bounds(NamedTuple):
    """Sizes that steer cutting, in bytes.

    Args:
        least: stretches end here at the earliest.
        spread: they end this much later on average.
        most: they end here at the latest, lines longer than that apart.
        line: longest line that is read.
    """

    least: int = 768 << 10
    spread: int = 256 << 10
    most: int = 4 << 20
    line: int = MAX_LINE_BYTES

    def fitted(self) -> Bounds:
        """Return bounds in which no stretch is longer than the longest line, as the cutter needs it."""
        most = max(1, min(self.most, self.line))
        return Bounds(max(1, min(self.least, most // 2)), self.spread, most, max(1, self.line))


class Cut(NamedTuple):
    """One stretch.

    Args:
        data: its bytes; empty where it is a line too long to be read.
        offset: of its first byte in the stream, in bytes.
        size: its length in the stream, in bytes.
        lines: lines it spans.
        rows: (start, end, line) of each row where a row is not a line.
        facts: what was seen in it.
    """

    data: bytes
    offset: int
    size: int
    lines: int
    rows: Rows | None = None
    facts: tuple[Fact, ...] = ()


class State:
    """What the stages of a stream tell one another. `broken` is set where the stream ended before its time."""

    broken: bool = False


def cut_lines(blocks: Iterable[bytes], bounds: Bounds, state: State | None = None) -> Iterator[Cut]:
    """Yield the stretches of a stream of lines.

    Args:
        blocks: the stream, in pieces of any size; the result does not depend on their size.
        bounds: sizes; see `Bounds`.
        state: where `broken` is set when the stream ends, its unfinished last line is left out.
    """
    bounds = bounds.fitted()
    buffer, at, offset = b"", 0, 0
    stream = iter(blocks)
    for block in stream:
        buffer = buffer[at:] + block if at < len(buffer) else block
        at = 0
        while (end := _border(buffer, at, bounds)) > 0:
            yield _stretch(buffer[at:end], offset, bounds)
            offset += end - at
            at = end
        if len(buffer) - at > bounds.line and buffer.find(b"\n", at) < 0:
            start, length = buffer[at : at + 200], len(buffer) - at
            skipped, buffer = _skip_line(stream, length)
            at = 0
            yield _oversized(start, offset, skipped, bounds)
            offset += skipped
            while (end := _border(buffer, at, bounds)) > 0:
                yield _stretch(buffer[at:end], offset, bounds)
                offset += end - at
                at = end
    rest = buffer[at:]
    if state is not None and state.broken:
        rest = rest[: rest.rfind(b"\n") + 1]
    if rest:
        yield _stretch(rest, offset, bounds)


def _border(buffer: bytes, at: int, bounds: Bounds) -> int:
    """Return the end of the stretch that starts at `at`, or -1 where more bytes are needed to tell."""
    low, high = at + bounds.least, at + bounds.most
    if len(buffer) < low:
        return -1
    first = buffer.find(b"\n", low - 1)
    if first < 0 or first >= high:
        if first < 0 and len(buffer) <= high:
            return -1
        before = buffer.rfind(b"\n", at, low - 1)
        if before >= 0:
            return before + 1
        return first + 1 if first >= 0 else -1
    pos, find = first + 1, buffer.find
    scale = (1 << 64) // bounds.spread
    while True:
        end = find(b"\n", pos) + 1
        if not end:
            return pos if len(buffer) > high else -1
        if end > high:
            return pos
        if xxh3_64_intdigest(buffer[pos:end]) < (end - pos) * scale:
            return end
        pos = end


def _skip_line(stream: Iterator[bytes], length: int) -> tuple[int, bytes]:
    """Read on to the end of a line without keeping it; return (its whole length, what follows it)."""
    for block in stream:
        end = block.find(b"\n") + 1
        if end:
            return length + end, block[end:]
        length += len(block)
    return length, b""


def _stretch(data: bytes, offset: int, bounds: Bounds) -> Cut:
    if len(data) > bounds.line:
        return _oversized(data[:200], offset, len(data), bounds)
    lines = data.count(b"\n") + (data[-1] != 10)
    return Cut(data, offset, len(data), lines)


def _oversized(start: bytes, offset: int, size: int, bounds: Bounds) -> Cut:
    return Cut(b"", offset, size, 1, None, (oversized(start, size, bounds.line, 0),))


def oversized(start: bytes, size: int, limit: int, line: int) -> Fact:
    """Return the fact of a line or row of `size` bytes that is longer than `limit`."""
    data: dict[str, Any] = {"bytes": size, "limit": limit, "excerpt": clip(start.decode("utf-8", "replace"))}
    return Fact("oversized-line", line, None, data)
