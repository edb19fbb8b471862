"""The slow, explaining parser: what is wrong with a line, where, and what JSON parsers silently lose. Pure.

It runs only on lines that the quick parser refused or that look as if something would vanish in parsing.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from prepdata.chunk import Fact
from prepdata.diagnose import diagnose
from prepdata.findings import around, clip
from prepdata.record import escape
from prepdata.text.decode import guess

MISSING: Final = msgspec.UNSET
"""What `explain` returns in place of an object where the line is not JSON."""

MAX_DEPTH = 500
"""Levels of nesting that are read. Python's own parsers end near 1,000."""

MAX_FACTS = 20
"""Facts of one kind that are reported for one line."""

_BOM = b"\xef\xbb\xbf"
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST, _LEAST = (1 << 64) - 1, -(1 << 63)
_WHITE = " \t\r\n"


class _Repeated(dict[str, Any]):
    """An object in which keys occur twice.

    Args:
        repeated: the keys.
        hidden: their earlier values, which the last one hides.
    """

    repeated: list[str]
    hidden: list[tuple[str, Any]]


class _Literal(float):
    """A number that is not finite, with its spelling."""

    spelling: str


class _Long(float):
    """An integer beyond 64 bits, as the float that most parsers make of it, with its digits."""

    digits: str


def explain(line: bytes) -> tuple[Any, list[Fact]]:
    """Return (value, facts) of one line, or of the text of one row.

    The value is what the line says as JSON, or `MISSING` where it is not JSON. It is safe to go on with: lone
    surrogates in it are "?", integers beyond 64 bits are floats. Facts have no line or row.

    Kinds of facts: `bom`, `not-utf8`, `invalid-json`, `duplicate-key`, `non-finite-number`, `lossy-integer`,
    `lone-surrogate`, `nul-character`. Never raises.
    """
    facts: list[Fact] = []
    if line.startswith(_BOM):
        facts.append(Fact("bom", data={"where": "line"}))
        line = line[3:]
    text = _decoded(line, facts)
    levels = _depth(text) if text.count("[") + text.count("{") > MAX_DEPTH else 0
    if levels > MAX_DEPTH:
        reason = f"nested {levels:,} levels deep; {MAX_DEPTH} is the most that is read"
        facts.append(Fact("invalid-json", data={"column": 1, "reason": reason, "excerpt": clip(text)}))
        return MISSING, facts
    try:
        value = _DECODER.decode(text.strip(_WHITE))
    except json.JSONDecodeError as error:
        shift = len(text) - len(text.lstrip(_WHITE))
        facts.append(_invalid(text, error.msg, error.pos + shift))
        return MISSING, facts
    except RecursionError:
        facts.append(Fact("invalid-json", data={"column": 1, "reason": "nested too deeply", "excerpt": clip(text)}))
        return MISSING, facts
    finder = _Finder(facts)
    return finder.walk(value), facts


def _decoded(line: bytes, facts: list[Fact]) -> str:
    found = guess(line)
    if found is None:
        return line.decode("utf-8")
    at = len(line[: found.offset].decode("utf-8"))
    data = {
        "encoding": found.encoding,
        "offset": found.offset,
        "byte": f"0x{line[found.offset]:02X}",
        "note": found.note,
        "excerpt": around(found.text, (at, at + 1)),
        "where": "line",
    }
    facts.append(Fact("not-utf8", data=data))
    return found.text


def _invalid(text: str, message: str, pos: int) -> Fact:
    reason, pos = diagnose(text, message, pos)
    before = text.count("\n", 0, pos)
    column = pos - (text.rfind("\n", 0, pos) + 1) + 1
    excerpt = _safe(around(text, (pos, min(pos + 1, len(text)))))
    data: dict[str, Any] = {"column": column, "reason": _safe(reason), "excerpt": excerpt}
    if before:
        data["lines_down"] = before
    return Fact("invalid-json", data=data)


def _depth(text: str) -> int:
    level = deepest = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token == "[" or token == "{":
            level += 1
            deepest = max(deepest, level)
        elif token == "]" or token == "}":
            level -= 1
    return deepest


