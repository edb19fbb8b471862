"""The passages nearest to a question, by BM25: ranked as by `prepdata.retrieval`, from a list of the passages of each
word. For many questions, one after the other, that is quicker than a store of vectors in memory."""

from __future__ import annotations

from collections.abc import Sequence

from prepdata.retrieval.bm25 import BM25
from prepdata.retrieval.build import indexed_text
from prepdata.retrieval.model import Chunk, Hit

PLACES = 5
"""Decimal places of scores that are compared."""


class Nearest:
    """A retriever of some chunks.

    Args:
        chunks: the chunks, in the order of their documents.
        fingerprint: of their index.
    """

    def __init__(self, chunks: Sequence[Chunk], fingerprint: str) -> None:
        import numpy as np

        self.chunks, self.fingerprint = chunks, fingerprint
        self.words = BM25([indexed_text(chunk) for chunk in chunks])
        vectors = self.words.vectors
        words = np.array([word for vector in vectors for word in vector.indices], np.int64)
        order = np.argsort(words, kind="stable")
        rows = np.repeat(np.arange(len(vectors)), [len(vector.indices) for vector in vectors])
        self.rows = rows[order]  # (entries,) chunks, word by word
        self.weights = np.array([value for vector in vectors for value in vector.values], np.float64)[order]
        self.ends = np.searchsorted(words[order], np.arange(len(self.words.numbers) + 1))  # where each word begins

    def search(self, question: str, k: int) -> list[Hit]:
        """Return the `k` nearest chunks that have a word of the question, equal ones in their order."""
        import numpy as np

        scores = np.zeros(len(self.chunks))  # (chunks,)
        asked = self.words.query(question)
        for word, times in zip(asked.indices, asked.values):
            here = slice(self.ends[word], self.ends[word + 1])
            scores[self.rows[here]] += times * self.weights[here]
        scores = scores.round(PLACES)
        best = np.argsort(-scores, kind="stable")[:k]
        return [Hit(self.chunks[number], float(scores[number])) for number in best if scores[number] > 0]
