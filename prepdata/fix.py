"""Repairs files: applies the fixes that rules propose, keeps untouched lines byte for byte, and says what it did.

A file is checked, its edits applied to a temporary copy, and the copy checked again until no fix is left, so that a
second run changes nothing. The result replaces or joins the original in one step; dropped rows and a receipt of every
change are written beside it first.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from prepdata.api import validate
from prepdata.chunk import Fact
from prepdata.edits import Unfit, apart, apply, dump
from prepdata.errors import InputError, UsageError
from prepdata.files import replacing, settle
from prepdata.findings import Edit, Finding, Place
from prepdata.jsontext import json_text
from prepdata.settings import Settings
from prepdata.sources import discover, open_source
from prepdata.text.decode import guess

PASSES = 8
"""Rounds of checking and repairing; more would mean that two fixes undo each other."""
FILE_EDITS = frozenset({"strip-bom", "split-array", "newlines", "reencode"})
UNREAD = frozenset({"oversized-line", "truncated-archive", "decompression-bound", "unsupported-file", "lfs-pointer"})
"""Facts of files of which a part was not read: writing them anew would lose that part."""
BOM = b"\xef\xbb\xbf"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the receipt. Digests are xxh3-64 of the line's bytes, 16 hex digits; `new` is None for a dropped row.
    `line` counts in the file as it was when the change was made (round 1: the original)."""

    file: str
    round: int
    line: int | None
    record: int | None
    rule: str
    title: str
    safe: bool
    path: str | None
    old: str | None
    new: str | None


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    """A row that a fix took out, with its reason and text. `twin` is the row that stays in its place, if one does; its
    line counts like `line`, in the file as it was when the row was taken out."""

    file: str
    line: int | None
    record: int | None
    rule: str
    reason: str
    text: str
    twin: Place | None = None


class Fixed(NamedTuple):
    """What `fix` did to one file: the bytes as they should be are at `written` (a temporary file). `stamp` tells
    whether the file itself was changed by somebody since."""

    path: Path
    written: Path
    changes: list[Change]
    dropped: list[Dropped]
    left: list[Finding]
    stamp: tuple[int, int, int]


def _stamp(path: Path) -> tuple[int, int, int]:
    info = path.stat()
    return info.st_ino, info.st_size, info.st_mtime_ns


def fix_file(path: Path, settings: Settings, *, unsafe: bool, folder: Path) -> Fixed:
    """Repair one file into a temporary file in `folder`.

    Args:
        path: the file; it is only read.
        settings: which rules run.
        unsafe: True to apply unsafe fixes too.
        folder: where the temporary file is made (the folder of the result, so that it can be moved in one step).

    Raises:
        InputError: the file cannot be read, or is of a kind that cannot be written back.
    """
    if path.is_dir():
        raise InputError(f"{path}: give the files of a folder one by one")
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: not a regular file; it cannot be read twice. Save it to a file first")
    settings = msgspec.structs.replace(settings, tokens=False, cache=False, lock=None)
    changes: list[Change] = []
    dropped: list[Dropped] = []
    current = path
    stamp = _stamp(path) if path.exists() else (0, 0, 0)  # what is not there is told by the first reading
    made: list[Path] = []
    kept = None
    try:
        for number in range(1, PASSES + 1):
            report = validate(current, settings, meters=())
            todo = [f for f in report if f.fix and (unsafe or f.fix.safe)]
            if not todo:
                break
            made.append(_temporary(folder, path))
            done = _Rewriter(path, current, settings, todo, number).write(made[-1])
            if not done.altered:
                break
            current = made[-1]
            for older in made[:-1]:
                older.unlink(missing_ok=True)
            changes += done.changes
            dropped += done.dropped
        else:
            report = validate(current, settings, meters=())
        if current == path:
            made.append(_temporary(folder, path))
            current = made[-1]
            shutil.copyfile(path, current)
        kept = current
        return Fixed(path, current, changes, dropped, list(report), stamp)
    finally:
        for one in made:
            if one != kept:
                one.unlink(missing_ok=True)


def _temporary(folder: Path, path: Path) -> Path:
    suffixes = "".join(path.suffixes[-2:])
    handle, name = tempfile.mkstemp(dir=folder, prefix=".prepdata-", suffix=suffixes)
    os.close(handle)
    return Path(name)


