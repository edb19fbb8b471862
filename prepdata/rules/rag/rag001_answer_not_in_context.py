"""RAG001: an answer whose facts are not in the context it was given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, around, clip
from prepdata.record import Record
from prepdata.rules.base import LOOK, RecordRule, Trigger
from prepdata.rules.rag._rows import Row, rows, rows_of

if TYPE_CHECKING:
    from prepdata.rules.rag._facts import Missing

SHOWN = 3
"""Facts that are named."""


class AnswerNotInContext(RecordRule):
    """Finds answers with numbers, names or quotations that are nowhere in the retrieved context of their row.

    Looked at is the last answer of rows with context (docs/rag.md says how it is recognised), unless it declines. The
    facts may stand anywhere before the answer, the question included. Numbers may be spelled, rounded or reckoned
    otherwise. Names are looked at in scripts with capitals, and not in German; single words only where answer and
    context are in one language. Numbers with a unit must be there with that unit, in whatever spelling, and days as these days. An answer with a
    citation or a number is reported as well where the row marks that its context does not hold the answer. Tasks that
    work on one text under a heading (translate, summarise) are left alone.

    Why: the model learns to answer from memory, or to guess, where it was meant to read: the habit that retrieval is
        to cure.
    Bad:
        {"messages": [{"role": "user", "content": "Context:\\n[1] Goods may be returned within 14 days of delivery.\\n\\nQuestion: How long may I return goods?"}, {"role": "assistant", "content": "You have 30 days [1]."}]}
    Good:
        {"messages": [{"role": "user", "content": "Context:\\n[1] Goods may be returned within 14 days of delivery.\\n\\nQuestion: How long may I return goods?"}, {"role": "assistant", "content": "You have 14 days [1]."}]}
    Fix: none; correct the answer, add the passage that holds it, or let the answer say that the context does not.
    Source: Zhang et al., RAFT: Adapting Language Model to Domain Specific RAG, 2024, trains on answers that quote
        their context; its rows without the true passage, answered all the same, are meant and are found here too.
    """  # noqa: E501

    code: ClassVar[str] = "RAG001"
    name: ClassVar[str] = "answer-not-in-context"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True
    trigger: ClassVar[Trigger] = LOOK

    def wanted(self, chunk: Chunk) -> Iterable[Record]:
        return [row.context.record for row in chunk.derived(rows) if _facts(row, 1)]

    def check(self, record: Record) -> Iterator[Hit]:
        for row in rows_of([record]):
            if found := _facts(row, SHOWN + 1):
                yield self._hit(row, found)

    def _hit(self, row: Row, found: list[Missing]) -> Hit:
        kind, first = found[0].kind, found[0]
        if kind == "marked":
            return Hit(
                "the row marks that its context does not hold the answer, and the answer says "
                f"'{clip(first.text, 60)}' all the same: correct the mark, or let the answer say that it is not there",
                row.path,
                span=first.span,
                excerpt=around(row.answer, first.span),
            )
        if kind == "words":
            what = "hardly a word of this answer is in its context"
        else:
            shown = ", ".join(f"'{clip(one.text, 60)}'" for one in found[:SHOWN]) + ("…" if len(found) > SHOWN else "")
            verb = "is" if len(found) == 1 else "are"
            what = f"{shown} of this answer {verb} nowhere in its context"
        return Hit(
            f"{what}: correct it, add the passage that says so, or let the answer say that it is not there",
            row.path,
            span=first.span,
            excerpt=around(row.answer, first.span),
        )


def _facts(row: Row, most: int) -> list[Missing]:
    if row.declines:
        return []
    from prepdata.rules.rag._facts import missing  # their expressions take 10 ms to compile
    from prepdata.rules.rag._marked import against_mark

    return missing(row.answer, row.context.text, most) or against_mark(row)
