"""Where in a long text does a shorter one stand, and does it stand there with other numbers?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from prepdata.text.differences import Change, changes, number_facts, tokens

_BEFORE_MARKS = re.compile(r" ([.,;:!?)\]'\u2019%])(?= |$)")
SEED = 4  # words in a row that both have


class Excerpt(NamedTuple):
    """The place in a text that is most like another text.

    Args:
        run: the longest run of words that both have, as the first text writes it.
        share: words of the other text that are there, in the same order (0 to 1).
        other_numbers: places where a number of one stands for another number of the other; numbers that only moved
            with the words beside them are left out.
    """

    run: str
    share: float
    other_numbers: tuple[Change, ...]


def excerpt(item: str, text: str) -> Excerpt:
    """Return how an evaluation item stands in a longer text.

    Args:
        item: what is looked for; text: where. Of each the first 4,000 words count.
    """
    wanted, given, found, run = _compared(item, text)
    exchanged: tuple[Change, ...] = ()
    numbers = [change for change in found if number_facts(change.before) and number_facts(change.after)]
    if numbers:
        here, there = (_neighbours(words) for words in (wanted, given))
        exchanged = tuple(
            c for c in numbers if _moved_not(c.before, c.after, there) and _moved_not(c.after, c.before, here)
        )
    lost = sum(_is_word(word) for change in found for word in change.before)
    share = 1 - lost / max(1, sum(map(_is_word, wanted)))
    return Excerpt(_written(run), share, exchanged)


def longest_run(item: str, text: str) -> str:
    """Return `Excerpt.run` alone, which is quicker."""
    return _written(_compared(item, text)[-1])


def _compared(item: str, text: str) -> tuple[list[str], list[str], list[Change], list[str]]:
    """Return the words of both texts, where they differ in the place that is most alike, and the longest run there."""
    wanted, given = tokens(item), tokens(text)
    begin, end = _window(wanted, given)
    return wanted, given, *changes(wanted, given[begin:end])


def _written(run: Sequence[str]) -> str:
    return _BEFORE_MARKS.sub(r"\1", " ".join(run))


def _is_word(token: str) -> bool:
    return token[0].isalnum()


def _neighbours(words: Sequence[str]) -> set[tuple[str, str]]:
    low = [word.casefold() for word in words if _is_word(word)]
    return set(pairwise(low))


def _moved_not(words: Sequence[str], instead: Sequence[str], neighbours: set[tuple[str, str]]) -> bool:
    """True if there is a number among words of one text that are not at this place in the other, which is not among
    those that are there instead, nor anywhere beside the same word."""
    low = [word.casefold() for word in words if _is_word(word)]
    kept = {word for pair in pairwise(low) if pair in neighbours for word in pair}
    return bool(number_facts([word for word in words if word.casefold() not in kept]) - number_facts(instead))


def _seeds(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(words[step:] for step in range(SEED)))


def _window(wanted: Sequence[str], given: Sequence[str]) -> tuple[int, int]:
    """Return the stretch of `given` that holds most of `wanted`, found by the runs of `SEED` words in common."""
    if len(given) <= len(wanted):
        return 0, len(given)
    low, high = list(map(str.casefold, wanted)), list(map(str.casefold, given))
    places: dict[tuple[str, ...], int] = {}
    for at, gram in enumerate(_seeds(low)):
        places.setdefault(gram, at)
    seeds = [(at, places[gram]) for at, gram in enumerate(_seeds(high)) if gram in places]
    if not seeds:
        return 0, len(given)
    span, first, best = 2 * len(low), 0, (0, 0, 0)
    for last in range(len(seeds)):
        while seeds[last][0] - seeds[first][0] > span:
            first += 1
        best = max(best, (last - first + 1, -first, last))
    start, stop = seeds[-best[1]], seeds[best[2]]
    return max(0, start[0] - start[1]), min(len(given), stop[0] + len(low) - stop[1])
