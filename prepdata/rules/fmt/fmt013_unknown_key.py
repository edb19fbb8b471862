"""FMT013: a key of a row or message that the format does not know."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from operator import itemgetter
from typing import Any, ClassVar, Literal

from prepdata.alike import alike
from prepdata.chunk import Chunk
from prepdata.errors import PrepdataError
from prepdata.findings import Edit, Fix, Hit, Severity, clip
from prepdata.formats import ROW_MARKS, get
from prepdata.formats.unknown import near
from prepdata.record import Record, escape
from prepdata.rules.base import CorpusRule, Options, Parts
from prepdata.rules.targeting import concerns, listed, value
from prepdata.targets.model import Target

_NONE: frozenset[str] = frozenset()


class UnknownKeyOptions(Options, frozen=True):
    """Args:
    allow: further keys of rows and messages that are meant to be there.
    """

    allow: tuple[str, ...] = ()


Keys = tuple[str, ...]
"""Name of a format, then all keys of a row or message as written."""


class UnknownKey(CorpusRule):
    """Finds keys of rows and messages that the format does not know, with the nearest spelling that it knows.

    Why: a misspelt key is not read: its text is silently absent from training. Strict providers refuse rows with
    any key beside their own. Row marks (`id`, `source`, `metadata`, ...) are known in every format. A strange key that
    stands in at least half of the rows of a file is a column, and reported once for the file, at its first row.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello.", "wieght": 0}]}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello.", "weight": 0}]}
    Fix: unsafe; the key is renamed to the nearest known one, or, where a target refuses it, taken out. Whether that
    was meant only the author can say. Keys that are meant to be there belong in the option `allow`. Keeps up to 10
    bytes per row that has a strange key, none for the others, and the keys of each kind of row once a chunk.
    Source: the key lists of the formats; per target the dated lists in its file.
    """

    code: ClassVar[str] = "FMT013"
    name: ClassVar[str] = "unknown-key"
    severity: ClassVar[Severity] = "warning"
    fix = "unsafe"
    scope: ClassVar[Literal["file", "dataset", "run"]] = "file"
    Options: ClassVar[type[Options]] = UnknownKeyOptions

    def setup(self) -> None:
        targets = self.context.targets
        self.strict = [t for t in targets if value(t.accepts.unknown_keys) == "refused"]
        ignored = [t for t in targets if value(t.accepts.unknown_keys) == "ignored"]
        self.mild = bool(targets) and len(ignored) == len(targets)
        assert isinstance(self.options, UnknownKeyOptions)
        named = (*self.context.marks.values(), *self.context.columns.values(), *self.options.allow)
        self.allowed = ROW_MARKS | frozenset(named)
        self.allowed_inside = frozenset(self.options.allow)

    def see(self, chunk: Chunk) -> Any:
        rows: dict[Keys, list[int]] = {}
        inside: dict[Keys, list[Any] | None] = {}
        for group in chunk.derived(alike):
            first, others = group.records[0], group.records[1:]
            mine = rows.setdefault((first.format, *first.raw), [])
            mine.append(first.row)
            if first.shape is not None:  # it tells the keys of the row, and no message has others than it may
                mine += [record.row for record in others]
                continue
            for record in others:
                rows.setdefault((record.format, *record.raw), []).append(record.row)
            if self._inside(first, inside):
                for record in others:
                    self._inside(record, inside)
        odd = [[list(keys), _runs(sorted(found))] for keys, found in rows.items() if self._odd(keys, "")]
        return [odd, [[list(keys), sorted(found, key=itemgetter(0))] for keys, found in inside.items() if found]]

    def _inside(self, record: Record, found: dict[Keys, list[Any] | None]) -> bool:
        """Note the messages of a row that have a strange key, by their keys; None for keys that are all known.
        Return True if there are any."""
        any_odd = False
        inner = _known(record.format)[1]
        if not inner:
            return False
        for message in record.turns:
            held = message.raw
            if type(held) is dict and (self.strict or not held.keys() <= inner):
                keys = (record.format, *held)
                if keys not in found:
                    found[keys] = [] if self._odd(keys, "/") else None
                places = found[keys]
                if places is not None:
                    places.append([record.row, message.path])
                    any_odd = True
        return any_odd

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        odd: dict[Keys, list[tuple[int, int]]] = {}
        for first, (rows, _) in parts.parts:
            for keys, runs in rows:
                odd.setdefault(tuple(keys), []).extend((first + start, first + end) for start, end in runs)
        columns = self._columns(odd, parts.rows)
        for key, (count, row) in columns.items():
            yield row, self._column(key, count, parts.rows)
        for keys, runs in odd.items():
            hits = self._hits(keys, "", columns.keys())
            if hits:
                yield from ((row, hit) for start, end in runs for row in range(start, end) for hit in hits)
        for first, (_, inside) in parts.parts:
            for keys, places in inside:
                for row, path in places:
                    yield from ((first + row, hit) for hit in self._hits(tuple(keys), path, _NONE))

    def _columns(self, odd: dict[Keys, list[tuple[int, int]]], total: int) -> dict[str, tuple[int, int]]:
        """Return the strange keys that at least half of the rows have, each with (number of rows, first row)."""
        found: dict[str, tuple[int, int]] = {}
        for keys, runs in odd.items():
            count, row = sum(end - start for start, end in runs), min(runs)[0]
            for key in self._strange(keys, ""):
                before, first = found.get(key, (0, row))
                found[key] = (before + count, min(first, row))
        return {key: seen for key, seen in found.items() if seen[0] > 1 and 2 * seen[0] >= total}

    def _column(self, key: str, count: int, total: int) -> Hit:
        """Return the finding of a strange key that most rows have."""
        share = f"all {total:,} rows" if count == total else f"{count:,} of {total:,} rows"
        text = (
            f"unknown row key '{clip(key, 40)}' in {share}; it is no part of the format: take the column out, or add "
            "it to the option `allow`"
        )
        return Hit(text, "/" + escape(key), severity="info" if self.mild else None)

    def _odd(self, keys: Keys, base: str) -> bool:
        """True if a row or message with these keys has anything to be reported."""
        return any(refusing or meant or unknown for _, refusing, meant, unknown in self._judged(keys, base))

    def _strange(self, keys: Keys, base: str) -> list[str]:
        """Return the keys that are unknown under any spelling, and refused by nobody."""
        judged = self._judged(keys, base)
        return [key for key, refusing, meant, unknown in judged if unknown and not refusing and not meant]

    def _judged(self, keys: Keys, base: str) -> Iterator[tuple[str, Keys, str, bool]]:
        """Yield (key, targets that refuse it, what it was probably meant as, True if unknown) of each key."""
        format, *written = keys
        own = _known(format)[1 if base else 0]
        allowed = self.allowed_inside if base else self.allowed
        strict = [t for t in self.strict if concerns(t, format)]
        for key in written:
            refusing = tuple(t.name for t in strict if key not in _accepted(t, base, own))
            unknown = key not in own and key not in allowed
            yield key, refusing, near(key, own) if unknown else "", unknown

    def _hits(self, keys: Keys, base: str, columns: Collection[str]) -> list[Hit]:
        """Return the findings of the object at `base`: one for each key that is refused or looks misspelt, and one
        for all others together; `columns` are reported for the whole file."""
        what = "message" if base else "row"
        found: list[Hit] = []
        for key, refusing, meant, _ in self._judged(keys, base):
            path, shown = f"{base}/{escape(key)}", clip(key, 40)
            hint = f"; did you mean '{meant}'?" if meant else ""
            fix = None
            if meant and meant not in keys[1:]:
                fix = Fix(f"rename it to '{meant}'", False, (Edit("rename", path, meant),))
            elif refusing:
                fix = Fix("take the key out", False, (Edit("remove", path),))
            if refusing:
                text = f"{what} key '{shown}' is refused by {listed(refusing)}{hint or '; take it out'}"
                found.append(Hit(text, path, severity="error", targets=refusing, fix=fix))
            elif meant:
                text = f"unknown {what} key '{shown}'{hint}"
                found.append(Hit(text, path, severity="info" if self.mild else None, fix=fix))
        strange = [key for key in self._strange(keys, base) if key not in columns]
        return [*found, self._together(strange, base, what)] if strange else found

    def _together(self, keys: list[str], base: str, what: str) -> Hit:
        """Return the finding of keys that no format knows under any spelling."""
        shown = ", ".join(f"'{clip(key, 40)}'" for key in keys[:5]) + (", …" if len(keys) > 5 else "")
        end, verb, them = ("s", "they are", "them") if len(keys) > 1 else ("", "it is", "it")
        advice = f"{verb} no part of the format: take {them} out, or add {them} to the option `allow`"
        text = f"unknown {what} key{end} {shown}; {advice}"
        return Hit(text, f"{base}/{escape(keys[0])}", severity="info" if self.mild else None)


def _runs(rows: list[int]) -> list[list[int]]:
    """Return ascending row numbers as runs [first, last + 1]."""
    found: list[list[int]] = []
    for row in rows:
        if found and found[-1][1] == row:
            found[-1][1] = row + 1
        else:
            found.append([row, row + 1])
    return found


def _accepted(target: Target, base: str, own: frozenset[str]) -> frozenset[str]:
    """Return the keys that a strict target accepts in rows or messages: its own list, else the format's."""
    found = value(target.accepts.message_keys if base else target.accepts.row_keys)
    return own if found is None else frozenset(found)


@cache
def _known(name: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return (row keys, message keys) of a format."""
    try:
        found = get(name)
    except PrepdataError:
        return _NONE, _NONE
    return found.row_keys, found.message_keys
