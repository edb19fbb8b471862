"""The known word nearest to a wrong one, cheaply enough to be asked for every row of a file."""

from __future__ import annotations

from functools import lru_cache

_LONGEST = 80
_MOST = 200


def near(word: str, known: list[str]) -> str:
    """Return ` Did you mean X?` for the known word closest to `word`, or an empty string."""
    if len(word) > _LONGEST:
        return ""
    return _near(word, tuple(k for k in known[:_MOST] if len(k) <= _LONGEST))


@lru_cache(maxsize=1024)
def _near(word: str, known: tuple[str, ...]) -> str:
    from rapidfuzz import fuzz, process

    best = process.extractOne(word, known, scorer=fuzz.ratio, score_cutoff=60)
    return f" Did you mean '{best[0]}'?" if best else ""
