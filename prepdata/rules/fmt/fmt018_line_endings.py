"""FMT018: mixed line endings, and no newline at the end of the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.rules.base import FactRule

_FIX = Fix("end every line with one newline", True, (Edit("newlines"),))


class LineEndings(FactRule):
    r"""Finds files whose lines end in different ways, and files whose last line has no newline.

    Why: joining such files with `cat` makes one broken line of two rows, and tools that compare or hash lines see
    differences that are none. Rows parted by a lone carriage return are one line to every loader: that is an error.
    Bad:
        {"messages": [...]}\r\n{"messages": [...]}\n
    Good:
        {"messages": [...]}\n{"messages": [...]}\n
    Fix: safe; only the bytes between rows change. Files that use \r\n throughout are left as they are.
    Source: POSIX definition of a line (3.206, 2017); the JSON Lines description (2013-2025).
    """

    code: ClassVar[str] = "FMT018"
    name: ClassVar[str] = "line-endings"
    severity: ClassVar[Severity] = "info"
    fix = "safe"
    facts: ClassVar[tuple[str, ...]] = ("mixed-newlines", "no-final-newline")

    def explain(self, fact: Fact) -> Iterator[Hit]:
        data = fact.data
        if fact.kind == "no-final-newline":
            yield Hit("the last line has no newline at its end; add one", fix=_FIX)
            return
        lf, crlf, cr = data["lf"], data["crlf"], data["cr"]
        if not lf and not crlf:
            yield Hit("rows are parted by lone carriage returns (\\r), so that loaders see one single line; use \\n",
                      severity="error", fix=_FIX)  # fmt: skip
            return
        first = data.get("first", {})
        counts = []
        for count, name, key in ((lf, "\\n", "lf"), (crlf, "\\r\\n", "crlf"), (cr, "lone \\r", "")):
            if count:
                counts.append(f"{count:,} {name}" + (f" (first in line {first[key]:,})" if key in first else ""))
        yield Hit(f"mixed line endings: {', '.join(counts)}; use \\n alone", fix=_FIX)
