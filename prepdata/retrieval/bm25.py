"""BM25 as sparse vectors, so that any store that multiplies vectors computes it.

score(q, d) = sum over the words t of q of  idf(t) * tf / (tf + k1 * (1 - b + b * |d| / mean |d|)),
idf(t) = ln(1 + (N - n + 0.5) / (n + 0.5)), as Lucene computes it: Robertson and Zaragoza 2009, "The Probabilistic
Relevance Framework: BM25 and Beyond"; the variants side by side in Kamphuis et al. 2020, "Which BM25 Do You Mean?".
"""

from __future__ import annotations

import itertools
import re
from array import array
from collections import Counter
from collections.abc import Iterable
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
    """The words of some texts, and what each weighs in each of them: one entry for each word of each text, text by
    text, in each text by the place of the word.

    Args:
        texts: what is searched.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        import numpy as np

        known: dict[str, int] = {}  # words as they come
        places, times, words, lengths = array("q"), array("q"), array("q"), array("q")
        for text in texts:
            counts = Counter(words_of(text))
            places.extend(known.setdefault(word, len(known)) for word in counts)
            times.extend(counts.values())
            words.append(len(counts))
            lengths.append(counts.total())
        self.texts = len(lengths)
        self.numbers = {word: number for number, word in enumerate(sorted(known))}
        """Place of each word in the vectors: words in their order."""
        number = np.array([self.numbers[word] for word in known], np.int32)  # (words,)
        unsorted = number[np.array(places, np.int64)]  # (entries,)
        rows = np.repeat(np.arange(self.texts, dtype=np.int32), np.array(words, np.int64))
        order = np.lexsort((unsorted, rows))
        self.rows = rows[order]
        """(entries,) number of the text."""
        self.places = unsorted[order]
        """(entries,) place of the word."""
        tf, length = np.array(times, np.float64)[order], np.array(lengths, np.float64)
        n = np.bincount(self.places, minlength=len(known))  # (words,) texts with the word
        idf = np.log(1 + (self.texts - n + 0.5) / (n + 0.5))
        norm = K1 * (1 - B + B * length / (length.mean() if length.any() else 1.0))  # (texts,)
        self.weights = idf[self.places] * tf / (tf + norm[self.rows])
        """(entries,) what the word weighs in the text."""

    @property
    def vectors(self) -> list[Sparse]:
        """One vector for each text, made anew each time."""
        import numpy as np

        ends = np.searchsorted(self.rows, np.arange(self.texts + 1))
        places, weights = self.places.tolist(), self.weights.tolist()
        return [Sparse(places[begin:end], weights[begin:end]) for begin, end in itertools.pairwise(ends)]

    def query(self, question: str) -> Sparse:
        """Return the vector of a question: how often it has each word. Words that no text has are left out."""
        counts = Counter(self.numbers[word] for word in words_of(question) if word in self.numbers)
        return Sparse(sorted(counts), [float(counts[place]) for place in sorted(counts)])
