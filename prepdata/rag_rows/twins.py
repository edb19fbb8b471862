"""Documents that say nearly the same: copies under two names, versions of one page. They belong on one side."""

from __future__ import annotations

from collections.abc import Mapping

from prepdata.index.few import CHARS, ROWS, similar_few
from prepdata.index.few import grams as few_grams
from prepdata.index.join import clusters

ALIKE = 0.6
"""Jaccard similarity of the runs of three words from which documents, or passages, are nearly the same, as for the rule
near-duplicate."""
SIZE = 3
"""Words of a run."""
COMMON = 50
"""Documents that may share a run of words; one that more have, and more than a tenth of all, is of their template."""


def twins(texts: Mapping[str, str]) -> dict[str, str]:
    """Return documents that are nearly the same as others, each with the first of these by name.

    Args:
        texts: text of each document.
    """
    names = sorted(texts)
    pairs = [*_equal(names, texts), *_similar([texts[name] for name in names])]
    groups = clusters(pairs)
    return {names[place]: names[group[0]] for group in groups for place in group[1:]}


def alike(one: str, other: str) -> bool:
    """True if two passages are nearly the same."""
    left, right = (set(_members(text)) for text in (one, other))
    return len(left & right) >= ALIKE * len(left | right)


def _members(text: str) -> memoryview:
    return memoryview(few_grams([text], SIZE)[1]).cast("I")


def _equal(names: list[str], texts: Mapping[str, str]) -> list[tuple[int, int]]:
    """Return the pairs of documents that are equal but for white space and case."""
    first: dict[str, int] = {}
    found = []
    for place, name in enumerate(names):
        before = first.setdefault(" ".join(texts[name].split()).casefold(), place)
        if before != place:
            found.append((before, place))
    return found


def _similar(texts: list[str]) -> list[tuple[int, int]]:
    most = max(COMMON, len(texts) // 10)
    if len(texts) <= ROWS and sum(map(len, texts)) <= CHARS:
        return [(one, other) for one, other, _ in similar_few([_members(text) for text in texts], ALIKE, most)]
    import numpy as np

    from prepdata.index.join import Sets, block, similar
    from prepdata.index.words import shingles, words

    grams = shingles(words(texts), SIZE)
    owners = np.repeat(np.arange(len(texts)), np.diff(grams.ends, prepend=0))  # (grams,)
    held = block(grams.hashes.astype(np.uint32), owners)
    sizes = np.bincount(held.owners, minlength=len(texts)).astype(np.int64)
    found = similar(Sets(sizes, [held]), ALIKE, most)
    return list(zip(found.first.tolist(), found.second.tolist()))
