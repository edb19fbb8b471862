"""Answers that repeat training text word for word: the surest sign that rows were learnt by heart.

A stretch counts as repeated if an answer shares it with a training answer, and at least three of its words are from
nowhere else: they stand in neither prompt nor reference, and in few training rows. It has 13 words, or is the whole of
a shorter training answer of at least 8: the bounds of GPT-3's rule for overlap (Brown et al. 2020, appendix C). Words
are those of `prepdata.index.words`: case and punctuation make no difference. What many training rows share (keys of
JSON, closings) is the form that the training teaches, and of no row, so it does not count.

Outputs are held in memory, training rows are looked at once: 5 s for 100,000 of 150 words (measured 2026-11-29).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from prepdata.index.words import TABLE, Words, alone, plain, shingles, words
from prepdata.jsontext import json_text
from trainers.record import Copied, Memorised, SampleResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHORTEST, LONGEST = 8, 13
"""Words of a stretch: of a training answer of up to so many, and of a longer one."""
OWN = 3.0
"""Words of a stretch that stand in neither prompt nor reference, and in few training rows: one or two may be a slip or
chance (of 480 rows with 32 names and 32 cities, a third of all pairs occur; of all triples with 32 things 1 %)."""
FEW = 5
"""Training rows up to which a stretch is theirs and not common form."""
COMMON = 0.1
"""Share of the training rows from which on a word is common form."""
SHOWN = 5
"""Answers that are recorded, those with the longest stretches."""
MOST_TEXT = 200
"""Characters of a stretch that are recorded."""
AT_ONCE = 1000
"""Training rows that are looked at together."""


class _Answer(NamedTuple):
    """An answer: its words, their hashes, its n-grams, and the words of its prompt and reference."""

    sample: SampleResult
    words: list[bytes]
    hashes: list[int]
    grams: list[int]
    given: set[int]


def memorised(samples: Iterable[SampleResult], training: Iterable[str]) -> Memorised:
    """Return which answers repeat training text.

    Args:
        samples: rows as the trained model answered them.
        training: for each training row what was trained of it, as one text; "" for nothing.
    """
    answers = [_answer(sample) for sample in samples if sample.output]
    seen = _Training(answers)
    seen.read(training)
    common = seen.common()
    found = [copied for answer in answers if (copied := _longest(answer, seen, common)) is not None]
    worst = sorted(found, key=lambda copied: (-copied.words, copied.doc_id))[:SHOWN]
    return Memorised(answers=len(answers), copied=len(found), worst=tuple(worst))


def _answer(sample: SampleResult) -> _Answer:
    given = words([*_strings(sample.messages), sample.target, json_text(sample.expected)])
    own = words([sample.output])
    listed = plain(sample.output).encode("utf-8", "surrogatepass").translate(TABLE).split()
    grams = shingles(own, SHORTEST).hashes.tolist() if len(listed) >= SHORTEST else []
    return _Answer(sample, listed, own.hashes.tolist(), grams, set(given.hashes.tolist()))


def _strings(value: object) -> Iterator[str]:
    """Yield all texts in a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _strings(part)


class _Training:
    """What training rows have in common with the answers.

    Attributes:
        rows: n-gram -> the first training rows that have it, from 1 on; one more than `FEW` where it is common.
        sizes: words of each training row.
    """

    def __init__(self, answers: Sequence[_Answer]) -> None:
        import numpy as np

        self.rows: dict[int, list[int]] = {}
        self.sizes: list[float] = []
        self.grams = np.array(sorted({gram for answer in answers for gram in answer.grams}), np.uint64)
        self.words = np.array(sorted({word for answer in answers for word in answer.hashes}), np.uint64)
        self.counts = np.zeros(len(self.words), np.int64)  # training rows that have each word

    def read(self, training: Iterable[str]) -> None:
        """Look at training rows."""
        import numpy as np

        rest = iter(training)
        while texts := list(islice(rest, AT_ONCE)):
            found, first = words(texts), len(self.sizes) + 1
            counts = np.diff(found.ends, prepend=0).tolist()
            self.sizes += map(_size, texts, counts)
            self.counts += np.bincount(_shared(found, self.words)[1], minlength=len(self.words))
            rows, grams = _shared(shingles(found, SHORTEST), self.grams)
            for row, gram in zip(rows.tolist(), self.grams[grams].tolist()):
                held = self.rows.setdefault(gram, [])
                if len(held) <= FEW:
                    held.append(first + row)

    def common(self) -> set[int]:
        """Return the words that are common form."""
        found: list[int] = self.words[self.counts > max(FEW, COMMON * len(self.sizes))].tolist()
        return set(found)


def _shared(found: Words, wanted: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (text, place in `wanted`) of hashes that texts have, each once: two columns. `wanted` is in order."""
    import numpy as np

    if not len(wanted):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    at = np.minimum(np.searchsorted(wanted, found.hashes), len(wanted) - 1)
    places = np.flatnonzero(wanted[at] == found.hashes)
    owners = np.searchsorted(found.ends, places, side="right")
    return np.divmod(np.unique(owners * len(wanted) + at[places]), len(wanted))


def _size(text: str, count: int) -> float:
    """Return how many words a text has, signs of scripts without spaces counted as the part of a word they are."""
    return count if text.isascii() else count - sum(1 - _part(sign) for sign in alone(plain(text)))


def _part(sign: str) -> float:
    """Return how much of a word a sign is: of Han and Kana half, of the letters of Thai and its like a quarter."""
    return 0.5 if sign >= "\u3040" else 0.25


def _longest(answer: _Answer, seen: _Training, common: set[int]) -> Copied | None:
    """Return the longest stretch of an answer that a training row has, None if there is none that counts."""
    places: dict[int, list[int]] = {}
    for place, gram in enumerate(answer.grams):
        rows = seen.rows.get(gram, ())
        for row in rows if len(rows) <= FEW else ():
            places.setdefault(row, []).append(place)
    best: Copied | None = None
    for row, held in places.items():
        needed = max(SHORTEST, min(LONGEST, seen.sizes[row - 1]))
        for start, end in _runs(held):
            stretch = answer.words[start:end]
            size = sum(map(_weight, stretch))
            if size < needed or (best is not None and size <= best.words):
                continue
            kept = {
                word: number
                for word, number in zip(stretch, answer.hashes[start:end])
                if number not in answer.given and number not in common
            }
            if sum(map(_weight, kept)) >= OWN:
                text = b" ".join(stretch).decode("utf-8", "replace")[:MOST_TEXT]
                sample = answer.sample
                best = Copied(doc_id=sample.doc_id, set=sample.set, row=row, words=round(size), text=text)
    return best


def _weight(word: bytes) -> float:
    text = word.decode("utf-8", "replace")
    return _part(text) if alone(text) else 1.0


def _runs(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (first word, word after the last) of stretches whose n-grams follow one another."""
    start = before = places[0]
    for place in [*places[1:], -2]:
        if place != before + 1:
            yield start, before + SHORTEST
            start = place
        before = place