class _Rewriter:
    """Writes one file anew with the edits of some findings applied."""

    def __init__(self, shown: Path, current: Path, settings: Settings, todo: list[Finding], number: int) -> None:
        self.shown, self.current, self.settings, self.round = str(shown), current, settings, number
        self.rows: dict[int, list[Finding]] = {}
        self.lines: dict[int, list[Finding]] = {}
        self.whole: dict[str, Finding] = {}
        for finding in todo:
            assert finding.fix
            ops = {edit.op for edit in finding.fix.edits}
            if ops & FILE_EDITS and finding.record is None:
                self.whole.update(dict.fromkeys(ops & FILE_EDITS, finding))
            elif "drop-line" in ops and finding.line is not None:
                self.lines.setdefault(finding.line - 1, []).append(finding)
            elif finding.record is not None:
                self.rows.setdefault(finding.record, []).append(finding)
        self.changes: list[Change] = []
        self.dropped: list[Dropped] = []
        self.altered = False

    def write(self, target: Path) -> _Rewriter:
        """Write the repaired file to `target`, compressed like the original."""
        source = open_source(discover([str(self.current)])[0], self.settings)
        if not source.has_lines:
            raise InputError(f"{self.shown}: Parquet and Arrow files are not rewritten; convert to JSONL first")
        self._note_whole()
        with opened(target, self.current) as out:
            pieces = self._pieces(source)
            facts = {fact.kind for fact in source.facts}
            if "bom" in facts and "strip-bom" not in self.whole:
                out.write(BOM)
            for piece in pieces:
                out.write(piece)
            out.flush()
        self._refuse_unread(source.facts)
        if "newlines" in self.whole and any(f.kind == "mixed-newlines" and not f.data["lf"] for f in source.facts):
            self.altered = True  # lone carriage returns were made newlines while reading
        refused = {fact.kind for fact in source.facts} & {"not-utf8", "json-array", "pretty-printed"}
        if "not-utf8" in refused and "reencode" not in self.whole:
            raise InputError(f"{self.shown}: not UTF-8; --unsafe-fixes re-encodes it, without that it is left alone")
        return self

    def _refuse_unread(self, facts: Iterable[Fact]) -> None:
        kinds = {fact.kind for fact in facts} & UNREAD
        if kinds:
            raise InputError(f"{self.shown}: left alone, since a part of it was not read ({', '.join(sorted(kinds))})")

    def _note_whole(self) -> None:
        self.altered = bool(self.whole.keys() & {"strip-bom", "split-array", "reencode"})
        for finding in {id(f): f for f in self.whole.values()}.values():
            self._change(finding, None, None)

    def _pieces(self, source: Any) -> Iterator[bytes]:
        record = line = 0
        as_array = False
        newline = b"\n" if "newlines" in self.whole else None
        last = b""
        for raw in source.chunks():
            self._refuse_unread(raw.facts)
            data = raw.load()
            if raw.rows is not None:
                as_array = source.kind == "array" and "split-array" not in self.whole
                for start, end, local in raw.rows:
                    made = self._row(data[start:end], record, line + local)
                    record += 1
                    if made is None:
                        continue
                    if as_array:
                        yield (b",\n" if last else b"[\n") + made
                    else:
                        yield (self._one_line(made, record) if "split-array" in self.whole else made) + b"\n"
                    last = b"\n"
                line += raw.lines
                continue
            for number, text in enumerate(_lines(data), line):
                body = text.rstrip(b"\r\n")
                end_of_line = text[len(body) :]
                if not body.strip():
                    if number in self.lines:
                        self.altered = True
                        self._change(self.lines[number][0], text, None)
                        continue
                    yield text
                    continue
                made = self._row(body, record, number)
                record += 1
                if made is None:
                    continue
                last = end_of_line
                made += newline if newline is not None else end_of_line
                self.altered = self.altered or made != text
                yield made
            line += raw.lines
        if as_array:
            yield b"\n]\n" if last else b"[]\n"

    def _one_line(self, text: bytes, record: int) -> bytes:
        """Return a row on one line; only where it is JSON are its newlines sure to be space between values."""
        if b"\n" not in text and b"\r" not in text:
            return text
        try:
            json.loads(text, parse_int=float)
        except (ValueError, RecursionError):
            raise InputError(
                f"{self.shown}: left alone, since row {record + 1} is not JSON; repair it by hand first"
            ) from None
        return b" ".join(line.strip(b" \t") for line in text.replace(b"\r", b"\n").split(b"\n") if line.strip())

    def _row(self, text: bytes, record: int, line: int) -> bytes | None:
        findings = self.rows.get(record)
        if not findings:
            return text
        made = self._repaired(text, findings, record, line)
        self.altered = self.altered or made != text
        return made

    def _repaired(self, text: bytes, findings: list[Finding], record: int, line: int) -> bytes | None:
        for finding in findings:
            assert finding.fix
            if any(edit.op == "drop" for edit in finding.fix.edits):
                self._change(finding, text, None)
                self.dropped.append(
                    Dropped(
                        file=self.shown,
                        line=line + 1,
                        record=record,
                        rule=finding.name,
                        reason=finding.message,
                        text=text.decode("utf-8", "replace"),
                        twin=self._twin(finding),
                    )
                )
                return None
        return self._edited(text, findings)

    def _twin(self, finding: Finding) -> Place | None:
        if not finding.related:
            return None
        twin = finding.related[0]
        return Place(self.shown, twin.line) if twin.file == str(self.current) else twin

    def _edited(self, text: bytes, findings: list[Finding]) -> bytes:
        for finding in findings:
            if finding.fix and any(edit.op == "reencode" for edit in finding.fix.edits):
                found = guess(text)
                made = found.text.encode("utf-8", "replace") if found else text
                self._change(finding, text, made)
                return made
        try:
            row = json.loads(text, object_pairs_hook=_unrepeated)
        except (ValueError, RecursionError):
            return text
        used: list[Finding] = []
        edits: list[Edit] = []
        for finding in findings:
            assert finding.fix
            wanted = [*edits, *finding.fix.edits]
            if len(apart(wanted)) == len(wanted):
                edits, used = wanted, [*used, finding]
        try:
            made = dump(apply(row, apart(edits)), text)
        except (Unfit, ValueError):
            return text
        if made == text:
            return text
        for finding in used:
            self._change(finding, text, made)
        return made

    def _change(self, finding: Finding, old: bytes | None, new: bytes | None) -> None:
        assert finding.fix
        self.changes.append(
            Change(
                file=self.shown,
                round=self.round,
                line=finding.line,
                record=finding.record,
                rule=finding.name,
                title=finding.fix.title,
                safe=finding.fix.safe,
                path=finding.path,
                old=_digest(old),
                new=_digest(new),
            )
        )


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; a row in which a key is repeated is left alone, since writing it would lose a value."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is repeated")
    return made


