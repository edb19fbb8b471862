"""FMT015: file size, number of rows or of rows with images outside a target's bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.base import CorpusRule, FileInfo, Parts
from prepdata.targets.model import Target


class TargetLimit(CorpusRule):
    """Finds files that a target refuses for their size in bytes, their number of rows, or of rows with images.

    Why: the upload fails, or the job fails minutes after it; hosted trainers count before they start. Too few rows
    are the matter of `too-few-examples`, rows with too many tokens that of `over-context`.
    Bad:
        a file of 600 MB for a target that takes 512 MB
    Good:
        a file of 500 MB for the same target
    Fix: none; which rows to leave out is a decision. Split the file, or take a sample.
    Source: the dated limits in `prepdata/targets`; every one names its page. Bytes kept per row: none.
    """

    code: ClassVar[str] = "FMT015"
    name: ClassVar[str] = "target-limit"
    severity: ClassVar[Severity] = "error"
    scope: ClassVar[Literal["file", "dataset", "run"]] = "file"

    def missing(self) -> str | None:
        return None if self.context.targets else "a target with --target"

    def see(self, chunk: Chunk) -> int | None:
        """Return the number of rows with images, None where no target counts them."""
        if all(target.limits.max_rows_with_images is None for target in self.context.targets):
            return None
        return sum(1 for record in chunk.records if _has_image(record))

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        with_images = sum(part or 0 for _, part in parts.parts)
        for file in parts.files:
            for target in self.context.targets:
                for message in _problems(file, with_images, target):
                    yield None, Hit(message, targets=(target.name,))


def _has_image(record: Record) -> bool:
    return any(part.kind == "image" for message in record.turns for part in message.parts)


def _problems(file: FileInfo, with_images: int, target: Target) -> Iterator[str]:
    limits, size, rows = target.limits, file.size, file.rows
    if limits.max_file_bytes and size > limits.max_file_bytes.value:
        most = limits.max_file_bytes
        yield (f"{_size(size)} are more than the {_size(most.value)} that {target.title} takes ({most.date}); "
               "split the file or take a sample")  # fmt: skip
    if limits.min_file_bytes and 0 < size < limits.min_file_bytes.value:
        least = limits.min_file_bytes
        asked = f"{_size(least.value)} that {target.title} asks for ({least.date})"
        yield f"{_size(size)} are less than the {asked}; add rows"
    if limits.max_rows and rows > limits.max_rows.value:
        most = limits.max_rows
        yield (f"{rows:,} rows are more than the {most.value:,} that {target.title} takes ({most.date}); "
               "split the file or take a sample")  # fmt: skip
    if limits.max_rows_with_images and with_images > limits.max_rows_with_images.value:
        most = limits.max_rows_with_images
        yield (f"{with_images:,} rows with images are more than the {most.value:,} that {target.title} takes "
               f"({most.date}); leave some out")  # fmt: skip


def _size(count: int) -> str:
    return f"{count:,} bytes"
