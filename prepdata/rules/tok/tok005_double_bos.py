"""TOK005: a beginning-of-sequence token twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.tok._rows import RenderedRule, Told, spot

if TYPE_CHECKING:
    from prepdata.training.base import Prepared, Trainer


class DoubleBos(RenderedRule):
    """Finds rows that begin with the beginning-of-sequence token twice.

    Once from the template or the text, and once from the tokenizer; or the row itself brings it along. Needs
    `--tokenizer`.

    Why: the model has never seen it twice. A doubled one cost a base model about 6 points and made the tuned model look
    better than it was.
    Bad:
        {"text": "<s> Lyon is a city in France."}
    Good:
        {"text": "Lyon is a city in France."}
    Fix: none; take it out of the text or the template.
    Source: princeton-pli/retaining-by-doing issue 5; unslothai/unsloth issue 1832.
    """

    code: ClassVar[str] = "TOK005"
    name: ClassVar[str] = "double-bos"
    severity: ClassVar[Severity] = "error"

    def judge(self, record: Record, row: Prepared, trainer: Trainer) -> Iterator[Told]:
        bos = trainer.renderer.bos
        if bos is None or len(row.ids) < 2 or row.ids[0] != bos:
            return
        second = next((place for place in range(1, len(row.ids)) if row.text[slice(*row.offsets[place])].strip()), 1)
        if row.ids[second] == bos:
            token = trainer.renderer.token(bos)
            message = f"the row begins with {token} twice: template and tokenizer, or the row itself, bring one each"
            yield Told(Hit(message, excerpt=spot(row, second)), "doubled")
