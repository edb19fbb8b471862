"""Triggers: which rows does a record rule have to see?

The different texts of a chunk are laid end to end and searched once for the words of all rules (Aho-Corasick), and once
per pattern; only the rows in which something was found meet the rule. Rules of structure are asked once per shape.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, filterfalse
from typing import Any

from prepdata.chunk import Chunk, Text, texts
from prepdata.findings import Hit
from prepdata.record import Record
from prepdata.rules.base import CALLS, EVERY, LOOK, SHAPE, Pattern, RecordRule, Words
from prepdata.text.search import Search

MOST_SHAPES = 100_000
"""Different shapes that are remembered."""
Seen = tuple[RecordRule, Record, Hit | BaseException]


class Scanner:
    """Runs record rules over chunks. Keeps nothing between chunks but which shapes are clean."""

    def __init__(self, rules: Sequence[RecordRule], *, triggers: bool = True) -> None:
        """Args:
        rules: the rules to run.
        triggers: False to show every row to every rule (for the test that triggers change nothing).
        """
        plain = [r for r in rules if not triggers or r.trigger == EVERY]
        self.every = plain
        self.looking = [r for r in rules if triggers and r.trigger == LOOK]
        self.calls = [r for r in rules if triggers and r.trigger == CALLS]
        self.shape = [r for r in rules if triggers and r.trigger in (SHAPE, CALLS)]
        self.outline = [r for r in self.shape if r.trigger == SHAPE]
        self.patterns = [(r, r.trigger) for r in rules if triggers and isinstance(r.trigger, Pattern)]
        self.words = [r for r in rules if triggers and isinstance(r.trigger, Words)]
        self.known: dict[Any, tuple[RecordRule, ...]] = {}
        owners = _owners(self.words)
        self.owners = list(owners.values())
        self.search = Search(list(owners))

    def run(self, chunk: Chunk) -> list[Seen]:
        """Return (rule, record, hit) of every finding; an exception in place of a hit where a rule crashed."""
        seen: list[Seen] = []
        if self.every:
            for record in chunk.records:
                ask(self.every, record, seen)
        for rule in self.looking:
            for record in _wanted(rule, chunk):
                ask((rule,), record, seen)
        if self.shape:
            self._by_shape(chunk, seen)
        for rule, wanted in self._triggered(chunk):
            for held in wanted:
                ask((rule,), held[0].record, seen, held)
        return seen

    def _by_shape(self, chunk: Chunk, seen: list[Seen]) -> None:
        known = self.known
        key: tuple[Any, ...]
        for record in chunk.records:
            if record.shape is not None:
                key, asked = (record.format, record.shape), self.shape
            elif record.outline is not None:
                ask(self.calls, record, seen)
                key, asked = (record.format, "outline", record.outline), self.outline
            else:
                ask(self.shape, record, seen)
                continue
            rules = known.get(key)
            if rules is None:
                before = len(seen)
                ask(asked, record, seen)
                spoke = {rule for rule, _, _ in seen[before:]}
                if len(known) >= MOST_SHAPES:
                    known.clear()
                known[key] = tuple(rule for rule in asked if rule in spoke)
            elif rules:
                ask(rules, record, seen)

    def _triggered(self, chunk: Chunk) -> Iterator[tuple[RecordRule, Iterable[list[Text]]]]:
        """Yield the rules that some text wakes, with those texts, row by row in file order."""
        if not self.words and not self.patterns:
            return
        pieces = chunk.derived(texts)
        different = dict.fromkeys([piece.text for piece in pieces])
        plain = _Joined(list(filter(str.isascii, different)))
        foreign = _Joined(list(filterfalse(str.isascii, different)))
        if plain.torn:
            plain, foreign = _Joined([]), _Joined(list(different))
        found = [*self._by_pattern(plain, foreign), *self._by_words(plain, foreign)]
        every = set[str]().union(*(held for _, held in found))
        woken = [piece for piece in pieces if piece.text in every] if every else []
        for rule, held in found:
            rows: dict[int, list[Text]] = {}
            for piece in woken:
                if piece.text in held:
                    rows.setdefault(piece.record.row, []).append(piece)
            yield rule, rows.values()

    def _by_pattern(self, plain: _Joined, foreign: _Joined) -> Iterator[tuple[RecordRule, set[str]]]:
        for rule, pattern in self.patterns:
            yield rule, {*plain.matching(pattern), *foreign.matching(pattern)}

    def _by_words(self, plain: _Joined, foreign: _Joined) -> Iterator[tuple[RecordRule, set[str]]]:
        if not self.words:
            return
        seen: dict[int, set[str]] = {}
        for part in (plain, foreign):
            folded, ends = part.folded()
            for word, start, _ in self.search.find(folded):
                text = part.strings[bisect_right(ends, start)]
                for owner in self.owners[word]:
                    seen.setdefault(owner, set()).add(text)
        for owner in sorted(seen):
            yield self.words[owner], seen[owner]


class _Joined:
    """Different texts laid end to end with NUL between them, and where each ends. `torn`: some text holds a NUL."""

    def __init__(self, strings: list[str]) -> None:
        self.strings = strings
        self.joined = "\0".join(strings)
        self.torn = self.joined.count("\0") > max(len(strings) - 1, 0)
        self.ends = list(accumulate([len(string) + 1 for string in strings]))
        self.plainer: bytes | None = None

    def folded(self) -> tuple[bytes, list[int]]:
        """Return the texts in lower case as UTF-8, laid end to end as before, and where each ends there."""
        if self.joined.isascii():
            return self.joined.encode().lower(), self.ends
        # a NUL is no letter, so texts do not change one another's case
        folded = self.joined.lower().encode("utf-8", "surrogatepass")
        if self.torn:
            pieces = [string.lower().encode("utf-8", "surrogatepass") for string in self.strings]
        else:
            pieces = folded.split(b"\0")
        return folded, list(accumulate([len(piece) + 1 for piece in pieces]))

    def matching(self, pattern: Pattern) -> list[str]:
        """Return the texts in which a pattern matches."""
        if pattern.traces is None or self.torn or not (pattern.everywhere or self.joined.isascii()):
            return self._searched(pattern.pattern)
        return [text for text in self._traced(pattern.traces) if pattern.pattern.search(text)]

    def _searched(self, pattern: re.Pattern[str]) -> list[str]:
        """Return the texts in which an expression matches, looking once into each."""
        found: list[str] = []
        match = pattern.search(self.joined) if self.strings else None
        while match:
            number = bisect_right(self.ends, match.start())
            found.append(self.strings[number])
            if number + 1 >= len(self.ends):
                break
            match = pattern.search(self.joined, self.ends[number])
        return found

    def _traced(self, traces: Iterable[re.Pattern[bytes]]) -> list[str]:
        """Return the texts that hold a trace, each once. Not for torn texts."""
        numbers: set[int] = set()
        data = self._plainer()
        for trace in traces:
            number, at = 0, 0
            match = trace.search(data)
            while match:
                number += data.count(b"\0", at, match.start())
                numbers.add(number)
                at = data.find(b"\0", match.end())
                if at < 0:
                    break
                match = trace.search(data, at)
        return [self.strings[number] for number in sorted(numbers)]

    def _plainer(self) -> bytes:
        """Return the texts in UTF-8 as traces are searched for in them (`Pattern`)."""
        if self.plainer is None:
            self.plainer = self.joined.encode("utf-8", "surrogatepass").translate(_PLAINER)
        return self.plainer


_CONTROLS = {*range(0x01, 0x20), 0x7F} - {0x09, 0x0A, 0x0D}
_PLAINER = bytes(0x30 if 0x30 <= code <= 0x39 else 1 if code in _CONTROLS else code for code in range(256))


def ask(rules: Sequence[RecordRule], record: Record, seen: list[Seen], held: Sequence[Text] = ()) -> None:
    """Show a record to some rules, with the texts that woke them if any did, and add what they say to `seen`."""
    for rule in rules:
        try:
            for hit in rule.check_texts(record, held) if held else rule.check(record):
                seen.append((rule, record, hit))
        except Exception as error:
            seen.append((rule, record, error))


def _wanted(rule: RecordRule, chunk: Chunk) -> list[Record]:
    """Return the rows that a rule wants to see of a chunk, each once, in file order; all where it cannot tell."""
    try:
        rows = {record.row: record for record in rule.wanted(chunk)}
    except Exception:
        return chunk.records
    return [rows[row] for row in sorted(rows)]


def _owners(rules: Sequence[RecordRule]) -> dict[bytes, list[int]]:
    """Return the words of all rules, and for each the numbers of its rules."""
    owners: dict[bytes, list[int]] = {}
    for number, rule in enumerate(rules):
        assert isinstance(rule.trigger, Words)
        for word in rule.trigger.words:
            owners.setdefault(word.lower().encode("utf-8", "surrogatepass"), []).append(number)
    return owners
