"""What the rules about rendered rows share: each sees every row as the simulated trainers make it.

Much of what goes wrong here comes from the template and not from the row. Such a finding is told once, with the number
of rows, where many have it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import msgspec

from prepdata.chunk import Chunk
from prepdata.findings import Hit, around
from prepdata.record import Record
from prepdata.render.errors import TemplateRefusal
from prepdata.rules.base import CorpusRule, Parts
from prepdata.training.column import PLAIN, prepared, trainer_of

if TYPE_CHECKING:
    from prepdata.training.base import Prepared, Trainer

MANY = 10  # rows with a finding from the same cause from which they are told as one
SHOWN = 10  # rows named beside the first

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Hit).decode


class Told(NamedTuple):
    """What a rule says of a row.

    Args:
        hit: the finding.
        kind: the same for all rows that have the finding from the same cause; "" where the row itself is the cause.
    """

    hit: Hit
    kind: str = ""


class RenderedRule(CorpusRule):
    """A rule about rows as trainers make them; a rule of the family overrides `judge`, and for what only all rows of a
    file together tell, `glance` and `judge_all`.

    `share` is the share of all rows (0 to 1) that must have a finding from the same cause, besides `MANY` of them, for
    it to be told once: above 0 where the row may be to blame and not the template.
    """

    share: ClassVar[float] = 0.0
    scope: ClassVar[Literal["file", "dataset", "run"]] = "file"

    def missing(self) -> str | None:
        rendering = self.context.rendering
        return None if rendering else "a tokenizer folder with a chat template (--tokenizer), and the extra `render`"

    def judge(self, record: Record, row: Prepared, trainer: Trainer) -> Iterator[Told]:
        """Yield what is wrong with a row."""
        raise NotImplementedError

    def glance(self, chunk: Chunk, name: str, rows: list[Prepared]) -> Any:
        """Return what is kept of a chunk for `judge_all`, as values that msgpack can hold; None for nothing.

        Args:
            chunk: the rows.
            name: of the trainer.
            rows: what it makes of them.
        """
        return None

    def judge_all(self, trainer: Trainer, parts: Parts) -> Iterator[tuple[int | None, Told]]:
        """Yield (row, None for the whole file; what is wrong) for a file.

        Args:
            trainer: the trainer.
            parts: what `glance` returned, where it was not None.
        """
        return iter(())

    def see(self, chunk: Chunk) -> Any:
        rendering = self.context.rendering
        assert rendering is not None
        found, glances = [], {}
        for name in rendering.trainers:
            trainer, rows = trainer_of(rendering, name), chunk.derived(prepared(rendering, name))
            for record, row in zip(chunk.records, rows):
                for told in self.judge(record, row, trainer):
                    found.append([record.row, name, told.kind, _encode(told.hit)])
            glance = self.glance(chunk, name, rows)
            if glance is not None:
                glances[name] = glance
        return found, glances

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        alone: dict[tuple[int, bytes], list[str]] = {}
        alike: dict[tuple[str, str], list[tuple[int, bytes]]] = {}
        for row, trainer, kind, hit in self._findings(parts):
            if row is None:
                yield None, _for_trainers(_decode(hit), [trainer])
            elif kind:
                alike.setdefault((trainer, kind), []).append((row, hit))
            else:
                alone.setdefault((row, hit), []).append(trainer)
        for (trainer, _), rows in alike.items():
            if len({row for row, _ in rows}) >= max(MANY, self.share * parts.rows):
                yield self._together(rows, trainer, parts.rows)
            else:
                for row, hit in rows:
                    alone.setdefault((row, hit), []).append(trainer)
        for (row, hit), trainers in alone.items():
            yield row, _for_trainers(_decode(hit), trainers)

    def _findings(self, parts: Parts) -> Iterator[tuple[int | None, str, str, bytes]]:
        """Yield (row, trainer, kind, hit) of all that is wrong with rows and with the file."""
        for first, (found, _) in parts.parts:
            for row, trainer, kind, hit in found:
                yield first + row, trainer, kind, hit
        rendering = self.context.rendering
        for name in rendering.trainers if rendering else ():
            glances = [(first, glances[name]) for first, (_, glances) in parts.parts if name in glances]
            if glances:
                for number, told in self.judge_all(trainer_of(rendering, name), parts._replace(parts=glances)):
                    yield number, name, told.kind, _encode(told.hit)

    def _together(self, rows: list[tuple[int, bytes]], trainer: str, total: int) -> tuple[int, Hit]:
        numbers = sorted({row for row, _ in rows})
        first = min(rows)
        hit = _decode(first[1])
        said = f"{hit.message} (so in {len(numbers):,} of {total:,} rows; this is the first)"
        hit = msgspec.structs.replace(hit, message=said, related=tuple(numbers[1 : 1 + SHOWN]), rows=len(numbers))
        return first[0], _for_trainers(hit, [trainer])


def _for_trainers(hit: Hit, trainers: list[str]) -> Hit:
    return hit if trainers == [PLAIN] else msgspec.structs.replace(hit, targets=tuple(trainers))


def unmarked(record: Record, trainer: Trainer) -> bool:
    """True if the trainer finds what is trained by generation markers, and the template for this row has none."""
    try:
        return trainer.reads_marks and not trainer.renderer.template(bool(record.tools)).marks
    except TemplateRefusal:  # it is no template
        return False


def spot(row: Prepared, token: int, last: int | None = None) -> str | None:
    """Return the rendered text around some tokens.

    Args:
        row: the row.
        token: the first token that is meant.
        last: the last one, if it is not that.
    """
    if not row.text or not 0 <= token < len(row.offsets):
        return None
    end = row.offsets[token if last is None else min(last, len(row.offsets) - 1)][1]
    return around(row.text, (row.offsets[token][0], end))


def answer_path(record: Record) -> str | None:
    """Return the place of the last answer of a row."""
    answer = record.split()[1]
    return answer[-1].path if answer else None


def runs(trained: list[int] | tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the stretches of trained tokens."""
    start = None
    for place, bit in enumerate(trained):
        if bit and start is None:
            start = place
        elif not bit and start is not None:
            yield start, place
            start = None
    if start is not None:
        yield start, len(trained)
