"""What should be known of a record of an evaluation before its numbers are believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prepdata.findings import plural
from trainers.record import Evaluation, SampleResult

MOST_CUT = 0.5
"""Share of answers cut at the most tokens beyond which their scores tell of the limit rather than of the model."""
_MARKS = {"json_schema": "schema"}
"""Scorer -> mark by which a row asks for it, besides naming it in the mark `scorer`."""


def notes(record: Evaluation, samples: Sequence[SampleResult]) -> Iterator[str]:
    """Yield what should be known, a line each.

    Args:
        record: as written.
        samples: of it.
    """
    rendering = record.rendering
    if rendering.tools_ignored:
        yield (
            f"{rendering.tools_ignored:,} prompts declare tools, and the chat template leaves them out: the model "
            "never read of them. Use a template that knows tools (--chat-template)."
        )
    if rendering.renderer == "transformers":
        yield "prepdata and transformers render some prompts differently; those of transformers were asked"
    if record.kind == "tuned" and record.model.adapter is None and record.training is None:
        yield (
            "no adapter and no run is named: nothing tells that this model was tuned. Give --adapter DIR, or --run DIR "
            "for a merged or served one; the model before training is recorded by `prepdata baseline`"
        )
    yield from _answers(record, samples)
    yield from _unscored(samples)
    if record.memorised is not None and record.memorised.copied:
        held = record.memorised
        yield (
            f"warning: memorised-answers: {held.copied:,} of {held.answers:,} answers repeat a training row; "
            "`memorised` in the record names the worst"
        )


def _answers(record: Evaluation, samples: Sequence[SampleResult]) -> Iterator[str]:
    given = [sample for sample in samples if sample.finish_reason != "error"]
    if given and not any(sample.output.strip() or sample.calls for sample in given):
        yield f"all {len(given):,} answers are empty: look at the model, its chat template or the endpoint"
    cut = sum(sample.finish_reason == "cut" for sample in given)
    if cut > MOST_CUT * len(given):
        yield (
            f"{cut:,} of {len(given):,} answers were cut at --max-new-tokens {record.decoding.max_new_tokens}: scores "
            "tell of that limit; give more, or look why the model does not stop"
        )


def _unscored(samples: Sequence[SampleResult]) -> Iterator[str]:
    """Yield for each scorer which rows asked for it and got no score, the first with its reason."""
    found: dict[str, list[SampleResult]] = {}
    for sample in samples:
        if sample.finish_reason == "error":
            continue
        for name, score in sample.scores.items():
            if score.value is None and _asks_for(sample, name):
                found.setdefault(name, []).append(sample)
    for name, held in found.items():
        reason = held[0].scores[name].detail or "no reason given"
        yield f"{name}: {plural(len(held), 'row')} asked for it and got no score (row {held[0].doc_id}: {reason})"


def _asks_for(sample: SampleResult, name: str) -> bool:
    mark = sample.expected.get("scorer")
    named = mark.get("name") if isinstance(mark, dict) else mark
    return named == name or _MARKS.get(name) in sample.expected
