"""Answers that repeat training text word for word: the surest sign that rows were learnt by heart.

A stretch counts as repeated if an answer shares it with a training answer, though neither prompt nor reference has it.
Words are those of `prepdata.index.words`: case and punctuation make no difference. How long a stretch has to be is
GPT-3's rule for overlap: the 5th percentile of the lengths, at least 8 and at most 13 words (Brown et al. 2020,
appendix C). What many training rows share (keys of JSON, closings) is the form that the training teaches and no row, so
it does not count, and of the words that are left at least three must be in neither prompt nor reference.

Outputs are held in memory, training rows are read once: about 2 s for 100,000 of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from prepdata.index.words import TABLE, alone, plain, shingles, words
from prepdata.jsontext import json_text
from trainers.record import Copied, Memorised, SampleResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHORTEST, LONGEST = 8, 13
"""Words of a stretch, as in GPT-3's rule."""
PERCENTILE = 0.05
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
    """An answer: its words, their numbers, its n-grams that neither prompt nor reference has, words that these have."""

    sample: SampleResult
    words: list[bytes]
    hashes: list[int]
    grams: dict[int, int]  # place -> n-gram
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
    needed = seen.needed()
    found = [copied for answer in answers if (copied := _longest(answer, seen, needed)) is not None]
    worst = sorted(found, key=lambda copied: (-copied.words, copied.doc_id))[:SHOWN]
    return Memorised(answers=len(answers), copied=len(found), words=needed, worst=tuple(worst))


def _answer(sample: SampleResult) -> _Answer:
    given = words([*_strings(sample.messages), sample.target, json_text(sample.expected)])
    known = set(shingles(given, SHORTEST).hashes.tolist())
    own = words([sample.output])
    listed = plain(sample.output).encode("utf-8", "surrogatepass").translate(TABLE).split()
    grams: dict[int, int] = {}
    if len(listed) >= SHORTEST:
        grams = {n: gram for n, gram in enumerate(shingles(own, SHORTEST).hashes.tolist()) if gram not in known}
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
        counts: word -> training rows that have it.
        lengths: words of each training row.
    """

    def __init__(self, answers: Sequence[_Answer]) -> None:
        import numpy as np

        self.rows: dict[int, list[int]] = {}
        self.counts: Counter[int] = Counter()
        self.lengths: list[float] = []
        self.grams = np.array(sorted({gram for answer in answers for gram in answer.grams.values()}), np.uint64)
        self.words = np.array(sorted({word for answer in answers for word in answer.hashes}), np.uint64)

    def read(self, training: Iterable[str]) -> None:
        """Look at training rows."""
        rest, first = iter(training), 1
        while texts := list(islice(rest, AT_ONCE)):
            found = words(texts)
            self.lengths += [_size(text, int(count)) for text, count in zip(texts, _counts(found.ends))]
            for _, word in set(_shared(found.hashes, found.ends, self.words)):
                self.counts[word] += 1
            grams = shingles(found, SHORTEST)
            for row, gram in dict.fromkeys(_shared(grams.hashes, grams.ends, self.grams)):
                held = self.rows.setdefault(gram, [])
                if len(held) <= FEW:
                    held.append(first + row)
            first += len(texts)

    def needed(self) -> int:
        """Return how many words a stretch needs."""
        there = sorted(length for length in self.lengths if length)
        return max(SHORTEST, min(LONGEST, round(there[int(PERCENTILE * len(there))]))) if there else LONGEST

    def common(self, word: int) -> bool:
        """True for a word that is common form."""
        return self.counts[word] > max(FEW, COMMON * len(self.lengths))


def _counts(ends: NDArray[np.int64]) -> NDArray[np.int64]:
    import numpy as np

    return np.diff(ends, prepend=0)


def _shared(
    hashes: NDArray[np.uint64], ends: NDArray[np.int64], wanted: NDArray[np.uint64]
) -> Iterator[tuple[int, int]]:
    """Yield (number of the text, hash) of those hashes that are wanted."""
    import numpy as np

    places = np.flatnonzero(np.isin(hashes, wanted))
    owners = np.searchsorted(ends, places, side="right")
    return zip(owners.tolist(), hashes[places].tolist())


def _size(text: str, count: int) -> float:
    """Return how many words a text has, signs of scripts without spaces counted as the part of a word they are."""
    return count if text.isascii() else count - sum(1 - _part(sign) for sign in alone(plain(text)))


def _part(sign: str) -> float:
    """Return how much of a word a sign is: of Han and Kana half, of the letters of Thai and its like a quarter."""
    return 0.5 if sign >= "\u3040" else 0.25


def _longest(answer: _Answer, seen: _Training, needed: int) -> Copied | None:
    """Return the longest stretch of an answer that a training row has, None if there is none that counts."""
    places: dict[int, list[int]] = {}
    for place, gram in answer.grams.items():
        rows = seen.rows.get(gram, ())
        for row in rows if len(rows) <= FEW else ():
            places.setdefault(row, []).append(place)
    best: Copied | None = None
    for row, held in places.items():
        for start, end in _runs(held):
            stretch = answer.words[start:end]
            size = sum(map(_weight, stretch))
            if size < needed or (best is not None and size <= best.words):
                continue
            kept = {
                word: number
                for word, number in zip(stretch, answer.hashes[start:end])
                if number not in answer.given and not seen.common(number)
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
