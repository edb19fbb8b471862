"""Triggers: which rows does a record rule have to see?

The different texts of a chunk are laid end to end and searched once for the words of all rules (Aho-Corasick), and once
per pattern; only the rows in which something was found meet the rule. Rules of structure are asked once per shape.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

from prepdata.chunk import Chunk, texts
from prepdata.findings import Hit
from prepdata.record import Record
from prepdata.rules.base import CALLS, EVERY, LOOK, SHAPE, Pattern, RecordRule, Words

LARGE = 1 << 18
"""Bytes of text from which on a search pays for an automaton that takes 20 ms to make and reads 400 MB/s, not 45."""
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
        self.vocabulary, self.owners = list(owners), list(owners.values())
        self.automata: dict[bool, Any] = {}

    def run(self, chunk: Chunk) -> list[Seen]:
        """Return (rule, record, hit) of every finding; an exception in place of a hit where a rule crashed."""
        seen: list[Seen] = []
        for record in chunk.records:
            ask(self.every, record, seen)
        for rule in self.looking:
            for record in _wanted(rule, chunk):
                ask((rule,), record, seen)
        if self.shape:
            self._by_shape(chunk, seen)
        for rule, wanted in self._triggered(chunk):
            for record in wanted:
                ask((rule,), record, seen)
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

    def _triggered(self, chunk: Chunk) -> Iterator[tuple[RecordRule, list[Record]]]:
        if not self.words and not self.patterns:
            return
        owners: dict[str, list[Record]] = {}
        for piece in chunk.derived(texts):
            owners.setdefault(piece.text, []).append(piece.record)
        if not owners:
            return
        everything = _Joined(list(owners), owners)
        foreign = _Joined([text for text in owners if not text.isascii()], owners)
        for rule, pattern in self.patterns:
            found = (foreign if pattern.beyond_ascii else everything).matching(pattern.pattern)
            if found:
                yield rule, found
        if self.words:
            yield from self._by_words(everything)

    def _by_words(self, everything: _Joined) -> Iterator[tuple[RecordRule, list[Record]]]:
        folded, ends = everything.folded()
        seen: dict[int, set[int]] = {}
        for word, start, _ in self._search(folded):
            number = bisect_right(ends, start)
            for owner in self.owners[word]:
                seen.setdefault(owner, set()).add(number)
        for owner in sorted(seen):
            yield self.words[owner], everything.records(seen[owner])

    def _search(self, joined: bytes) -> list[tuple[int, int, int]]:
        """Return (word, start, end) of all words in a text; the quicker automaton is made where that repays."""
        large = len(joined) > LARGE
        if large not in self.automata:
            import ahocorasick_rs

            kind = ahocorasick_rs.Implementation.DFA if large else None
            self.automata[large] = ahocorasick_rs.BytesAhoCorasick(self.vocabulary, implementation=kind)
        found: list[tuple[int, int, int]] = self.automata[large].find_matches_as_indexes(joined, overlapping=True)
        return found


class _Joined:
    """Different texts laid end to end with NUL between them, where each ends, and the records that hold it."""

    def __init__(self, strings: list[str], owners: dict[str, list[Record]]) -> None:
        self.strings = strings
        self.owners = owners
        self.joined = "\0".join(strings)
        self.ends = list(accumulate([len(string) + 1 for string in strings]))

    def folded(self) -> tuple[bytes, list[int]]:
        """Return the texts in lower case as UTF-8, laid end to end as before, and where each ends there."""
        lowered = self.joined.lower()  # a NUL is no letter, so texts do not change one another's case
        if lowered.isascii():
            return lowered.encode(), self.ends
        folded = lowered.encode("utf-8", "surrogatepass")
        ends = list(accumulate([len(piece) + 1 for piece in folded.split(b"\0")]))
        if len(ends) == len(self.strings):
            return folded, ends
        pieces = [string.lower().encode("utf-8", "surrogatepass") for string in self.strings]  # some hold a NUL
        return b"\0".join(pieces), list(accumulate([len(piece) + 1 for piece in pieces]))

    def matching(self, pattern: re.Pattern[str]) -> list[Record]:
        """Return the records in whose texts a pattern matches, looking once into each text."""
        found: list[int] = []
        match = pattern.search(self.joined)
        while match:
            number = bisect_right(self.ends, match.start())
            found.append(number)
            if number + 1 >= len(self.ends):
                break
            match = pattern.search(self.joined, self.ends[number])
        return self.records(found)

    def records(self, numbers: Iterable[int]) -> list[Record]:
        """Return the records that hold the texts of those numbers, in file order."""
        rows = {record.row: record for number in numbers for record in self.owners[self.strings[number]]}
        return [rows[row] for row in sorted(rows)]


def ask(rules: Sequence[RecordRule], record: Record, seen: list[Seen]) -> None:
    """Show a record to some rules and add what they say to `seen`."""
    for rule in rules:
        try:
            for hit in rule.check(record):
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
