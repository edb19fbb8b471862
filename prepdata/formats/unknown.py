"""What a row that no format knows probably was meant to be: wrapped by an export, or with a misspelt key."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from prepdata.formats.marks import ROW_MARKS

WRAPPERS = ("row", "data", "record", "example", "item", "sample", "body", "json", "_source")
"""Keys under which viewers and exports keep the row itself."""
BOOKKEEPING = frozenset({"row_idx", "truncated_cells", "idx", "index", "_id", "_index", "_type", "_score"})
"""Keys that exports write beside the row; nothing is lost with them."""


def describe(raw: dict[str, Any]) -> dict[str, Any]:
    """Return what can be said of an unknown row: its `keys` (at most 20); `wrapped`, the key that holds a row of a
    known format, with `beside`, what else would be lost with the wrapper; `renames`, the key spellings that would
    make it known, with `strangers`, other keys that no format knows."""
    found: dict[str, Any] = {"keys": list(raw)[:20]}
    key = wrapped(raw)
    if key is not None:
        found["wrapped"] = key
        found["beside"] = [k for k in raw if k != key and k not in BOOKKEEPING][:5]
        return found
    renames = spellings(raw)
    if renames:
        found["renames"] = renames
        found["strangers"] = [k for k in raw if k not in renames and k not in _row_keys() and k not in ROW_MARKS][:5]
    return found


def wrapped(raw: dict[str, Any]) -> str | None:
    """Return the key under which a row holds a row of a known format, as viewers export it, or None."""
    from prepdata.formats import recognise

    for key in WRAPPERS:
        inner = raw.get(key)
        if type(inner) is dict and recognise(inner):
            return key
    return None


def spellings(raw: dict[str, Any]) -> dict[str, str]:
    """Return {key as written: key that was meant} under which a row would be of a known format; empty if none."""
    from prepdata.formats import recognise

    if len(raw) > 50:
        return {}
    known = _row_keys()
    renames = {key: meant for key in raw if key not in known and (meant := near(key, known)) and meant not in raw}
    if not renames or len(set(renames.values())) < len(renames):
        return {}
    return renames if recognise({renames.get(key, key): value for key, value in raw.items()}) else {}


@cache
def _row_keys() -> frozenset[str]:
    from prepdata.formats import formats

    return frozenset(key for f in formats() for key in f.row_keys)


@lru_cache(maxsize=4096)
def near(word: str, known: frozenset[str]) -> str:
    """Return the known key that a word was probably meant to be, "" if none is close.

    Case, underscores, hyphens and blanks are no difference; else one slip in about five letters is let through.
    """
    if not word or len(word) > 60:
        return ""
    folded = _fold(word)
    same = sorted(key for key in known if _fold(key) == folded)
    if same:
        return same[0]
    import difflib

    by_fold = {_fold(key): key for key in sorted(known, reverse=True)}
    match = difflib.get_close_matches(folded, by_fold, n=1, cutoff=0.8)
    return by_fold[match[0]] if match else ""


def _fold(word: str) -> str:
    return word.casefold().replace("_", "").replace("-", "").replace(" ", "").replace(".", "")
