"""COV002: fewer examples than are usually recommended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity
from prepdata.rules.base import CorpusRule, Count, Parts
from prepdata.rules.base import Options as Base

FEW = 100
"""Below this, too-few-examples (COV001) speaks, and this rule keeps silent."""


class SmallDataset(CorpusRule):
    """Finds data sets of 100 to 999 rows, as a piece of information. Keeps nothing a row.

    Why: 500 to 2,000 good examples are what is usually recommended for one task. Fewer can be enough for a style or
        a format, seldom for a task with many cases.
    Bad:
        {"note": "400 rows"}
    Good:
        {"note": "1,200 rows"}
    Fix: none; more good and different examples, or a look at the evaluation whether these are enough.
    Source: the range that providers' guides and published recipes name (read November 2026).
    """

    code: ClassVar[str] = "COV002"
    name: ClassVar[str] = "small-dataset"
    severity: ClassVar[Severity] = "info"

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        least: rows below which the rule speaks.
        """

        least: Count = 1000

    def see(self, chunk: Chunk) -> Any:
        return None

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        if FEW <= parts.rows < self.options.least:
            yield (
                None,
                Hit(
                    f"{parts.rows:,} rows; 500 to 2,000 good examples are what is usually recommended for one task. "
                    "Let an evaluation tell whether these are enough"
                ),
            )
