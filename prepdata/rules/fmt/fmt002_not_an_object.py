"""FMT002: a line whose JSON is not an object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Hit, Severity
from prepdata.rules.base import FactRule

_CURES = {
    "array": 'if it is a list of messages, wrap it: {"messages": [...]}',
    "null": "take the line out",
}


class NotAnObject(FactRule):
    """Finds lines that are JSON but not an object: a list, a text, a number, true, false or null.

    Why: every format has one object a row; loaders fail on anything else, or make a column of nonsense of it.
    Bad:
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
    Fix: none; the key that the value belongs under cannot be known.
    Source: the row formats of all targets in `prepdata/targets` (2026-11).
    """

    code: ClassVar[str] = "FMT002"
    name: ClassVar[str] = "not-an-object"
    severity: ClassVar[Severity] = "error"
    facts: ClassVar[tuple[str, ...]] = ("not-an-object",)

    def explain(self, fact: Fact) -> Iterator[Hit]:
        kind = fact.data["type"]
        if fact.data["encoded"]:
            yield Hit("the row is a string that holds JSON: it was encoded twice; decode it once")
            return
        cure = _CURES.get(kind, "a row is one object {...} on one line")
        article = "null" if kind == "null" else f"an {kind}" if kind == "array" else f"a {kind}"
        yield Hit(f"the row is {article}, not an object; {cure}")
