"""FMT005: one JSON array, or objects over several lines, where one object a line is expected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.rules.base import FactRule
from prepdata.rules.targeting import listed, names

_FIX = Fix("write one object a line", True, (Edit("split-array"),))


class JsonArrayFile(FactRule):
    """Finds JSON Lines files that are in truth one JSON array, or objects spread over several lines.

    Why: a loader of JSON Lines reads line by line and fails at the first. The rows are still checked, each named by
    the line where it starts. A file named `.json` may hold an array; some trainers want it so.
    Bad:
        [{"messages": [...]},
         {"messages": [...]}]
    Good:
        {"messages": [...]}
        {"messages": [...]}
    Fix: safe; each object is written on one line, its content unchanged.
    Source: the JSON Lines description (one value a line, 2013-2025); LLaMA-Factory data README (arrays, 2026).
    """

    code: ClassVar[str] = "FMT005"
    name: ClassVar[str] = "json-array-file"
    severity: ClassVar[Severity] = "error"
    fix = "safe"
    facts: ClassVar[tuple[str, ...]] = ("json-array", "pretty-printed")

    def setup(self) -> None:
        self.providers = names(self.context.targets, lambda t: t.kind == "provider")

    def explain(self, fact: Fact) -> Iterator[Hit]:
        count = f"{fact.data['rows']:,} row{'' if fact.data['rows'] == 1 else 's'}"
        if fact.data["json_name"]:
            if fact.kind == "pretty-printed" and fact.data["rows"] > 1:
                yield Hit(f"{count} one after another over several lines are neither JSON nor JSON Lines; write each "
                          "on one line and name the file .jsonl", fix=_FIX)  # fmt: skip
            elif self.providers:
                yield Hit(f"a JSON document with {count}; {listed(self.providers)} takes JSON Lines: one object a line",
                          severity="info", targets=self.providers, fix=_FIX)  # fmt: skip
            return
        what = "one JSON array" if fact.kind == "json-array" else "JSON spread over several lines"
        yield Hit(f"{what} with {count}, where JSON Lines is expected: write each object on one line", fix=_FIX)
