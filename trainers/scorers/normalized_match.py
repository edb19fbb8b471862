"""Does the answer say the reference, whatever its case, white space and punctuation?"""

from __future__ import annotations

from prepdata.text import fold
from trainers.scorers.base import Sample, Score, Scorer, rate


def score(sample: Sample) -> Score:
    """Compare the folded texts: Unicode variants (NFKC) and case are made the same; white space, quotation marks and
    the punctuation of sentences are dropped, in all scripts. Digits, signs, points inside numbers, brackets and code
    stay, and so do articles and accents, which carry meaning in many languages."""
    if not sample.reference.strip():
        return Score(None, "no reference text")
    if not sample.output.strip():
        return Score(0.0, "empty answer")
    return rate(fold.alike(sample.output, sample.reference))


scorer = Scorer(
    name="normalized_match",
    version="1",
    summary="the answer is the reference but for case, white space and punctuation",
    score=score,
    source=__file__,
    uses=(fold.__file__,),
)