def _safe(text: str) -> str:
    """Return text that can be written as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    twice = _Repeated(made)
    last: dict[str, Any] = {}
    twice.repeated, twice.hidden = [], []
    for key, value in pairs:
        if key in last:
            if key not in twice.repeated:
                twice.repeated.append(key)
            twice.hidden.append((key, last[key]))
        last[key] = value
    return twice


def _constant(spelling: str) -> _Literal:
    value = _Literal(spelling.replace("Infinity", "inf"))
    value.spelling = spelling
    return value


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        odd = _Literal(value)
        odd.spelling = digits
        return odd
    return value


def _int(digits: str) -> int | float:
    if len(digits) < 19:
        return int(digits)
    if len(digits) < 24 and _LEAST <= (value := int(digits)) <= _MOST:
        return value
    long = _Long(digits)
    long.digits = digits
    return long


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float, parse_int=_int, strict=True
)


class _Finder:
    """Walks a decoded value, notes facts with their JSON pointers, and returns a value safe to go on with."""

    def __init__(self, facts: list[Fact]) -> None:
        self.facts = facts
        self.counts: dict[str, int] = {}

    def note(self, kind: str, path: str, **data: Any) -> None:
        """Note a fact at a JSON pointer; of one kind at most `MAX_FACTS` a row are kept, the others counted."""
        seen = self.counts.get(kind, 0)
        self.counts[kind] = seen + 1
        if seen < MAX_FACTS:
            self.facts.append(Fact(kind, data={"path": _safe(path), **data}))

    def walk(self, value: Any) -> Any:
        """Return `value` cleaned, noting facts. Goes level by level, without recursion, since nesting may be deep."""
        holder = [value]
        waiting: list[tuple[dict[str, Any] | list[Any], str]] = []
        self.child(holder, 0, "", waiting)
        for container, path in waiting:  # grows while it is gone through
            if type(container) is list:
                for i in range(len(container)):
                    self.child(container, i, f"{path}/{i}", waiting)
            else:
                for key in list(container):
                    self.child(container, key, f"{path}/{escape(key)}", waiting)
        return holder[0]

    def child(self, parent: Any, key: Any, path: str, waiting: list[tuple[Any, str]]) -> None:
        """Look at one value, put a cleaned one in its place, and queue it where it holds others."""
        value = parent[key]
        kind = type(value)
        if kind is str:
            parent[key] = self.string(value, path, "value")
        elif kind is dict or kind is _Repeated:
            parent[key] = made = self.object(value, path, waiting)
            waiting.append((made, path))
        elif kind is list:
            waiting.append((value, path))
        elif kind is _Literal:
            self.note("non-finite-number", path, literal=clip(value.spelling, 40))
            parent[key] = float(value)
        elif kind is _Long:
            self.note("lossy-integer", path, digits=clip(value.digits, 60), count=len(value.digits.lstrip("-")))
            parent[key] = float(value)

    def object(self, value: dict[str, Any], path: str, waiting: list[tuple[Any, str]]) -> dict[str, Any]:
        """Return an object as a plain dict with clean keys; note repeated keys, and queue the values they hide."""
        for key in getattr(value, "repeated", ()):
            self.note("duplicate-key", f"{path}/{escape(key)}", key=_safe(key))
        for key, hidden in getattr(value, "hidden", ()):
            self.child([hidden], 0, f"{path}/{escape(key)}", waiting)
        return {self.key(k, path): v for k, v in value.items()}

    def key(self, key: str, path: str) -> str:
        """Return a key cleaned; what is wrong with it is noted at the object."""
        return key if key.isascii() and "\0" not in key else self.string(key, path, "key")

    def string(self, text: str, path: str, where: str) -> str:
        """Return a string without lone surrogates."""
        if "\0" in text:
            at = text.index("\0")
            fixed = {} if where == "key" else {"fixed": _safe(text.replace("\0", ""))}
            self.note("nul-character", path, where=where, count=text.count("\0"), at=at, **fixed)
        if text.isascii():
            return text
        match = _SURROGATE.search(text)
        if match is None:
            return text
        clean = _SURROGATE.sub("", text)
        fixed = {} if where == "key" else {"fixed": clean.replace("\0", "")}
        self.note(
            "lone-surrogate",
            path,
            where=where,
            count=len(text) - len(clean),
            at=match.start(),
            escape=f"\\u{ord(match.group()):04x}",
            **fixed,
        )
        return _safe(text)
