"""FMT010: rows of different record formats in one file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Hit, Severity, clip
from prepdata.rules.base import FactRule


class MixedFormats(FactRule):
    """Finds rows of another record format than the file's own.

    Why: a trainer looks for one set of keys. Rows of another format are skipped, stop the run, or are padded with
    nulls when the file is loaded as a table.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
        {"prompt": "Hi", "completion": "Hello."}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
        {"messages": [{"role": "user", "content": "Bye"}, {"role": "assistant", "content": "See you."}]}
    Fix: none here; `prepdata convert` writes all rows in one format and says what that would lose.
    Source: Together fine-tuning documentation, one format in a file (2026-08); Arrow tables have one schema.
    """

    code: ClassVar[str] = "FMT010"
    name: ClassVar[str] = "mixed-formats"
    severity: ClassVar[Severity] = "error"
    facts: ClassVar[tuple[str, ...]] = ("mixed-formats",)

    def explain(self, fact: Fact) -> Iterator[Hit]:
        expected, found = str(fact.data.get("expected")), str(fact.data.get("found"))
        yield Hit(
            f"this row is of the format {clip(found, 40)}, the file is {clip(expected, 40)}; "
            f"convert it with `prepdata convert --to {clip(expected, 40)}`, or put it into a file of its own"
        )
