"""FMT004: bytes that are not UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.rules.base import FactRule


class NotUtf8(FactRule):
    """Finds files in UTF-16 or UTF-32, and lines with bytes of an older encoding; names the likely one and the place.

    Why: every target reads UTF-8. Other bytes stop the loader, or turn into wrong letters that the model learns. The
    rows are still checked, read with the best guess.
    Bad:
        {"messages": [{"role": "user", "content": "caf\\xe9"}]}   (the byte E9: Latin-1 or Windows)
    Good:
        {"messages": [{"role": "user", "content": "café"}]}   (the bytes C3 A9: UTF-8)
    Fix: unsafe; the text is written as UTF-8 under the guess, which may be wrong for short lines.
    Source: RFC 8259 section 8.1 (JSON between systems is UTF-8, 2017-12).
    """

    code: ClassVar[str] = "FMT004"
    name: ClassVar[str] = "not-utf8"
    severity: ClassVar[Severity] = "error"
    fix = "unsafe"
    facts: ClassVar[tuple[str, ...]] = ("not-utf8",)

    def explain(self, fact: Fact) -> Iterator[Hit]:
        data = fact.data
        encoding = data["encoding"]
        if data["where"] == "file":
            mark = " (it has that byte order mark)" if data["bom"] else ""
            yield Hit(
                f"the file is {encoding.upper()}{mark}, not UTF-8, from byte offset 0 on; save it as UTF-8",
                fix=Fix(f"write the file as UTF-8, read as {encoding}", False, (Edit("reencode", value=encoding),)),
            )
            return
        guessed = encoding if encoding != "utf-8" else "damaged UTF-8"
        yield Hit(
            f"byte {data['byte']} at offset {data['offset']} of the line is not UTF-8; most likely {guessed} "
            f"({data['note']}); write the line again as UTF-8",
            excerpt=data["excerpt"],
            fix=Fix(f"write the line as UTF-8, read as {encoding}", False, (Edit("reencode", value=encoding),)),
        )
