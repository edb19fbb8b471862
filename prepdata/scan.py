"""Triggers: which rows does a record rule have to see?

All texts of a chunk are laid end to end and searched once for the words of all rules (Aho-Corasick), and once per
pattern; only the rows in which something was found meet the rule. Rules of structure are asked once per shape.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from prepdata.chunk import Chunk, Text, texts
from prepdata.findings import Hit
from prepdata.record import Record
from prepdata.rules.base import EVERY, SHAPE, Pattern, RecordRule, Words


class Scanner:
    """Runs record rules over chunks. Keeps nothing between chunks but which shapes are clean."""

    def __init__(self, rules: Sequence[RecordRule], *, triggers: bool = True) -> None:
        """Args:
        rules: the rules to run.
        triggers: False to show every row to every rule (for the test that triggers change nothing).
        """
        plain = [r for r in rules if not triggers or r.trigger == EVERY]
        self.every = plain
        self.shape = [r for r in rules if triggers and r.trigger == SHAPE]
        self.patterns = [(r, r.trigger) for r in rules if triggers and isinstance(r.trigger, Pattern)]
        self.words = [r for r in rules if triggers and isinstance(r.trigger, Words)]
        self.known: dict[Any, tuple[RecordRule, ...]] = {}
        self.automaton, self.owners = _automaton(self.words)

    def run(self, chunk: Chunk) -> Iterator[tuple[RecordRule, Record, Hit | BaseException]]:
        """Yield (rule, record, hit) for every finding; an exception in place of a hit where a rule crashed."""
        for record in chunk.records:
            for rule in self.every:
                yield from _guarded(rule, record)
        if self.shape:
            yield from self._by_shape(chunk)
        for rule, wanted in self._triggered(chunk):
            for record in wanted:
                yield from _guarded(rule, record)

    def _by_shape(self, chunk: Chunk) -> Iterator[tuple[RecordRule, Record, Hit | BaseException]]:
        known = self.known
        for record in chunk.records:
            if record.shape is None:
                for rule in self.shape:
                    yield from _guarded(rule, record)
                continue
            key = (record.format, record.shape)
            rules = known.get(key)
            if rules is None:
                found = {rule: list(_guarded(rule, record)) for rule in self.shape}
                known[key] = tuple(rule for rule, hits in found.items() if hits)
                for hits in found.values():
                    yield from hits
                continue
            for rule in rules:
                yield from _guarded(rule, record)

    def _triggered(self, chunk: Chunk) -> Iterator[tuple[RecordRule, list[Record]]]:
        if not self.words and not self.patterns:
            return
        pieces = chunk.derived(texts)
        if not pieces:
            return
        everything = _Joined(pieces)
        foreign = _Joined([piece for piece in pieces if not piece.text.isascii()])
        for rule, pattern in self.patterns:
            found = (foreign if pattern.beyond_ascii else everything).matching(pattern.pattern)
            if found:
                yield rule, found
        if self.words:
            yield from self._by_words(everything, foreign)

    def _by_words(self, everything: _Joined, foreign: _Joined) -> Iterator[tuple[RecordRule, list[Record]]]:
        everything.lower(ascii_only=not foreign.pieces)
        seen: dict[int, set[int]] = {}
        for word, start, _ in self.automaton.find_matches_as_indexes(everything.text, overlapping=True):
            text = bisect_right(everything.ends, start)
            for owner in self.owners[word]:
                seen.setdefault(owner, set()).add(text)
        for owner in sorted(seen):
            yield self.words[owner], _unique([everything.pieces[i].record for i in sorted(seen[owner])])


class _Joined:
    """Texts laid end to end with NUL between them, and where each ends."""

    def __init__(self, pieces: list[Text]) -> None:
        self.pieces = pieces
        self._join([piece.text for piece in pieces])

    def _join(self, strings: list[str]) -> None:
        self.text = "\0".join(strings)
        self.ends = list(accumulate(map(len, strings)))
        self.ends = [end + i + 1 for i, end in enumerate(self.ends)]

    def lower(self, *, ascii_only: bool) -> None:
        """Make all texts lower case; lengths may change beyond ASCII."""
        if ascii_only:
            self.text = self.text.lower()
        else:
            self._join([piece.text.lower() for piece in self.pieces])

    def matching(self, pattern: re.Pattern[str]) -> list[Record]:
        """Return the records in whose texts a pattern matches, looking once into each text."""
        found: list[Record] = []
        match = pattern.search(self.text)
        while match:
            number = bisect_right(self.ends, match.start())
            found.append(self.pieces[number].record)
            if number + 1 >= len(self.ends):
                break
            match = pattern.search(self.text, self.ends[number])
        return _unique(found)


def _guarded(rule: RecordRule, record: Record) -> Iterator[tuple[RecordRule, Record, Hit | BaseException]]:
    try:
        for hit in rule.check(record):
            yield rule, record, hit
    except Exception as error:
        yield rule, record, error


def _automaton(rules: Sequence[RecordRule]) -> tuple[Any, list[list[int]]]:
    """Return the automaton over the words of all rules, and for each word the numbers of its rules."""
    owners: dict[str, list[int]] = {}
    for number, rule in enumerate(rules):
        assert isinstance(rule.trigger, Words)
        for word in rule.trigger.words:
            owners.setdefault(word.lower(), []).append(number)
    if not owners:
        return None, []
    import ahocorasick_rs

    return ahocorasick_rs.AhoCorasick(list(owners)), list(owners.values())


def _unique(records: list[Record]) -> list[Record]:
    """Return the records without repeats, in order (equal records stand next to one another)."""
    found: list[Record] = []
    for record in records:
        if not found or found[-1] is not record:
            found.append(record)
    return found
