"""BM25 as sparse vectors, so that any store that multiplies vectors computes it.

score(q, d) = sum over the words t of q of  idf(t) * tf / (tf + k1 * (1 - b + b * |d| / mean |d|)),
idf(t) = ln(1 + (N - n + 0.5) / (n + 0.5)), as Lucene computes it: Robertson and Zaragoza 2009, "The Probabilistic
Relevance Framework: BM25 and Beyond"; the variants side by side in Kamphuis et al. 2020, "Which BM25 Do You Mean?".
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from prepdata.index.words import plain

K1 = 1.2
B = 0.75
"""Lucene's defaults."""

_WORD = re.compile(r"[^\x00-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f\s]+")


class Sparse(NamedTuple):
    """A vector of which most numbers are 0: places, rising, and what stands there."""

    indices: list[int]
    values: list[float]


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, in any language: runs of letters, digits and underscores; signs of
    scripts without spaces between words each alone. No stemming, no stop words."""
    return _WORD.findall(plain(text).lower())


class BM25:
    """The words of some texts, and what each weighs in each of them."""

    def __init__(self, texts: Sequence[str]) -> None:
        counted = [Counter(words_of(text)) for text in texts]
        lengths = [sum(counts.values()) for counts in counted]
        mean = sum(lengths) / len(lengths) if any(lengths) else 1.0
        frequency = Counter(word for counts in counted for word in counts)
        self.numbers = {word: number for number, word in enumerate(sorted(frequency))}
        """Place of each word in the vectors."""
        idf = {word: math.log(1 + (len(texts) - n + 0.5) / (n + 0.5)) for word, n in frequency.items()}
        self.vectors: list[Sparse] = []
        """One vector for each text."""
        for counts, length in zip(counted, lengths):
            norm = K1 * (1 - B + B * length / mean)
            weights = {self.numbers[word]: idf[word] * tf / (tf + norm) for word, tf in counts.items()}
            self.vectors.append(Sparse(sorted(weights), [weights[place] for place in sorted(weights)]))

    def query(self, question: str) -> Sparse:
        """Return the vector of a question: how often it has each word. Words that no text has are left out."""
        counts = Counter(self.numbers[word] for word in words_of(question) if word in self.numbers)
        return Sparse(sorted(counts), [float(counts[place]) for place in sorted(counts)])
