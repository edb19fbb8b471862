"""TOK006: training on answers with a template that marks none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.tok._rows import RenderedRule, Told, unmarked

if TYPE_CHECKING:
    from prepdata.training.base import Prepared, Trainer


class NoGenerationMarker(RenderedRule):
    """Finds templates without the generation markers by which the trainer looks for what the assistant says.

    Asked of files that are to be trained on answers only (`--loss assistant`), by a trainer that finds these by the
    block `{% generation %}` of the chat template.
    Told once a file. Needs `--tokenizer`, and a trainer with `--target`.

    Why: the trainer stops with an error, or trains on nothing. TRL puts in a template of its own for some thirty that
    it knows to the byte; one more space, and it stops.
    Bad:
        {"messages": [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Good morning."}]}
    Good:
        {"messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Good evening."}]}
    Fix: none; put `{% generation %}` and `{% endgeneration %}` around what the assistant says, end of turn included.
    Source: huggingface/trl issues 3927 and 6668.
    """

    code: ClassVar[str] = "TOK006"
    name: ClassVar[str] = "no-generation-marker"
    severity: ClassVar[Severity] = "error"

    def judge(self, record: Record, row: Prepared, trainer: Trainer) -> Iterator[Told]:
        if unmarked(record, trainer) and not (row.refusal is not None and row.refusal.meant):
            message = (
                "the chat template has no generation markers, so what the assistant says cannot be found: put "
                "{% generation %} and {% endgeneration %} around it, end-of-turn token included"
            )
            yield Told(Hit(f"{message}. {trainer.doubt}" if trainer.doubt else message), "unmarked")
