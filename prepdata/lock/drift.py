"""What a run read, held against the lock: differences as facts, which the rules put into words. Pure but for reading
the tokenizer's files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from prepdata.chunk import Fact
from prepdata.errors import InputError
from prepdata.files import read_bounded
from prepdata.lock.model import Lock, LockedFile, LockedPart, LockedTokenizer, copies_folder, names_in
from prepdata.lock.tokenizer import COPIED_BYTES, Part, holds_template, is_copied, parts, template_digest
from prepdata.tokens.given import encoding_given

DATA = "fingerprint-drift"
TOKENIZER = "template-drift"
"""Kinds of facts, after the rules that explain them."""
_LINES = re.compile(r"[^\n]*\n|[^\n]+")


class Checked(NamedTuple):
    """A data file as a run found it; `sha256` is None where it could not be read to its end."""

    path: str
    sha256: str | None
    rows: int
    size: int | None


def data_drift(lock: Lock, path: Path, files: Sequence[Checked]) -> Iterator[tuple[str, Fact]]:
    """Yield (path, fact) for data files that differ from the lock, and one for all that are not in it.

    Args:
        lock: as read.
        path: of the lock file.
        files: what the run read; standard input ("<stdin>") has no fingerprint.
    """
    if not lock.files:
        return
    known = {file.path: file for file in lock.files}
    unknown = []
    for file in files:
        if file.path == "<stdin>":
            continue
        locked = next((known[name] for name in names_in(file.path, path.parent) if name in known), None)
        if locked is None:
            unknown.append(file.path)
        elif file.sha256 != locked.sha256:
            yield file.path, Fact(DATA, data=_differing(path, locked, file))
    if unknown:
        yield unknown[0], Fact(DATA, data={"what": "unlocked", "lock": path.name, "others": unknown[1:]})


def _differing(path: Path, locked: LockedFile, file: Checked) -> dict[str, Any]:
    then = {"sha256": locked.sha256, "rows": locked.rows, "bytes": locked.bytes}
    now = {"sha256": file.sha256, "rows": file.rows, "bytes": file.size}
    return {"what": "differs", "lock": path.name, "then": then, "now": now}


def tokenizer_drift(lock: Lock, path: Path, given: str | None) -> Iterator[tuple[str, Fact]]:
    """Yield (path, fact) for files of the tokenizer that differ from the lock, are missing or new.

    Where the tokenizer's folder is not at hand, the copies that are kept beside the lock are held against it.

    Args:
        lock: as read.
        path: of the lock file.
        given: the run's tokenizer folder or file, None for the one that the lock names.
    """
    locked = lock.tokenizer
    if locked is None:
        if given is not None and encoding_given(given) != given:
            yield given, _fact(path, "unlocked")
        return
    for name in damaged_copies(lock, path):
        yield str(copies_folder(path) / name), _fact(path, "copy", name=name)
    place = _place(locked, path, given)
    copied = any(part.copied for part in locked.files)
    if place is None:
        yield str(path), _fact(path, "elsewhere", copied=copied)
    elif not place.exists():
        yield str(place), _fact(path, "absent", copied=copied, count=len(locked.files))
    else:
        yield from _folder(locked, path, place)


def _place(locked: LockedTokenizer, path: Path, given: str | None) -> Path | None:
    if given is not None:
        return Path(given)
    return path.parent / locked.path if locked.path is not None else None


def _fact(path: Path, what: str, **data: Any) -> Fact:
    return Fact(TOKENIZER, data={"what": what, "lock": path.name, **data})


def damaged_copies(lock: Lock, path: Path) -> list[str]:
    """Return the files of the tokenizer whose kept copy is missing or not what was locked."""
    locked = lock.tokenizer.files if lock.tokenizer else ()
    return [part.path for part in locked if part.copied and _copy_of(part, path) is None]


def _copy_of(part: LockedPart, path: Path) -> bytes | None:
    """Return the bytes of a kept copy if they are those of the lock."""
    try:
        data = read_bounded(copies_folder(path) / part.path, COPIED_BYTES)
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == part.sha256 else None


def _folder(locked: LockedTokenizer, path: Path, place: Path) -> Iterator[tuple[str, Fact]]:
    try:
        found = parts(place)
    except InputError as error:
        yield str(place), _fact(path, "unreadable", why=str(error))
        return
    folder = place if place.is_dir() else place.parent
    wanted = {part.path: part for part in locked.files if place.is_dir() or part.path in found}
    template = _template(locked, place) if place.is_dir() else None
    for name in sorted(wanted | found):
        fact = _compared(name, wanted.get(name), found.get(name), path, folder, template)
        if fact is not None:
            yield str(folder / name), fact


def _template(locked: LockedTokenizer, place: Path) -> str | None:
    """Return `same` or `other` for the chat template in effect; None where it cannot be told."""
    try:
        return "same" if template_digest(place) == locked.template else "other"
    except (InputError, OSError):
        return None


def _compared(
    name: str, locked: LockedPart | None, found: Part | None, path: Path, folder: Path, template: str | None
) -> Fact | None:
    if not holds_template(name):
        template = None
    if locked is None:
        return _fact(path, "new", name=name, template=template)
    if found is None:
        return _fact(path, "missing", name=name, template=template)
    if not found.sha256:
        return _fact(path, "unreadable", name=name, why=found.why)
    if found.sha256 == locked.sha256:
        return None
    data = {"name": name, "then": locked.sha256, "now": found.sha256, "template": template}
    copy = _copy_of(locked, path) if locked.copied and is_copied(name, found.size) else None
    if copy is not None:
        data |= _difference(copy, folder / name)
    return _fact(path, "differs", **data)


def _difference(copy: bytes, file: Path) -> dict[str, Any]:
    """Return the first lines in which a file differs from its copy: number and column (1-based), and both lines."""
    try:
        data = read_bounded(file, COPIED_BYTES)
    except OSError:
        return {}
    old, new = (_LINES.findall(text.decode("utf-8", "replace")) for text in (copy, data))
    if old == new:
        return {}  # they differ in bytes that are no text
    number = next((i for i, (one, other) in enumerate(zip(old, new)) if one != other), min(len(old), len(new)))
    one, other = (lines[number] if number < len(lines) else "" for lines in (old, new))
    column = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
    return {"line": number + 1, "column": column + 1, "was": one or None, "is": other or None}