def _digest(text: bytes | None) -> str | None:
    import xxhash

    return None if text is None else xxhash.xxh3_64_hexdigest(text)


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


@contextlib.contextmanager
def opened(target: Path, like: Path) -> Iterator[Any]:
    """Open `target` for writing, compressed like the file `like` (gzip, zstandard, bzip2, xz by their first bytes)."""
    with like.open("rb") as file:
        magic = file.read(6)
    if magic.startswith(b"\x1f\x8b"):
        import gzip

        with target.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as out:
            yield out
    elif magic.startswith(b"\x28\xb5\x2f\xfd"):
        import zstandard

        with target.open("wb") as raw, zstandard.ZstdCompressor().stream_writer(raw) as out:
            yield out
    elif magic.startswith(b"BZh") or magic == b"\xfd7zXZ\x00":
        import bz2
        import lzma

        with bz2.open(target, "wb") if magic.startswith(b"BZh") else lzma.open(target, "wb") as out:
            yield out
    else:
        with target.open("wb") as out:
            yield out


def keep(fixed: Fixed, result: Path) -> list[Path]:
    """Put a repaired file in its place: dropped rows and receipt first, then the file, each in one step.

    Returns:
        The files written: the result, and beside it `NAME.receipt.jsonl` and `NAME.dropped.jsonl` where there is
        something to keep; earlier receipts and dropped rows are added to, never overwritten.

    Raises:
        UsageError: the result would go through a symbolic link out of its folder.
        InputError: the file was changed since it was read; what was written to it must not be lost.
    """
    if result.is_symlink():
        raise UsageError(f"{result} is a symbolic link; name the file itself")
    if result.exists() and not result.is_file():
        raise UsageError(f"{result} is not a regular file; name a file for the result")
    if not fixed.path.exists() or _stamp(fixed.path) != fixed.stamp:
        raise InputError(f"{fixed.path} changed while it was being repaired; run again when nothing writes to it")
    written = []
    mode = fixed.path.stat().st_mode & 0o777
    for kind, items in (("dropped", fixed.dropped), ("receipt", fixed.changes)):
        if items:
            beside = result.with_name(f"{result.name}.{kind}.jsonl")
            _append(beside, "".join(json_text(item) + "\n" for item in items).encode(), mode)
            written.append(beside)
    settle(fixed.written, result, mode=mode)
    return [result, *written]


def _append(path: Path, text: bytes, mode: int) -> None:
    if path.is_symlink():
        raise UsageError(f"{path} is a symbolic link; remove it first")
    old = path.read_bytes() if path.exists() else b""
    with replacing(path, mode=mode) as file:
        file.write(old + text)
