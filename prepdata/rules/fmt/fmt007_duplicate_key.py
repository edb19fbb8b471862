"""FMT007: the same key twice in one object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Hit, Severity, clip
from prepdata.rules.base import FactRule


class DuplicateKey(FactRule):
    """Finds objects, at any depth, in which a key occurs more than once.

    Why: parsers keep the last value, or the first, or fail; whichever it is, text is lost without a word.
    Bad:
        {"messages": [{"role": "user", "content": "How do I pay?", "content": "Where are you?"}]}
    Good:
        {"messages": [{"role": "user", "content": "How do I pay?"}]}
    Fix: none; which of the values was meant cannot be known.
    Source: RFC 8259 section 4 (names should be unique, behaviour differs, 2017-12).
    """

    code: ClassVar[str] = "FMT007"
    name: ClassVar[str] = "duplicate-key"
    severity: ClassVar[Severity] = "error"
    facts: ClassVar[tuple[str, ...]] = ("duplicate-key",)

    def explain(self, fact: Fact) -> Iterator[Hit]:
        key = clip(fact.data["key"])
        yield Hit(f"the key '{key}' occurs more than once in one object; most parsers keep only the last value: "
                  "keep one", fact.data["path"])  # fmt: skip
