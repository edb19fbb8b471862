"""TOK003: a length limit that takes the answer away, or a part of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.tok._rows import RenderedRule, Told, answer_path, spot

if TYPE_CHECKING:
    from prepdata.training.base import Prepared, Trainer


class AnswerCut(RenderedRule):
    """Finds rows that the trainer cuts, or leaves out, for their length.

    An error where the limit falls before the answer, so that nothing of it is trained, or where the row is left out or
    ends the run; a warning where it falls inside the answer: the model learns to stop in the middle, since the end of
    the turn is cut away. The limit is that of `--max-length`, else the trainer's own default. Needs `--tokenizer`.

    Why: trainers cut without a word, and the loss does not show it: answers that were cut gave much the same loss, and
    a model that ends its JSON nowhere.
    Bad:
        {"messages": [{"role": "user", "content": "Sum up the terms of delivery in one sentence, please."},
         {"role": "assistant", "content": "Parcels reach you within three days; heavy goods come with a carrier."}]}
    Good:
        {"messages": [{"role": "user", "content": "Sum it up."}, {"role": "assistant", "content": "Three days."}]}
    Fix: none; raise the limit, shorten the row, or take it out.
    Source: huggingface/trl issue 3927 and pull request 3449 (a warning was declined).
    """

    code: ClassVar[str] = "TOK003"
    name: ClassVar[str] = "answer-cut"
    severity: ClassVar[Severity] = "error"

    def judge(self, record: Record, row: Prepared, trainer: Trainer) -> Iterator[Told]:
        size, limit = len(row.ids), trainer.settings.max_length
        if row.refusal is not None or not limit or size <= limit or 1 not in row.trained:
            return
        path = answer_path(record)
        long = f"{size:,} tokens, {size - limit:,} more than the limit of {limit:,}"
        if row.stopped:
            yield Told(Hit(f"{trainer.title} ends with an error at this row: {long}", path=path))
        elif row.dropped and row.end == row.start:
            yield Told(Hit(f"{trainer.title} leaves this row out: {long}", path=path))
        elif (row.start, row.end) != (0, size) or row.holes:
            yield from self._cut(_answer_alone(record, row), long, path)

    def _cut(self, row: Prepared, long: str, path: str | None) -> Iterator[Told]:
        all_trained = sum(row.trained)
        kept = row.left_trained
        border = row.start - 1 if row.start else row.holes[0][0] if row.holes else row.end
        if not kept:
            message = f"the length limit falls before the answer, so nothing of this row is trained ({long})"
            yield Told(Hit(message, path=path, excerpt=spot(row, border)))
        elif kept < all_trained:
            where = "the end of the answer is cut off" if row.start == 0 else "the beginning of the answer is cut off"
            where = "answers are cut off or left out" if row.holes else where
            message = f"{where}: {all_trained - kept:,} of {all_trained:,} trained tokens are lost ({long})"
            yield Told(Hit(message, path=path, excerpt=spot(row, border), severity="warning"))


def _answer_alone(record: Record, row: Prepared) -> Prepared:
    """Return a row with its last answer alone as trained, where its first token is: all of it is trained then, and what
    is cut from the prompt is no part of an answer."""
    answer = record.split()[1]
    text = answer[-1].text.strip() if answer else ""
    place = row.text.rfind(text) if text and row.trained[0] else -1
    if place < 0:
        return row
    first = next((n for n, (_, end) in enumerate(row.offsets) if end > place), 0)
    return row._replace(trained=[*([0] * first), *row.trained[first:]])
