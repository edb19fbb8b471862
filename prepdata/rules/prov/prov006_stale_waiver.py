"""PROV006: an accepted finding whose row is gone or whose date has passed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from prepdata.chunk import Fact
from prepdata.findings import Edit, Fix, Hit, Severity, clip
from prepdata.rules.base import FactRule


class StaleWaiver(FactRule):
    """Finds entries of the waivers file that accept nothing any more.

    Either no row has the finding any more (the row was changed or dropped, or the rule no longer objects), or the day
    has passed until which it was accepted. A waiver is judged only where its rule ran and its file was read.

    Why: a list of exceptions that nobody can trust hides the next real finding.
    Bad:
        {"rule": "secret", "record": "9f86d081884c7d65", "path": null, "reason": "demo key", "expires": "2020-01-31"}
    Good:
        {"rule": "secret", "record": "9f86d081884c7d65", "path": null, "reason": "demo key", "expires": null}
    Fix: removes the entry from the waivers file. Safe: it has no effect, and no row is touched.
    Source: this project's contract for waivers.
    """

    code: ClassVar[str] = "PROV006"
    name: ClassVar[str] = "stale-waiver"
    severity: ClassVar[Severity] = "warning"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "safe"
    facts: ClassVar[tuple[str, ...]] = ("stale-waiver",)

    def explain(self, fact: Fact) -> Iterator[Hit]:
        data = fact.data
        path = f"/waivers/{data['number']}"
        what = f"record {data['record']}" if data.get("record") else "the whole file"
        yield Hit(
            f'the waiver of {data["rule"]} for {what} ("{clip(str(data.get("reason", "")))}") is stale: {data["why"]}; '
            "remove it",
            path,
            fix=Fix("remove the waiver", True, (Edit("remove", path),)),
        )
