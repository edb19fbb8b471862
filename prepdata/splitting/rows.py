"""What `prepdata split` keeps of the rows: digests and keys, no texts. And the rows once more, as they stand.

Kept of a row: 56 bytes, 20 for each further key that ties it to others (its prompt, turns of the user of five words or
more, groups, beginnings), and 4 for each of its words.
"""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from prepdata.chunk import Chunk
from prepdata.errors import InputError
from prepdata.formats import detect, get
from prepdata.index.asking import WHOLE, group_key, keys_of, questions, says_enough
from prepdata.index.columns import Form, digests, forms
from prepdata.index.near import Grams, signatures, whole_rows
from prepdata.parse import parse, split
from prepdata.record import Record
from prepdata.rules.base import Context
from prepdata.settings import Settings
from prepdata.sources import Input, Source, open_source
from prepdata.splitting.ties import BEGINNING, COMMON_TURN, FIRM, TURN, Links

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNREAD = frozenset({"oversized-line", "truncated-archive", "decompression-bound", "unsupported-file", "lfs-pointer"})
"""Facts of files of which a part was not read: that part would be lost."""
MANY, COMMON = 50, 0.01
"""A turn in more rows than this, and than this share of all, is one that many rows have."""
_FOLDED, _PROMPT, _TURN, _EXACT, _GROUP = (number * 0x9E3779B97F4A7C15 & (1 << 64) - 1 for number in range(1, 6))
"""Rows whose words are moved at once."""
_WHITE = b" \t\r\n\x0b\x0c"


class Rows(NamedTuple):
    """The rows of all inputs, numbered from 0 in the order in which they were read.

    Args:
        counts: rows of each input.
        digests: (rows,) uint64, of what each row says; of its bytes where it has no record.
        folded: (rows,) uint64, the same but for case, punctuation and white space; 0 where it has no record.
        strata: (rows,) int64, number of its stratum; -1 where it has no record.
        names: what the strata are called.
        links: keys of the rows.
        grams: for each chunk its first row, the numbers of its rows, and their n-grams, which near-duplicate compares.
        unread: why a row has no record, by its number.
        reencoded: inputs that are not UTF-8.
    """

    counts: tuple[int, ...]
    digests: NDArray[np.uint64]
    folded: NDArray[np.uint64]
    strata: NDArray[np.int64]
    names: tuple[str, ...]
    links: Links
    grams: list[tuple[int, bytes, Grams]]
    unread: dict[int, str]
    reencoded: tuple[str, ...]


class Text(NamedTuple):
    """A row as it stands in its file.

    Args:
        number: of the input.
        row: number of the row over all inputs.
        line: 1-based line, None where rows have no lines.
        text: its bytes without the end of the line.
    """

    number: int
    row: int
    line: int | None
    text: bytes


class Reader:
    """Reads the rows of some inputs as often as it takes. Memory: one chunk."""

    def __init__(self, inputs: Sequence[Input], settings: Settings) -> None:
        self.inputs = inputs
        self.settings = settings

    def chunks(self) -> Iterator[tuple[int, int, Chunk, int]]:
        """Yield (number of the input, first row, chunk, rows) in order.

        Raises:
            InputError: a file cannot be read, or only in part.
        """
        first = 0
        for number, item in enumerate(self.inputs):
            source = open_source(item, self.settings, hashed=False)
            expected = self._format(source)
            for raw in source.chunks():
                _refuse(source.path, {fact.kind for fact in raw.facts})
                chunk, row_lines = parse(raw.load(), raw.rows, raw.lines, expected)
                yield number, first, chunk, len(row_lines)
                first += len(row_lines)
            _refuse(source.path, {fact.kind for fact in source.facts})

    def texts(self) -> Iterator[Text]:
        """Yield the rows in order, as they stand in the file; rows that span several lines come as one."""
        row = 0
        for number, item in enumerate(self.inputs):
            source = open_source(item, self.settings, hashed=False)
            before = 0
            for raw in source.chunks():
                for line, text in split(raw.load(), raw.rows):
                    if text.strip(_WHITE):
                        place = before + line + 1 if source.has_lines else None
                        yield Text(number, row, place, text if raw.rows is None else _on_one_line(text))
                        row += 1
                before += raw.lines

    def fetch(self, wanted: Collection[int]) -> Iterator[tuple[int, Record]]:
        """Yield (row, record) of some rows in rising order; rows without a record are left out."""
        left = set(wanted)
        if not left:
            return
        last = max(left)
        for _, first, chunk, rows in self.chunks():
            if first > last:
                return
            if left.isdisjoint(range(first, first + rows)):
                continue
            for record in chunk.records:
                if first + record.row in left:
                    yield first + record.row, record

    def reencoded(self) -> tuple[str, ...]:
        """Return the inputs that are not UTF-8: what is written of them is."""
        found = []
        for item in self.inputs:
            source = open_source(item, self.settings, hashed=False)
            if any(fact.kind == "not-utf8" for fact in source.facts):
                found.append(item.path)
        return tuple(found)

    def _format(self, source: Source) -> Any:
        if self.settings.format != "auto":
            return get(self.settings.format, self.settings.columns)
        rows = []
        for text in source.head_rows():
            with contextlib.suppress(ValueError, RecursionError):
                rows.append(msgspec.json.decode(text))
        return detect([row for row in rows if type(row) is dict], self.settings.columns)


