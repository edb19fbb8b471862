"""What the findings about evaluation items come to: how much of each set is spoilt, and what is left of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from prepdata.findings import Finding
from prepdata.index.reference import open_reference
from prepdata.rules.base import Given

RULES = frozenset({"eval-overlap", "near-eval-overlap", "benchmark-overlap", "fewshot-from-eval", "semantic-overlap"})


def contamination(findings: Iterable[Finding], references: Sequence[Given], rows: int) -> list[dict[str, Any]]:
    """Return one entry for each evaluation set: `name`, `items`, `spoilt` (items that rows hold), `share` of the items
    (0 to 1), `left_out` (rows of the set that ask nothing or cannot be read), `rows` that hold items, and `rows_left`
    without those. Infos (other numbers) and accepted findings do not count."""
    spoilt: dict[str, set[int]] = {}
    holding: dict[str, set[tuple[str, int | None, int | None]]] = {}
    for finding in findings:
        if finding.name not in RULES or finding.severity == "info" or finding.waived:
            continue
        for place in finding.related:
            if place.line is not None:
                spoilt.setdefault(place.file, set()).add(place.line)
            holding.setdefault(place.file, set()).add((finding.file, finding.line, finding.record))
    entries = []
    for given in references:
        for benchmark in open_reference(given.path).benchmarks:
            lost = min(benchmark.items, len(spoilt.get(benchmark.name, ())))  # two sets may have the same name
            held = len(holding.get(benchmark.name, ()))
            entries.append(
                {
                    "name": benchmark.name,
                    "kind": given.kind,
                    "items": benchmark.items,
                    "spoilt": lost,
                    "share": round(lost / max(1, benchmark.items), 6),
                    "left_out": benchmark.left_out,
                    "rows": held,
                    "rows_left": rows - held,
                }
            )
    return entries
