"""A lock made of what is there now, and what sets it apart from the last one."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

import prepdata
from prepdata.engine import Plan
from prepdata.errors import ConfigError, InputError, UsageError
from prepdata.files import read_bounded, replacing
from prepdata.lock.model import (
    Lock,
    LockedFile,
    LockedPart,
    LockedTarget,
    LockedTokenizer,
    copies_folder,
    name_in,
    ordered,
)
from prepdata.lock.tokenizer import COPIED_BYTES, is_copied, parts, template_digest
from prepdata.meters.base import MeterContext
from prepdata.render.folder import TEMPLATES
from prepdata.rules.base import Context
from prepdata.runner import Progress, Runner, total_size
from prepdata.settings import Settings
from prepdata.sources import discover
from prepdata.targets import load as load_target
from prepdata.targets.model import Target
from prepdata.tokens.given import encoding_given
from prepdata.tokens.hub import located

SETTINGS = (
    "format", "columns", "model", "encoding", "context_length", "eval", "index", "select", "extend_select", "ignore",
    "per_file_ignores", "rules", "fail_on", "marks", "max_line_bytes",
)  # fmt: skip
"""Settings that change what is checked or what fails; targets and tokenizer are locked by what is in them."""


class Made(NamedTuple):
    """A lock, and what is to be said of how it was made.

    Args:
        lock: to be written.
        tokenizer: where the tokenizer was read; None where it was kept as locked, and where there is none.
        notes: for people.
    """

    lock: Lock
    tokenizer: Path | None
    notes: tuple[str, ...] = ()


def make(
    paths: Sequence[str],
    settings: Settings,
    place: Path,
    old: Lock | None,
    *,
    copies: bool = False,
    checking: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Return the lock of what is there now. What is not named is taken from the last lock and looked at again.

    Args:
        paths: data files and folders; none for those of the last lock, of which what is gone is left out.
        settings: tokenizer, targets, and what changes the checks.
        place: path of the lock file.
        old: the last lock, if there is one.
        copies: True to keep copies of the template files beside the lock; kept on once they are.
        checking: True to leave a missing tokenizer out, so that it is told as gone, in place of an error.
        progress: called with (path, bytes done, bytes in all) while it reads.

    Raises:
        UsageError: there is nothing to lock, or a file lies outside the lock's folder.
        InputError: a file cannot be read.
    """
    if not paths and old is not None:
        listed = [str(place.parent / file.path) for file in old.files]
        paths = [path for path in listed if Path(path).exists()]
    tokenizer, read_at, notes = _tokenizer(settings, place, old, copies=copies, checking=checking)
    if not paths and tokenizer is None and not (old and checking):
        raise UsageError("there is nothing to lock; name data files or folders, or a tokenizer with --tokenizer")
    names = settings.targets or tuple(target.name for target in (old.targets if old else ()))
    lock = Lock(
        prepdata=prepdata.__version__,
        files=_files(paths, settings, place, progress),
        tokenizer=tokenizer,
        targets=_targets(names),
        settings=_settings(settings),
    )
    return Made(lock, read_at, notes)


def _files(paths: Sequence[str], settings: Settings, place: Path, progress: Progress | None) -> tuple[LockedFile, ...]:
    if "-" in paths:
        raise UsageError("standard input cannot be locked; name files")
    inputs = discover(paths)
    size = total_size(inputs)
    plan = Plan((), Context(), (), MeterContext(), settings.columns)
    found = []
    with Runner(plan, settings, size, progress) as runner:
        for item in inputs:
            name = name_in(item.path, place.parent)
            if name is None:
                raise UsageError(f"{item.path} lies outside the folder of {place}; put the lock above it with --lock")
            file, source, _ = runner.run(item)
            if source.sha256 is None:
                raise InputError(f"{item.path} cannot be read to its end; `prepdata validate` says why")
            found.append(LockedFile(path=name, sha256=source.sha256, rows=file.rows, bytes=source.size or 0))
    return ordered(found)


def _tokenizer(
    settings: Settings, place: Path, old: Lock | None, *, copies: bool, checking: bool
) -> tuple[LockedTokenizer | None, Path | None, tuple[str, ...]]:
    """Return (tokenizer, where it was read, notes)."""
    last = old.tokenizer if old else None
    if settings.tokenizer is not None:
        if encoding_given(settings.tokenizer) == settings.tokenizer:
            note = f"{settings.tokenizer} is an encoding of tiktoken, which does not change: nothing of it is locked"
            return None, None, (note,)
        path = Path(located(settings.tokenizer, offline=settings.offline)[0])
    elif last is None:
        return None, None, ()
    elif last.path is None:
        return last, None, ("the tokenizer lies elsewhere: kept as locked; name its folder with --tokenizer",)
    else:
        path = place.parent / last.path
    if not path.exists():
        if last is not None and any(part.copied for part in last.files):
            return last, None, (f"the tokenizer {path} is not here: kept as locked",)
        if checking:
            return None, None, ()
        raise UsageError(f"{path}: there is no such tokenizer; name another with --tokenizer")
    copies = copies or (last is not None and any(part.copied for part in last.files))
    found = parts(path)
    broken = [f"{path / name}: {part.why}" for name, part in found.items() if not part.sha256]
    if broken:
        raise InputError("\n".join(broken))
    if not found:
        raise UsageError(f"{path}: no tokenizer in this folder (looked for tokenizer.json, tokenizer_config.json, ...)")
    listed = tuple(
        LockedPart(path=name, sha256=part.sha256, bytes=part.size, copied=copies and is_copied(name, part.size))
        for name, part in found.items()
    )
    name = "." if path.is_dir() and path.samefile(place.parent) else name_in(path, place.parent)
    return LockedTokenizer(path=name, template=template_digest(path), files=listed), path, ()


