"""COV005: answers far longer or shorter than the rest; chosen answers longer than rejected ones."""

from __future__ import annotations

import math
import sys
from array import array
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import msgspec

from prepdata.alike import alike
from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity
from prepdata.record import Message
from prepdata.rules.base import CorpusRule, Count, Parts
from prepdata.rules.base import Options as Base
from prepdata.rules.cov._share import EXAMPLES, percent, whole

FEWEST = 0.25
"""Least spread taken for the spread of log lengths: in a file of answers of equal length, 25% more is no outlier."""
RARE = 0.005
"""Share of the answers up to which far ones are outliers; more are a kind of their own."""
APART = 5.0
"""How many times as long (or as short) as all but the `RARE` ones an outlier is at least."""


class LengthOutlier(CorpusRule):
    """Finds answers far outside the file's own spread of lengths, and length bias in preference pairs.

    An answer is far out where the logarithm of its length is more than 3.5 robust deviations (1.4826 times the median
    distance from the median) away from the median, and it is 5 times as long, or as short, as the median and as any
    other but the outermost 0.5% of the answers. Says nothing below 50 answers. Length bias: of 50 or more pairs, in 75%
    the longer answer is the chosen one, or in 75% the rejected one, and all together they differ by a quarter. Keeps 4
    bytes a row.

    Why: the odd answer is often broken: a whole document pasted in, two rows glued, a cut text. It also weighs more
        than its share in the loss. With biased pairs a model learns length in place of quality.
    Bad:
        {"note": "1,000 answers of 50 to 400 letters, and one of 60,000"}
    Good:
        {"note": "1,000 answers of 20 to 4,000 letters"}
    Fix: none; look at the rows. Balance pairs by choosing short good answers too.
    Source: Leys et al., Detecting outliers: do not use standard deviation around the mean, use absolute deviation
        around the median, 2013; Singhal et al., A Long Way to Go: Investigating Length Correlations in RLHF, 2023.
    """

    code: ClassVar[str] = "COV005"
    name: ClassVar[str] = "length-outlier"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        deviations: robust deviations from the median of log lengths, from which on an answer is far out.
        times: how many times as long or as short as the median it has to be as well.
        least: answers, or pairs, below which the rule keeps silent.
        """

        deviations: Annotated[float, msgspec.Meta(gt=0)] = 3.5
        times: Annotated[float, msgspec.Meta(ge=1)] = 5.0
        least: Count = 50

    def see(self, chunk: Chunk) -> Any:
        size = 1 + max((record.row for record in chunk.records), default=-1)
        lengths = array("I", bytes(4 * size))
        longer = shorter = chosen_sum = rejected_sum = 0
        for group in chunk.derived(alike):
            if group.first.preference:
                for record in group.records:
                    one, other = _length(record.chosen), _length(record.rejected)
                    lengths[record.row] = one
                    if one and other:
                        longer += one > other
                        shorter += one < other
                        chosen_sum += one
                        rejected_sum += other
            elif group.turns:
                last = group.turns[-1][0]
                if last.role == "assistant" and not last.calls:
                    for record, text in zip(group.records, group.texts[-1]):
                        lengths[record.row] = len(text)
        if sys.byteorder == "big":
            lengths.byteswap()
        return [lengths.tobytes(), longer, shorter, chosen_sum, rejected_sum]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        columns: list[tuple[int, array[int]]] = []
        counts: Counter[int] = Counter()
        pairs = [0, 0, 0, 0]
        for start, part in parts.parts:
            lengths = array("I", part[0])
            if sys.byteorder == "big":
                lengths.byteswap()
            columns.append((start, lengths))
            counts.update(lengths)
            pairs = [a + b for a, b in zip(pairs, part[1:])]
        counts.pop(0, None)
        yield from whole(self._outliers(columns, counts))
        yield from whole(self._bias(*pairs))

    def _outliers(self, columns: list[tuple[int, array[int]]], counts: Counter[int]) -> Iterator[Hit]:
        total = sum(counts.values())
        if total < self.options.least:
            return
        ordered = sorted(counts.items())
        median = _median(ordered, total)
        middle = math.log(median)
        distances: Counter[float] = Counter()
        for length, n in ordered:
            distances[round(abs(math.log(length) - middle), 9)] += n
        spread = max(1.4826 * float(_median(sorted(distances.items()), total)), FEWEST)
        reach = max(self.options.deviations * spread, math.log(self.options.times))
        rare = max(1, int(RARE * total))
        low = min(math.exp(middle - reach), _at(ordered, rare) / APART)
        high = max(math.exp(middle + reach), _at(ordered, total - rare - 1) * APART)
        for far, word in (
            ([n for n in counts if n > high], "longer"),
            ([n for n in counts if n < low], "shorter"),
        ):
            many = sum(counts[n] for n in far)
            if not many:
                continue
            wanted = set(far)
            rows = [(length, start + i) for start, own in columns for i, length in enumerate(own) if length in wanted]
            rows.sort(key=lambda item: (-item[0] if word == "longer" else item[0], item[1]))
            extreme = rows[0][0]
            yield Hit(
                f"{many:,} of {total:,} answers {'is' if many == 1 else 'are'} far {word} than the rest: "
                f"{extreme:,} letters where the median is {int(median):,} and {int(low):,} to {int(high):,} fit. "
                "Look whether they are broken",
                related=tuple(row for _, row in rows[:EXAMPLES]),
            )

    def _bias(self, longer: int, shorter: int, chosen: int, rejected: int) -> Iterator[Hit]:
        pairs = longer + shorter
        if pairs < self.options.least or not chosen or not rejected:
            return
        side, other, top = ("chosen", "rejected", longer) if longer >= shorter else ("rejected", "chosen", shorter)
        ratio = chosen / rejected if side == "chosen" else rejected / chosen
        if top >= 0.75 * pairs and ratio >= 1.25:
            yield Hit(
                f"the {side} answer is the longer one in {percent(top, pairs)} of {pairs:,} pairs, in all {ratio:.1f} "
                f"times as long as the {other} ones: a model learns length. Add pairs in which it is not"
            )


def _length(side: tuple[Message, ...]) -> int:
    return min(sum(len(message.text) for message in side), 0xFFFFFFFF)


def _median(ordered: list[Any], total: int) -> Any:
    """Return the lower median of (value, count) pairs in rising order."""
    return _at(ordered, (total + 1) // 2 - 1)


def _at(ordered: list[Any], position: int) -> Any:
    """Return the value at a 0-based position of all values, given as (value, count) pairs in rising order."""
    seen = 0
    for value, n in ordered:
        seen += n
        if seen > position:
            return value
    return ordered[-1][0]
