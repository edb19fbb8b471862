"""Answers kept as they come, so that a run that was ended in any way asks no finished row again.

A file of lines beside the record: what the run is, then one sample a line, each on the disk before the next rows are
asked. A line that was not written to its end counts as not there.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec

from prepdata.errors import InputError, UsageError
from prepdata.jsontext import json_text
from trainers.record import SampleResult
from trainers.record_files import sample_of

LAYOUT = 1
_WHERE = re.compile(r": line \d+ column \d+ \(char \d+\)$")
"""Place within a line, as the library json ends its words with: the line is always 1."""


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    """First line: layout, and the key of the run."""

    layout: int
    run: str


class Journal:
    """The answers so far of one run.

    Args:
        path: of the file.
        key: of all that decides what the answers are; answers of another run are not taken for those of this one.

    Attributes:
        done: (set, doc_id) -> sample.

    Raises:
        UsageError: the file belongs to another run, or another process is writing to it.
        InputError: it is damaged.
        OSError: it cannot be read or written.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self.done: dict[tuple[str, str], SampleResult] = {}
        self.file: IO[bytes] = path.open("a+b")
        try:
            self._lock()
            self._read(key)
        except BaseException:
            self.file.close()
            raise

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:  # Windows
            return
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(f"{self.path}: another process is writing to it; wait, or choose another output") from None

    def _read(self, key: str) -> None:
        """Take what is there; what follows the last whole line is cut off."""
        self.file.seek(0)
        data = self.file.read()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            self.file.truncate(whole)
        lines = data[:whole].splitlines()
        number = 1
        if not lines:
            self._append([json_text(_Head(LAYOUT, key))])
            return
        try:
            head = msgspec.json.decode(lines[0], type=_Head)
            samples = []
            for line in lines[1:]:
                number += 1
                samples.append(sample_of(line))
        except (ValueError, RecursionError) as error:
            said = _WHERE.sub("", str(error))
            raise InputError(f"{self.path}:{number}: damaged ({said}); delete the file to ask all rows again") from None
        if head != _Head(LAYOUT, key) and not samples:  # nothing is lost
            self.file.truncate(0)
            self._append([json_text(_Head(LAYOUT, key))])
            return
        if head != _Head(LAYOUT, key):
            raise UsageError(
                f"{self.path} holds {len(samples):,} answers of a run that was not finished, with another model, other "
                "rows or other settings. Repeat that command to finish it, delete the file, or choose another output."
            )
        self.done = {(sample.set, sample.doc_id): sample for sample in samples}

    def _append(self, lines: Iterable[str]) -> None:
        self.file.write("".join(f"{line}\n" for line in lines).encode())
        self.file.flush()
        os.fsync(self.file.fileno())

    def add(self, samples: Iterable[SampleResult]) -> None:
        """Keep samples; they are on the disk when this returns.

        Raises:
            OSError: they cannot be written.
        """
        held = list(samples)
        self._append(json_text(sample) for sample in held)
        self.done.update({(sample.set, sample.doc_id): sample for sample in held})

    def remove(self) -> None:
        """Delete the file: the record holds all that was in it."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()
