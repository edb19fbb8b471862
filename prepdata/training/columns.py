"""What the library datasets makes of rows when it loads them: it gives all rows the same columns and types.

Found by running datasets 5.2.0 and by reading it (`packaged_modules/json/json.py`, `utils/json.py`,
`arrow_dataset.py`), 2026-11. Two ways to load rows:

- "json", `load_dataset("json")`: a column that any row has is there in all, as null. Objects at one place (turns,
  calls, arguments, parameters of tools) that do not all have the same keys are kept as they are, as JSON; so are values
  of different kinds at one place. What is kept as JSON is read back loosely: fractions lose digits after the tenth and
  may change in the last (0.3 becomes 0.30000000000000004), and a text at a place of different kinds that is JSON itself
  becomes what it says ("123" a number). Texts become times where all of a place are dates.
- "list", `Dataset.from_list`: only the columns of the first row are there. Objects at one place get all keys that any
  of them has, as null, which templates write as `null`. Values of different kinds at one place end the loading. Where
  whole numbers and fractions stand at one place, all become fractions.

Both give keys the order in which they are first met.

Not modelled: `load_dataset` takes the types from the first 10 MB of a file, and stops at later rows that hold more;
texts stay texts where some list of the file holds nulls (Arrow then reads the file another way). TRL 1.16 asks for
datasets 4.7 or later; what older ones do is another matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from prepdata.record import escape
from prepdata.training.base import Change

Loader = Literal["json", "list"]
Path = tuple[str | int, ...]
DEEPEST = 60
"""Levels of nesting up to which values are looked into."""
_TURNS = frozenset(("messages", "prompt", "completion", "chosen", "rejected", "conversations"))
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d(?::\d\d(?::\d\d)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?")
_LONGEST = 1 << 63
_HUGE = 1 << 1023


class Seen:
    """What stands at one place in all rows seen.

    Args:
        kinds: kinds of values.
        keys: places under the keys of objects, in the order in which they are first met.
        items: the place of the items of lists.
        alike: the keys of the first object, None before there is one; `mixed`: not all objects have just these, or
            they have none.
        dates: True while all texts are dates; `long`: a whole number takes more than 64 bits.
    """

    __slots__ = ("alike", "dates", "items", "keys", "kinds", "long", "mixed")

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self.keys: dict[str, Seen] = {}
        self.items: Seen | None = None
        self.alike: frozenset[str] | None = None
        self.mixed = False
        self.dates = True
        self.long = False

    def add(self, value: Any, depth: int = 0) -> None:
        """See one value."""
        kind = _kind(value) if depth < DEEPEST else "deep"
        self.kinds.add(kind)
        if kind == "object":
            self._object(frozenset(value))
            for key, item in value.items():
                self.keys.setdefault(key, Seen()).add(item, depth + 1)
        elif kind == "list":
            self.items = self.items or Seen()
            for item in value:
                self.items.add(item, depth + 1)
        elif kind == "text":
            self.dates = self.dates and _date(value) is not None
        elif kind == "int":
            self.long = self.long or not -_LONGEST <= value < _LONGEST

    def _object(self, keys: frozenset[str]) -> None:
        if self.alike is None:
            self.alike = keys
        self.mixed = self.mixed or keys != self.alike or not keys

    def merge(self, later: Seen) -> None:
        """Take in what was seen in later rows."""
        self.kinds |= later.kinds
        for key, place in later.keys.items():
            self.keys.setdefault(key, Seen()).merge(place)
        if later.items is not None:
            self.items = self.items or Seen()
            self.items.merge(later.items)
        if later.alike is not None:
            self._object(later.alike)
        self.mixed = self.mixed or later.mixed
        self.dates = self.dates and later.dates
        self.long = self.long or later.long

    def packed(self) -> list[Any]:
        """Return the same as plain values that msgpack can hold."""
        keys = {key: place.packed() for key, place in self.keys.items()}
        items = None if self.items is None else self.items.packed()
        alike = None if self.alike is None else sorted(self.alike)
        return [sorted(self.kinds), keys, items, alike, self.mixed, self.dates, self.long]

    @classmethod
    def unpacked(cls, values: Sequence[Any]) -> Seen:
        """Return what `packed` has packed."""
        made = cls()
        kinds, keys, items, alike, made.mixed, made.dates, made.long = values
        made.kinds = set(kinds)
        made.keys = {key: cls.unpacked(place) for key, place in keys.items()}
        made.items = None if items is None else cls.unpacked(items)
        made.alike = None if alike is None else frozenset(alike)
        return made

    @property
    def inner(self) -> list[Seen]:
        """The places right below."""
        return [*self.keys.values(), *([self.items] if self.items is not None else [])]

    @property
    def size(self) -> int:
        """How many places there are, with those below."""
        return 1 + sum(place.size for place in self.inner)

    def may_change(self, rounded: bool) -> bool:
        """True if `load_dataset` may change values here or below.

        Args:
            rounded: some place of the file is kept as JSON.
        """
        told = self.told
        if self.as_json:
            return "text" in told or self._fractions()
        if "int" in told and ("float" in told or self.long):
            return True
        if ("float" in told and rounded) or ("text" in told and self.dates):
            return True
        return any(place.may_change(rounded) for place in self.inner)

    def _fractions(self) -> bool:
        return "float" in self.kinds or any(place._fractions() for place in self.inner)

    @property
    def told(self) -> set[str]:
        """Kinds of values, null left aside."""
        return self.kinds - {"null"}

    @property
    def as_json(self) -> bool:
        """True where `load_dataset` keeps values as JSON."""
        told = self.told
        return (told == {"object"} and self.mixed) or len(told) > (2 if told == {"int", "float"} else 1)


class Columns:
    """What stands where in all rows of a file; see the module for what it is good for.

    Made of a chunk of rows by `Columns.of`, and put together with those of later chunks by `merge`, in order.
    """

    def __init__(self) -> None:
        self.first: dict[str, Any] | None = None
        self.root = Seen()
        self._rounded: bool | None = None

    @classmethod
    def of(cls, rows: Iterable[dict[str, Any]]) -> Columns:
        """Return what is in rows."""
        made = cls()
        for row in rows:
            made.first = row if made.first is None else made.first
            made.root.add(row)
        return made

    def merge(self, later: Columns) -> None:
        """Take in what was seen in later rows."""
        self.first = later.first if self.first is None else self.first
        self.root.merge(later.root)
        self._rounded = None

    def may_change(self, names: Container[str]) -> bool:
        """True if `load_dataset` may change values in some columns."""
        rounded = _any_json(self.root)
        return any(place.may_change(rounded) for name, place in self.root.keys.items() if name in names)

    def problem(self, loader: Loader) -> str:
        """Return why the rows cannot be loaded, "" if they can."""
        if loader == "json":
            return ""
        places: list[tuple[Path, Seen]] = [((key,), self.root.keys[key]) for key in self.first or ()]
        while places:
            path, place = places.pop(0)
            told = place.told
            if len(told) > 1 and told != {"int", "float"}:
                kinds = " and ".join(sorted(told))
                return f"Dataset.from_list does not load the rows: {_general(path)} holds values of kinds {kinds}"
            if place.long:
                return f"Dataset.from_list does not load the rows: {_general(path)} holds a number of over 64 bits"
            places += [((*path, key), inner) for key, inner in place.keys.items()]
            places += [((*path, 0), place.items)] if place.items is not None else []
        return ""

    def loaded(self, row: dict[str, Any], loader: Loader) -> tuple[dict[str, Any], tuple[Change, ...]]:
        """Return (the row as it is loaded, what changed in it).

        Nulls that are added as columns or as keys of turns are no changes: templates do not see them.
        """
        if self._rounded is None:
            self._rounded = _any_json(self.root)
        loading = _Loading(loader, self._rounded)
        names = list(self.root.keys) if loader == "json" else list(self.first or ())
        made = {key: loading.value(self.root.keys[key], row.get(key), (key,)) for key in names}
        if loader == "list":
            left = [key for key, value in row.items() if key not in made and value is not None]
            loading.changes += [
                Change(_pointer([key]), "is left out: the first row has no such column") for key in left
            ]
        return made, tuple(loading.changes)


class _Loading:
    """The loading of one row.

    Args:
        loader: how.
        rounded: some place of the file is kept as JSON, so that the file is written anew with ten decimals.
    """

    def __init__(self, loader: Loader, rounded: bool) -> None:
        self.loader = loader
        self.rounded = rounded
        self.changes: list[Change] = []

    def value(self, place: Seen, value: Any, path: Path) -> Any:
        """Return a value as it is loaded."""
        if value is None:
            return None
        if self.loader == "json" and place.as_json:
            return self._json(value, path)
        kind = _kind(value)
        if kind == "object":
            return self._object(place, value, path)
        if kind == "list" and place.items is not None:
            return [self.value(place.items, item, (*path, number)) for number, item in enumerate(value)]
        if kind == "int" and ("float" in place.kinds or place.long) and abs(value) < _HUGE:
            return self._changed(path, float(value), f"{value} becomes {float(value)}")
        if kind == "float" and self.loader == "json" and self.rounded and abs(value) < _EXACT:
            rounded = float(f"{value:.10f}")
            return value if rounded == value else self._changed(path, rounded, f"{value!r} becomes {rounded!r}")
        if kind == "text" and self.loader == "json" and place.dates:
            return self._changed(path, _date(value), "the text becomes a time: all texts at this place are dates")
        return value

    def _object(self, place: Seen, value: dict[str, Any], path: Path) -> dict[str, Any]:
        turn = len(path) == 2 and path[0] in _TURNS
        for key in place.keys:
            if key not in value and not turn:
                self.changes.append(Change(_pointer([*path, key]), "null is added: other rows have this key"))
        return {key: self.value(inner, value.get(key), (*path, key)) for key, inner in place.keys.items()}

    def _json(self, value: Any, path: Path) -> Any:
        """Return a value that was written as JSON and read back; texts are taken for JSON if they are."""
        if isinstance(value, str):
            try:
                read = json.loads(value, parse_constant=_constant, parse_int=_whole)
            except (ValueError, RecursionError):
                return value
            return self._changed(path, read, "the text becomes what it says as JSON")
        return self._reread(value, path)

    def _reread(self, value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {key: self._reread(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._reread(item, (*path, number)) for number, item in enumerate(value)]
        if isinstance(value, float):
            read = reread(value)
            same = read == value or value != value  # what is no number is not equal to itself
            return value if same else self._changed(path, read, f"{value!r} becomes {read!r}")
        return value

    def _changed(self, path: Path, value: Any, what: str) -> Any:
        self.changes.append(Change(_pointer(path), what))
        return value


_EXACT = 1e15
"""Numbers from here on are written with an exponent, and are not rounded here."""


def reread(value: float) -> float:
    """Return a fraction after the JSON writer and reader of pandas, which datasets uses.

    Ten decimals are written; read are the whole part and the decimals apart, times a power of ten.
    """
    if not abs(value) < _EXACT:
        return value
    whole, _, decimals = f"{abs(value):.10f}".rstrip("0").partition(".")
    read = float(whole) + (int(decimals) * float(f"1e-{len(decimals)}") if decimals else 0.0)
    return -read if value < 0 else read


def _constant(name: str) -> float | None:
    return None if name == "NaN" else float(name)


def _whole(digits: str) -> int:
    """Return a whole number; larger ones than 64 bits the reader of pandas takes for no JSON."""
    number = int(digits)
    if not -_LONGEST <= number < 2 * _LONGEST:
        raise ValueError("more than 64 bits")
    return number


def _any_json(place: Seen) -> bool:
    """True if anything under a place, itself left aside, is kept as JSON."""
    return any(one.as_json or _any_json(one) for one in place.inner)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "bool", int: "int", float: "float", str: "text", dict: "object", list: "list"}
    return kinds.get(type(value), "deep")


def _date(text: str) -> datetime | None:
    """Return the time that a text says in the forms that Arrow takes for times, None if it is none."""
    if len(text) > 25 or not _DATE.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def _pointer(path: Iterable[str | int]) -> str:
    return "".join(f"/{escape(str(part))}" for part in path)


def _general(path: Path) -> str:
    return _pointer([part if isinstance(part, str) else "*" for part in path])
