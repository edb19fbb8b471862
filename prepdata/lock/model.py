"""The lock file: what is in it, read with every mistake told, written whole or not at all and the same for the same.

    {"schema_version": 1, "prepdata": "0.1.0",
     "files": [{"path": "train.jsonl", "sha256": "9f86...", "rows": 330, "bytes": 180224}],
     "tokenizer": {"path": "model", "template": "60303a...",
                   "files": [{"path": "chat_template.jinja", "sha256": "60303a...", "bytes": 812, "copied": true}]},
     "targets": [{"name": "openai", "sha256": "fd61..."}],
     "settings": {"ignore": "2c26..."}}

It is JSON since the core reads and writes it as it does its other files, an error in it has a place, and an editor
can hold it against a JSON Schema; TOML has no writer in Python's library. There is no date in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from prepdata.errors import ConfigError
from prepdata.files import read_bounded, replacing

FILE_NAME = "prepdata.lock"
SCHEMA_VERSION = 1
MOST_BYTES = 1 << 26
"""Size of a lock file beyond which it is not read (bytes): some 300,000 data files."""

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
Place = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
_BYTE = re.compile(r" \(byte (\d+)\)$")
_CONFLICT = re.compile(rb"^(<{7}|={7}|>{7})", re.MULTILINE)
_DRIVE = re.compile("[A-Za-z]:")


class LockedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A data file: path below the folder of the lock, with slashes; sha256 and size of its bytes as stored; rows."""

    path: Place
    sha256: Sha256
    rows: Count
    bytes: Count


class LockedPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A file of the tokenizer folder: path below that folder; `copied` where a copy lies beside the lock."""

    path: Place
    sha256: Sha256
    bytes: Count
    copied: bool = False


class LockedTokenizer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A tokenizer.

    Args:
        path: its folder (or file) below the folder of the lock; None where it lies elsewhere, which no other machine
            could find.
        template: sha256 of the text of the chat template in effect, None where there is none.
        files: the files that say how text becomes tokens, in order of path.
    """

    path: Place | None
    template: Sha256 | None
    files: tuple[LockedPart, ...]


class LockedTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A target: name, and sha256 of the limits and demands that prepdata knows of it."""

    name: Place
    sha256: Sha256


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a lock file holds.

    Args:
        schema_version: of its layout.
        prepdata: version that wrote it.
        files: data files, in order of path.
        tokenizer: the tokenizer, if one was named.
        targets: in order of name.
        settings: sha256 of each setting that changes what is checked and is not as it is by default.
    """

    schema_version: int = SCHEMA_VERSION
    prepdata: str
    files: tuple[LockedFile, ...] = ()
    tokenizer: LockedTokenizer | None = None
    targets: tuple[LockedTarget, ...] = ()
    settings: dict[str, Sha256] = {}


class _Head(msgspec.Struct):
    schema_version: int


