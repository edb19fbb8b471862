"""FMT008: NaN and Infinity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.rules.base import FactRule


class NonFiniteNumber(FactRule):
    """Finds the literals NaN, Infinity and -Infinity, and numbers too large for any float (1e400).

    Why: they are not JSON. Python writes them without complaint; strict parsers refuse the whole line.
    Bad:
        {"messages": [...], "score": NaN}
    Good:
        {"messages": [...], "score": null}
    Fix: unsafe; the value becomes null, which may not be what was meant.
    Source: RFC 8259 section 6 (NaN and Infinity are not permitted, 2017-12).
    """

    code: ClassVar[str] = "FMT008"
    name: ClassVar[str] = "non-finite-number"
    severity: ClassVar[Severity] = "error"
    fix = "unsafe"
    facts: ClassVar[tuple[str, ...]] = ("non-finite-number",)

    def explain(self, fact: Fact) -> Iterator[Hit]:
        path, literal = fact.data["path"], fact.data["literal"]
        yield Hit(
            f"{literal} is no JSON number; write null or a finite number "
            "(in Python, json.dumps with allow_nan=False refuses it)",
            path,
            fix=Fix("write null", False, (Edit("set", path, None),)) if path else None,
        )
