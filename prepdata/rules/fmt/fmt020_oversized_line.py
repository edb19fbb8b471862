"""FMT020: a line longer than the bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Hit, Severity
from prepdata.rules.base import FactRule


class OversizedLine(FactRule):
    """Finds lines longer than the configured bound (`max-line-bytes`, 64 MiB); they are passed over, not loaded.

    Why: such a line is mostly a whole file on one line, a lost newline or a pasted image; no context holds it, and
    trainers that read it run out of memory. The rows after it are still checked.
    Bad:
        a line of 1 GB
    Good:
        {"messages": [...]}
    Fix: none; write the rows in it on lines of their own, or raise `max-line-bytes`.
    Source: 64 MiB is six times the text that fits into the longest context on offer, ten million tokens (2026-11).
    """

    code: ClassVar[str] = "FMT020"
    name: ClassVar[str] = "oversized-line"
    severity: ClassVar[Severity] = "error"
    facts: ClassVar[tuple[str, ...]] = ("oversized-line",)

    def explain(self, fact: Fact) -> Iterator[Hit]:
        data = fact.data
        yield Hit(
            f"{data['bytes']:,} bytes on one line, more than the {data['limit']:,} that are read; it was passed over: "
            "write its rows on lines of their own, or raise max-line-bytes",
            excerpt=data["excerpt"],
        )
