"""What tuning starts from: the rows, with passages where the model is to read them, and the prompt that is left."""

from __future__ import annotations

import msgspec

from prepdata.cost import Amount, Range
from prepdata.cost_compare.model import Workload
from prepdata.cost_gpu import Method


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """What tuning starts from.

    Args:
        amount: rows and tokens of the file.
        epochs: epochs; None for the default.
        context: tokens at which rows are cut; None for no cut.
        billions, card, method: size of an own model in billions of parameters, GPU and way to tune and serve it on.
        longest: tokens of the longest row.
    """

    amount: Amount
    epochs: float | None = None
    context: int | None = None
    billions: float | None = None
    card: str | None = None
    method: Method = "lora"
    longest: int = 1

    def settled(self, factor: float) -> Tuning:
        """Return the same with tokens that are exactly `factor` times as many."""
        amount = Amount(self.amount.rows, round(self.amount.tokens * factor))
        return msgspec.structs.replace(self, amount=amount)

    def tokens(self, passages: Range) -> Range:
        """Return the tokens of one epoch, with so many tokens of passages in each row, no row beyond the cut."""
        error, rows = self.amount.error, self.amount.rows
        plain = [self.amount.tokens * (1 + off) for off in (-error, 0.0, error)]
        if not passages.high:
            return Range(*plain)
        longer = [tokens + rows * more for tokens, more in zip(plain, figures(passages))]
        return Range(*(min(tokens, rows * self.context) if self.context else tokens for tokens in longer))

    def longest_row(self, passages: float) -> int:
        """Return the tokens of the longest row, with so many of passages, up to the cut."""
        row = self.longest + round(passages)
        return max(1, min(row, self.context or row))

    def passages_said(self, passages: Range) -> list[str]:
        """Return the assumption that goes with passages in the rows, if there are any."""
        return ["trained on rows with as many tokens of passages as calls have"] if passages.high else []


def figures(value: Range) -> tuple[float, float, float]:
    """Return the three figures of a range."""
    return value.low, value.likely, value.high


def tuned_prompt(work: Workload) -> tuple[Range, str]:
    """Return the prompt of a tuned model: low and likely the question alone, high with the instructions."""
    question, whole = work.tokens(work.user), work.tokens(work.system + work.user)
    said = "a tuned model is asked the question alone (rows trained without instructions); high: they stay, uncached"
    return Range(question.low, question.likely, whole.high), said
