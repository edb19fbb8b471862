"""What the RAG rules know of a row with context: does its answer decline, what does it cite, which passage is true?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from prepdata.chunk import Chunk
from prepdata.record import Record
from prepdata.rules.base import Parts
from prepdata.rules.cov._share import EXAMPLES, first
from prepdata.rules.rag._citations import Citation, citations, place_of
from prepdata.text.columns import column
from prepdata.text.lazy import lazily
from prepdata.text.negatives import in_column
from prepdata.text.passages import Context, context_of, contexts

DECLINING = ("decline", "ask-back", "not-in-context", "no-label")
_WORD = lazily(r"[^\W_]{3,}")
_WIDE = lazily("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
READ = 20_000
"""Characters of a passage and of an answer that are compared."""
LEAD = 2
"""Words that the true passage shares with the answer beyond any other passage, where the row marks none."""


class Row(NamedTuple):
    """A row with context and an answer.

    Args:
        context: the row and its passages.
        answer: text of its answer.
        path: JSON pointer of the answer.
        declines: True if the answer declines, asks back, or finds nothing in its context.
        cited: what it cites.
    """

    context: Context
    answer: str
    path: str
    declines: bool
    cited: list[Citation]

    @property
    def unanswerable(self) -> bool:
        """True if the row is marked as having no answer in its context, or its answer says so."""
        return self.declines or self.context.gold == frozenset()

    def true(self) -> int | None:
        """Return the place of the one true passage: as the row marks it, as its answer cites it, or the one that shares
        clearly the most words with the answer. None where there is none, are several, or it is not sure."""
        context = self.context
        if context.gold is not None:
            return next(iter(context.gold)) if len(context.gold) == 1 else None
        if self.declines or not context.apart:
            return None
        places = {place_of(context, citation.name) for citation in self.cited}
        if places:
            return places.pop() if len(places) == 1 else None
        return _nearest(self.answer[:READ], [passage.text[:READ] for passage in context.passages])


def rows(chunk: Chunk) -> list[Row]:
    """Return the rows with context and an answer of a chunk. Use as `chunk.derived(rows)`."""
    return _judged(chunk.derived(contexts))


def rows_of(records: Iterable[Record]) -> list[Row]:
    """Return the same of some records."""
    return _judged([context for record in records if (context := context_of(record)) is not None])


def _judged(found: Iterable[Context]) -> list[Row]:
    held = [(one, one.answer) for one in found if one.answer is not None and one.answer.text.strip()]
    if not held:
        return []
    texts = [answer.text for _, answer in held]
    kinds, _ = in_column(column(texts, list(range(len(texts)))))
    declining = {number for kind in DECLINING for number in kinds.get(kind, ())}
    return [
        Row(context, answer.text, answer.field, number in declining, citations(answer.text))
        for number, (context, answer) in enumerate(held)
    ]


def words(text: str) -> set[str]:
    """Return the words of a text in lower case; of scripts without spaces, pairs of neighbouring characters."""
    lowered = text.lower()
    if lowered.isascii() or not _WIDE.search(lowered):
        return set(_WORD.findall(lowered))
    found = {lowered[i : i + 2] for i in range(len(lowered) - 1) if _WIDE.match(lowered[i])}
    return found | set(_WORD.findall(_WIDE.sub(" ", lowered)))


def _nearest(answer: str, texts: list[str]) -> int | None:
    if len(texts) < 2:
        return None
    asked = words(answer)
    shared = [asked & words(text) for text in texts]
    common = set.intersection(*shared)
    counts = [len(found - common) for found in shared]
    best = max(range(len(counts)), key=counts.__getitem__)
    others = max(count for place, count in enumerate(counts) if place != best)
    return best if counts[best] >= others + LEAD and counts[best] >= 1.5 * others else None


def rows_without(chunk: Chunk, has: Callable[[Row], bool]) -> list[Any]:
    """Return what a rule keeps of a chunk that speaks only where no row with context has something: whether one has it
    (1 or 0), else how many rows there are, and the first of them."""
    found = chunk.derived(rows)
    if any(map(has, found)):
        return [1, 0, []]
    return [0, len(found), [row.context.record.row for row in found[:EXAMPLES]]]


def all_without(parts: Parts) -> tuple[int, tuple[int, ...]]:
    """Return (rows with context, the first of them) where none of them has what `rows_without` looked for, else
    (0, ())."""
    total = 0
    examples: list[int] = []
    for start, (has, count, shown) in parts.parts:
        if has:
            return 0, ()
        total += count
        examples = first(shown, start, examples)
    return total, tuple(examples)
