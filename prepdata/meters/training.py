"""The training meter: what a trainer makes of the rows once they are rendered, and what is recommended from that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from prepdata.chunk import Chunk
from prepdata.meters.base import Meter
from prepdata.meters.spread import spread
from prepdata.meters.tokens import pack, unpack
from prepdata.rules.base import Parts
from prepdata.training.column import prepared, trainer_of

if TYPE_CHECKING:
    from prepdata.training.base import Prepared
    from prepdata.training.measures import TrainerMeasures

_COUNTS = ("rows", "kept", "cut", "answers_cut", "stopped", "refused", "unknown", "changed", "trained", "left_trained")


class Training(Meter):
    """Measures rendered rows, for each trainer. Kept: 12 bytes a row and trainer."""

    name = "training"

    def see(self, chunk: Chunk) -> dict[str, Any]:
        """Return, for each trainer, packed figures per row and sums of the chunk."""
        rendering = self.context.rendering
        if rendering is None:
            return {}
        return {name: _seen(chunk.derived(prepared(rendering, name))) for name in rendering.trainers}

    def finish(self, parts: Parts) -> dict[str, Any]:
        """Return what the trainers make of the rows (`prepdata.training.measures.TrainingMeasures`)."""
        rendering = self.context.rendering
        names = rendering.trainers if rendering else ()
        found = [self._finished(name, [part[name] for _, part in parts.parts if name in part]) for name in names]
        return {"trainers": msgspec.to_builtins(found)}

    def _finished(self, name: str, parts: Sequence[dict[str, Any]]) -> TrainerMeasures:
        from prepdata.training.advice import Measured, recommendations
        from prepdata.training.measures import TrainerMeasures

        assert self.context.rendering is not None
        trainer = trainer_of(self.context.rendering, name)
        settings = trainer.settings
        counts = {key: sum(part["counts"][key] for part in parts) for key in _COUNTS}
        dropped: Counter[str] = Counter()
        for part in parts:
            dropped.update(part["dropped"])
        tokens, last, left = (unpack(part[key] for part in parts) for key in ("tokens", "last", "left"))
        trained, left_trained = counts.pop("trained"), counts.pop("left_trained")
        most = settings.max_length or None
        measured = Measured(tokens, last, left, trained, left_trained, most, counts["refused"])
        advice = recommendations(measured, self.context.epochs)
        return TrainerMeasures(
            trainer=name,
            settings=settings,
            note=trainer.note,
            dropped=dict(sorted(dropped.items(), key=lambda item: (-item[1], item[0]))),
            tokens=sum(tokens),
            trained_tokens=trained,
            left_tokens=sum(left),
            left_trained_tokens=left_trained,
            per_row=spread(tokens),
            padding=next((one.figures for one in advice if one.name == "against-padding"), None),
            recommendations=advice,
            **counts,
        )


def _seen(rows: Iterable[Prepared]) -> dict[str, Any]:
    """Return the figures of some rows."""
    from prepdata.training.base import NotSimulated  # there already, since there are rows

    tokens: list[int] = []
    last: list[int] = []
    left: list[int] = []
    counts = dict.fromkeys(_COUNTS, 0)
    dropped: Counter[str] = Counter()
    for row in rows:
        counts["rows"] += 1
        counts["changed"] += bool(row.changes)
        if row.refusal is not None:
            counts["unknown" if isinstance(row.refusal, NotSimulated) else "refused"] += 1
            continue
        trained, size = sum(row.trained), len(row.ids)
        counts["trained"] += trained
        tokens.append(size)
        last.append(size - row.trained[::-1].index(1) if trained else 0)
        left.append(row.left_size if row.kept else 0)
        if row.stopped:
            counts["stopped"] += 1
        elif row.dropped:
            dropped[row.dropped] += 1
        else:
            left_trained = row.left_trained
            counts["kept"] += 1
            counts["cut"] += left[-1] < size
            counts["answers_cut"] += left_trained < trained
            counts["left_trained"] += left_trained
    packed = {"tokens": pack(tokens), "last": pack(last), "left": pack(left)}
    return {**packed, "counts": counts, "dropped": dict(dropped)}
