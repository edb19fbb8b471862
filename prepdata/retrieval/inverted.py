"""BM25 of a question over all texts in memory, by inverted lists: of each word the texts that have it.

Only what a word of the question stands in is looked at, by numpy. It ranks as a store that multiplies the same sparse
vectors does (`Store.sparse`), which the tests hold it against.
"""

from __future__ import annotations

from prepdata.retrieval.bm25 import BM25, Sparse

PLACES = 5
"""Decimal places of scores that are compared: engines add in different orders."""


class InvertedLists:
    """The texts of each word, and what it weighs in them.

    Args:
        bm25: the words of the texts.
    """

    def __init__(self, bm25: BM25) -> None:
        import numpy as np

        order = np.argsort(bm25.places, kind="stable")
        self._texts = bm25.texts
        self._rows, self._weights = bm25.rows[order], bm25.weights[order]  # (entries,) word by word
        self._ends = np.searchsorted(bm25.places[order], np.arange(len(bm25.numbers) + 1))  # where each word begins

    def sparse(self, query: Sparse, k: int) -> list[tuple[int, float]]:
        """Return the `k` texts with the highest scores: number and score, equal ones in their order. Texts without a
        word of the query are none.

        Args:
            query: how often each word is asked for; words by the places of the vectors.
            k: texts at most.
        """
        import numpy as np

        scores = np.zeros(self._texts)  # (texts,)
        for word, times in zip(query.indices, query.values):
            here = slice(self._ends[word], self._ends[word + 1])
            scores[self._rows[here]] += times * self._weights[here]
        scores = scores.round(PLACES)
        found = np.flatnonzero(scores)
        if len(found) > k:
            found = found[scores[found] >= np.partition(scores[found], -k)[-k]]
        found = found[np.argsort(-scores[found], kind="stable")][:k]
        return [(int(number), float(scores[number])) for number in found]
