"""FMT006: blank lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.rules.base import FactRule

_FIX = Fix("remove the blank line", True, (Edit("drop-line"),))


class BlankLine(FactRule):
    """Finds lines that are empty or hold white space only.

    Why: some loaders fail on them, some count them as rows, so that line numbers in their messages no longer agree.
    Bad:
        {"messages": [...]}

        {"messages": [...]}
    Good:
        {"messages": [...]}
        {"messages": [...]}
    Fix: safe; the line is removed, it holds nothing.
    Source: the JSON Lines description (each line is a JSON value, 2013-2025).
    """

    code: ClassVar[str] = "FMT006"
    name: ClassVar[str] = "blank-line"
    severity: ClassVar[Severity] = "warning"
    fix = "safe"
    facts: ClassVar[tuple[str, ...]] = ("blank-line",)

    def explain(self, fact: Fact) -> Iterator[Hit]:
        yield Hit("a blank line between rows or at the end; remove it", fix=_FIX)
