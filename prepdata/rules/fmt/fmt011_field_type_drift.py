"""FMT011: a field whose JSON type changes between rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from operator import itemgetter
from typing import Any, ClassVar, Literal

from prepdata.alike import Alike, alike
from prepdata.chunk import Chunk
from prepdata.findings import Edit, Fix, Hit, Severity, clip
from prepdata.record import Record, escape
from prepdata.rules.base import CorpusRule, Parts

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")
"""Text that is written as a number and loses nothing as one: no zeros in front, no more digits than are kept."""
_MOST = 50
"""Rows shown per field and type; the count in the message is of all."""
_CONTENT = frozenset({"content", "value", "parts"})
"""Message keys that may rightly hold a text in one row and parts in another."""
_UNTOLD = frozenset({"tools", "functions", "toolConfig", "schema"})
"""Row keys whose inside differs from row to row by nature."""
_TOLD = frozenset({"role", "content"})
"""Message keys whose type an outline tells."""
_TYPES = {str: "string", bool: "boolean", int: "number", float: "number", dict: "object", list: "list"}
_SINGLE = frozenset({"string", "boolean", "number"})
_A = {kind: f"a{'n' if kind == 'object' else ''} {kind}" for kind in _TYPES.values()}

Field = tuple[str, str, str, Any]
"""(field, type, pointer in this row, value if it is short and single)."""
_Found = dict[str, dict[str, list[Any]]]
"""Field -> type -> [rows in all, first rows]."""


class FieldTypeDrift(CorpusRule):
    """Finds fields that hold one JSON type in most rows and another in some: a number here, a text there.

    Why: loaders give a column one type. Depending on the loader the odd rows stop the run, become null, or turn every
    value of the column into text. Nulls do not count, and rows are compared with rows of their own format only.
    Bad:
        {"prompt": "1 + 1", "completion": "2", "id": 1}
        {"prompt": "2 + 2", "completion": "4", "id": "2"}
    Good:
        {"prompt": "1 + 1", "completion": "2", "id": "1"}
        {"prompt": "2 + 2", "completion": "4", "id": "2"}
    Fix: unsafe; a number or boolean becomes text where text is usual, a text that is a number becomes a number where
    numbers are. Keeps no bytes per row: a count per field and type, and the first 50 rows of each.
    Source: Apache Arrow JSON reader, one type per column; huggingface/datasets issue 5531 (2023-02).
    """

    code: ClassVar[str] = "FMT011"
    name: ClassVar[str] = "field-type-drift"
    severity: ClassVar[Severity] = "warning"
    fix = "unsafe"
    scope: ClassVar[Literal["file", "dataset", "run"]] = "file"

    def see(self, chunk: Chunk) -> Any:
        found: _Found = {}
        for group in chunk.derived(alike):
            for records in [group.records] if group.first.outline is None else _same_types(group):
                _add(found, records[0].format, _fields(records[0]), records, len(records))
        return {field: {kind: [n, _first(rows, single=kind in _SINGLE)] for kind, (n, rows) in kinds.items()}
                for field, kinds in found.items()}  # fmt: skip

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        whole: _Found = {}
        for first, seen in parts.parts:
            for field, kinds in seen.items():
                for kind, (count, rows) in kinds.items():
                    kept = whole.setdefault(field, {}).setdefault(kind, [0, []])
                    kept[0] += count
                    kept[1] += [(first + row, path, value) for row, path, value in rows[: _MOST - len(kept[1])]]
        for field in sorted(whole):
            kinds = whole[field]
            if len(kinds) > 1:
                yield from _drift(field.partition(":")[2], kinds)


def _first(rows: list[Any], *, single: bool) -> list[Any]:
    """Return (row, path, value) of rows; values are looked up for those only, and if they are `single`."""
    return [
        (row, path, _value_at(record.raw, path) if single and record is not None else value)
        for row, path, value, record in rows
    ]


def _add(found: _Found, format: str, fields: list[Field], records: list[Record], count: int) -> None:
    """Count the fields of some rows that are alike, and keep their first rows."""
    for field, kind, path, value in fields:
        kept = found.setdefault(f"{format}:{field}", {}).setdefault(kind, [0, []])
        kept[0] += count
        rows = kept[1]
        if len(rows) < _MOST or records[0].row < rows[-1][0]:
            rows.append((records[0].row, path, value, None))
            rows += [(record.row, path, None, record) for record in records[1:_MOST]]
            rows.sort(key=itemgetter(0))
            del rows[_MOST:]


def _value_at(raw: Any, path: str) -> Any:
    """Return the short single value at a pointer, None otherwise."""
    try:
        for key in _keys(path):
            raw = raw[int(key)] if type(raw) is list else raw[key]
    except (LookupError, TypeError, ValueError):
        return None
    return _short(raw)


@lru_cache(maxsize=1024)
def _keys(path: str) -> tuple[str, ...]:
    """Return the keys of a pointer."""
    return tuple([key.replace("~1", "/").replace("~0", "~") for key in path.split("/")[1:]])


def _short(value: Any) -> Any:
    if type(value) is str:
        return value if len(value) <= 30 else None
    return value if type(value) in (int, float, bool) else None


def _same_types(group: Alike) -> Iterable[list[Record]]:
    """Return rows of one outline by the types of what it does not tell: of what stands in messages beside role and
    content, and of the arguments of calls."""
    types: list[list[Any]] = []
    for column in group.turns:
        first = column[0]
        types += [[type(m.raw[key]) for m in column] for key in first.raw if key not in _TOLD]
        for number in range(len(first.calls)):
            calls = [message.calls[number] for message in column]
            types += [[type(call.arguments) for call in calls], [call.arguments_path for call in calls]]
    if all(column.count(column[0]) == len(column) for column in types):
        return [group.records]
    found: dict[Any, list[Record]] = {}
    for record, key in zip(group.records, zip(*types)):
        found.setdefault(key, []).append(record)
    return found.values()


def _fields(record: Record) -> list[Field]:
    """Return every field of a row whose type is to be compared, once per field and type."""
    found: dict[tuple[str, str], Field] = {}

    def note(field: str, value: Any, path: str) -> None:
        kind = _TYPES.get(type(value))
        if kind and (field, kind) not in found:
            found[field, kind] = (field, kind, path, _short(value))

    for key, value in record.raw.items():
        note(key, value, "/" + escape(key))
        if type(value) is dict and key not in _UNTOLD:
            for inner, item in value.items():
                note(f"{key}.{inner}", item, f"/{escape(key)}/{escape(inner)}")
    for message in record.turns:
        if type(message.raw) is dict and message.path.count("/") > 1:
            for key, value in message.raw.items():
                if key not in _CONTENT:
                    note(f"message {key}", value, f"{message.path}/{escape(key)}")
        for call in message.calls:
            if call.arguments_path.endswith("/arguments"):
                note("arguments", call.arguments, call.arguments_path)
    return list(found.values())


def _drift(field: str, kinds: dict[str, list[Any]]) -> Iterator[tuple[int | None, Hit]]:
    """Yield the findings of one field, for every row in which it is not of the usual type."""
    usual = max(kinds, key=lambda kind: (kinds[kind][0], -kinds[kind][1][0][0]))
    first = int(kinds[usual][1][0][0])
    others = f"{kinds[usual][0]:,} rows" if kinds[usual][0] > 1 else "one row"
    for kind in sorted(kinds, key=lambda kind: int(kinds[kind][1][0][0])):
        if kind == usual:
            continue
        count, rows = kinds[kind]
        rest = f" ({count:,} rows are like this one)" if count > 1 else ""
        for row, path, value in rows:
            text = f"'{clip(field, 40)}' is {_A[kind]} here, but {_A[usual]} in {others}{rest}; use one type"
            yield row, Hit(text, path, related=(first,), fix=_fix(path, value, kind, usual))


def _fix(path: str, value: Any, kind: str, usual: str) -> Fix | None:
    """Return the fix that writes a value in the usual type, None where it cannot be."""
    if usual == "string" and kind in ("number", "boolean") and value is not None:
        text = str(value).lower() if kind == "boolean" else repr(value)
        return Fix("write it as a string", False, (Edit("set", path, text),))
    if usual == "number" and type(value) is str and _NUMBER.fullmatch(value):
        number = float(value) if "." in value else int(value)
        return Fix("write it as a number", False, (Edit("set", path, number),))
    return None
