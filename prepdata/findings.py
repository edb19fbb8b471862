"""Findings: what a rule says (`Hit`), and what a report holds (`Finding`). Plain frozen values, never exceptions."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
RANK: dict[str, int] = {"error": 2, "warning": 1, "info": 0}


class Edit(msgspec.Struct, frozen=True, gc=False):
    """One change to a row, or to the file around it.

    Row edits take a JSON pointer: `set` (value), `remove`, `rename` (value = the new key), and `drop` (the whole
    row, path unused). File edits have no path: `strip-bom`, `split-array`, `drop-line`, `newlines`, `reencode`.
    """

    op: Literal["set", "remove", "rename", "drop", "strip-bom", "split-array", "drop-line", "newlines", "reencode"]
    path: str = ""
    value: Any = None


class Fix(msgspec.Struct, frozen=True, gc=False):
    """A cure that prepdata can apply itself. `safe` means that the meaning of the row is kept."""

    title: str
    safe: bool
    edits: tuple[Edit, ...]


class Hit(msgspec.Struct, frozen=True, gc=False):
    """What a rule yields: the problem and where in the row it sits; the engine adds file, line and rule.

    Args:
        message: what is wrong, with the offending value clipped (secrets masked).
        path: JSON pointer into the original row; None where the whole row or file is meant.
        span: start and end, in characters, inside the string at `path`.
        excerpt: a short piece of the text around the span, for people; masked where it holds a secret.
        severity: set where it differs from the rule's own.
        targets: names of the targets for which this holds; empty where it holds for all.
        related: other rows concerned, as row numbers counted over the rule's scope (corpus rules only).
        fix: what `prepdata fix` would do.
    """

    message: str
    path: str | None = None
    span: tuple[int, int] | None = None
    excerpt: str | None = None
    severity: Severity | None = None
    targets: tuple[str, ...] = ()
    related: tuple[int, ...] = ()
    fix: Fix | None = None


class Place(msgspec.Struct, frozen=True, gc=False):
    """Another place that a finding speaks of. `line` is 1-based."""

    file: str
    line: int | None


class Finding(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One finding of a report. `line` is 1-based and counts blank lines, `record` is the 0-based row number;
    both are None where the whole file is meant. `path` is a JSON pointer."""

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
    fingerprint: str = ""
    waived: bool = False


def clip(text: str, limit: int = 60) -> str:
    """Return `text` on one line, quoted by the caller, at most `limit` characters long."""
    flat = " ".join(text[: limit * 4].split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def around(text: str, span: tuple[int, int], margin: int = 30) -> str:
    """Return the text around a span, on one line, with `…` where it was cut."""
    start, end = max(0, span[0] - margin), min(len(text), min(span[1], span[0] + 80) + margin)
    piece = " ".join(text[start:end].split())
    return ("…" if start else "") + piece + ("…" if end < len(text) else "")
