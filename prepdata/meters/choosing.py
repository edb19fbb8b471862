"""The choosing meter: what the choice between prompting, retrieval and fine-tuning asks of a file."""

from __future__ import annotations

from collections import Counter
from typing import Any

from prepdata.chunk import Chunk
from prepdata.meters.base import Meter
from prepdata.meters.tokens import counts_of
from prepdata.rules.base import Context, Parts
from prepdata.rules.prov.prov002_not_reviewed import by_person
from prepdata.text.negatives import negatives

REVIEW_MARKS = ("reviewed_by", "reviewed")


class Choosing(Meter):
    """Counts system prompts in tokens, reviewed rows, rows that show what not to do. Kept: some numbers a chunk."""

    name = "choosing"

    def see(self, chunk: Chunk) -> dict[str, Any]:
        """Return the numbers of the chunk."""
        marks = Context(marks=self.context.marks)
        reviews = [[marks.mark(name, record.raw) for name in REVIEW_MARKS] for record in chunk.records]
        systems: Counter[str] = Counter()
        for record in chunk.records:
            systems.update([m.text for m in record.messages if m.role in ("system", "developer") and m.text])
        counts = counts_of(chunk, self.context).counter.count(list(systems)) if systems else []
        return {
            "rows": len(chunk.records),
            "marked_rows": sum(any(mark is not None for mark in row) for row in reviews),
            "reviewed_rows": sum(any(map(by_person, row)) for row in reviews),
            "negative_rows": len({row for rows in chunk.derived(negatives).rows.values() for row in rows}),
            "system_tokens": sum(tokens * times for tokens, times in zip(counts, systems.values())),
        }

    def finish(self, parts: Parts) -> dict[str, Any]:
        """Return the sums: rows, rows with a review mark, reviewed and negative rows, tokens of system prompts."""
        total: Counter[str] = Counter()
        for _, part in parts.parts:
            total.update(part)
        names = ("rows", "marked_rows", "reviewed_rows", "negative_rows", "system_tokens")
        return {name: total[name] for name in names}
