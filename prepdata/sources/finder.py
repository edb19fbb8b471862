"""From path arguments to inputs: files, folders, saved datasets, standard input."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from prepdata.errors import InputError
from prepdata.sources.base import Readable, Source
from prepdata.sources.cut import MAX_LINE_BYTES, Bounds
from prepdata.sources.unpack import Limit

SUFFIXES = (".jsonl", ".ndjson", ".json", ".parquet", ".arrow")
PACKED = (".gz", ".zst", ".bz2", ".xz")
BESIDE = (
    ".receipt.jsonl",
    ".dropped.jsonl",
    ".lossy.jsonl",
    ".set-aside.jsonl",
    ".unread.jsonl",
    ".samples.jsonl",
    ".unfinished.jsonl",
)
"""Endings of what commands write beside a result: no data to train on."""
_NOT_DATA = frozenset(
    {
        "prepdata-waivers.json",
        "split-manifest.jsonl",
        "dataset_info.json",
        "dataset_infos.json",
        "dataset_dict.json",
        "state.json",
        "package.json",
        "package-lock.json",
        "tsconfig.json",
        "composer.json",
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.json",
        "adapter_config.json",
        "trainer_state.json",
        "ds_config.json",
        "deepspeed.json",
    }
)


class Input(NamedTuple):
    """One thing to read.

    Args:
        path: as given, or found in a folder; "-" for standard input.
        argument: number of the path argument it came from; inputs of one argument are one dataset.
        size: bytes as stored, None if unknown.
        table: True for a saved dataset.
    """

    path: str
    argument: int = 0
    size: int | None = None
    table: bool = False


def discover(paths: Iterable[str | os.PathLike[str]]) -> list[Input]:
    """Return the inputs behind some paths: files as given, folders gone through in order of name, "-" as it is.

    A path given twice, or also found in a folder, is read once. In folders, hidden files, files of other kinds, and
    JSON files known to be no data (`config.json`, `tokenizer.json`, ...) and receipts are passed over.

    Raises:
        InputError: a path does not exist, or a folder holds no data.
    """
    found: list[Input] = []
    seen: set[str] = set()
    for number, path in enumerate(paths):
        text = os.fspath(path)
        for item in _behind(text, number):
            key = item.path if item.path == "-" else os.path.realpath(item.path)
            if key not in seen:
                seen.add(key)
                found.append(item)
    return found


def _behind(path: str, number: int) -> Iterator[Input]:
    from prepdata.sources.stream import unreadable

    if path == "-":
        yield Input(path, number)
        return
    if not path:
        raise InputError("an empty path; give a file or folder, or - for standard input")
    try:
        info = Path(path).stat()
    except (OSError, ValueError) as error:
        raise unreadable(path, error if isinstance(error, OSError) else OSError(str(error))) from error
    if not stat.S_ISDIR(info.st_mode):
        yield Input(path, number, info.st_size if stat.S_ISREG(info.st_mode) else None)
        return
    empty = True
    for item in _in_folder(path, number):
        empty = False
        yield item
    if empty:
        endings = ", ".join((*SUFFIXES, *PACKED))
        raise InputError(f"{path}: no data files in this folder (looked for {endings}). Give the file itself.")


def _in_folder(path: str, number: int) -> Iterator[Input]:
    from prepdata.sources.columnar import is_dataset

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: {error.strerror}. Make the folder readable or leave it out.") from error

    for root, folders, files in os.walk(path, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if is_dataset(Path(root)):
            size = sum(file.stat().st_size for file in Path(root).glob("*.arrow"))
            folders.clear()
            yield Input(root, number, size, True)
            continue
        for name in sorted(files):
            if is_data(name):
                file = Path(root) / name
                if file.is_file():
                    yield Input(str(file), number, file.stat().st_size)


def is_data(name: str) -> bool:
    """True for a file name that a folder is searched for."""
    low = name.lower()
    if low.startswith(".") or low in _NOT_DATA or low.endswith(BESIDE):
        return False
    suffix = Path(low).suffix
    if suffix in PACKED:
        return Path(low).with_suffix("").suffix in (".jsonl", ".ndjson", ".json", "")
    return suffix in SUFFIXES


def open_source(
    item: Input | str | os.PathLike[str],
    settings: Any = None,
    *,
    max_line_bytes: int | None = None,
    max_ratio: float | None = None,
    hashed: bool = True,
    file: Readable | None = None,
) -> Source:
    """Open one input.

    Args:
        item: an input, or a path.
        settings: `max_line_bytes` is taken from here where it is not given itself.
        max_line_bytes: longest line that is read, in bytes; default 64 MiB.
        max_ratio: decoded bytes per stored byte at which a compressed file is no longer believed; default 250.
        hashed: False to leave out `sha256`.
        file: read from this in place of the path (streams only).

    Raises:
        InputError: it cannot be opened.
    """
    given = item if isinstance(item, Input) else Input(os.fspath(item))
    longest = max_line_bytes or getattr(settings, "max_line_bytes", None) or MAX_LINE_BYTES
    bounds = Bounds(line=longest)
    if given.table or _is_table(given.path):
        from prepdata.sources.columnar import TableSource

        return TableSource(given.path, bounds=bounds, hashed=hashed)
    from prepdata.sources.stream import StreamSource

    limit = Limit() if max_ratio is None else Limit(ratio=max_ratio)
    return StreamSource(given.path, bounds=bounds, limit=limit, hashed=hashed, file=file)


def _is_table(path: str) -> bool:
    place = Path(path)
    if path == "-":
        return False
    if place.is_dir():
        return True
    if not place.is_file():
        return False
    try:
        with place.open("rb") as file:
            head = file.read(16)
    except OSError:
        return False
    if head.startswith((b"PAR1", b"ARROW1")):
        return True
    return path.lower().endswith(".arrow") and head[:4] == b"\xff\xff\xff\xff"
