"""Does the answer hold what it must, and nothing that it must not?"""

from __future__ import annotations

import unicodedata
from typing import Any

from trainers.scorers.base import Sample, Score, Scorer, rate


def score(sample: Sample) -> Score:
    """Look for the texts under `contains` in the row's mark `scorer` (all of them, or one with `"any": true`), else for
    the whole reference; and that none under `excludes` occurs.

    Case, Unicode variants and runs of white space are made the same. A text that begins or ends with a letter or digit
    has to begin or end a word there ("cat" is not in "concatenate"), but in scripts without spaces.
    """
    needed, banned = (_texts(sample.option(name)) for name in ("contains", "excludes"))
    if not needed and not banned:
        needed = _texts(sample.reference)
    if not needed and not banned:
        return Score(None, "nothing to look for")
    answer = _plain(sample.output)
    missing = [text for text in needed if not holds(answer, _plain(text))]
    enough = len(missing) < len(needed) if sample.option("any") is True and needed else not missing
    there = [text for text in banned if holds(answer, _plain(text))]
    said = [f"without '{text[:60]}'" for text in missing if not enough] + [f"with '{text[:60]}'" for text in there]
    return rate(enough and not there, ", ".join(said[:5]))


def holds(text: str, part: str) -> bool:
    """Return whether a part stands in a text as whole words. Time grows with the length of the text only."""
    start = text.find(part)
    while start >= 0:
        end = start + len(part)
        if not (_joined(text[start - 1 : start], part[0]) or _joined(part[-1], text[end : end + 1])):
            return True
        start = text.find(part, end)
    return False


def _joined(one: str, other: str) -> bool:
    """Return whether two neighbouring characters belong to one word."""
    return bool(one and other) and all(char.isalnum() and not _dense(char) for char in (one, other))


def _dense(char: str) -> bool:
    """True for scripts that put no spaces between words: Han, kana, Thai, Lao, Khmer, Burmese."""
    return (
        "\u0e00" <= char <= "\u0eff"
        or "\u1000" <= char <= "\u109f"
        or "\u1780" <= char <= "\u17ff"
        or ("\u3040" <= char <= "\u9fff" or char >= "\U00020000")
    )


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _texts(given: Any) -> list[str]:
    many = given if isinstance(given, (list, tuple)) else [given]
    return [str(text) for text in many if isinstance(text, (str, int, float)) and _plain(str(text))]


scorer = Scorer(
    name="contains",
    version="1",
    summary="the answer holds the texts it must, and none that it must not",
    score=score,
    source=__file__,
)
