"""TOK004: an answer whose end is not trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.tok._rows import RenderedRule, Told, answer_path, runs, spot

if TYPE_CHECKING:
    from prepdata.training.base import Prepared, Trainer


class NoEndOfTurn(RenderedRule):
    """Finds answers after which no end-of-turn token is trained: it is absent, or outside the loss.

    Looked at are the trained tokens of the last answer, before any length limit: they have to end with a special token
    that ends a turn or a text, white space after it aside. Needs `--tokenizer`.

    Why: a model that never learns to write the end of its turn talks on until the length limit of every call.
    Bad:
        {"prompt": "Capital of France?", "completion": " Paris"}
    Good:
        {"messages": [{"role": "user", "content": "Capital of France?"}, {"role": "assistant", "content": "Paris"}]}
    Fix: none; put the end-of-turn token inside the generation markers of the template, or at the end of the completion.
    Source: huggingface/trl issues 1623, 2059 and 7230, mlabonne/llm-course issue 33.
    """

    code: ClassVar[str] = "TOK004"
    name: ClassVar[str] = "no-end-of-turn"
    severity: ClassVar[Severity] = "error"

    def judge(self, record: Record, row: Prepared, trainer: Trainer) -> Iterator[Told]:
        if row.refusal is not None or 1 not in row.trained or record.label is False:
            return
        *_, (start, end) = runs(list(row.trained))
        ends = trainer.renderer.end_tokens
        last = self._last(row, start, end)
        if last is not None and row.ids[last] in ends:
            return
        after = next((place for place in range(end, len(row.ids)) if not self._blank(row, place)), None)
        path = answer_path(record)
        if after is not None and row.ids[after] in ends:
            token = trainer.renderer.token(row.ids[after])
            message = (
                f"the end of the turn ({token}) is not trained: it stands behind the trained tokens, so the model "
                "never learns to stop"
            )
            yield Told(Hit(message, path=path, excerpt=spot(row, after)), "outside")
        else:
            message = "no end-of-turn token follows the answer, so the model never learns to stop"
            yield Told(Hit(message, path=path, excerpt=spot(row, end - 1)), "absent")

    def _last(self, row: Prepared, start: int, end: int) -> int | None:
        return next((place for place in range(end - 1, start - 1, -1) if not self._blank(row, place)), None)

    def _blank(self, row: Prepared, place: int) -> bool:
        begin, end = row.offsets[place]
        return row.text[begin:end].isspace()
