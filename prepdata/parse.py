"""From bytes to records: every line of a raw chunk becomes a record or a fact. Never raises.

The quick parser (msgspec) reads each line; only what it refuses, or what may hold something that vanishes in parsing
(a repeated key, a huge integer, a NUL), is read again by `prepdata.explain`, which tells what and where.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from xxhash import xxh3_64_intdigest

from prepdata.chunk import Chunk, Fact
from prepdata.explain import MAX_DEPTH, MISSING, explain
from prepdata.formats import recognise
from prepdata.formats.base import Format
from prepdata.formats.sharing import share_tools, shared_tools
from prepdata.formats.unknown import describe
from prepdata.jsontext import strings_in, without_escapes
from prepdata.record import Record
from prepdata.tails import decode_head, find_tail, learn_tail
from prepdata.text.masking import masked

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_DIGITS = bytes(0x30 if 0x30 <= c <= 0x39 else c for c in range(256))
_LONG_NUMBER = b"0" * 19
DEEPEST = MAX_DEPTH
"""Levels of nesting from which on a row is read by the explaining parser, which refuses it."""
WHITE = b" \t\r\n\x0b\x0c"


class Parsed(NamedTuple):
    """What `parse` returns.

    Args:
        chunk: records and facts.
        row_lines: 0-based line of each row (a row is a line that is not blank), one per row, parsed or not.
    """

    chunk: Chunk
    row_lines: array[int]


def split(data: bytes, rows: tuple[tuple[int, int, int], ...] | None) -> Iterator[tuple[int, bytes]]:
    """Yield (line number, bytes) of every line, or of every row where the source has told rows apart."""
    if rows is not None:
        for start, end, line in rows:
            yield line, data[start:end]
        return
    line = at = 0
    while (end := data.find(b"\n", at)) >= 0:
        yield line, data[at:end]
        line, at = line + 1, end + 1
    if at < len(data):
        yield line, data[at:]


def parse(data: bytes, rows: tuple[tuple[int, int, int], ...] | None, lines: int, expected: Format | None) -> Parsed:
    """Return the records and facts of a raw chunk.

    Args:
        data: bytes of whole lines, UTF-8 without a byte order mark.
        rows: (start, end, line) of each row where a row is not a line (JSON arrays), else None.
        lines: number of lines the chunk spans.
        expected: the format of the file; rows of another format are viewed by that one and reported.
    """
    parser = _Parser(expected)
    for line, text in split(data, rows):
        if not text or text[0] != 123:  # "{"
            text = text.strip(WHITE)
            if not text:
                if rows is None:
                    parser.facts.append(Fact("blank-line", line))
                continue
        parser.row(line, text)
    name = expected.name if expected else "unknown"
    chunk = Chunk(name, parser.records, parser.facts, lines)
    chunk.unread = parser.unread
    return Parsed(chunk, parser.row_lines)


class _Parser:
    """Collects the rows of one chunk."""

    def __init__(self, expected: Format | None) -> None:
        self.expected = expected
        self.records: list[Record] = []
        self.facts: list[Fact] = []
        self.unread: dict[int, int] = {}
        self.row_lines: array[int] = array("I")

    def row(self, line: int, text: bytes) -> None:
        """Parse one row that is not blank."""
        number = len(self.row_lines)
        self.row_lines.append(line)
        tail = find_tail(text)
        short = decode_head(text, tail) if tail is not None else None
        certain = False
        try:
            raw = _decode(text) if short is None else short[0]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raw = self.slowly(line, number, text)
            certain = True
            if raw is MISSING:
                self.unread[number] = xxh3_64_intdigest(text)
                return
        if type(raw) is not dict:
            self.facts.append(
                Fact("not-an-object", line, number, {"type": _json_type(raw), "encoded": _is_encoded(raw)})
            )
            self.unread[number] = xxh3_64_intdigest(text)
            return
        record = self.record(raw, line, number)
        if record is None:
            self.unread[number] = xxh3_64_intdigest(text)
            return
        if record.tools and record.tools_key is None:
            share_tools(record)
        strings = record.strings if record.shape is not None else _strings_of(record)
        if not strings and _nesting(text) > DEEPEST and self.too_deep(line, number, text):
            self.unread[number] = xxh3_64_intdigest(text)
            return
        record.row, record.line, record.size = number, line, len(text)
        self.records.append(record)
        if certain:
            return
        if short is not None and tail is not None and strings:
            doubtful = self.doubtful(record, short[1], strings - tail.strings)
        else:
            doubtful = self.doubtful(record, text, strings)
        if doubtful:
            self.slowly(line, number, text)
        elif record.outline is not None:
            learn_tail(record, text)

    def record(self, raw: dict[str, Any], line: int, number: int) -> Record | None:
        """Return the view of a row, or None where no format knows it."""
        expected = self.expected
        if expected is not None and expected.recognise(raw):
            return expected.view(raw)
        found = recognise(raw)
        if found is None:
            self.facts.append(Fact("unknown-format", line, number, describe(raw)))
            return None
        if expected is not None:
            data = {"expected": expected.name, "found": found.name}
            self.facts.append(Fact("mixed-formats", line, number, data))
        return found.view(raw)

    def doubtful(self, record: Record, text: bytes, strings: int) -> bool:
        """True if the row may hold something that the quick parser loses: a repeated key, NUL or huge integer.

        Args:
            record: the row.
            text: its bytes, or those without a known end of the line.
            strings: number of strings, keys among them, that the parser found there; 0 where it is not known. Then
                the row is written out again, which leaves repeated keys out. Otherwise it holds no huge integers.
        """
        bare = text
        if b"\\" in text:
            bare = without_escapes(text)
            if b"\\" in bare and b"\\u0000" in bare:  # a single byte is found much quicker
                return True
        if strings:
            return bare.count(b'"') != 2 * strings
        return bare.count(b'"') != 2 * _strings_written(record) or _LONG_NUMBER in text.translate(_DIGITS)

    def too_deep(self, line: int, number: int, text: bytes) -> bool:
        """True, with a fact, if the explaining parser finds a row nested too deeply for rules to walk."""
        value, facts = explain(text)
        if value is MISSING:
            self.keep(facts, line, number, text)
        return value is MISSING

    def slowly(self, line: int, number: int, text: bytes) -> Any:
        """Read a row with the explaining parser and keep its facts; MISSING if it is not JSON."""
        value, facts = explain(text)
        self.keep(facts, line, number, text)
        return value

    def keep(self, facts: list[Fact], line: int, number: int, text: bytes) -> None:
        """Keep facts of a row, with secrets masked in the excerpts."""
        for fact in facts:
            data = fact.data
            if "excerpt" in data:
                data = {**data, "excerpt": masked(data["excerpt"], text[:100_000].decode("utf-8", "replace"))}
            self.facts.append(Fact(fact.kind, line, number, data))


def _strings_of(record: Record) -> int:
    """Return the number of strings of a row without a shape, if its outline and shared tools tell it; else 0."""
    if record.outline is None or not record.tools:
        return record.strings
    shared = shared_tools(record)
    return record.strings + shared.strings if shared is not None and shared.plain else 0


def _strings_written(record: Record) -> int:
    """Return the number of strings of a row by writing it out again; those of shared tools are known."""
    shared, name = shared_tools(record), record.tools_path[1:]
    if shared is None or name not in record.raw:
        return strings_in(_encode(record.raw))
    return strings_in(_encode({key: value for key, value in record.raw.items() if key != name})) + 1 + shared.strings


def _nesting(text: bytes) -> int:
    """Return how deep a row can be nested at most: its number of opening brackets."""
    return text.count(b"{") + text.count(b"[")


def _is_encoded(value: Any) -> bool:
    """True for a text that looks like JSON itself: the row was encoded twice."""
    return isinstance(value, str) and value.lstrip()[:1] in ("{", "[")


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "string" if isinstance(value, str) else "array"
