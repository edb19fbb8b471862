"""Finds rows in a stream of JSON where a row is not a line: one array of objects, or objects spread over lines.

Only brackets and strings are looked at, so that rows which are not JSON are still told apart from their neighbours.
Memory: one stretch, one block, and one row of at most `Bounds.line` bytes; of a longer row nothing is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from xxhash import xxh3_64_intdigest

from prepdata.sources.cut import Bounds, Cut, State, oversized

_BETWEEN = re.compile(rb"[\s,]*+")
_NEXT = re.compile(rb'(?:[^\[\]{}"]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([\[\]{}])?', re.DOTALL)
_SCALAR = re.compile(rb'(?:[^\[\]{}",\r\n]++|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?)++', re.DOTALL)
_IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)


class Layout:
    """What was found out about the layout while reading.

    Attributes:
        rows: rows so far.
        closed: False where an array ends without its closing bracket.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.closed = True


def cut_values(blocks: Iterable[bytes], bounds: Bounds, state: State, layout: Layout, *, array: bool) -> Iterator[Cut]:
    """Yield stretches of whole rows, with the place of each row.

    Args:
        blocks: the stream, in pieces of any size.
        bounds: sizes; see `Bounds`.
        state: where `broken` is set when the stream ends, its unfinished last row is left out.
        layout: is filled in while reading.
        array: True if the rows are the items of an array.
    """
    reader = _Reader(bounds.fitted(), layout, array)
    for block in blocks:
        yield from reader.feed(block)
    yield from reader.finish(state)


