"""One row from a question: its passages, their places, the prompt, the answer and the marks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from math import gcd
from typing import Any, NamedTuple

from prepdata.rag_rows.citing import with_citation
from prepdata.rag_rows.declines import decline_for, language_of
from prepdata.rag_rows.holding import Answer
from prepdata.rag_rows.questions import Question
from prepdata.rag_rows.settings import Asked, Left, Source
from prepdata.rag_rows.shelf import Shelf
from prepdata.rag_rows.twins import alike
from prepdata.retrieval.model import Chunk
from prepdata.retrieval.prompt import with_context
from prepdata.text.shapes import FORMAL, shape

MADE = "rag_rows"
"""Key of `metadata` that says how a row came about."""
_OF_THE_ANSWER = frozenset({"facts", "schema", "scorer", "label"})
"""Marks that speak of an answer, and do not hold for another one."""

Tokens = Callable[[list[dict[str, str]]], int]


class Made(NamedTuple):
    """A row, and what there is to tell of it.

    Args:
        row: the row.
        answerable: False where its context does not hold the answer.
        kept: True where the answer was to be taken out, and no decline in its language is known.
        distractors: passages beside the true ones; `shortened` of them were taken out for its length.
        cited: False where a citation was wanted and could not be put in.
        asking: passages with a line like "Question:".
    """

    row: dict[str, Any]
    answerable: bool
    kept: bool
    distractors: int
    shortened: int
    cited: bool
    asking: int


def drawn(*parts: str) -> int:
    """Return a number below 2^64 that hangs on some texts alone."""
    from xxhash import xxh3_64_intdigest

    return xxh3_64_intdigest("\0".join(parts).encode("utf-8", "surrogatepass"))


class Maker:
    """Makes rows.

    Args:
        shelf: the documents.
        asked: how rows are to be made.
        tokens: counts the tokens of a conversation; None where rows may have any length.
    """

    def __init__(self, shelf: Shelf, asked: Asked, tokens: Tokens | None = None) -> None:
        self.shelf, self.asked, self.tokens = shelf, asked, tokens

    def made(self, question: Question, source: Source, group: str, allowed: Callable[[str], bool]) -> Made | Left:
        """Return the row of a question, or why it cannot be made.

        Args:
            question: the question.
            source: where its answer is.
            group: what its true passages belong to; "" for nothing.
            allowed: tells of a document whether its passages may be distractors here.
        """
        decline, kept = self._decline(question, source)
        true = [] if decline is not None else [self.shelf.known[id] for id in source.true]
        wanted = self.asked.distractors + (len(source.true) if decline is not None else 0)
        if not source.true:
            wanted = self.asked.distractors + 1
        others = self._distractors(question, source, max(wanted, 1) if not true else wanted, allowed)
        if not true and not others:
            why = "is near the question without holding its answer" if source.true else "is of a document of its side"
            return Left("no passages", f"no passage {why}")
        answer = question.answer if decline is None else decline
        shortened = 0
        while True:
            passages = self._ordered(question, [*true, *others])
            cited, messages = self._messages(question, answer, passages, true)
            if self.tokens is None or self.tokens(messages) <= self.asked.max_length:
                break
            if not others or (not true and len(others) == 1):
                size = (
                    f"{self.tokens(messages):,} tokens with its shortest context; {self.asked.max_length:,} are asked"
                )
                return Left("too long", f"the row has {size} for")
            others, shortened = others[:-1], shortened + 1
        row = self._row(question, source, messages, passages, true, group)
        if decline is not None and source.true:
            for mark in _OF_THE_ANSWER:
                row.pop(mark, None)
            row["metadata"][MADE]["taken_out"] = {"passages": list(source.true), "answer": question.answer}
        asking = sum(chunk.id in self.shelf.asking for chunk in passages)
        return Made(row, bool(true), kept, len(others), shortened, cited, asking)

    def _decline(self, question: Question, source: Source) -> tuple[str | None, bool]:
        """Return (what is said in place of the answer, None where it is kept; whether no such text is known)."""
        if not source.true:
            return question.answer, False
        if drawn(self.asked.seed, "unanswerable", question.key) >= self.asked.unanswerable * 2**64:
            return None, False
        decline = decline_for(language_of(question.text, question.answer), self.asked.declines)
        if decline is not None and _form(decline) != _form(question.answer):
            decline = None
        return decline, decline is None

    def _distractors(
        self, question: Question, source: Source, wanted: int, allowed: Callable[[str], bool]
    ) -> list[Chunk]:
        """Return passages from other places that do not hold the answer, at most `wanted`: those nearest to the
        question, then those nearest to the true passages, as for questions in another language. Where no document
        holds the answer, and too few are near, others are drawn: the question is off the topic of the documents."""
        shelf = self.shelf
        true = [shelf.known[id] for id in source.true]
        answer = Answer(question.answer, question.text, shelf.weights) if true else None
        texts = {_plain(chunk.text) for chunk in true}
        found: list[Chunk] = []
        near = shelf.near(question.text, *(one.text for one in true)) if wanted else iter(())
        for chunk in near if source.true else chain(near, self._any(question)):
            text = _plain(chunk.text)
            if text in texts or chunk.id in shelf.numbered or not allowed(chunk.source):
                continue
            if any(chunk.source == one.source and chunk.start < one.end and one.start < chunk.end for one in true):
                continue
            if answer is not None and answer.held_by(shelf.passages[chunk.id]):
                continue
            if answer is not None and any(self._copies(answer, chunk, one) for one in true):
                continue
            texts.add(text)
            found.append(chunk)
            if len(found) == wanted:
                break
        return found

    def _any(self, question: Question) -> Iterator[Chunk]:
        """Yield all passages once, in an order drawn for a question."""
        chunks = self.shelf.listed
        number = len(chunks)
        place, step = (drawn(self.asked.seed, what, question.key) % number for what in ("any", "step"))
        while gcd(step, number) != 1:
            step += 1
        for count in range(number):
            yield chunks[(place + count * step) % number]

    def _copies(self, answer: Answer, chunk: Chunk, true: Chunk) -> bool:
        """True if a passage is nearly the same as a true one, and about the same thing: it has what the question names
        there, as another version of a page has, and the next entry of a catalogue has not."""
        here, there = self.shelf.passages[chunk.id].stems, self.shelf.passages[true.id].stems
        return answer.asked & there <= here and alike(chunk.text, true.text)

    def _ordered(self, question: Question, chunks: list[Chunk]) -> list[Chunk]:
        """Return passages in an order drawn for this question: every place is as likely for each of them."""
        return sorted(chunks, key=lambda chunk: (drawn(self.asked.seed, "place", question.key, chunk.id), chunk.id))

    def _messages(
        self, question: Question, answer: str, passages: Sequence[Chunk], true: Sequence[Chunk]
    ) -> tuple[bool, list[dict[str, str]]]:
        """Return whether the answer cites what it should, and the turns."""
        cited: str | None = answer
        if true and self.asked.citations:
            ids = {chunk.id for chunk in true}
            cited = with_citation(answer, [place for place, one in enumerate(passages, 1) if one.id in ids])
        turns = [*question.before, ("user", with_context(question.text, passages)), ("assistant", cited or answer)]
        return cited is not None, [{"role": role, "content": text} for role, text in turns]

    def _row(
        self,
        question: Question,
        source: Source,
        messages: list[dict[str, str]],
        passages: Sequence[Chunk],
        true: Sequence[Chunk],
        group: str,
    ) -> dict[str, Any]:
        ids = {chunk.id for chunk in true}
        row: dict[str, Any] = {
            "messages": messages,
            "passages": [
                {"id": str(place), "source": chunk.source, "text": chunk.text}
                for place, chunk in enumerate(passages, 1)
            ],
            "gold": [str(place) for place, chunk in enumerate(passages, 1) if chunk.id in ids],
            "answerable": bool(true),
            **question.marks,
        }
        if group:
            row["group"] = group
        row["metadata"] = {
            **question.metadata,
            MADE: {"chunks": [chunk.id for chunk in passages], "located": source.how},
        }
        return row


def _form(answer: str) -> str:
    """Return the form of an answer that a program reads, "" for one that people read."""
    found = shape(answer)
    return found if found in FORMAL else ""


def _plain(text: str) -> str:
    return " ".join(text.split()).lower()
