"""TOK009: a row that is longer than the context."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.tok._rows import RenderedRule, Told, answer_path, spot

if TYPE_CHECKING:
    from prepdata.training.base import Prepared, Trainer


class OverContext(RenderedRule):
    """Finds rendered rows that are longer than what the model can read.

    The limit is `--context-length`, else that of a provider given with `--target`, else the `model_max_length` of the
    tokenizer's configuration. Where a trainer cuts rows before (`--max-length`) that is `answer-cut`. Needs
    `--tokenizer`.

    Why: positions beyond the context were never trained: the run fails, or goes on with nonsense.
    Bad:
        {"messages": [{"role": "user", "content": "Read these forty pages and tell me what they say."},
         {"role": "assistant", "content": "They say what forty pages say."}]}
    Good:
        {"messages": [{"role": "user", "content": "Read this."}, {"role": "assistant", "content": "Done."}]}
    Fix: none; shorten the row or split it.
    Source: haotian-liu/LLaVA issue 1906, nomic-ai/gpt4all issue 444; limits of providers as in `prepdata/targets`.
    """

    code: ClassVar[str] = "TOK009"
    name: ClassVar[str] = "over-context"
    severity: ClassVar[Severity] = "error"

    def judge(self, record: Record, row: Prepared, trainer: Trainer) -> Iterator[Told]:
        if row.refusal is not None:
            return
        size, cut = len(row.ids), row.left_size
        if self.context.context_length is not None:
            if size > self.context.context_length:
                yield self._told(record, row, self.context.context_length, "the context given", ())
            return
        limits = [(t.name, t.limits.max_row_tokens.value) for t in self.context.targets if t.limits.max_row_tokens]
        for name, most in limits:
            if size > most:
                yield self._told(record, row, most, f"the limit of {name}", (name,))
        longest = trainer.renderer.folder.longest
        if not limits and longest is not None and min(size, cut or size) > longest:
            yield self._told(record, row, longest, "what the tokenizer says the model can read", ())

    def _told(self, record: Record, row: Prepared, most: int, what: str, targets: tuple[str, ...]) -> Told:
        size = len(row.ids)
        message = f"the rendered row has {size:,} tokens, {size - most:,} more than {what} ({most:,})"
        return Told(Hit(message, path=answer_path(record), excerpt=spot(row, most), targets=targets))