def _targets(names: Sequence[str]) -> tuple[LockedTarget, ...]:
    found = {target.name: target for target in map(load_target, names)}
    return tuple(LockedTarget(name=name, sha256=_facts_digest(found[name])) for name in sorted(found))


def _facts_digest(target: Target) -> str:
    """Return the sha256 of a target's limits and demands, without their dates and sources."""
    plain = {
        group: {
            name: value.value
            for name in getattr(target, group).__struct_fields__
            if (value := getattr(getattr(target, group), name)) is not None
        }
        for group in ("limits", "accepts")
    }
    return _digest(plain)


def _settings(settings: Settings) -> dict[str, str]:
    usual = Settings()
    given = {name: getattr(settings, name) for name in sorted(SETTINGS)}
    return {name: _digest(value) for name, value in given.items() if value != getattr(usual, name)}


def _digest(value: Any) -> str:
    text = json.dumps(msgspec.to_builtins(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# --- what sets two locks apart ---------------------------------------------------------------------------------------


def changes(old: Lock, new: Lock) -> Iterator[str]:
    """Yield what differs between two locks, a line each; nothing where only the version that wrote them does."""
    yield from _between({f.path: f for f in old.files}, {f.path: f for f in new.files}, "", _file)
    yield from _between_tokenizers(old.tokenizer, new.tokenizer)
    one, other = ({target.name: target.sha256 for target in lock.targets} for lock in (old, new))
    yield from _between(one, other, "target ", _short)
    yield from _between(old.settings, new.settings, "setting ", _short)


def _between_tokenizers(old: LockedTokenizer | None, new: LockedTokenizer | None) -> Iterator[str]:
    if old is None or new is None:
        if old is not new:
            known = old or new
            assert known is not None
            yield f"{'new' if old is None else 'gone':8} tokenizer ({len(known.files):,} files)"
        return
    one, other = ({part.path: part for part in tokenizer.files} for tokenizer in (old, new))
    yield from _between(one, other, "tokenizer ", _file)
    if old.template != new.template:
        yield f"changed  chat template in effect: {_short(old.template)} -> {_short(new.template)}"
    if old.path != new.path:
        yield f"changed  place of the tokenizer: {old.path or 'elsewhere'} -> {new.path or 'elsewhere'}"


def _between(old: Mapping[str, Any], new: Mapping[str, Any], kind: str, say: Callable[[Any], str]) -> Iterator[str]:
    for name in sorted({**old, **new}):
        one, other = old.get(name), new.get(name)
        if one is None:
            yield f"new      {kind}{name}"
        elif other is None:
            yield f"gone     {kind}{name}"
        elif one != other:
            yield f"changed  {kind}{name}: {say(one)} -> {say(other)}"


def _file(item: LockedFile | LockedPart) -> str:
    rows = f", {item.rows:,} rows" if isinstance(item, LockedFile) else ""
    copied = ", with a copy" if isinstance(item, LockedPart) and item.copied else ""
    return f"{item.sha256[:12]}, {item.bytes:,} bytes{rows}{copied}"


def _short(digest: str | None) -> str:
    return digest[:12] if digest else "none"


# --- copies of template files ----------------------------------------------------------------------------------------


def keep_copies(made: Made, place: Path, old: Lock | None) -> list[str]:
    """Write the copies that a lock speaks of, take away those that only the last one did; return what is not copied.

    Raises:
        InputError: a file changed since it was looked at.
        ConfigError: a copy cannot be written, or a link stands in its way.
    """
    folder = copies_folder(place)
    tokenizer = made.lock.tokenizer
    listed = tokenizer.files if tokenizer else ()
    copied = {part.path: part for part in listed if part.copied}
    if made.tokenizer is not None:
        for name, part in copied.items():
            data = read_bounded(made.tokenizer / name if made.tokenizer.is_dir() else made.tokenizer, COPIED_BYTES)
            if hashlib.sha256(data).hexdigest() != part.sha256:
                raise InputError(f"{made.tokenizer / name} changed while it was being locked; run again")
            _write_copy(folder, name, data)
    last = old.tokenizer.files if old and old.tokenizer else ()
    for part in last:
        if part.copied and part.path not in copied and not _link_in(folder, part.path):
            with contextlib.suppress(OSError):
                (folder / part.path).unlink()
    for empty in (folder / TEMPLATES, folder):
        with contextlib.suppress(OSError):
            empty.rmdir()
    large = [part.path for part in listed if is_copied(part.path, 0) and not is_copied(part.path, part.bytes)]
    return large if copied else []


def _link_in(folder: Path, name: str) -> Path | None:
    """Return the first symbolic link on the way from a folder to a file in it, or None."""
    target = folder / name
    above = [place for place in reversed(target.parents) if place.is_relative_to(folder)]
    return next((place for place in (*above, target) if place.is_symlink()), None)


def _write_copy(folder: Path, name: str, data: bytes) -> None:
    target = folder / name
    link = _link_in(folder, name)
    if link is not None:
        raise ConfigError(f"{link} is a symbolic link; copies are written into real folders only: remove it")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as out:
            out.write(data)
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror}") from None
