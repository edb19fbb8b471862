"""Is the answer the right label?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from trainers.scorers.base import Sample, Score, Scorer, rate

_EDGES = " \t\r\n.,;:!?\"'`*()[]{}<>«»“”„‘’。！？、「」،؟"


def label_of(sample: Sample) -> str | None:
    """Return the right label of a row: its mark `label`, else the reference; None where there is neither."""
    mark = sample.expected.get("label")
    given = mark if isinstance(mark, str) and mark.strip() else sample.reference
    return _plain(given) or None


def predicted(sample: Sample) -> str:
    """Return the label that an answer gives, "" for none.

    That is the whole answer without punctuation around it. Where the row lists `labels` (in its mark `scorer`), it is
    also a label that stands in the answer as words of its own, if no other one does: "not spam" is not "spam".
    """
    answer = _plain(sample.output)
    labels = sample.option("labels")
    known = sorted({_plain(str(label)) for label in labels} - {""}, key=len, reverse=True) if _many(labels) else []
    if not known or answer in known:
        return answer
    rest, found = answer, []
    for label in known:  # the longest first, so that a label inside another is not seen twice
        start, end = (r"\b" if part.isalnum() and part.isascii() else "" for part in (label[0], label[-1]))
        rest, times = re.subn(start + re.escape(label) + end, "\0", rest)
        found += [label] * bool(times)
    return found[0] if len(found) == 1 else ""


def score(sample: Sample) -> Score:
    """Compare the label in the answer with the right one, whatever their case."""
    right = label_of(sample)
    if right is None:
        return Score(None, "no label and no reference text")
    found = predicted(sample)
    return rate(found == right, "" if found == right else f"'{found[:80]}' for '{right[:80]}'" if found else "no label")


def f1_macro(samples: Sequence[Sample], scores: Sequence[Score]) -> dict[str, float]:
    """Return the F1 of each right label, averaged without weights, as `f1_macro`; empty where nothing was scored.

    An answer that is no right label of any row counts as a miss of its own row's label. Source: D. Lewis, R. Schapire,
    J. Callan, R. Papka, SIGIR 1996; F1 of a label that is never answered is 0.
    """
    pairs = [(label_of(s), predicted(s)) for s, given in zip(samples, scores) if given.value is not None]
    if not pairs:
        return {}
    total = 0.0
    labels = sorted({right for right, _ in pairs if right})
    for label in labels:
        hits = sum(right == found == label for right, found in pairs)
        sides = sum((right == label) + (found == label) for right, found in pairs)
        total += 2 * hits / sides
    return {"f1_macro": total / len(labels)}


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().strip(_EDGES).split())


def _many(labels: object) -> bool:
    return isinstance(labels, (list, tuple))


scorer = Scorer(
    name="accuracy",
    version="1",
    summary="the answer is the right label; with macro-F1 over the set",
    score=score,
    source=__file__,
    aggregate=f1_macro,
)
