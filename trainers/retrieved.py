"""Passages for held-out rows: searched once for each row, put into its prompt, held against the sources it marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from prepdata.errors import InputError, PrepdataError
from trainers.record import Aggregate, RetrievalInfo, hash_of
from trainers.testset import HeldOut

if TYPE_CHECKING:
    from prepdata.retrieval.model import Chunk, Retriever


class Retrieved(NamedTuple):
    """What was found for some rows.

    Args:
        info: what records say of it.
        passages: `doc_hash` of a row -> its passages, the best first.
    """

    info: RetrievalInfo
    passages: dict[str, tuple[Chunk, ...]]

    def put(self, row: HeldOut, messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return messages with the row's passages before the question in the last turn of the user."""
        from prepdata.retrieval.prompt import with_context

        place = _last(messages)
        asked = with_context(question(row), self.passages[row.doc_hash])
        return [{**turn, "content": asked} if n == place else turn for n, turn in enumerate(messages)]

    def measured(self, rows: Sequence[HeldOut]) -> dict[str, Aggregate]:
        """Return recall@k, hit rate, MRR and nDCG over the rows that mark what holds their answer; {} where none does.

        Args:
            rows: of those that passages were found for.
        """
        from prepdata.retrieval.measures import measure
        from prepdata.retrieval.questions import Gold, right

        held = [(self.passages[row.doc_hash], [Gold(*one) for one in row.gold]) for row in rows if row.gold]
        if not held:
            return {}
        rankings = [[right(chunk, gold) for chunk in found] for found, gold in held]
        made = measure(rankings, [[one.key() for one in gold] for _, gold in held], self.info.k)
        return {
            name: Aggregate(
                value=one.mean, n=len(held), low=one.low, high=one.high, method=one.interval,
                not_applicable=len(rows) - len(held),
            )
            for name, one in made.items()
        }  # fmt: skip


def retrieve(retriever: Retriever, rows: Sequence[HeldOut], k: int) -> Retrieved:
    """Return the passages of rows.

    Args:
        retriever: what searches.
        rows: held-out rows.
        k: passages for one question.

    Raises:
        InputError: the search fails, or a question is no text; names the row.
    """
    passages: dict[str, tuple[Chunk, ...]] = {}
    for row in rows:
        asked = question(row)
        try:
            passages[row.doc_hash] = tuple(hit.chunk for hit in retriever.search(asked, k))
        except (PrepdataError, OSError) as error:
            raise InputError(f"{row.place}: no passages were found for it: {error}") from None
    shown = [[(chunk.id, chunk.text) for chunk in passages[row.doc_hash]] for row in rows]
    info = RetrievalInfo(fingerprint=retriever.fingerprint, k=k, passages=hash_of(shown))
    return Retrieved(info, passages)


def question(row: HeldOut) -> str:
    """Return what a row asks: the last turn of its user.

    Raises:
        InputError: it is no plain text.
    """
    content = row.messages[_last(row.messages)].get("content")
    if not isinstance(content, str):
        raise InputError(f"{row.place}: its question is no plain text, so no passages can be put before it")
    return content


def _last(messages: Sequence[dict[str, Any]]) -> int:
    return max(n for n, turn in enumerate(messages) if turn.get("role") == "user")
