"""The files of a run: their names, whether they may be written, and how they come to be together or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

import msgspec

from prepdata.errors import UsageError
from prepdata.files import settle_together
from prepdata.jsontext import json_text
from prepdata.rag_rows.make import MADE
from prepdata.rag_rows.report import RagRowsReport, Side
from prepdata.rag_rows.settings import Left
from prepdata.splitting.assign import SIDES

LEFT_OUT = "left-out"
_LONGEST = 1 << 26
"""Bytes of a line; a file with a longer one is none of ours."""


def beside(target: Path, kind: str) -> Path:
    """Return the file of a side, or of what is left out."""
    return target.with_name(f"{target.stem}.{kind}.jsonl")


def manifest_of(target: Path) -> Path:
    """Return the file beside an output that remembers the sides."""
    return beside(target, "split-manifest")


def family(target: Path) -> list[Path]:
    """Return the files that runs with one output may write, but for the manifest."""
    return [target, *(beside(target, kind) for kind in (*SIDES, LEFT_OUT))]


class _Made(msgspec.Struct):
    metadata: dict[str, Any]


class _LeftOut(msgspec.Struct):
    kind: str
    reason: str
    record: int
    line: int | None
    row: Any


def _is_own(path: Path) -> bool:
    """Return whether every line of a file is one that this command writes; an empty file loses nothing."""
    kinds = [msgspec.json.Decoder(_Made), msgspec.json.Decoder(_LeftOut)]
    with path.open("rb") as file:
        for line in iter(lambda: file.readline(_LONGEST), b""):
            found = _read(line, kinds)
            if found is None or (isinstance(found, _Made) and MADE not in found.metadata):
                return False
    return True


def _read(line: bytes, kinds: list[Any]) -> Any:
    for kind in kinds:
        with contextlib.suppress(msgspec.DecodeError, RecursionError):
            return kind.decode(line)
    return None


def check(target: Path, questions: Path | None, documents: Path, *, split: bool, force: bool) -> None:
    """Refuse outputs that cannot be, and to replace what this command did not write.

    Args:
        target: the output.
        questions: their file, None for standard input.
        documents: their folder.
        split: True where sides are written.
        force: True to replace files of others, but no input.

    Raises:
        UsageError: an output is an input, a link, in no folder, packed, within the documents, or a file of others.
    """
    if target.name.endswith((".gz", ".zst", ".bz2", ".xz")) or not target.name:
        raise UsageError(f"{target}: rows are written as plain JSONL; choose a name that ends with .jsonl")
    if target.is_dir():
        raise UsageError(f"{target} is a folder; name a file")
    if not target.absolute().parent.is_dir():
        raise UsageError(f"{target.parent} is no folder")
    if documents.is_dir() and Path(os.path.realpath(target)).parent.is_relative_to(os.path.realpath(documents)):
        raise UsageError(f"{target} is among the documents; choose another --output")
    written = [*([beside(target, side) for side in SIDES] if split else [target]), beside(target, LEFT_OUT)]
    for path in (*family(target), manifest_of(target)):
        if path.is_symlink():
            raise UsageError(f"{path} is a symbolic link; remove it first, or choose another --output")
        if not path.exists():
            continue
        if questions is not None and questions.exists() and path.samefile(questions):
            raise UsageError(f"{path} holds the questions; choose another --output")
        if not path.is_file():
            raise UsageError(f"{path} is not a regular file; choose another --output")
        if path in written and not force:
            _refuse_foreign(path)


def _refuse_foreign(path: Path) -> None:
    try:
        own = _is_own(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    if not own:
        raise UsageError(
            f"{path} is there and holds other lines than this command writes; choose another --output, or replace it "
            "with --force"
        )


class Outputs:
    """Files that are made in a folder aside when their first line comes, and put in their places at the end."""

    def __init__(self, target: Path, aside: Path, stack: contextlib.ExitStack, report: RagRowsReport) -> None:
        """Args:
        target: the output.
        aside: a folder of their own on the same disk.
        stack: closes them after an error.
        report: which they are added to.
        """
        self.target, self.aside, self.stack, self.report = target, aside, stack, report
        self.files: dict[Path, IO[bytes]] = {}

    def write(self, side: str, row: dict[str, Any]) -> None:
        """Write a row of a side ("" where there is no split)."""
        path = beside(self.target, side) if side else self.target
        self.report.sides.setdefault(side, Side()).file = str(path)
        self._line(path, row)

    def leave(self, line: int | None, row: int, why: Left, raw: Any) -> None:
        """Write a question that gives no row, with the reason."""
        path = beside(self.target, LEFT_OUT)
        self.report.left[why.kind] = self.report.left.get(why.kind, 0) + 1
        self.report.left_file = str(path)
        self._line(path, {"line": line, "record": row, "kind": why.kind, "reason": why.reason, "row": raw})

    def _line(self, path: Path, value: Any) -> None:
        if path not in self.files:
            self.files[path] = self.stack.enter_context((self.aside / path.name).open("wb"))
        self.files[path].write(json_text(value).encode() + b"\n")

    def settle(self) -> None:
        """Put all in their places, and take away what an earlier run wrote there and this one did not. Where there are
        no rows, those of before stay, with their manifest.

        Raises:
            OSError: a file cannot be written or moved.
        """
        for file in self.files.values():
            file.close()
        made = {self.aside / path.name: path for path in self.files}
        left_out = beside(self.target, LEFT_OUT)
        if not self.report.rows:
            settle_together(made, [left_out] if left_out.is_file() and not made else [])
            return
        manifest = manifest_of(self.target)
        if (self.aside / manifest.name).exists():
            made = {self.aside / manifest.name: manifest, **made}
            self.report.manifest = str(manifest)
        stale = old(self.target, self.files)
        sides = [path for path in self.files if path not in (self.target, left_out)]
        settle_together(made, [*stale, *sides])
        if rows := [str(path) for path in stale if path != left_out]:
            self.report.notes.append(f"removed, as its rows are of an earlier run: {', '.join(rows)}")


def old(target: Path, made: Collection[Path]) -> list[Path]:
    """Return the files that an earlier run wrote and this one did not: their rows may be on another side by now."""
    return [path for path in family(target) if path not in made and path.is_file() and _is_own(path)]
