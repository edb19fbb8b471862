"""Evaluation sets of a run: files given with `--eval` become an index, indexes given with `--index` are found."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from xxhash import xxh3_64, xxh3_64_hexdigest

from prepdata.cache import code_version
from prepdata.cache import folder as cache_folder
from prepdata.errors import InputError, UsageError, nearest
from prepdata.index.build import GROUPS, Builder
from prepdata.index.presets import PRESETS
from prepdata.index.reference import SUFFIX, open_reference
from prepdata.rules.base import Given
from prepdata.settings import Settings
from prepdata.sources import Input


@contextlib.contextmanager
def references(settings: Settings) -> Iterator[tuple[Given, ...]]:
    """Give the evaluation sets that the settings name, as index files, while the block runs.

    Raises:
        InputError: an evaluation file or an index cannot be read.
        UsageError: there is no index of that name.
    """
    open_reference.cache_clear()  # a file of that name may be another one by now
    with contextlib.ExitStack() as stack:
        stack.callback(open_reference.cache_clear)
        given: list[Given] = []
        if settings.eval:
            given.append(_of_files(settings, stack))
        for name in settings.index:
            given.append(_given("index", index_path(name)))
        yield tuple(given)


def check_apart(paths: Sequence[str | os.PathLike[str]], evaluation: Sequence[str]) -> None:
    """Raise where one file is named as data and as evaluation file: it would not be held against itself.

    A folder to be checked may hold the evaluation file: that one is then left out of what is held against it.

    Raises:
        UsageError: says which.
    """
    own = {os.path.realpath(path): path for path in evaluation if Path(path).is_file()}
    for path in paths:
        if (real := os.path.realpath(path)) in own:
            other = "" if os.fspath(path) == own[real] else f", as {own[real]},"
            raise UsageError(
                f"{os.fspath(path)} is to be checked and is named by --eval{other} too: a file is not held against "
                "itself. Name the evaluation file by --eval only, and other files to be checked"
            )


def not_held(inputs: Sequence[Input], paths: Sequence[str], given: Sequence[Given]) -> tuple[str, ...]:
    """Return what is to be said of files that are named as data and, by the configuration, as evaluation file.

    A file of a folder that is checked is expected to be left out, and not spoken of.

    Args:
        inputs: what is checked.
        paths: as they were named.
        given: the evaluation sets.
    """
    own = {file for one in given for file in one.files}
    named = [item.path for item in inputs if item.path == paths[item.argument]]
    return tuple(
        f"{path} is an evaluation file too (setting eval): its rows were not held against themselves"
        for path in dict.fromkeys(named)
        if os.path.realpath(path) in own
    )


def _of_files(settings: Settings, stack: contextlib.ExitStack) -> Given:
    """Build the index of the evaluation files, or find the one that an earlier run built of the same bytes."""
    from prepdata.sources import discover

    if "-" in settings.eval:
        raise UsageError("--eval reads files; standard input cannot be one")
    found = discover(settings.eval)
    own = tuple(os.path.realpath(item.path) for item in found)
    known = _content(found, settings) if settings.cache else None
    if known is not None:
        path = cache_folder(settings.cache_dir) / (known + SUFFIX)
        with contextlib.suppress(OSError, InputError):
            if path.is_file():
                os.utime(path)
                return _given("eval", path, own)
    builder = _read(found, settings)
    said = repr((builder.benchmarks, builder.sizes, builder.columns["item_lines"], builder.columns["groups.keys"]))
    if known is None or known != _content(found, settings):  # a file changed while it was read
        known = xxh3_64_hexdigest(f"{code_version()} {said}".encode())
    if settings.cache:
        path = cache_folder(settings.cache_dir) / (known + SUFFIX)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            builder.save(path, synced=False)
            return _given("eval", path, own)
    place = stack.enter_context(tempfile.TemporaryDirectory(prefix="prepdata-", ignore_cleanup_errors=True))
    path = Path(place) / (known + SUFFIX)
    try:
        builder.save(path, synced=False)
    except OSError as error:
        raise InputError(f"the index of the evaluation files cannot be written: {error.strerror or error}. It needs "
                         f"room in {place}; another folder can be named with TMPDIR") from error  # fmt: skip
    return _given("eval", path, own)


def _read(found: Sequence[Input], settings: Settings) -> Builder:
    """Return what the evaluation files hold.

    Raises:
        InputError: nothing, or one cannot be read.
    """
    from prepdata.items import items

    builder = Builder(_sizes(settings))
    for item in found:
        alone = item.path == os.fspath(settings.eval[item.argument])
        builder.add(item.path, items(item, settings), _groups(settings), needed=alone)
    if not any(benchmark.items for benchmark in builder.benchmarks):
        raise InputError(f"{', '.join(settings.eval)}: no row in these files asks anything")
    return builder


def _content(found: Sequence[Input], settings: Settings) -> str | None:
    """Return the digest of all that an index of some files depends on; None where one is no file that can be read."""
    columns, groups = sorted(settings.columns.items()), _groups(settings)
    said = xxh3_64(repr((code_version(), sorted(_sizes(settings)), groups, columns, settings.max_line_bytes)).encode())
    for item in found:
        if item.table:
            return None
        said.update(
            f"\0{item.path}\0{item.path == os.fspath(settings.eval[item.argument])}\0".encode("utf-8", "replace")
        )
        try:
            with Path(item.path).open("rb") as file:
                while block := file.read(1 << 20):
                    said.update(block)
        except (OSError, ValueError):
            return None
    return said.hexdigest()


def _given(kind: Literal["eval", "index"], path: Path, files: tuple[str, ...] = ()) -> Given:
    reference = open_reference(str(path))
    digest = xxh3_64_hexdigest(repr((reference.benchmarks, reference.sizes)).encode())
    return Given(kind, str(path), digest, files)


def _sizes(settings: Settings) -> Sequence[int]:
    """Return the lengths of n-grams that the presets in the settings ask for."""
    asked = (options.get("preset") for options in settings.rules.values())
    return [PRESETS[preset].size for preset in asked if isinstance(preset, str) and preset in PRESETS]


def _groups(settings: Settings) -> tuple[str, ...]:
    own = [settings.marks.get(name, name) for name in ("group", "source")]
    return tuple(dict.fromkeys([*own, *GROUPS]))


def index_folder() -> Path:
    """Return the folder of indexes: PREPDATA_INDEX_DIR, or `indexes` in the user's data folder."""
    chosen = os.environ.get("PREPDATA_INDEX_DIR")
    if chosen:
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_data_dir("prepdata")) / "indexes"


def index_path(name: str) -> Path:
    """Return the file of an index, given its name or its path.

    Raises:
        UsageError: there is none of that name.
    """
    if os.sep in name or name.endswith(SUFFIX):
        return Path(name)
    path = index_folder() / (name + SUFFIX)
    if not path.is_file():
        known = sorted(found.stem for found in index_folder().glob("*" + SUFFIX))
        listed = f" Known: {', '.join(known)}." if known else ""
        hint = f"{nearest(name, known)}{listed} Make it with `prepdata index build {name} FILES...`"
        raise UsageError(f"there is no index '{name}'.{hint}")
    return path
