"""How close is a free text to the reference, letter by letter?"""

from __future__ import annotations

from functools import cache
from typing import Any

from prepdata.errors import UsageError
from trainers.scorers.base import Sample, Score, Scorer


def score(sample: Sample) -> Score:
    """Return chrF between answer and reference, 0 to 1: the F2 of runs of 1 to 6 letters that both have.

    It needs no words and so suits every language. Computed by sacreBLEU, whose sentence score is 0 to 100.
    Source: M. Popović, WMT 2015, https://aclanthology.org/W15-3049.

    Raises:
        UsageError: sacreBLEU is not installed.
    """
    if not sample.reference.strip():
        return Score(None, "no reference text")
    if not sample.output.strip():
        return Score(0.0, "empty answer")
    given = _metric().sentence_score(sample.output, [sample.reference]).score / 100
    return Score(min(1.0, max(0.0, given)))


@cache
def _metric() -> Any:
    try:
        from sacrebleu.metrics import CHRF
    except ImportError:
        raise UsageError("the scorer 'chrf' needs sacreBLEU: pip install 'prepdata[train]'") from None
    return CHRF()


scorer = Scorer(
    name="chrf",
    version="1",
    summary="chrF of a free text against the reference, 0 to 1",
    score=score,
    source=__file__,
)
