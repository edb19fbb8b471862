"""RAG003: context that never holds a passage beside the true one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity
from prepdata.rules.base import CorpusRule, Count, Parts
from prepdata.rules.base import Options as Base
from prepdata.rules.rag._rows import Row, all_without, rows_without


class NoDistractors(CorpusRule):
    """Finds data sets with retrieved context in which no row has a passage beside the one that holds the answer.

    Counted are rows whose context is a single passage that holds the answer, or of whose passages all are marked as
    true. Silent as soon as one row has more: a passage that does not hold the answer, be it the only one (the row is
    marked as unanswerable, or its answer declines), or several paragraphs that cannot be told apart; and below 20 rows
    with context. Keeps a few numbers a chunk.

    Why: retrieval brings passages that are near and wrong. A model that has only ever seen the right one has learnt to
        copy from whatever it is given.
    Bad:
        {"note": "50 rows, each with one passage, which holds the answer"}
    Good:
        {"messages": [{"role": "user", "content": "Context:\\n[1] Parcels to Norway take five days.\\n[2] Parcels to Spain take four days.\\n\\nQuestion: How long to Spain?"}, {"role": "assistant", "content": "Four days [2]."}], "gold": ["2"]}
    Fix: none; put passages that retrieval finds for the question, and that do not answer it, beside the true one.
    Source: Zhang et al., RAFT: Adapting Language Model to Domain Specific RAG, 2024: training with distractors makes
        models robust to them.
    """  # noqa: E501

    code: ClassVar[str] = "RAG003"
    name: ClassVar[str] = "no-distractors"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        least: rows with context below which the rule keeps silent.
        """

        least: Count = 20

    def see(self, chunk: Chunk) -> Any:
        return rows_without(chunk, _may_distract)

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        total, examples = all_without(parts)
        if total < max(self.options.least, 1):
            return
        yield (
            None,
            Hit(
                f"none of {total:,} rows with context has a passage beside the true one: a model learns to copy from "
                "whatever it is given. Add passages that are near and do not answer the question",
                related=examples,
            ),
        )


def _may_distract(row: Row) -> bool:
    context = row.context
    if not context.apart:
        return True
    if context.gold is not None:
        return len(context.gold) < len(context.passages)
    return len(context.passages) > 1 or row.declines
