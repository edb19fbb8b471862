"""FMT003: a UTF-8 byte order mark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.rules.base import FactRule
from prepdata.rules.targeting import judge, listed, names, value
from prepdata.targets.model import Target

_FIX = Fix("remove the byte order mark", True, (Edit("strip-bom"),))


class ByteOrderMark(FactRule):
    """Finds a UTF-8 byte order mark (the bytes EF BB BF), and its absence where a target asks for one.

    Why: Python's `json` module and many loaders refuse the first row of a file that begins with one. The rows are
    still checked.
    Bad:
        EF BB BF {"messages": [...]}
    Good:
        {"messages": [...]}
    Fix: safe; the three bytes are removed, the text stays the same. Not offered where a target asks for the mark.
    Source: RFC 8259 section 8.1 (no mark may be added, 2017-12); Azure OpenAI asks for one (2025-02-27).
    """

    code: ClassVar[str] = "FMT003"
    name: ClassVar[str] = "byte-order-mark"
    severity: ClassVar[Severity] = "warning"
    fix = "safe"
    facts: ClassVar[tuple[str, ...]] = ("bom", "no-bom")

    def setup(self) -> None:
        targets = self.context.targets
        self.wanting = names(targets, lambda t: value(t.accepts.bom) == "required")
        self.verdict = judge(targets, _accepts, "warning")

    def explain(self, fact: Fact) -> Iterator[Hit]:
        if fact.kind == "no-bom":
            if self.wanting:
                yield Hit(
                    f"no byte order mark, which {listed(self.wanting)} asks for: save the file as 'UTF-8 with BOM' "
                    "(Python: encoding='utf-8-sig')",
                    targets=self.wanting,
                )
            return
        if fact.data["where"] == "line":
            yield Hit(
                "a byte order mark at the start of this line, probably from joining files: parsers refuse the line; "
                "remove the three bytes EF BB BF",
                severity="error",
            )
            return
        severity, targets = self.verdict
        if severity is None:
            return
        who = (
            listed(targets) + (" refuses" if severity == "error" else " may refuse")
            if targets
            else "many loaders refuse"
        )
        yield Hit(
            f"the file begins with a UTF-8 byte order mark, which {who}; save it as UTF-8 without one",
            severity=severity,
            targets=targets,
            fix=None if self.wanting else _FIX,
        )


def _accepts(target: Target) -> bool | None:
    said = value(target.accepts.bom)
    return None if said is None else said != "refused"
