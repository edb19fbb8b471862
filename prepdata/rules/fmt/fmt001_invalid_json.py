"""FMT001: a line that is not JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Hit, Severity
from prepdata.rules.base import FactRule


class InvalidJson(FactRule):
    """Finds lines that are not JSON, every one of them, and says at which column and why.

    Why: loaders stop at the first such line, often without its number, or drop it without a word.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"},]}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
    Fix: none; what was meant cannot be known. Write rows with a JSON library (Python: `json.dumps(row)`), one a line.
    Source: RFC 8259 (JSON, 2017-12); the JSON Lines description (one value a line, 2013-2025).
    """

    code: ClassVar[str] = "FMT001"
    name: ClassVar[str] = "invalid-json"
    severity: ClassVar[Severity] = "error"
    facts: ClassVar[tuple[str, ...]] = ("invalid-json", "json-array")

    def explain(self, fact: Fact) -> Iterator[Hit]:
        data = fact.data
        if fact.kind == "json-array":
            if not data["closed"]:
                yield Hit(
                    "the JSON array is not closed: the ']' at its end is missing, so the file was probably cut off; "
                    "compare its size with the original"
                )
            return
        down = data.get("lines_down", 0)
        place = f"column {data['column']}" + (f" of the {_ordinal(down + 1)} line of this object" if down else "")
        yield Hit(f"not JSON at {place}: {data['reason']}", excerpt=data["excerpt"])


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
