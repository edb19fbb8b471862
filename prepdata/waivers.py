"""Waivers: accepted findings, kept in `prepdata-waivers.json` beside the data, never inside a row.

    {"schema_version": 1, "waivers": [
      {"rule": "secret", "record": "9f86d081884c7d65", "path": "/messages/1/content",
       "file": "train.jsonl", "reason": "key of a closed demo account", "expires": "2027-06-30"}]}

A waiver is keyed by rule, digest of the row's meaning, and path, so it holds wherever the row moves, and ends when the
row changes. `record` is null where a file as a whole is meant; then `file` is part of the key, else only a help.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from prepdata.chunk import Fact
from prepdata.errors import ConfigError, UsageError
from prepdata.files import read_bounded, replacing
from prepdata.findings import Finding
from prepdata.jsontext import json_text
from prepdata.reduce import fingerprint
from prepdata.rules.loader import find

FILE_NAME = "prepdata-waivers.json"
SCHEMA_VERSION = 1
MOST_BYTES = 1 << 26
"""Size of a waivers file beyond which it is not read (bytes): some 200,000 waivers."""
_HEX = frozenset("0123456789abcdef")


class Waiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One accepted finding.

    Args:
        rule: name (or code) of the rule.
        record: digest of the row (xxh3_64 of its meaning) as 16 hex digits; None for a whole file.
        path: JSON pointer of the finding, None where it has none.
        file: file in which it was last seen.
        reason: why it is accepted, for people; must not be blank.
        expires: last day on which it holds, None for ever.
    """

    rule: str
    record: str | None = None
    path: str | None = None
    file: str | None = None
    reason: str
    expires: datetime.date | None = None

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the finding that is accepted."""
        key: int | str = int(self.record, 16) if self.record is not None else self.file or ""
        return fingerprint(find(self.rule).name, key, self.path)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema_version: int
    waivers: tuple[Waiver, ...]


class Stale(NamedTuple):
    """A waiver that no longer does anything: its place in the file (0-based), itself, and why."""

    number: int
    waiver: Waiver
    why: str


class Applied(NamedTuple):
    """Findings with the accepted ones marked as waived, and the waivers that are stale."""

    findings: list[Finding]
    stale: list[Stale]


def load(path: str | os.PathLike[str]) -> tuple[Waiver, ...]:
    """Return the waivers of a file.

    Raises:
        ConfigError: the file cannot be read or holds mistakes; names the path and all mistakes.
    """
    where = os.fspath(path)
    try:
        listed = msgspec.json.decode(read_bounded(path, MOST_BYTES), type=_File)
    except OSError as error:
        raise ConfigError(f"{where}: cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{where}: {error}") from None
    mistakes = [f"waiver {i}: {said}" for i, waiver in enumerate(listed.waivers) for said in _mistakes(waiver)]
    if listed.schema_version != SCHEMA_VERSION:
        mistakes.insert(0, f"schema_version is {listed.schema_version}, expected {SCHEMA_VERSION}")
    if mistakes:
        raise ConfigError("\n".join(f"{where}: {said}" for said in mistakes))
    return listed.waivers


def _mistakes(waiver: Waiver) -> Iterable[str]:
    try:
        find(waiver.rule)
    except UsageError as error:
        yield str(error)
    if not waiver.reason.strip():
        yield "the reason is missing; say why the finding is accepted"
    if waiver.record is None and not waiver.file:
        yield "names neither a record nor a file"
    if waiver.record is not None and (len(waiver.record) != 16 or not _HEX.issuperset(waiver.record)):
        yield f"record '{waiver.record[:40]}' is not a digest of 16 hex digits"


def apply(
    findings: Iterable[Finding],
    waivers: Sequence[Waiver],
    *,
    today: datetime.date,
    ran: Collection[str],
    files: Collection[str],
) -> Applied:
    """Mark accepted findings as waived, and find the waivers that are stale.

    Args:
        findings: of the run.
        waivers: as loaded.
        today: the day on which the run takes place; an expired waiver accepts nothing.
        ran: names of the rules that ran; a waiver of another rule cannot be judged.
        files: paths of the run; a waiver last seen in another file cannot be judged.
    """
    keys = [waiver.fingerprint for waiver in waivers]
    live = {k for k, w in zip(keys, waivers, strict=True) if w.expires is None or w.expires >= today}
    listed = list(findings)
    present = {f.fingerprint for f in listed}
    names = {Path(name).name for name in files}
    stale = []
    for number, (key, waiver) in enumerate(zip(keys, waivers, strict=True)):
        known = find(waiver.rule).name in ran and (waiver.file is None or Path(waiver.file).name in names)
        if waiver.expires is not None and waiver.expires < today:
            stale.append(Stale(number, waiver, f"it expired on {waiver.expires}"))
        elif known and key not in present:
            stale.append(Stale(number, waiver, "no row has this finding any more"))
    marked = [msgspec.structs.replace(f, waived=True) if f.fingerprint in live else f for f in listed]
    return Applied(marked, stale)


def accept(
    findings: Iterable[Finding],
    digest_of: Callable[[Finding], int | None],
    *,
    reason: str,
    expires: datetime.date | None = None,
) -> tuple[Waiver, ...]:
    """Return waivers for findings, one for each rule, row and path, in the order of the findings.

    Args:
        findings: to be accepted; those already waived are passed over.
        digest_of: returns the digest of a finding's row, None where the whole file is meant.
        reason: why they are accepted.
        expires: last day on which they hold.
    """
    found: dict[str, Waiver] = {}
    for f in findings:
        if not f.waived:
            digest = digest_of(f)
            record = None if digest is None else f"{digest:016x}"
            waiver = Waiver(rule=f.name, record=record, path=f.path, file=f.file, reason=reason, expires=expires)
            found.setdefault(waiver.fingerprint, waiver)
    return tuple(found.values())


def write(path: str | os.PathLike[str], waivers: Iterable[Waiver]) -> None:
    """Write a waivers file. Atomic: the old file stays whole until the new one is.

    Raises:
        ConfigError: the file cannot be written; names the path.
    """
    target = Path(path)
    data = msgspec.json.format(json_text(_File(SCHEMA_VERSION, tuple(waivers))).encode(), indent=2) + b"\n"
    try:
        with replacing(target) as out:
            out.write(data)
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror}") from None


def add(path: str | os.PathLike[str], new: Iterable[Waiver]) -> int:
    """Add waivers to a file, which is made if it is not there; return how many were new.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    old = load(path) if Path(path).exists() else ()
    known = {waiver.fingerprint for waiver in old}
    fresh = [waiver for waiver in new if waiver.fingerprint not in known]
    if fresh:
        write(path, (*old, *fresh))
    return len(fresh)


def prune(path: str | os.PathLike[str], stale: Iterable[Stale]) -> int:
    """Remove stale waivers from a file (the fix of stale-waiver); return how many went.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    gone = {item.waiver for item in stale}
    old = load(path)
    kept = [waiver for waiver in old if waiver not in gone]
    if len(kept) < len(old):
        write(path, kept)
    return len(old) - len(kept)


def fact(item: Stale) -> Fact:
    """Return a stale waiver as the fact that the rule stale-waiver puts into words."""
    waiver = item.waiver
    data = {"number": item.number, "why": item.why, "rule": waiver.rule, "record": waiver.record,
            "reason": waiver.reason}  # fmt: skip
    return Fact("stale-waiver", data=data)
