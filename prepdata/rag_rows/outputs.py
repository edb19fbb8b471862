"""The files of a run: their names, whether they may be written, and how they come to be together or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from prepdata.errors import UsageError
from prepdata.files import settle_together
from prepdata.jsontext import json_text
from prepdata.rag_rows import sums
from prepdata.rag_rows.report import RagRowsReport, Side
from prepdata.rag_rows.settings import Left
from prepdata.splitting.assign import SIDES

LEFT_OUT = "left-out"


def beside(target: Path, kind: str) -> Path:
    """Return the file of a side, or of what is left out."""
    return target.with_name(f"{target.stem}.{kind}.jsonl")


def manifest_of(target: Path) -> Path:
    """Return the file beside an output that remembers the sides."""
    return beside(target, "split-manifest")


def family(target: Path) -> list[Path]:
    """Return the files that runs with one output may write, but for the manifest."""
    return [target, *(beside(target, kind) for kind in (*SIDES, LEFT_OUT))]


def _names(target: Path) -> set[str]:
    return {path.name for path in family(target)}


def _is_own(path: Path, known: Mapping[str, str]) -> bool:
    """Return whether a file is as this command wrote it; an empty file loses nothing."""
    return not path.stat().st_size or known.get(path.name) == sums.digest(path)


def check(target: Path, questions: Path | None, documents: Path, *, split: bool, force: bool) -> None:
    """Refuse outputs that cannot be, and to replace what is not as this command wrote it.

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
    for path in (*family(target), manifest_of(target), sums.sums_of(target)):
        if path.is_symlink():
            raise UsageError(f"{path} is a symbolic link; remove it first, or choose another --output")
        if not path.exists():
            continue
        if questions is not None and questions.exists() and path.samefile(questions):
            raise UsageError(f"{path} holds the questions; choose another --output")
        if not path.is_file():
            raise UsageError(f"{path} is not a regular file; choose another --output")
    if not force:
        _refuse_foreign(target, [path for path in written if path.exists()])


def _refuse_foreign(target: Path, there: Sequence[Path]) -> None:
    """Refuse to replace files that are not as this command wrote them, and a file of sums that is none of ours."""
    foreign: Path | None = sums.sums_of(target)
    try:
        known = sums.read(sums.sums_of(target), _names(target))
        if known is not None:
            foreign = next((path for path in there if not _is_own(path, known)), None)
    except OSError as error:
        raise UsageError(f"{error.filename or foreign}: {error.strerror or error}") from error
    if foreign is not None:
        raise UsageError(
            f"{foreign} is there and was not written by this command, or was changed since; choose another --output, "
            "or replace it with --force"
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
        no rows, those of before stay, with their manifest. The file of sums comes first, so that it knows the others
        whatever comes between.

        Raises:
            OSError: a file cannot be written or moved.
        """
        for file in self.files.values():
            file.close()
        stale, others = standing(self.target, self.files)
        self.report.notes += told(self.target, self.report.rows, stale, others)
        made = {self.aside / path.name: path for path in self.files}
        digests = {path.name: sums.digest(file) for file, path in made.items()}
        manifest, kept = manifest_of(self.target), sums.sums_of(self.target)
        if not self.report.rows:
            known = sums.read(kept, _names(self.target)) or {}
            stay = [path for path in stale if path != beside(self.target, LEFT_OUT)]
            stale = [path for path in stale if path not in stay]
            digests |= {path.name: known[path.name] for path in stay if path.name in known}
        elif (self.aside / manifest.name).exists():
            made = {self.aside / manifest.name: manifest, **made}
            self.report.manifest = str(manifest)
        if digests:
            (self.aside / kept.name).write_bytes(sums.written(digests))
            made = {self.aside / kept.name: kept, **made}
            self.report.sums = str(kept)
        settle_together(made, [*stale, *self.files])


def standing(target: Path, made: Collection[Path]) -> tuple[list[Path], list[Path]]:
    """Return the files that an earlier run wrote and this one does not: their rows may be on another side by now; and
    those that stand there and were written by others, or changed since."""
    known = sums.read(sums.sums_of(target), _names(target)) or {}
    there = [path for path in family(target) if path not in made and path.is_file()]
    own = [path for path in there if _is_own(path, known)]
    return own, [path for path in there if path not in own]


def told(
    target: Path, rows: int, stale: Sequence[Path], others: Sequence[Path], *, would: bool = False
) -> Iterator[str]:
    """Yield what becomes of files that are there and are not written anew.

    Args:
        target: the output.
        rows: how many were made.
        stale, others: as `standing` finds them.
        would: True where nothing is written.
    """
    of_rows = ", ".join(str(path) for path in stale if path != beside(target, LEFT_OUT))
    if of_rows and not rows:
        yield f"no row was made, so those of an earlier run stay: {of_rows}"
    elif of_rows:
        yield f"{'would be removed' if would else 'removed'}, as its rows are of an earlier run: {of_rows}"
    if others:
        said = ", ".join(map(str, others))
        yield f"left as it is, as this command did not write it or it was changed since: {said}"