def _refuse(path: str, kinds: set[str]) -> None:
    if lacking := kinds & UNREAD:
        raise InputError(f"{path}: left alone, since a part of it cannot be read ({', '.join(sorted(lacking))})")


def _on_one_line(text: bytes) -> bytes:
    if b"\n" not in text and b"\r" not in text:
        return text
    lines = (line.strip(b" \t") for line in text.replace(b"\r", b"\n").split(b"\n"))
    return b" ".join(line for line in lines if line)


class _Links:
    """Links as they are collected, ten bytes or so each."""

    def __init__(self) -> None:
        self.rows, self.keys = array("Q"), array("Q")

    def add(self, row: int, key: int) -> None:
        """Tie a row to all others with the same key (64 bits)."""
        self.rows.append(row)
        self.keys.append(key)

    def made(self, strength: float) -> Links:
        """Return the links as columns, all of one strength (0 to 1)."""
        import numpy as np

        rows = np.frombuffer(self.rows, np.uint64).astype(np.int64)
        return Links(rows, np.frombuffer(self.keys, np.uint64), np.full(len(rows), strength, np.float32))


class Collector:
    """Collects what is kept of the rows, chunk by chunk."""

    def __init__(self, context: Context, groups: Sequence[str], strata: Sequence[str]) -> None:
        """Args:
        context: names of the row marks.
        groups: row marks that name what a row comes from.
        strata: row marks by which the rows are stratified.
        """
        self.context, self.groups, self.by = context, groups, strata
        self.firm, self.turns, self.beginnings = _Links(), _Links(), _Links()
        self.exact, self.folded, self.strata = array("Q"), array("Q"), array("q")
        self.names: dict[str, int] = {}
        self.grams: list[tuple[int, bytes, Grams]] = []
        self.unread: dict[int, str] = {}
        self.counts: dict[int, int] = {}

    def see(self, number: int, first: int, chunk: Chunk, rows: int) -> None:
        """Keep what is needed of a chunk.

        Args:
            number: of the input.
            first: number of its first row.
            chunk: the chunk.
            rows: its rows, those without a record too.
        """
        self.counts[number] = self.counts.get(number, 0) + rows
        found = chunk.derived(digests)
        exact, folded, strata = array("Q", bytes(8 * rows)), array("Q", bytes(8 * rows)), array("q", [-1]) * rows
        for row, digest in chunk.unread.items():
            exact[row] = digest
        facts = {fact.row: fact.kind for fact in reversed(chunk.facts) if fact.row is not None}
        known = chunk.derived(forms).known
        for record, one, other in zip(chunk.records, found.exact, found.folded):
            row = record.row
            exact[row], folded[row] = one, other
            strata[row] = self._stratum(record)
            self._tie(first + row, record, known)
        self.unread |= {first + row: facts.get(row, "not read") for row in range(rows) if strata[row] < 0}
        for row, key in zip(found.owners, found.beginnings):
            self.beginnings.add(first + row, key ^ _EXACT)
        self.exact += exact
        self.folded += folded
        self.strata += strata
        self.grams.append((first, found.rows.tobytes(), whole_rows(chunk.derived(signatures))))

    def _stratum(self, record: Record) -> int:
        if not self.by:
            return self.names.setdefault("", 0)
        values = (self.context.mark(mark, record.raw) for mark in self.by)
        name = " / ".join("none" if value is None else str(value)[:200] for value in values)
        return self.names.setdefault(name, len(self.names))

    def _tie(self, row: int, record: Record, known: dict[str, Form]) -> None:
        """Add the keys of what a row asks, as eval-overlap compares it, and of its groups."""
        posed = [question for question in questions(record) if any(text.strip() for _, text in question.said)]
        for question, key in zip(posed, keys_of(posed, known)):
            if question.turn == WHOLE:
                self.firm.add(row, key ^ _PROMPT)
            if len(question.said) == 1 and says_enough(question.said[0][1]):
                self.turns.add(row, key ^ _TURN)
        for number, mark in enumerate(self.groups):
            value = self.context.mark(mark, record.raw)
            if type(value) in (str, int) and value != "":
                self.firm.add(row, group_key(f"{number} {value}") ^ _GROUP)

    def made(self, reencoded: tuple[str, ...]) -> Rows:
        """Return what was kept."""
        import numpy as np

        exact = np.frombuffer(self.exact, np.uint64)
        folded, strata = np.frombuffer(self.folded, np.uint64), np.frombuffer(self.strata, np.int64)
        read = np.flatnonzero(strata >= 0)
        firm = np.full(len(read), FIRM, np.float32)
        beginnings = self.beginnings.made(BEGINNING)
        own = exact[read] ^ np.uint64(_EXACT)
        begun = np.isin(own, beginnings.keys)
        told = np.isin(beginnings.keys, own)  # beginnings that are rows
        turns = self.turns.made(TURN)
        _, which, held = np.unique(turns.keys, return_inverse=True, return_counts=True)
        often = held[which] > max(MANY, COMMON * len(exact)) if len(which) else np.zeros(0, bool)
        turns = turns._replace(strengths=np.where(often, COMMON_TURN, TURN).astype(np.float32))
        links = [
            Links(read, folded[read] ^ np.uint64(_FOLDED), firm),
            Links(read[begun], own[begun], firm[begun]),
            Links(beginnings.rows[told], beginnings.keys[told], beginnings.strengths[told]),
            self.firm.made(FIRM),
            turns,
        ]
        columns = [np.concatenate([link[i] for link in links]) for i in range(3)]
        counts = tuple(self.counts.get(number, 0) for number in range(max(self.counts, default=-1) + 1))
        return Rows(counts, exact, folded, strata, tuple(self.names), Links(*columns), self.grams, self.unread,
                    reencoded)  # fmt: skip


