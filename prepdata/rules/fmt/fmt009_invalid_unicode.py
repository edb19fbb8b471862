"""FMT009: lone surrogates and NUL characters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.rules.base import FactRule


class InvalidUnicode(FactRule):
    """Finds escapes of half a character (a lone surrogate such as \\ud83d) and NUL characters (\\u0000).

    Why: a lone surrogate cannot be written as UTF-8, so the loader or the tokenizer crashes on it, mostly in
    mid-training; it is what is left of an emoji cut in two. NUL ends texts in C code and breaks databases.
    Bad:
        {"messages": [{"role": "user", "content": "Thanks \\ud83d"}]}
    Good:
        {"messages": [{"role": "user", "content": "Thanks \\ud83d\\ude00"}]}
    Fix: unsafe; the half characters or NULs are removed from the text.
    Source: RFC 8259 section 8.2 (unpaired surrogates, unpredictable, 2017-12); PostgreSQL and Arrow refuse NUL in text.
    """

    code: ClassVar[str] = "FMT009"
    name: ClassVar[str] = "invalid-unicode"
    severity: ClassVar[Severity] = "error"
    fix = "unsafe"
    facts: ClassVar[tuple[str, ...]] = ("lone-surrogate", "nul-character")

    def explain(self, fact: Fact) -> Iterator[Hit]:
        data = fact.data
        path, count = data["path"], data["count"]
        where = "a key" if data["where"] == "key" else "the text"
        more = f" ({count:,} of them)" if count > 1 else ""
        fix = None
        if fact.kind == "nul-character":
            message = f"{where} holds a NUL character (\\u0000){more} at position {data['at']}; remove it"
            title = "remove the NUL characters"
        else:
            message = (
                f"{where} holds half a character (lone surrogate {data['escape']}){more} at position {data['at']}, "
                "perhaps an emoji cut in two; it cannot be written as UTF-8: remove it or restore its other half"
            )
            title = "remove the half characters"
        if "fixed" in data and path:
            fix = Fix(title, False, (Edit("set", path, data["fixed"]),))
        yield Hit(message, path, (data["at"], data["at"] + 1) if data["where"] == "value" else None, fix=fix)
