"""Which texts cover an evaluation item by a published rule (`prepdata.index.presets`)? Exact, template text included.

N-grams that always follow one another in the index make a *stretch*: a template of a thousand items is one stretch that
stands in a thousand turns. What a text has of a stretch is worked out once and then laid into every turn that holds it,
so the work grows with the pairs of texts and turns that share something, and not with the n-grams that they share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from prepdata.index.presets import SKIPPED, Preset
from prepdata.index.reference import Reference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from prepdata.index.words import Words

    Ints = NDArray[np.int64]

PLACES = 50
"""Turns named of one text; and places of one n-gram in a text that runs begin at."""
BLOCK = 1 << 21
"""Pieces of stretches laid into turns at once, about 150 bytes of memory each."""


class Covered(NamedTuple):
    """What one text covers.

    Args:
        text: its number.
        turns: turns of the index, those it covers most of first, `PLACES` at most.
        shares: the share of each, 0 to 1; 1 where the rule counts otherwise.
        many: how many turns it covers in all.
    """

    text: int
    turns: list[int]
    shares: list[float]
    many: int


class Stretches(NamedTuple):
    """The n-grams of one length in an index as stretches. About 60 bytes for each n-gram.

    Args:
        group: (entries,) number of the n-gram at each place of the sorted ones.
        stretch: (n-grams,) the stretch of each; place: (n-grams,) its number in it.
        begins: (stretches + 1,) where the turns of each stretch begin in `turns`.
        turns: (instances,) turn that holds it; at: (instances,) n-gram of the turn at which it begins there.
        sizes: (turns,) words; grams: (turns,) n-grams.
    """

    group: Ints
    stretch: Ints
    place: Ints
    begins: Ints
    turns: Ints
    at: Ints
    sizes: Ints
    grams: Ints


def stretches(reference: Reference, size: int) -> Stretches:
    """Return the stretches of an index."""
    import numpy as np

    keys = reference.array(f"grams{size}")
    parts = reference.array(f"grams{size}.parts").astype(np.int64)
    sizes = reference.array("part_words").astype(np.int64)
    grams = np.maximum(sizes - size + 1, sizes > 0)
    offsets = np.cumsum(grams) - grams
    where = offsets[parts] + reference.array(f"grams{size}.places")  # of each entry, turn after turn
    begins = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    group = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(keys))))
    row = np.empty(len(keys), np.int64)
    row[where] = group
    first = np.zeros(len(keys) + 1, bool)
    first[offsets] = True
    before = np.where(first[:-1], -1, np.append(-1, row[:-1])[: len(row)])
    after = np.where(np.append(first[1:-1], True)[: len(row)], -1, np.append(row[1:], -1)[: len(row)])

    def always(beside: Ints) -> Ints:  # what stands beside every n-gram wherever it is, -1 where that differs
        if not len(begins):
            return beside
        least, most = (f.reduceat(beside[where], begins) for f in (np.minimum, np.maximum))
        return np.where(least == most, least, -1)

    joined = (always(before)[row] == before) & (before >= 0)
    joined &= np.append(-1, always(after)[row[:-1]])[: len(row)] == row
    starts = np.flatnonzero(~joined)
    numbers = np.cumsum(~joined) - 1  # instance that each n-gram of each turn lies in
    heads = row[starts]
    order = np.argsort(heads, kind="stable")
    known, counts = np.unique(heads, return_counts=True)
    stretch, place = np.zeros(len(begins), np.int64), np.zeros(len(begins), np.int64)
    stretch[row] = np.searchsorted(known, heads[numbers])
    place[row] = np.arange(len(row)) - starts[numbers]
    turns = np.repeat(np.arange(len(grams)), grams)[starts]
    at = starts - offsets[turns]
    return Stretches(group, stretch, place, np.append(0, np.cumsum(counts)), turns[order], at[order], sizes, grams)


class _Pieces(NamedTuple):
    """Parts of stretches that texts have: text, stretch, first n-gram in it, number of n-grams; and where in the text
    the first is."""

    texts: Ints
    stretches: Ints
    first: Ints
    length: Ints
    places: Ints


def _pieces(texts: Ints, groups: Ints, places: Ints, held: Stretches, *, in_order: bool) -> _Pieces:
    """Return what texts have of stretches.

    Args:
        texts, groups, places: text, n-gram and place in the text of everything found.
        held: the stretches.
        in_order: True for n-grams that follow one another in the text too; False wherever in it they are.
    """
    import numpy as np

    stretch, place = held.stretch[groups], held.place[groups]
    along = places - place if in_order else np.zeros(len(texts), np.int64)
    order = np.lexsort((place, along, stretch, texts))
    texts, stretch, place, along, places = (column[order] for column in (texts, stretch, place, along, places))
    same = (texts[1:] == texts[:-1]) & (stretch[1:] == stretch[:-1]) & (along[1:] == along[:-1])
    new = np.append(True, ~same | (place[1:] != place[:-1]))[: len(texts)]  # the same n-gram twice is one
    texts, stretch, place, along, places = (column[new] for column in (texts, stretch, place, along, places))
    same = (texts[1:] == texts[:-1]) & (stretch[1:] == stretch[:-1]) & (along[1:] == along[:-1])
    begin = np.flatnonzero(np.append(True, ~same | (place[1:] != place[:-1] + 1))[: len(texts)])
    length = np.diff(np.append(begin, len(texts)))
    return _Pieces(texts[begin], stretch[begin], place[begin], length, places[begin])


def _blocks(pieces: _Pieces, held: Stretches) -> Iterator[tuple[_Pieces, Ints]]:
    """Yield pieces, all of a text together, with how many turns hold the stretch of each: about `BLOCK` in all."""
    import numpy as np

    number = (held.begins[1:] - held.begins[:-1])[pieces.stretches]
    ends = np.flatnonzero(np.append(pieces.texts[1:] != pieces.texts[:-1], True)[: len(pieces.texts)]) + 1
    total = np.append(0, np.cumsum(number))
    first = 0
    while first < len(number):
        last = int(ends[np.searchsorted(ends, first, "right")])
        fitting = int(np.searchsorted(total[ends], total[first] + BLOCK, "right"))
        last = max(last, int(ends[fitting - 1]) if fitting else 0)
        yield _Pieces(*(column[first:last] for column in pieces)), number[first:last]
        first = last


def _laid(pieces: _Pieces, number: Ints, held: Stretches) -> tuple[Ints, Ints, Ints]:
    """Return (piece, turn, first n-gram in the turn) of every piece in every turn that holds its stretch."""
    import numpy as np

    which = np.repeat(np.arange(len(number)), number)
    step = np.arange(len(which)) - np.repeat(np.cumsum(number) - number, number)
    instance = held.begins[pieces.stretches][which] + step
    return which, held.turns[instance], held.at[instance] + pieces.first[which]


def covered(texts: Ints, entries: Ints, held: Stretches, preset: Preset) -> Iterator[Covered]:
    """Yield the texts that cover a turn, for every rule but "runs".

    Args:
        texts: text of everything found in the index; entries: its place among the sorted n-grams.
        held: the stretches of the index.
        preset: the rule.
    """
    import numpy as np

    pieces = _pieces(texts, held.group[entries], np.zeros(len(texts), np.int64), held, in_order=False)
    for block, number in _blocks(pieces, held):
        which, turns, at = _laid(block, number, held)
        order = np.lexsort((at, turns, block.texts[which]))
        which, turns, at = which[order], turns[order], at[order]
        owners, length = block.texts[which], block.length[which]
        new = np.append(True, (owners[1:] != owners[:-1]) | (turns[1:] != turns[:-1]))[: len(owners)]
        begin = np.flatnonzero(new)
        pair_turns = turns[begin]
        share = np.ones(len(begin))
        if preset.judged == "grams":
            share = np.add.reduceat(length, begin) / np.maximum(held.grams[pair_turns], 1)
        elif preset.judged == "words":
            ends_pair = np.append(new[1:], True)
            gap = np.append(at[1:], 0) - (at + length - 1)
            last = np.where(ends_pair, np.minimum(preset.size, held.sizes[turns]), np.minimum(preset.size, gap))
            share = np.add.reduceat(length - 1 + last, begin) / np.maximum(held.sizes[pair_turns], 1)
        enough = share > preset.least if preset.judged == "words" else share >= min(preset.least, 1)
        yield from _best(owners[begin][enough], pair_turns[enough], np.minimum(share[enough], 1.0))


def _best(texts: Ints, turns: Ints, shares: NDArray[Any]) -> Iterator[Covered]:
    """Yield what each text covers, given (text, turn, share) of every pair that counts."""
    import numpy as np

    order = np.lexsort((turns, -shares, texts))
    texts, turns, shares = texts[order], turns[order], shares[order]
    begins = np.flatnonzero(np.append(True, texts[1:] != texts[:-1])[: len(texts)])
    for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(texts)]):
        last = min(end, begin + PLACES)
        yield Covered(int(texts[begin]), turns[begin:last].tolist(), shares[begin:last].tolist(), end - begin)


class Runs:
    """Judges texts by runs that may differ in some words (Llama 2). Holds the words of the turns, 8 bytes each."""

    def __init__(self, reference: Reference, held: Stretches, preset: Preset) -> None:
        from prepdata.index.words import words

        self.held, self.preset = held, preset
        self.known = words([reference.texts("parts", turn) for turn in range(len(held.sizes))])

    def covered(self, numbers: Sequence[int], given: Words, texts: Ints, groups: Ints, places: Ints) -> list[Covered]:
        """Return the texts that cover a turn.

        Args:
            numbers: the texts, rising; given: the words of each.
            texts: text of everything found; groups: its n-gram; places: its first word in the text. By text and place.
        """
        import numpy as np

        often = _repeated(texts, groups) >= PLACES
        texts, groups, places = texts[~often], groups[~often], places[~often]
        pieces = _pieces(texts, groups, places, self.held, in_order=True)
        starts = np.zeros(int(numbers[-1]) + 1, np.int64)  # where the words of each text begin and end
        stops = np.zeros(int(numbers[-1]) + 1, np.int64)
        stops[np.asarray(numbers)] = given.ends
        starts[np.asarray(numbers)] = np.append(0, given.ends[:-1])
        found: list[Covered] = []
        for block, number in _blocks(pieces, self.held):
            which, turns, begin = _laid(block, number, self.held)
            owners, at, grams = block.texts[which], block.places[which], block.length[which]
            order = np.lexsort((begin, at - begin, turns, owners))
            owners, turns, begin, at, grams = (column[order] for column in (owners, turns, begin, at, grams))
            along, ends = at - begin, begin + grams
            new = np.append(True, ends[:-1] != begin[1:])[: len(owners)]
            for column in (owners, turns, along):
                new[1:] |= column[1:] != column[:-1]
            first = np.flatnonzero(new)
            last = np.append(first[1:], len(owners))[: len(first)] - 1
            stretch = ends[last] - begin[first] + self.preset.size - 1  # words in a row
            owners, turns, begin, at = owners[first], turns[first], begin[first], at[first]
            known = np.append(0, self.known.ends)[turns]
            length = self._followed(
                self.known.hashes, known + begin, self.known.ends[turns], given.hashes, starts[owners] + at,
                stops[owners], stretch,
            )  # fmt: skip
            long = length > self.preset.size
            owners, turns, begin, length = owners[long], turns[long], begin[long], length[long]
            found += self._shares(owners, turns, begin, length)
        return found

    def _followed(self, known: Any, begin: Ints, end: Ints, given: Any, at: Ints, stop: Ints, length: Ints) -> Ints:
        """Return how long runs are that go on over up to `SKIPPED` other words and end with one in common. Where
        a run has gone on for an n-gram in common, another one begins, so it need not be followed further.

        Args:
            known: words of the turns; begin, end: first word of each run there, and where its turn ends.
            given: words of the texts; at, stop: the same of the texts.
            length: words in common at the beginning of each.
        """
        import numpy as np

        found, step = length.copy(), length.copy()
        left, alike = np.full(len(length), SKIPPED), np.zeros(len(length), np.int64)
        room = np.minimum(end - begin, stop - at)  # words there are of both
        active = np.flatnonzero(step < room)
        while len(active):
            place = step[active]
            equal = known[begin[active] + place] == given[at[active] + place]
            found[active[equal]] = place[equal] + 1
            alike[active] = np.where(equal, alike[active] + 1, 0)
            left[active] -= ~equal
            step[active] += 1
            active = active[(left[active] >= 0) & (alike[active] < self.preset.size) & (place + 1 < room[active])]
        return found

    def _shares(self, owners: Ints, turns: Ints, begin: Ints, length: Ints) -> Iterator[Covered]:
        """Yield what texts cover, given their runs in turns."""
        import numpy as np

        order = np.lexsort((begin, turns, owners))
        owners, turns, begin, end = owners[order], turns[order], begin[order], (begin + length)[order]
        new = np.append(True, (owners[1:] != owners[:-1]) | (turns[1:] != turns[:-1]))[: len(owners)]
        pairs = np.cumsum(new) - 1
        wide = int(end.max(initial=0)) + 1
        reach = np.maximum.accumulate(end + pairs * wide) - pairs * wide  # how far the runs of a pair go up to each
        before = np.where(new, 0, np.append(0, reach[:-1])[: len(reach)])
        share = np.bincount(pairs, np.maximum(0, reach - np.maximum(before, begin))) if len(pairs) else np.zeros(0)
        share = share / np.maximum(self.held.sizes[turns[new]], 1)
        enough = share >= self.preset.least
        yield from _best(owners[new][enough], turns[new][enough], share[enough])


def _repeated(texts: Ints, groups: Ints) -> Ints:
    """Return how often a text has had the same n-gram before."""
    import numpy as np

    order = np.lexsort((groups, texts))
    new = np.append(True, (texts[order][1:] != texts[order][:-1]) | (groups[order][1:] != groups[order][:-1]))
    new = new[: len(order)]
    begin = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    found = np.empty(len(order), np.int64)
    found[order] = np.arange(len(order)) - begin
    return found
