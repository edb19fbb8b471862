"""Does the model decline, ask back or say that it does not know, where the row does?"""

from __future__ import annotations

from collections.abc import Mapping

from prepdata.text import _negative_phrases, negatives
from trainers.scorers.base import Sample, Score, Scorer, rate


def negative(sample: Sample) -> bool:
    """Return whether a row is a negative example: its mark `negative` says so, or its own answer declines."""
    mark = sample.expected.get("negative")
    if isinstance(mark, bool):
        return mark
    return negatives.kind_of_answer(sample.reference) is not None or _refusing_call(sample.expected.get("calls"))


def declines(sample: Sample) -> str | None:
    """Return how an answer declines (`decline`, `ask-back`, `not-in-context`, `no-label`, `refusing-call`), or None."""
    if any(negatives.refusing(call.name) for call in sample.output_calls or ()):
        return "refusing-call"
    return negatives.kind_of_answer(sample.output)


def score(sample: Sample) -> Score:
    """On negative examples: 1 for an answer that declines by its words, in any of the languages that `prepdata
    validate` knows them in. An empty answer does not decline."""
    if not negative(sample):
        return Score(None, "no negative example")
    kind = declines(sample)
    return rate(kind is not None, kind or "answered")


def _refusing_call(calls: object) -> bool:
    if not isinstance(calls, (list, tuple)):
        return False
    return any(isinstance(call, Mapping) and negatives.refusing(str(call.get("name"))) for call in calls)


scorer = Scorer(
    name="refusal",
    version="1",
    summary="negative examples are declined",
    score=score,
    source=__file__,
    uses=(negatives.__file__, _negative_phrases.__file__),
)
