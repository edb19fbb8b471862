"""COV006: not one example of what not to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity
from prepdata.rules.base import CorpusRule, Count, Parts
from prepdata.rules.base import Options as Base
from prepdata.rules.cov._share import EXAMPLES, first
from prepdata.text.columns import turns
from prepdata.text.negatives import LANGUAGES, negatives

LABEL = 40
"""Letters up to which an answer on one line may be a label or a single value."""


class NoNegativeExamples(CorpusRule):
    """Finds data sets in which no row declines, asks back, finds nothing in its text, or shows a bad answer.

    Counted as negative: an answer that begins with a decline, asks for what is missing, or says that the given text
    does not hold the answer (phrases in 28 languages); an answer that is just "none" or "other"; a call of a tool such as
    `reject_request`; a turn of weight 0; a rejected answer; a row labelled false. Rows that only come near ("it depends",
    "unfortunately") are shown, not counted. Says nothing below 50 rows, nor where nine answers of ten are labels or
    short values. Keeps a few numbers a chunk.

    Why: a model that has only ever seen answers answers everything: it invents where it should ask, and obeys where it
        should decline.
    Bad:
        {"note": "100 rows, each with a full answer"}
    Good:
        {"messages": [{"role": "user", "content": "Refund it."}, {"role": "assistant", "content": "Could you tell me your order number?"}]}
    Fix: none; write such rows: questions out of scope, questions that lack something, texts without the answer.
    Source: Rajpurkar et al., Know What You Don't Know (SQuAD 2.0), 2018: without unanswerable questions systems answer
        them all.
    """  # noqa: E501

    code: ClassVar[str] = "COV006"
    name: ClassVar[str] = "no-negative-examples"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        least: rows with an answer below which the rule keeps silent.
        """

        least: Count = 50

    def see(self, chunk: Chunk) -> Any:
        found = chunk.derived(negatives)
        if found.rows:
            return [1]
        answers = chunk.derived(turns).answers
        short = len({row for row, text in zip(answers.rows, answers.texts) if len(text) <= LABEL and "\n" not in text})
        return [0, len(set(answers.rows)), short, found.near[:EXAMPLES]]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        rows = short = 0
        near: list[int] = []
        for start, part in parts.parts:
            if part[0]:
                return
            rows += part[1]
            short += part[2]
            near = first(part[3], start, near)
        if rows < self.options.least or short >= 0.9 * rows:
            return
        shown = "; the rows that come nearest are listed" if near else ""
        yield (
            None,
            Hit(
                f"0 of {rows:,} rows (0%) show what not to do: no decline, no question back, no 'not in the text' "
                f"(phrases in {LANGUAGES} languages), no refusing call, no weight 0, no rejected answer{shown}. "
                "Add rows in which the right answer is to decline or to ask",
                related=tuple(near),
            ),
        )
