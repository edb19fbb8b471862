"""FMT017: an integer beyond 64 bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Hit, Severity
from prepdata.rules.base import FactRule


class LossyInteger(FactRule):
    """Finds integers that do not fit into 64 bits.

    Why: common parsers make a float of them, so that their last digits change: ids no longer match. In tool
    arguments the model learns the wrong digits.
    Bad:
        {"id": 123456789012345678901234567890, "messages": [...]}
    Good:
        {"id": "123456789012345678901234567890", "messages": [...]}
    Fix: none; write the number as a text, and do the same wherever it is read.
    Source: RFC 8259 section 6 (range and precision of numbers, 2017-12).
    """

    code: ClassVar[str] = "FMT017"
    name: ClassVar[str] = "lossy-integer"
    severity: ClassVar[Severity] = "warning"
    facts: ClassVar[tuple[str, ...]] = ("lossy-integer",)

    def explain(self, fact: Fact) -> Iterator[Hit]:
        digits, count = fact.data["digits"], fact.data["count"]
        yield Hit(f"the integer {digits} ({count:,} digits) does not fit into 64 bits, and common parsers round it; "
                  "write it as a text", fact.data["path"])  # fmt: skip