def near_parts(rows: Rows) -> list[tuple[int, list[Any]]]:
    """Return the rows as parts of near-duplicate, in order of what they say: so their order in the file makes no
    difference. Rows that fold to the same lie side by side. The last part has the rows, those before it the n-grams."""
    import numpy as np

    listed = [np.frombuffer(packed, np.uint32) + np.int64(first) for first, packed, _ in rows.grams]
    numbers = np.concatenate([np.zeros(0, np.int64), *listed])
    order = np.lexsort((rows.digests[numbers], rows.folded[numbers]))
    place = np.empty(len(order), np.uint32)
    place[order] = np.arange(len(order), dtype=np.uint32)
    sizes = np.frombuffer(b"".join(grams.sizes for *_, grams in rows.grams), np.uint32)
    parts, first = [], 0
    for *_, grams in rows.grams:
        owners = place[first : first + len(grams.sizes) // 4][np.frombuffer(grams.owners, grams.code)]
        parts.append((0, [b"", b"", b"", b"", grams.members, owners.tobytes()]))
        first += len(grams.sizes) // 4
    chosen = numbers[order]
    alike = np.zeros(len(chosen), np.uint32)  # no row is worth more than another
    last = [chosen.astype(np.uint32).tobytes(), rows.folded[chosen].tobytes(), alike.tobytes(), sizes[order].tobytes()]
    return [*parts, (0, [*last, b"", b""])]
