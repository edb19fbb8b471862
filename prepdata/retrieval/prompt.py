"""How passages are put before a question: the shape of docs/rag.md."""

from __future__ import annotations

from collections.abc import Sequence

from prepdata.retrieval.model import Chunk


def with_context(question: str, passages: Sequence[Chunk]) -> str:
    """Return the content of the last user turn: the passages, numbered from 1 in the order given, then the question.

    Without passages it is the question alone.
    """
    if not passages:
        return question
    written = [f"[{number}] {passage.title}\n{passage.text}" for number, passage in enumerate(passages, 1)]
    return "Context:\n" + "\n\n".join(written) + f"\n\nQuestion: {question}"
