"""TOK007: prompt tokens that the whole row does not begin with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.tok._rows import RenderedRule, Told, spot

if TYPE_CHECKING:
    from prepdata.training.base import Prepared, Trainer


class PromptNotPrefix(RenderedRule):
    """Finds rows whose prompt, tokenised by itself, is not how the tokens of the whole row begin.

    The template writes the prompt in another way when an answer follows, or the last sign of the prompt and the first
    of the answer make one token. Looked at where a trainer tokenises the prompt apart: prompt-completion rows, and
    templates without generation markers. Needs `--tokenizer`.

    Why: in training the model sees other tokens before its answer than in use, and the border of the loss moves.
    Bad:
        {"prompt": "The total is 1", "completion": "2 euros."}
    Good:
        {"prompt": "The total is", "completion": " 12 euros."}
    Fix: none; end prompts where a token ends (mostly: without a space, the completion beginning with one).
    Source: huggingface/trl issues 5213 (a thinking model, chat rows) and 6105 (a warning at every row).
    """

    code: ClassVar[str] = "TOK007"
    name: ClassVar[str] = "prompt-not-prefix"
    severity: ClassVar[Severity] = "warning"

    def judge(self, record: Record, row: Prepared, trainer: Trainer) -> Iterator[Told]:
        if row.refusal is not None or not row.lost_prompt:
            return
        place = next((place for place, bit in enumerate(row.trained) if bit), 0)
        message = (
            f"the tokens of the prompt alone are not how the whole row begins: its last {row.lost_prompt:,} differ, so "
            "the model is trained on a prompt that it does not see in use"
        )
        yield Told(Hit(message, excerpt=spot(row, place)), "prefix")
