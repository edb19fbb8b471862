"""Does the model end its answer by itself?"""

from __future__ import annotations

from trainers.scorers.base import Sample, Score, Scorer


def score(sample: Sample) -> Score:
    """Return 1 for an answer that ended by itself, 0 for one cut at the most tokens; none where there was no answer."""
    if sample.finish_reason == "error":
        return Score(None, "no answer")
    return Score(float(sample.finish_reason == "stopped"), sample.finish_reason)


scorer = Scorer(
    name="stop_rate",
    version="1",
    summary="answers end by themselves, before the most tokens",
    score=score,
    source=__file__,
)
