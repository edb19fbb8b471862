"""RAG004: no row whose context lacks the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity
from prepdata.rules.base import CorpusRule, Count, Parts
from prepdata.rules.base import Options as Base
from prepdata.rules.rag._rows import all_without, rows_without
from prepdata.text.negatives import LANGUAGES


class NoUnanswerableRows(CorpusRule):
    """Finds data sets with retrieved context in which every row is answered.

    Counted as unanswerable: rows that mark no passage as true (`gold` is empty, `answerable` is false) and answers that
    say that the context does not hold it, decline or ask back. Silent below 50 rows with context. Keeps a few numbers a
    chunk.

    Why: retrieval fails now and then. A model that has never seen a context without the answer makes one up.
    Bad:
        {"note": "100 rows with context, each with an answer from it"}
    Good:
        {"messages": [{"role": "user", "content": "Context:\\n[1] Parcels to Norway take five days.\\n\\nQuestion: What does a parcel to Norway cost?"}, {"role": "assistant", "content": "The price is not mentioned in the documents."}], "gold": []}
    Fix: none; add rows whose passages are near and do not hold the answer, with an answer that says so.
    Source: Rajpurkar et al., Know What You Don't Know (SQuAD 2.0), 2018: without unanswerable questions systems answer
        them all.
    """  # noqa: E501

    code: ClassVar[str] = "RAG004"
    name: ClassVar[str] = "no-unanswerable-rows"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        least: rows with context below which the rule keeps silent.
        """

        least: Count = 50

    def see(self, chunk: Chunk) -> Any:
        return rows_without(chunk, lambda row: row.unanswerable)

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        total, examples = all_without(parts)
        if total < max(self.options.least, 1):
            return
        yield (
            None,
            Hit(
                f"all {total:,} rows with context are answered: none is marked as unanswerable, none says that the "
                f"context lacks the answer (phrases in {LANGUAGES} languages). A model learns to answer always: add "
                "rows whose context does not hold it",
                related=examples,
            ),
        )
