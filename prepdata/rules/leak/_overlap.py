"""Which texts of a file cover an evaluation item? By the n-grams of words they share with it.

In the pass every different text of a chunk is looked up in the index (told apart by who says it in which turn); what is
kept are the matches. N-grams that many items have are passed over, and afterwards those that many texts have (template
text, phrases of everyday); what is covered of each item is added up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from xxhash import xxh3_64_intdigest

from prepdata.chunk import Chunk
from prepdata.index.reference import USUAL, Reference, open_reference
from prepdata.record import Record
from prepdata.rules.base import Given, Parts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

MANY_TEXTS = 50  # an n-gram in more texts than this, and than `COMMON` of the rows, is template text
COMMON = 0.01  # (of many turns of the evaluation set: see `prepdata.index.reference`)
LONG = 20  # words of a turn from which on a text that has all of them is told, however many texts do
BLOCK = 1 << 22  # words of turns looked at at once


class Cover(NamedTuple):
    """What the texts of a scope cover of the turns of evaluation items; all arrays of one length.

    Args:
        texts: numbers of texts in `Gathered`.
        parts: numbers of turns in the index.
        covered: words of the turn that lie in shared n-grams, but in none of template text.
        counted: words of the turn that lie in no shared n-gram of template text.
    """

    texts: Ints
    parts: Ints
    covered: Ints
    counted: Ints


class Gathered(NamedTuple):
    """Matches of a whole scope.

    Args:
        rows: for each different text, told apart by who says it in which turn, (row, number of the turn) of every
            place it stands at, in file order.
        texts: (matches,) number of the text; entries: (matches,) place in the index.
        at: (matches,) first word in the text, where every place was asked for.
    """

    rows: list[list[tuple[int, int]]]
    texts: Ints
    entries: Ints
    at: Ints


def most_texts(rows: int) -> int:
    """Return how many texts of so many rows may have something in common before it is template text."""
    return max(MANY_TEXTS, int(COMMON * rows))


def matches(chunk: Chunk, path: str, size: int, *, everything: bool = False) -> dict[str, bytes]:
    """Return what a chunk shares with an index, packed; {} if nothing. Kept: 8 bytes for each text that shares an
    n-gram, 4 for each match, 8 for each place such a text stands at. `everything`: each n-gram of a text that the index
    holds, at each of its places in the text (8 bytes), template text too."""
    return chunk.derived(_finder(path, size, everything))


@lru_cache(maxsize=16)
def _finder(path: str, size: int, everything: bool) -> Callable[[Chunk], dict[str, bytes]]:
    def find(chunk: Chunk) -> dict[str, bytes]:
        return _matches(chunk.records, open_reference(path), size, everything)

    return find


def _matches(records: Iterable[Record], reference: Reference, size: int, everything: bool) -> dict[str, bytes]:
    import numpy as np

    from prepdata.index.words import shingles, words

    places: dict[tuple[str, str, int], list[int]] = {}  # a text, who says it in which turn -> the rows
    for record in records:
        for number, message in enumerate(record.turns):
            if message.text:
                places.setdefault((message.text, message.role, number), []).append(record.row)
    texts = list(places)
    grams = shingles(words([text for text, _, _ in texts]), size)
    at = None
    if everything:
        found, at = reference.follow(size, grams)
    else:
        found = reference.find(size, grams, without=reference.array("common"))
    if not len(found.which):
        return {}
    owners, entries = found.which, found.entries
    held, counts = np.unique(owners, return_counts=True)
    listed = [texts[number] for number in held.tolist()]
    links = [places[text] for text in listed]
    return {
        "texts": np.array([_key(*said) for said in listed], "<u8").tobytes(),
        "counts": counts.astype("<u4").tobytes(),
        "entries": entries.astype("<u4").tobytes(),
        **({} if at is None else {"at": at.astype("<u4").tobytes()}),
        "places": np.array([len(found) for found in links], "<u4").tobytes(),
        "rows": np.array([row for found in links for row in found], "<u4").tobytes(),
        "turns": np.repeat(np.array([turn for _, _, turn in listed], "<u4"), [len(found) for found in links]).tobytes(),
    }


def _key(text: str, role: str, number: int) -> int:
    return xxh3_64_intdigest(f"{number} {role}\0{text}".encode("utf-8", "surrogatepass"))


def others(parts: Parts, given: Given) -> list[tuple[int, Any]]:
    """Return the parts of a scope without those of the evaluation files themselves."""
    own = [
        range(file.first_row, file.first_row + file.rows)
        for file in parts.files
        if os.path.realpath(file.path) in given.files
    ]
    return [(first, part) for first, part in parts.parts if not any(first in rows for rows in own)]


def gather(parts: Iterable[tuple[int, dict[str, bytes]]]) -> Gathered:
    """Return the matches of all chunks together; a text that stands in several chunks counts once.

    Args:
        parts: (first row, what `matches` returned) of every chunk.
    """
    import numpy as np

    known: dict[int, int] = {}
    rows: list[list[tuple[int, int]]] = []
    owners, entries, at = ([np.zeros(0, np.int64)] for _ in range(3))
    for first, part in parts:
        if not part:
            continue
        texts, counts = np.frombuffer(part["texts"], "<u8").tolist(), np.frombuffer(part["counts"], "<u4")
        places = np.frombuffer(part["places"], "<u4").tolist()
        links = zip((np.frombuffer(part["rows"], "<u4") + first).tolist(), np.frombuffer(part["turns"], "<u4").tolist())
        new = np.zeros(len(texts), bool)
        numbers = np.zeros(len(texts), np.int64)
        for place, (text, number) in enumerate(zip(texts, places)):
            new[place] = text not in known
            numbers[place] = known.setdefault(text, len(rows))
            if new[place]:
                rows.append([])
            rows[numbers[place]].extend(next(links) for _ in range(number))
        kept = np.repeat(new, counts)
        owners.append(np.repeat(numbers, counts)[kept])
        entries.append(np.frombuffer(part["entries"], "<u4").astype(np.int64)[kept])
        at.append(np.frombuffer(part.get("at", b""), "<u4").astype(np.int64)[kept if "at" in part else slice(0)])
    return Gathered(rows, *map(np.concatenate, (owners, entries, at)))


def cover(gathered: Gathered, reference: Reference, rows: int) -> Cover:
    """Return what each text covers of each turn it shares n-grams of `USUAL` words with.

    Args:
        gathered: the matches.
        reference: the index.
        rows: rows in the scope.
    """
    import numpy as np

    size = USUAL
    parts = reference.array(f"grams{size}.parts")[gathered.entries].astype(np.int64)
    places = reference.array(f"grams{size}.places")[gathered.entries].astype(np.int64)
    pairs = gathered.texts << 32 | parts
    order = np.lexsort((places, pairs))
    pairs, places, entries = pairs[order], places[order], gathered.entries[order]
    new = np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]
    groups = np.cumsum(new) - 1
    found = pairs[new]
    texts, turns = found >> 32, found & 0xFFFFFFFF
    sizes = reference.array("part_words")[turns].astype(np.int64)
    grams = np.bincount(groups, minlength=len(found))
    in_texts = np.bincount(entries, minlength=1)[entries]
    common = in_texts > most_texts(rows)
    covered, counted = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    borders = np.searchsorted(np.cumsum(sizes), np.arange(0, int(sizes.sum()) + BLOCK, BLOCK)).tolist()
    ends = np.cumsum(grams)
    for first, last in pairwise([*borders[:-1], len(found)]):
        if first == last:
            continue
        matches = slice(int(ends[first] - grams[first]), int(ends[last - 1]))
        block = slice(first, last)
        own = _own_words(reference, turns[block], sizes[block], groups[matches] - first, places[matches],
                         common[matches], size)  # fmt: skip
        covered.append(own[0])
        counted.append(own[1])
    return Cover(texts, turns, np.concatenate(covered), np.concatenate(counted))


def _own_words(
    reference: Reference, turns: Ints, sizes: Ints, groups: Ints, places: Ints, common: NDArray[np.bool_], size: int
) -> tuple[Ints, Ints]:
    """Return the words of turns that n-grams cover and that are no template text, and all that are none.

    Args:
        reference: the index.
        turns: turns of the index; sizes: the words of each.
        groups: for each n-gram, the place of its turn in `turns`; places: its first word.
        common: True for n-grams that many texts have.
        size: words of an n-gram.
    """
    import numpy as np

    starts = np.cumsum(sizes) - sizes
    total = int(sizes.sum())
    held, shared = np.zeros(total, bool), np.zeros(total, bool)
    before = np.append(0, np.cumsum(reference.array("part_words"), dtype=np.int64))[turns]
    own = reference.array("template")[np.arange(total) + np.repeat(before - starts, sizes)] == 0
    for step in range(size):
        inside = places + step < sizes[groups]
        words = (starts[groups] + places + step)[inside]
        held[words] = True
        shared[words[common[inside]]] = True

    def counted(words: NDArray[np.bool_]) -> Ints:
        return np.add.reduceat(words.astype(np.int64), starts)

    everything = counted(own)
    whole = (counted(held & own) == everything) & (everything >= LONG)  # what holds all of an item is no template
    own &= ~shared | np.repeat(whole, sizes)
    return counted(held & own), counted(own)
