"""TOK001: a row that the chat template refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, clip
from prepdata.record import Record
from prepdata.rules.base import Parts
from prepdata.rules.tok._rows import RenderedRule, Told, unmarked
from prepdata.training.column import trainer_of

if TYPE_CHECKING:
    from prepdata.training.base import Prepared, Trainer


class TemplateError(RenderedRule):
    """Finds rows that the chat template does not render.

    Templates refuse by raising an exception of their own (no system role, roles that do not alternate), or stumble over
    what they did not expect (arguments of a call as text where they want an object). Templates that would run for ever,
    take all memory or reach for what is outside are stopped. Told too are runs of a trainer that end for other reasons:
    because no row of the file is left, or at rows that are not like the first ones, from which it takes how all are
    read; and what it warns of at the start of a run. Needs `--tokenizer`. Kept: 3 bytes a row and trainer.

    Why: trainers stop at the first such row, hours after the start where they render late, or leave the row out.
    Bad:
        {"messages": [{"role": "assistant", "content": "Hello."}, {"role": "assistant", "content": "Anybody there?"}]}
    Good:
        {"messages": [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Good morning."}]}
    Fix: none; change the row, or train with another template (`--chat-template`).
    Source: unslothai/unsloth issue 334, huggingface/alignment-handbook issue 93 (roles that do not alternate).
    """

    code: ClassVar[str] = "TOK001"
    name: ClassVar[str] = "template-error"
    severity: ClassVar[Severity] = "error"
    share: ClassVar[float] = 0.5

    def glance(self, chunk: Chunk, name: str, rows: list[Prepared]) -> Any:
        assert self.context.rendering is not None
        out = Counter(row.dropped for row in rows if row.dropped and not row.stopped)
        return len(rows), out, trainer_of(self.context.rendering, name).glance(chunk.records)

    def judge_all(self, trainer: Trainer, parts: Parts) -> Iterator[tuple[int | None, Told]]:
        rows = sum(size for _, (size, _, _) in parts.parts)
        out = sum((Counter(part[1]) for _, part in parts.parts), Counter[str]())
        ends = trainer.without_rows()
        if ends and rows and out.total() == rows:
            reasons = "; ".join(f"{count:,}: {why}" for why, count in sorted(out.items()))
            yield None, Told(Hit(f"{trainer.title} ends with an error, as it leaves out every row: {ends} ({reasons})"))
        for fact in trainer.of_file([(first, part[2]) for first, part in parts.parts if part[2] is not None], rows):
            yield fact.row, Told(Hit(fact.said, severity=fact.severity), fact.kind)

    def judge(self, record: Record, row: Prepared, trainer: Trainer) -> Iterator[Told]:
        refusal = row.refusal
        if row.stopped and not row.ids and refusal is None:
            yield Told(Hit(f"{trainer.title} ends with an error at this row: {clip(row.stopped, 160)}"), row.stopped)
        if refusal is None or (not refusal.meant and unmarked(record, trainer)):
            return
        from prepdata.training.base import NotRead, NotSimulated  # there already, since there is a row

        if isinstance(refusal, NotRead):
            yield Told(Hit(f"{trainer.title} does not read this row: {clip(refusal.said, 200)}"), refusal.said)
            return
        if isinstance(refusal, NotSimulated):
            yield Told(Hit(f"not known: {refusal.said}", severity="info"), refusal.said)
            return
        where = f", line {refusal.line} of the template" if refusal.line else ""
        said = clip(refusal.said, 160)
        if refusal.meant:
            message = f"the chat template refuses this row: '{said}'{where}; change the row or the template"
        else:
            message = f"the chat template cannot render this row: {said}{where}; change the row or the template"
        yield Told(Hit(message), "" if refusal.meant else said)
