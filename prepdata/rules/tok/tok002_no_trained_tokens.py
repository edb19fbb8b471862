"""TOK002: a row with no token in the loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.tok._rows import RenderedRule, Told, answer_path, spot, unmarked

if TYPE_CHECKING:
    from prepdata.training.base import Prepared, Trainer


class NoTrainedTokens(RenderedRule):
    """Finds rows of which no token is trained, before any length limit.

    The row ends without an answer, its answers are empty or have weight 0, or the template marks nothing as said by the
    assistant. Rows whose trained tokens a length limit takes away are `answer-cut`. Needs `--tokenizer`.

    Why: such a row teaches nothing. Some trainers stop at it, some leave it out, and some train a step on nothing,
    whose loss is 0 or no number.
    Bad:
        {"messages": [{"role": "user", "content": "Where is my parcel?"}]}
    Good:
        {"messages": [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "In Lyon."}]}
    Fix: none; give the row an answer, or take it out.
    Source: huggingface/trl issues 3927 and 6668.
    """

    code: ClassVar[str] = "TOK002"
    name: ClassVar[str] = "no-trained-tokens"
    severity: ClassVar[Severity] = "error"

    def judge(self, record: Record, row: Prepared, trainer: Trainer) -> Iterator[Told]:
        if row.refusal is not None or 1 in row.trained or unmarked(record, trainer):
            return  # told by template-error or no-generation-marker
        if row.stopped and not row.ids:
            return  # told by template-error
        if row.dropped and not row.ids:
            yield Told(Hit(f"{trainer.title} leaves this row out: {row.dropped}", path=answer_path(record)))
            return
        why = "it has no answer" if not record.answers else "nothing of its answers is in the loss"
        excerpt = spot(row, len(row.ids) - 1)
        yield Told(Hit(f"no token of this row is trained: {why}", path=answer_path(record), excerpt=excerpt))
