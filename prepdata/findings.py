"""Findings: what a rule says (`Hit`), and what a report holds (`Finding`). Plain frozen values, never exceptions."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
RANK: dict[str, int] = {"error": 2, "warning": 1, "info": 0}


class Edit(msgspec.Struct, frozen=True, gc=False):
    """One change to a row, or to the file around it.

    Row edits take a JSON pointer: `set` (value), `remove`, `rename` (value = the new key), `lift` (the object there
    takes the place of the row), and `drop` (the whole row, path unused). File edits have no path: `strip-bom`,
    `split-array`, `drop-line`, `newlines`, `reencode`.
    """

    op: Literal[
        "set", "remove", "rename", "lift", "drop", "strip-bom", "split-array", "drop-line", "newlines", "reencode"
    ]
    path: str = ""
    value: Any = None


class Fix(msgspec.Struct, frozen=True, gc=False):
    """A cure that prepdata can apply itself. `safe` means that the meaning of the row is kept."""

    title: str
    safe: bool
    edits: tuple[Edit, ...]


class Place(msgspec.Struct, frozen=True, gc=False):
    """Another place that a finding speaks of. `line` is 1-based."""

    file: str
    line: int | None


class Hit(msgspec.Struct, frozen=True, gc=False):
    """What a rule yields: the problem and where in the row it sits; the engine adds file, line and rule.

    Args:
        message: what is wrong, with the offending value clipped (secrets masked).
        path: JSON pointer into the original row; None where the whole row or file is meant.
        span: start and end, in characters, inside the string at `path`.
        excerpt: a short piece of the text around the span, for people (`around` makes it); masked where it holds
            a secret.
        severity: set where it differs from the rule's own.
        targets: names of the targets for which this holds; empty where it holds for all.
        related: other rows concerned, as row numbers counted over the rule's scope (corpus rules only), or as places.
        fix: what `prepdata fix` would do.
        rows: how many rows have it, where it is told once for all of them.
    """

    message: str
    path: str | None = None
    span: tuple[int, int] | None = None
    excerpt: str | None = None
    severity: Severity | None = None
    targets: tuple[str, ...] = ()
    related: tuple[int | Place, ...] = ()
    fix: Fix | None = None
    rows: int = 1


class Finding(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One finding of a report. `line` is 1-based and counts blank lines, `record` is the 0-based row number;
    both are None where the whole file is meant. `path` is a JSON pointer. `digest` is that of the row's meaning (16 hex
    digits), the key of a waiver."""

    code: str
    name: str
    severity: Severity
    message: str
    file: str
    line: int | None = None
    record: int | None = None
    path: str | None = None
    span: tuple[int, int] | None = None
    excerpt: str | None = None
    targets: tuple[str, ...] = ()
    related: tuple[Place, ...] = ()
    fix: Fix | None = None
    rows: int = 1
    fingerprint: str = ""
    digest: str | None = None
    waived: bool = False


def clip(text: str, limit: int = 60) -> str:
    """Return `text` on one line, quoted by the caller, at most `limit` characters long."""
    flat = " ".join(text[: limit * 4].split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def plural(number: int, word: str) -> str:
    """Return a number with what it counts: `1 row`, `2 rows`, thousands separated."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


MARKS = ("⟪", "⟫")
"""What stands around the marked part of an excerpt."""


def around(text: str, span: tuple[int, int], margin: int = 30) -> str:
    """Return the text around a span, on one line, the span between `MARKS`, with `…` where it was cut.

    Args:
        text: the whole text.
        span: start and end of what is meant, in characters; of a long span the first 80 are shown.
        margin: characters shown on each side.
    """
    begin, end = span
    stop = min(end, begin + 80)
    left, right = max(0, begin - margin), min(len(text), stop + margin)
    before, meant, after = (_flat(piece) for piece in (text[left:begin], text[begin:stop], text[stop:right]))
    cut = "…" if stop < end else ""
    head, tail = "…" if left else "", "…" if right < len(text) and not cut else ""
    return f"{head}{before.lstrip()}{MARKS[0]}{meant}{cut}{MARKS[1]}{after.rstrip()}{tail}"


def _flat(text: str) -> str:
    return " ".join(text.split("\n")).replace("\t", " ").replace("\r", " ")