class _Reader:
    """Keeps a buffer that begins at the current stretch, and how far in it everything is understood.

    `scan` is the next byte to be looked at, `begin` the start of the row being read (-1: none), `depth` the open
    brackets inside that row.
    """

    def __init__(self, bounds: Bounds, layout: Layout, array: bool) -> None:
        self.bounds, self.layout, self.wants_array = bounds, layout, array
        self.buffer = b""
        self.offset = 0  # of the buffer in the stream
        self.scan = 0
        self.begin = -1
        self.depth = 0
        self.in_array = False
        self.rows: list[tuple[int, int]] = []
        self.dropped = 0  # bytes let go since the last stretch, if the current row is too long
        self.dropped_lines = 0
        self.above = (0, 0)  # bytes and lines between the last stretch and a row that is too long
        self.in_string = False  # only while a row that is too long is let go
        self.start = b""  # of a row that is too long
        self.newline = True  # whether the last byte of all was a newline

    def feed(self, block: bytes) -> Iterator[Cut]:
        """Take a block and yield the stretches that are complete."""
        if not block:
            return
        self.newline = block[-1] == 10
        self.buffer = self.buffer + block if self.buffer else block
        yield from self.read(final=False)
        if self.begin >= 0 and len(self.buffer) - self.begin > self.bounds.line and not self.dropped:
            if self.rows:
                yield self.stretch(self.rows[-1][1])
            self.start = self.buffer[self.begin : self.begin + 200]
        if self.begin >= 0 and (self.dropped or len(self.buffer) - self.begin > self.bounds.line):
            self.let_go()

    def read(self, *, final: bool) -> Iterator[Cut]:
        """Go on scanning as far as the buffer allows."""
        while True:
            if self.begin < 0:
                if not self.enter(final):
                    return
            else:
                if self.in_string and not self.leave_string():
                    return
                if not self.inside():
                    return
                if self.depth == 0:
                    yield from self.end_row(self.scan)

    def enter(self, final: bool) -> bool:
        """Look for the next row; False where more bytes are needed."""
        at = _BETWEEN.match(self.buffer, self.scan).end()  # type: ignore[union-attr]
        self.scan = at
        if at >= len(self.buffer):
            return False
        here = self.buffer[at : at + 1]
        if here == b"[" and self.wants_array and not self.in_array:
            self.in_array, self.scan = True, at + 1
            self.layout.closed = False
            return True
        if here == b"]" and self.in_array:
            self.in_array, self.scan = False, at + 1
            self.layout.closed = True
            return True
        if here in b"{[":
            self.begin, self.scan, self.depth = at, at + 1, 1
            return True
        return self.scalar(at, final)

    def scalar(self, at: int, final: bool) -> bool:
        """Take a value that is neither object nor array, or what stands there in place of one."""
        match = _SCALAR.match(self.buffer, at)
        end = match.end() if match else at + 1
        if end >= len(self.buffer) and not final and end - at <= self.bounds.line:
            return False
        self.begin, self.scan, self.depth = at, at + len(self.buffer[at:end].rstrip()), 0
        return True

    def inside(self) -> bool:
        """Scan to the end of the current row; False where more bytes are needed."""
        buffer, at, depth, match = self.buffer, self.scan, self.depth, _NEXT.match
        while depth:
            found = match(buffer, at)
            bracket = found.group(1)  # type: ignore[union-attr]
            if bracket is None:
                self.scan, self.depth = at, depth
                return False
            at = found.end()  # type: ignore[union-attr]
            depth += 1 if bracket == b"{" or bracket == b"[" else -1
        self.scan, self.depth = at, 0
        return True

    def leave_string(self) -> bool:
        """Pass over the rest of a string of a row that is let go; False if it goes on."""
        end = _IN_STRING.match(self.buffer, self.scan).end()  # type: ignore[union-attr]
        if self.buffer[end : end + 1] == b'"':
            self.scan, self.in_string = end + 1, False
            return True
        self.scan = end
        return False

    def let_go(self) -> None:
        """Drop what was read of a row that is too long; keep only what is needed to find its end."""
        if not self.in_string:
            found = _NEXT.match(self.buffer, self.scan)
            tail = found.end() if found else self.scan
            self.scan = tail
            if self.buffer[tail : tail + 1] == b'"':
                self.in_string, self.scan = True, tail + 1
                self.leave_string()
        if not self.dropped:
            self.above = self.begin, self.buffer.count(b"\n", 0, self.begin)
        self.dropped += self.scan
        self.dropped_lines += self.buffer.count(b"\n", 0, self.scan)
        self.offset += self.scan
        self.buffer = self.buffer[self.scan :]
        self.scan = self.begin = 0

    def end_row(self, end: int) -> Iterator[Cut]:
        """Close the row that ends at `end`, and the stretch with it where a border falls."""
        if not self.dropped and self.buffer[self.begin] == 123 and self.buffer[end - 1] == 93:  # "{" ends with "]"
            self.take_apart(end)
            if end >= self.bounds.least:
                yield self.stretch(end)
            return
        begin, self.begin = self.begin, -1
        self.layout.rows += 1
        if self.dropped or end - begin > self.bounds.line:
            yield from self.too_long(begin, end)
            return
        self.rows.append((begin, end))
        size = end - begin
        if end > self.bounds.most and len(self.rows) > 1:
            last = self.rows.pop()
            before = self.rows[-1][1]
            yield self.stretch(before)
            self.rows.append((last[0] - before, last[1] - before))
            begin, end = begin - before, end - before
        small = xxh3_64_intdigest(self.buffer[begin:end]) < size * ((1 << 64) // self.bounds.spread)
        if end >= self.bounds.most or (end >= self.bounds.least and small):
            yield self.stretch(end)

    def too_long(self, begin: int, end: int) -> Iterator[Cut]:
        """Yield what stands before a value that is longer than may be read, and pass over its bytes."""
        if self.rows:
            before = self.rows[-1][1]
            yield self.stretch(before)
            begin, end = begin - before, end - before
        if not self.dropped:
            self.start = self.buffer[begin : begin + 200]
            self.above = begin, self.buffer.count(b"\n", 0, begin)
        lines = self.dropped_lines + self.buffer.count(b"\n", 0, end)
        size = self.dropped + end
        fact = oversized(self.start, size - self.above[0], self.bounds.line, self.above[1])
        yield Cut(b"", self.offset - self.dropped, size, lines, None, (fact,))
        self.dropped = self.dropped_lines = 0
        self.move(end)

    def stretch(self, end: int) -> Cut:
        """Return the stretch from the start of the buffer to `end`, and go on after it."""
        data = self.buffer[:end]
        rows, line, last = [], 0, 0
        for begin, stop in self.rows:
            line += data.count(b"\n", last, begin)
            rows.append((begin, stop, line))
            last = begin
        made = Cut(data, self.offset, end, data.count(b"\n"), tuple(rows))
        self.rows = []
        self.move(end)
        return made

    def move(self, by: int) -> None:
        """Forget the first bytes of the buffer."""
        self.buffer = self.buffer[by:]
        self.offset += by
        self.scan -= by
        if self.begin >= 0:
            self.begin -= by

    def finish(self, state: State) -> Iterator[Cut]:
        """Yield what is left at the end of the stream."""
        yield from self.read(final=True)
        if self.begin >= 0 and self.dropped:
            self.scan = len(self.buffer)
            yield from self.end_row(self.scan)
        elif self.begin >= 0 and not state.broken:
            self.take_apart(len(self.buffer))
        if self.buffer:
            made = self.stretch(len(self.buffer))
            yield made._replace(lines=made.lines + (not self.newline))
        elif not self.newline:
            yield Cut(b"", self.offset, 0, 1, ())

    def take_apart(self, end: int) -> None:
        """Take apart a row whose brackets do not match: a row begins anew where a line looks as the first one did."""
        begin, self.begin = self.begin, -1
        line = self.buffer.rfind(b"\n", 0, begin) + 1
        indent = self.buffer[line:begin]
        starts = [begin]
        if not indent.strip():
            again = re.compile(rb"\n" + re.escape(indent) + rb"(?=\{)")
            starts += [match.end() for match in again.finditer(self.buffer, begin, end)]
        for start, stop in zip(starts, [*starts[1:], end]):
            text = self.buffer[start:stop].rstrip(b" \t\r\n,")
            if stop == end and self.in_array and text.endswith(b"]"):
                text = text[:-1].rstrip()
                self.in_array, self.layout.closed = False, True
            self.rows.append((start, start + len(text)))
            self.layout.rows += 1


def first_value(head: bytes) -> bytes | None:
    """Return the bytes of the first object or array in `head`, or None if it does not end there."""
    at = _BETWEEN.match(head).end()  # type: ignore[union-attr]
    if head[at : at + 1] not in (b"{", b"["):
        return None
    depth, pos = 1, at + 1
    while depth:
        found = _NEXT.match(head, pos)
        if found is None or found.group(1) is None:
            return None
        depth += 1 if found.group(1) in b"{[" else -1
        pos = found.end()
    return head[at:pos]


def rows_in(head: bytes, n: int, *, array: bool) -> list[bytes]:
    """Return up to `n` first rows that lie whole within `head`."""
    reader = _Reader(Bounds(len(head) + 1, 1, len(head) + 2), Layout(), array)
    reader.buffer = head
    for _ in reader.read(final=False):
        pass
    return [head[begin:end] for begin, end in reader.rows[:n]]
