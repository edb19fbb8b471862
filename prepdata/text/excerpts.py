"""Where in a long text does a shorter one stand, and does it stand there with other numbers?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from prepdata.text.differences import Change, changes, number_facts, tokens

_BEFORE_MARKS = re.compile(r" ([.,;:!?)\]'\u2019%])(?= |$)")
SEED = 4  # words in a row that both have


class Excerpt(NamedTuple):
    """The place in a text that is most like another text.

    Args:
        run: the longest run of words that both have, as the first text writes it.
        other_numbers: places where a number of one stands for another number of the other.
    """

    run: str
    other_numbers: tuple[Change, ...]


def excerpt(item: str, text: str) -> Excerpt:
    """Return how an evaluation item stands in a longer text.

    Args:
        item: what is looked for; text: where. Of each the first 4,000 words count.
    """
    wanted, given = tokens(item), tokens(text)
    begin, end = _window(wanted, given)
    found, run = changes(wanted, given[begin:end])
    exchanged = tuple(change for change in found if _other_number(change))
    return Excerpt(_BEFORE_MARKS.sub(r"\1", " ".join(run)), exchanged)


def _window(wanted: Sequence[str], given: Sequence[str]) -> tuple[int, int]:
    """Return the stretch of `given` that holds most of `wanted`, found by the runs of `SEED` words in common."""
    low, high = [word.casefold() for word in wanted], [word.casefold() for word in given]
    if len(high) <= len(low):
        return 0, len(given)
    places: dict[tuple[str, ...], int] = {}
    for at in range(len(low) - SEED + 1):
        places.setdefault(tuple(low[at : at + SEED]), at)
    seeds = [
        (at, places[gram]) for at in range(len(high) - SEED + 1) if (gram := tuple(high[at : at + SEED])) in places
    ]
    if not seeds:
        return 0, len(given)
    span, first, best = 2 * len(low), 0, (0, 0, 0)
    for last in range(len(seeds)):
        while seeds[last][0] - seeds[first][0] > span:
            first += 1
        best = max(best, (last - first + 1, -first, last))
    start, stop = seeds[-best[1]], seeds[best[2]]
    return max(0, start[0] - start[1]), min(len(given), stop[0] + len(low) - stop[1])


def _other_number(change: Change) -> bool:
    before, after = number_facts(change.before), number_facts(change.after)
    return bool(before - after) and bool(after - before)
