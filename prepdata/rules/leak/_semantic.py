"""Which texts of a file mean nearly what an evaluation item asks? By the angle between their vectors.

Each different text is embedded once a chunk and held against all turns of the index, in blocks of `BLOCK_BYTES`. What
is kept are the nearest turn and the similarity, for texts above the threshold only; vectors are not.

Vectors say what a text is about rather than what it asks: two questions about one thing in much the same words are
nearer than a question and its paraphrase. So the words that both have are taken away, and what is left of the two is
compared too. It counts by the share of the words that both have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from xxhash import xxh3_64_intdigest

from prepdata.embed.encoder import Embedder, one_thread, open_embedder
from prepdata.index.asking import FEWEST, stem
from prepdata.index.reference import open_reference
from prepdata.index.words import plain, words
from prepdata.record import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

BLOCK_BYTES = 16 << 20
"""Size of one product of texts and items (bytes)."""
STEPS = 10_000
"""Similarities are counted in steps of 1/10,000, so that noise in the last digits decides nothing."""
_NOISE = 1e-4
_WORD = re.compile(r"\w+")


class Nearest(NamedTuple):
    """A text that is near some turn of an evaluation item.

    Args:
        row: its row, of the chunk or of the scope.
        message: number of its turn in the row.
        part: number of the nearest turn in the index.
        steps: similarity in `STEPS`.
        alike: turns of the index that are above the threshold.
        text: xxh3_64 of the text.
    """

    row: int
    message: int
    part: int
    steps: int
    alike: int
    text: int


def canonical(text: str) -> str:
    """Return the form in which a text is embedded: without choices, white space made one."""
    return " ".join((stem(text) if "\n" in text else text).split())


class Asked(NamedTuple):
    """What the users of some rows ask.

    Args:
        places: (row, number of the turn) of each place a text stands at, by text (`canonical`).
        vectors: (texts, width), of zeros where the model cannot read a text.
        unread: turns that the model cannot read.
        turns: turns of `FEWEST` words or more.
    """

    places: dict[str, list[tuple[int, int]]]
    vectors: Floats
    unread: int
    turns: int


def asked(records: Iterable[Record], model: str) -> Asked:
    """Return what the users of some rows ask, each text embedded once."""
    found: dict[str, list[tuple[int, int]]] = {}
    for record in records:
        for number, message in enumerate(record.messages):
            if message.role == "user" and message.text:
                found.setdefault(canonical(message.text), []).append((record.row, number))
    places = {text: found[text] for text, long in zip(found, _long_enough(list(found))) if long}
    vectors = open_embedder(model).embed(list(places))
    counts = [len(where) for where in places.values()]
    unread = sum(count for count, vector in zip(counts, vectors) if not vector.any())
    return Asked(places, vectors, unread, sum(counts))


def nearest(found: Asked, path: str, model: str, least: float) -> list[Nearest]:
    """Return the texts that are near a turn of an index.

    Args:
        found: the texts.
        path: the index.
        model: name of the model (`prepdata.embed`).
        least: similarity, 0 to 1, from which on a text is near.
    """
    items, parts, vectors = _embedded(path, model)
    if not found.places or not items:
        return []
    embedder = open_embedder(model)
    near = []
    for text, match in zip(found.places, matches(found.vectors, vectors, least)):
        if match is None:
            continue
        place, steps, alike = match
        steps = similarity(embedder, text, items[place], steps)
        if steps >= round(least * STEPS):
            digest = xxh3_64_intdigest(text.encode("utf-8", "replace"))
            near += [Nearest(row, turn, parts[place], steps, alike, digest) for row, turn in found.places[text]]
    return sorted(near)


def similarity(embedder: Embedder, text: str, item: str, steps: int) -> int:
    """Return how near a text is to an item, in `STEPS`: the similarity of the whole, and by the share of words that
    both have, that of what is left without them.

    Args:
        embedder: the model.
        text: the text; item: the item; both `canonical`.
        steps: similarity of the whole.
    """
    import numpy as np

    listed = [_WORD.findall(plain(one).lower()) for one in (text, item)]
    both, either = set(listed[0]) & set(listed[1]), set(listed[0]) | set(listed[1])
    rests = [" ".join(word for word in words if word not in both) for words in listed]
    if not both or not all(rests):
        return steps
    left, right = embedder.embed(rests).astype(np.float64)
    share = len(both) / len(either)
    return round(steps * (1 - share) + float((left * right).sum()) * STEPS * share)


def matches(texts: Floats, items: Floats, least: float) -> list[tuple[int, int, int] | None]:
    """Return for each text the nearest item, its similarity in `STEPS` and how many items are near; None where none is.
    Of items that are equally near the first counts.

    Args:
        texts: (texts, width) vectors of length 1.
        items: (items, width) vectors of length 1.
        least: similarity from which on an item is near.
    """
    import numpy as np

    found: list[tuple[int, int, int] | None] = []
    size = max(1, BLOCK_BYTES // (4 * max(1, len(items))))
    for begin in range(0, len(texts), size):
        block = texts[begin : begin + size]
        with one_thread():
            likely = block @ items.T >= least - _NOISE
        for text, held in zip(block, likely):
            places = np.flatnonzero(held)
            exact = (items[places].astype(np.float64) * text).sum(1)  # summed alike whatever the block
            steps = np.rint(exact * STEPS).astype(np.int64)
            near = int((steps >= round(least * STEPS)).sum())
            best = int(steps.argmax()) if near else 0
            found.append((int(places[best]), int(steps[best]), near) if near else None)
    return found


def _long_enough(texts: Sequence[str]) -> list[bool]:
    import numpy as np

    counts = np.diff(words(texts).ends, prepend=0)
    return [bool(long) for long in counts >= FEWEST]


@lru_cache(maxsize=4)
def _embedded(path: str, model: str) -> tuple[list[str], list[int], Any]:
    """Return the turns of an index that say enough, their numbers and their vectors."""
    import numpy as np

    reference = open_reference(path)
    parts = np.flatnonzero(reference.array("part_words") >= FEWEST).tolist()
    items = [canonical(reference.texts("parts", part)) for part in parts]
    return items, parts, open_embedder(model).embed(items)
