"""Does the answer match the row's pattern?"""

from __future__ import annotations

from prepdata.rules.tool import _cost
from trainers.scorers.base import Sample, Score, Scorer, rate


def score(sample: Sample) -> Score:
    """Search the answer for `pattern` in the row's mark `scorer` (syntax of Python's `re`; anchor it with ^ and $).

    The work a pattern may cause on an answer of this length is bounded before it runs; a pattern that may take too
    long or cannot be read gives no score.
    """
    pattern = sample.option("pattern")
    if not isinstance(pattern, str):
        return Score(None, "the row names no pattern")
    try:
        passed = _cost.search(pattern, sample.output.strip())
    except _cost.Refused as error:
        return Score(None, f"{error.args[0]}: '{pattern[:60]}'")
    return rate(passed, "" if passed else f"does not match '{pattern[:60]}'")


scorer = Scorer(
    name="regex",
    version="1",
    summary="the answer matches the row's pattern",
    score=score,
    source=__file__,
    uses=(_cost.__file__,),
)
