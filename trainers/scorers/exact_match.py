"""Is the answer the reference, letter for letter?"""

from __future__ import annotations

from trainers.scorers.base import Sample, Score, Scorer, rate


def score(sample: Sample) -> Score:
    """Compare after taking white space off both ends; nothing else is forgiven."""
    if not sample.reference.strip():
        return Score(None, "no reference text")
    return rate(sample.output.strip() == sample.reference.strip())


scorer = Scorer(
    name="exact_match",
    version="1",
    summary="the answer is the reference, letter for letter, white space at the ends aside",
    score=score,
    source=__file__,
)
