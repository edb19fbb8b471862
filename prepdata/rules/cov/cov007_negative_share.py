"""COV007: more or fewer negative examples than declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity
from prepdata.rules.base import CorpusRule, Count, Parts
from prepdata.rules.base import Options as Base
from prepdata.rules.cov._share import EXAMPLES, counted, first, percent, share
from prepdata.text.columns import turns
from prepdata.text.negatives import LANGUAGES, negatives

Kind = Literal["decline", "ask-back", "not-in-context", "no-label", "refusing-call", "weight-0", "rejected", "disliked"]


class NegativeShare(CorpusRule):
    """Finds data sets whose share of negative examples lies outside the band that the configuration declares.

    Negative examples are recognised as in no-negative-examples. Says nothing unless `min_share` or `max_share` is set,
    nor below 20 rows. The share is taken of the rows that have an answer. Keeps a few numbers a chunk.

    Why: too few declines and the model answers everything; too many and it declines what it should do.
    Bad:
        {"note": "30% of the rows decline, where the configuration says max_share = 15%"}
    Good:
        {"note": "8% of the rows decline or ask back, where the band is 5% to 15%"}
    Fix: none; add rows of the kind that is missing, or drop some of the other.
    Source: Röttger et al., XSTest, 2023, on models that refuse too much; the band itself is yours.
    """

    code: ClassVar[str] = "COV007"
    name: ClassVar[str] = "negative-share"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        min_share, max_share: the band, as shares of the rows ("5%").
        least: rows with an answer below which the rule keeps silent.
        kinds: kinds that count; a rejected answer does not, since preference sets have one in every row.
        """

        min_share: str | None = None
        max_share: str | None = None
        least: Count = 20
        kinds: tuple[Kind, ...] = (
            "decline", "ask-back", "not-in-context", "no-label", "refusing-call", "weight-0", "disliked",
        )  # fmt: skip

    def setup(self) -> None:
        low, high = self.options.min_share, self.options.max_share
        self.low = share(self.name, "min_share", low) if low is not None else 0.0
        self.high = share(self.name, "max_share", high) if high is not None else 1.0

    def missing(self) -> str | None:
        if self.options.min_share is None and self.options.max_share is None:
            return "a band: the option min_share or max_share"
        return None

    def see(self, chunk: Chunk) -> Any:
        found = chunk.derived(turns)
        rows = set(found.answers.rows).union(found.unweighted, (row for row, _ in found.called))
        chosen = {kind: there for kind, there in chunk.derived(negatives).rows.items() if kind in self.options.kinds}
        every = sorted(set().union(*chosen.values()))
        others = sorted(rows.difference(every))[:EXAMPLES]
        return [
            len(rows.union(every)), len(every), {kind: len(there) for kind, there in chosen.items()},
            every[:EXAMPLES], others,
        ]  # fmt: skip

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        rows = negative = 0
        kinds: Counter[str] = Counter()
        examples: list[int] = []
        others: list[int] = []
        for start, (answered, count, by_kind, shown, plain) in parts.parts:
            rows += answered
            negative += count
            kinds.update(by_kind)
            examples = first(shown, start, examples)
            others = first(plain, start, others)
        if rows < self.options.least or not rows or self.low <= negative / rows <= self.high:
            return
        few = negative / rows < self.low
        band = f"below the declared {self.options.min_share}" if few else f"above the declared {self.options.max_share}"
        split = f" ({counted(kinds)})" if negative else ""
        yield (
            None,
            Hit(
                f"{negative:,} of {rows:,} rows ({percent(negative, rows)}) are negative examples{split}, {band}; "
                f"decided by phrases in {LANGUAGES} languages, tool names, weights and labels. "
                f"{'Add such rows' if few else 'Drop some, or add plain answers'}; first "
                f"{'rows without' if not examples else 'ones'} listed",
                related=tuple(examples or others),
            ),
        )
