"""Is the number in the answer the right one?"""

from __future__ import annotations

import math

from trainers.scorers import _numbers
from trainers.scorers._numbers import Number, numbers, plain
from trainers.scorers.base import Sample, Score, Scorer, rate

_EXACT = 1e-9


def score(sample: Sample) -> Score:
    """Compare the last number of the answer with the last of the reference (after `####`, where that stands).

    "1,234.5", "1.234,5", "1 234,5", "1'234.5" and "١٢٣٤٫٥" are one number. Where a separator can mean thousands or
    decimals ("1.234"), either meaning may fit, unless the row's mark `scorer` says `"decimal": "."` or `","`. Known
    units are converted ("1.5 km" is "1500 m"); an answer without a unit is taken to have the right one, one with a
    unit of another kind is wrong. `tolerance` in the mark is relative, 0.01 for 1 %.
    """
    decimal = sample.option("decimal")
    wanted = _last(sample.reference, decimal)
    if wanted is None:
        return Score(None, "no number in the reference")
    found = _last(sample.output, decimal)
    if found is None:
        return Score(0.0, "no number in the answer")
    given = sample.option("tolerance")
    tolerance = float(given) if isinstance(given, (int, float)) and 0 <= given <= 1 else _EXACT
    passed = _same(wanted, found, tolerance)
    return rate(passed, "" if passed else f"{found.readings[0]:g} for {wanted.readings[0]:g}")


def _last(text: str, decimal: str | None) -> Number | None:
    after = plain(text).rpartition("####")[2]
    found = list(numbers(after, decimal))
    return found[-1] if found else None


def _same(wanted: Number, found: Number, tolerance: float) -> bool:
    one, other = 1.0, 1.0
    if wanted.dimension and found.dimension:
        if wanted.dimension != found.dimension:
            return False
        one, other = wanted.factor, found.factor
    return any(
        math.isclose(a * one, b * other, rel_tol=tolerance, abs_tol=1e-12)
        for a in wanted.readings
        for b in found.readings
    )


scorer = Scorer(
    name="numeric_match",
    version="1",
    summary="the last number of the answer is that of the reference, in any notation, units converted",
    score=score,
    source=__file__,
    uses=(_numbers.__file__,),
)
