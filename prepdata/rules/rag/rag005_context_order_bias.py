"""RAG005: the true passage nearly always in the same place."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity
from prepdata.rules.base import CorpusRule, Count, Parts
from prepdata.rules.base import Options as Base
from prepdata.rules.cov._share import EXAMPLES, first, percent, share
from prepdata.rules.rag._rows import rows

PLACES = 64
"""Passages of a row up to which it is counted."""
LEVEL = 0.001
"""Chance, of passages in random order, below which a share is told."""


class ContextOrderBias(CorpusRule):
    """Finds data sets in which the true passage stands nearly always first, last, or in another one place.

    Counted are rows with two passages or more of which one is known to be true: marked (`gold` and its like), cited
    alone by the answer, or by far the nearest to the answer's words. The share in one place must be high and, by a
    binomial test against random order, no chance (below 1 in 1,000; where rows have different numbers of passages, the
    mean chance bounds it: Hoeffding, On the distribution of the number of successes in independent trials, 1956).
    Keeps a few numbers a chunk.

    Why: the model learns the place instead of the passage, and retrieval does not keep to it.
    Bad:
        {"note": "100 rows with four passages, the true one first in 97 of them"}
    Good:
        {"note": "100 rows with four passages in random order"}
    Fix: none; shuffle the passages of every row, and number them anew.
    Source: Liu et al., Lost in the Middle: How Language Models Use Long Contexts, 2023: the place of the true document
        decides whether it is used.
    """

    code: ClassVar[str] = "RAG005"
    name: ClassVar[str] = "context-order-bias"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        share: share of rows with the true passage in one place from which the rule speaks.
        least: rows of which the true passage is known below which it keeps silent.
        """

        share: str = "80%"
        least: Count = 20

    def setup(self) -> None:
        self.share = share(self.name, "share", self.options.share)

    def see(self, chunk: Chunk) -> Any:
        counts: Counter[str] = Counter()
        shown: dict[str, list[int]] = {}
        for row in chunk.derived(rows):
            size = len(row.context.passages)
            place = row.true() if 2 <= size <= PLACES else None
            if place is None:
                continue
            key = f"{size}:{place}"
            counts[key] += 1
            if len(shown.setdefault(key, [])) < EXAMPLES:
                shown[key].append(row.context.record.row)
        return [dict(counts), shown]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        counts: Counter[tuple[int, int]] = Counter()
        for _, (part, _) in parts.parts:
            for key, count in part.items():
                counts[_read(key)] += count
        total = counts.total()
        if total < max(self.options.least, 1):
            return
        found = max((_share_of(counts, place) for place in range(-1, PLACES)), key=lambda one: one[0])
        rows_there, place, chance = found
        if rows_there < self.share * total or _tail(rows_there, total, chance) >= LEVEL:
            return
        examples: list[int] = []
        for start, (_, shown) in parts.parts:
            there = [row for key, held in shown.items() if _at(*_read(key), place) for row in held]
            examples = first(sorted(there), start, examples)
        message = (
            f"the true passage is {_named(place)} in {percent(rows_there, total)} of {total:,} rows with two passages "
            f"or more (random order: {percent(round(chance * total), total)}): a model learns the place. Shuffle the "
            "passages of each row"
        )
        yield None, Hit(message, related=tuple(examples))


def _read(key: str) -> tuple[int, int]:
    """Return (passages, place of the true one) of a key "passages:place"."""
    size, _, place = key.partition(":")
    return int(size), int(place)


def _at(size: int, place: int, wanted: int) -> bool:
    """True if a place is the wanted one, counted from 0; -1 is the last."""
    return place == (size - 1 if wanted < 0 else wanted)


def _share_of(counts: Counter[tuple[int, int]], wanted: int) -> tuple[int, int, float]:
    """Return (rows with the true passage in a place, the place, chance of it in random order)."""
    total = counts.total()
    there = sum(count for (size, place), count in counts.items() if _at(size, place, wanted))
    chance = sum(count / size for (size, _), count in sorted(counts.items()) if wanted < size) / total
    return there, wanted, chance


def _tail(successes: int, trials: int, chance: float) -> float:
    """Return the probability of so many successes or more in independent trials of one chance (binomial)."""
    if chance >= 1:
        return 1.0
    logs = [
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        + k * math.log(chance) + (trials - k) * math.log1p(-chance)
        for k in range(successes, min(trials, successes + 2000) + 1)
    ]  # fmt: skip
    return min(1.0, math.fsum(map(math.exp, logs)))


def _named(place: int) -> str:
    return "the last" if place < 0 else "the first" if place == 0 else f"number {place + 1}"