def read(path: str | os.PathLike[str]) -> Lock:
    """Return what a lock file holds.

    Raises:
        ConfigError: it cannot be read, is damaged, or of a newer layout; names the file and the place in it.
    """
    where = os.fspath(path)
    try:
        data = read_bounded(path, MOST_BYTES)
        data.decode()  # tells the place, which msgspec does not
        version = msgspec.json.decode(data, type=_Head).schema_version
        if version != SCHEMA_VERSION:
            raise ConfigError(f"{where}: {_layout(version)}; this version of prepdata knows {SCHEMA_VERSION}. "
                              f"{_advice(version)}")  # fmt: skip
        lock = msgspec.json.decode(data, type=Lock)
    except OSError as error:
        raise ConfigError(f"{where}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(_damaged(f"{where}:{_line(data, error.start)}", "not UTF-8")) from None
    except RecursionError:
        raise ConfigError(_damaged(where, "nested too deep")) from None
    except msgspec.DecodeError as error:
        raise ConfigError(_told(where, data, str(error))) from None
    mistakes = list(_mistakes(lock))
    if mistakes:
        raise ConfigError("\n".join(_damaged(where, said) for said in mistakes))
    return lock


def _layout(version: int) -> str:
    return f"a lock of layout {version}" if abs(version) < 10**9 else "a lock of an unheard-of layout"


def _advice(version: int) -> str:
    return "Update prepdata." if version > SCHEMA_VERSION else "Delete it and lock anew with `prepdata lock PATHS`."


def _told(where: str, data: bytes, said: str) -> str:
    """Return what is wrong with JSON text: its line, where the reader knows the byte, else the path in the reader's
    own words."""
    match = _BYTE.search(said)
    if "truncated" in said:
        return _damaged(f"{where}:{_line(data, len(data))}", "the file ends too soon")
    if match is None:
        return _damaged(where, said)
    place = int(match[1])
    hint = " (a merge left it with two versions)" if _CONFLICT.search(data) else ""
    return _damaged(f"{where}:{_line(data, place)}", said.removesuffix(match[0]) + hint)


def _line(data: bytes, place: int) -> int:
    return data.count(b"\n", 0, place) + 1


def _damaged(where: str, said: str) -> str:
    return f"{where}: {said}. The lock is damaged: restore it, or delete it and lock anew with `prepdata lock PATHS`"


def _mistakes(lock: Lock) -> Iterator[str]:
    parts = lock.tokenizer.files if lock.tokenizer else ()
    yield from _misplaced("files", [file.path for file in lock.files])
    yield from _misplaced("tokenizer.files", [part.path for part in parts])
    if lock.tokenizer and lock.tokenizer.path not in (None, ".") and not is_below(lock.tokenizer.path or ""):
        yield f"$.tokenizer.path: {lock.tokenizer.path[:80]!r} is no path below the folder of the lock"
    yield from _repeated("targets", [target.name for target in lock.targets])


def _misplaced(where: str, paths: list[str]) -> Iterator[str]:
    for number, path in enumerate(paths):
        if not is_below(path):
            yield f"$.{where}[{number}].path: {path[:80]!r} is no path below the folder of the lock"
    yield from _repeated(where, paths)


def _repeated(where: str, names: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield f"$.{where}: {name[:80]!r} stands there twice"
            return
        seen.add(name)


def is_below(path: str) -> bool:
    """True for a relative path with slashes that cannot lead out of its folder, on any system."""
    if "\0" in path or "\\" in path or _DRIVE.match(path):
        return False
    return not {"", ".", ".."} & set(path.split("/"))


def name_in(path: str | os.PathLike[str], folder: Path) -> str | None:
    """Return the path of a file below a folder, with slashes; None where it lies elsewhere.

    The path counts as it is written, so a link keeps its own name; only where that leads out of the folder, links are
    followed.
    """
    return next(iter(names_in(path, folder)), None)


def names_in(path: str | os.PathLike[str], folder: Path) -> list[str]:
    """Return the names that a file may have below a folder: as it is written, and with links followed."""
    found = []
    for resolve in (os.path.abspath, os.path.realpath):
        try:
            name = Path(os.path.relpath(resolve(path), resolve(folder))).as_posix()
        except ValueError:  # another drive, or a zero character
            continue
        if is_below(name) and name not in found:
            found.append(name)
    return found


def text(lock: Lock) -> bytes:
    """Return a lock as the bytes of its file.

    Raises:
        ConfigError: a name is not text and cannot be written.
    """
    try:
        return msgspec.json.format(msgspec.json.encode(lock), indent=2) + b"\n"
    except UnicodeEncodeError as error:
        name = error.object.encode("utf-8", "backslashreplace").decode()
        raise ConfigError(f"{name}: a name that is not UTF-8 cannot stand in a lock; rename it") from None


def write(path: Path, lock: Lock) -> None:
    """Write a lock file. Atomic: the old one stays whole until the new one is.

    Raises:
        ConfigError: it cannot be written; names the path.
    """
    data = text(lock)
    try:
        with replacing(path) as out:
            out.write(data)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None


def copies_folder(path: Path) -> Path:
    """Return the folder of the copies of template files: `prepdata-templates` beside `prepdata.lock`."""
    return path.with_name(path.name.removesuffix(".lock") + "-templates")


def ordered(files: Iterable[LockedFile]) -> tuple[LockedFile, ...]:
    """Return data files in the order of a lock."""
    return tuple(sorted(files, key=lambda file: file.path))
