"""Rows named by where they stand: `FILE:LINE`, or `FILE[RECORD]` where rows have no lines of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from prepdata.chunk import Fact
from prepdata.errors import InputError, UsageError
from prepdata.formats import get
from prepdata.formats.base import Format
from prepdata.parse import WHITE, parse, split
from prepdata.record import Record
from prepdata.rules.base import Context, FactRule
from prepdata.rules.loader import build, rules
from prepdata.runner import detected
from prepdata.settings import Settings
from prepdata.sources import RawChunk, Source, discover, open_source

_LINE = re.compile(r"(.+):(\d+)", re.DOTALL)
_RECORD = re.compile(r"(.+)\[(\d+)\]", re.DOTALL)


class Place(NamedTuple):
    """A row as somebody names it.

    Args:
        file: path, "-" for standard input.
        line: line in the file, from 1, blank ones counted; None if the row is named by its number.
        record: number of the row in the file, from 0; None if it is named by its line.
    """

    file: str
    line: int | None = None
    record: int | None = None

    def __str__(self) -> str:
        return f"{self.file}[{self.record}]" if self.line is None else f"{self.file}:{self.line}"


class Row(NamedTuple):
    """A row at its place.

    Args:
        file: path as reports show it.
        line: line in the file, from 1; None where rows have none.
        number: number of the row in the file, from 0.
        record: the row.
    """

    file: str
    line: int | None
    number: int
    record: Record


def place_of(text: str) -> Place:
    """Return the place that a text names.

    Raises:
        UsageError: it names none.
    """
    if match := _LINE.fullmatch(text) or _RECORD.fullmatch(text):
        file, number = "-" if match[1] == "<stdin>" else match[1], int(match[2])
        if match.re is _RECORD:
            return Place(file, record=number)
        if not number:
            raise UsageError(f"{text}: lines are counted from 1")
        return Place(file, line=number)
    raise UsageError(
        f"'{text}': say which row, as reports do: FILE:LINE (lines counted from 1), or FILE[RECORD] where rows have no "
        "lines (counted from 0)"
    )


def rows_at(places: Sequence[Place], settings: Settings) -> list[Row]:
    """Return the rows at some places, in the order of the places. Each file is read once.

    Raises:
        InputError: at some place there is no row; says for each of them what there is.
        UsageError: an unknown format.
    """
    found: dict[Place, Row] = {}
    problems: dict[Place, str] = {}
    for file in dict.fromkeys(place.file for place in places):
        wanted = {place for place in places if place.file == file}
        _Search(file, wanted, settings, found, problems).run()
    if problems:
        raise InputError("\n".join(f"{place}: {problems[place]}" for place in places if place in problems))
    return [found[place] for place in places]


class _Search:
    """Looks for rows in one file; what it finds and what is wrong goes into `found` and `problems`."""

    def __init__(
        self,
        file: str,
        wanted: set[Place],
        settings: Settings,
        found: dict[Place, Row],
        problems: dict[Place, str],
    ) -> None:
        self.file = file
        self.wanted = wanted
        self.settings = settings
        self.found = found
        self.problems = problems
        self.lines = self.rows = 0  # before the present chunk

    def run(self) -> None:
        """Read the file as far as needed."""
        inputs = discover([self.file])
        if Path(self.file).is_dir() and not inputs[0].table:
            self._all(self.wanted, "that is a folder: name the file in it")
            return
        source = open_source(inputs[0], self.settings, hashed=False)
        self.shown = source.path
        name = self.settings.format
        name = detected(source, self.settings.columns) or "" if name == "auto" else name
        expected = get(name, self.settings.columns) if name else None
        if not source.has_lines:
            named = {place for place in self.wanted if place.line is not None}
            self._all(named, f"rows of this file have no lines; name a row as {self.file}[0], counted from 0")
        for raw in source.chunks():
            if not self._left():
                return
            self._in_chunk(raw, expected, source)
        self._not_there(source)

    def _left(self) -> set[Place]:
        return {place for place in self.wanted if place not in self.found and place not in self.problems}

    def _all(self, places: Iterable[Place], problem: str) -> None:
        self.problems.update(dict.fromkeys(places, problem))

    def _in_chunk(self, raw: RawChunk, expected: Format | None, source: Source) -> None:
        rows = [(line, text) for line, text in split(raw.load(), raw.rows) if text.strip(WHITE)]
        for place in self._left():
            if place.line is not None and self.lines < place.line <= self.lines + raw.lines:
                self._at_line(place, rows, expected)
            elif place.record is not None and self.rows <= place.record < self.rows + len(rows):
                self._take(place, place.record - self.rows, rows, expected, source.has_lines)
        self.rows += len(rows)
        self.lines += raw.lines

    def _at_line(self, place: Place, rows: list[tuple[int, bytes]], expected: Format | None) -> None:
        """Find the row that begins in a line, or goes over it."""
        assert place.line is not None
        line = place.line - 1 - self.lines
        there = [number for number, (first, _) in enumerate(rows) if first == line]
        before = [number for number, (first, _) in enumerate(rows) if first < line]
        if not there and before and rows[before[-1]][0] + rows[before[-1]][1].count(b"\n") >= line:
            there = before[-1:]
        if len(there) > 1:
            first, last = (self.rows + there[end] for end in (0, -1))
            self.problems[place] = (
                f"{len(there):,} rows begin in this line; name one as {self.file}[{first}] to {self.file}[{last}]"
            )
        elif there:
            self._take(place, there[0], rows, expected, True)
        else:
            near = [first + self.lines + 1 for first, _ in (rows[n] for n in before[-1:])]
            near += [first + self.lines + 1 for first, _ in rows if first > line][:1]
            said = "the nearest rows are in lines" if len(near) > 1 else "the nearest row is in line"
            beside = f"; {said} {' and '.join(map(str, near))}" if near else ""
            self.problems[place] = f"no row stands in this line{beside}"

    def _take(
        self, place: Place, number: int, rows: list[tuple[int, bytes]], expected: Format | None, has_lines: bool
    ) -> None:
        first, text = rows[number]
        parsed = parse(text, ((0, len(text), 0),), 1 + text.count(b"\n"), expected)
        if parsed.chunk.records:
            line = self.lines + first + 1 if has_lines else None
            self.found[place] = Row(self.shown, line, self.rows + number, parsed.chunk.records[0])
        else:
            self.problems[place] = "this row cannot be read: " + "; ".join(messages(parsed.chunk.facts))

    def _not_there(self, source: Source) -> None:
        """Say of places behind the end of the file what there is."""
        why = "; ".join(messages(source.facts)) if not self.rows else ""
        rows = f"{self.rows:,} row{'' if self.rows == 1 else 's'}"
        lines = f"{self.lines:,} line{'' if self.lines == 1 else 's'}"
        for place in self._left():
            there = lines if place.line is not None else f"{rows}, counted from 0"
            self.problems[place] = f"the file has {there}" + (f" ({why})" if why else "")


def messages(facts: Sequence[Fact]) -> Iterator[str]:
    """Yield what the rules about bytes and lines say of facts that are errors."""
    speakers = [build(rule, {}, Context()) for rule in rules() if issubclass(rule, FactRule)]
    for fact in facts:
        for rule in speakers:
            if isinstance(rule, FactRule) and fact.kind in rule.facts:
                yield from (hit.message for hit in rule.explain(fact) if (hit.severity or rule.severity) == "error")
