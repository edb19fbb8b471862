"""Which passages hold an answer: those that the row names, else those of its documents that share most with it."""

from __future__ import annotations

from collections.abc import Sequence

from prepdata.findings import clip
from prepdata.rag_rows.figures import invented
from prepdata.rag_rows.holding import Answer
from prepdata.rag_rows.questions import Named, Question
from prepdata.rag_rows.settings import Left, Source
from prepdata.rag_rows.shelf import Shelf
from prepdata.retrieval.model import Chunk
from prepdata.rules.rag._facts import Missing, missing
from prepdata.text.language import detect
from prepdata.text.negatives import kind_of_answer

MOST_TRUE = 5
"""Passages that may hold an answer together."""
LEAST_WORDS = 0.15
"""Share of the weight of an answer's words that its passage must have, where the answer has no facts."""
LEAST_OF_PASSAGE = 0.8
"""The same for a passage that is given by its text."""


def located(question: Question, shelf: Shelf) -> Source | Left:
    """Return where the answer of a question is, or why that cannot be told."""
    if question.none:
        if kind_of_answer(question.answer) is None:
            return Left(
                "answered without source",
                "the row says that no document holds the answer (`gold: []` or `answerable: false`), but its answer is "
                "not worded so ('The documents do not say.' is): mend the one or the other",
            )
        return Source((), "mark")
    true: list[Chunk] = []
    overlap = False
    for named in question.sources:
        if not named.text and (chunk := shelf.chunk(named.name)):
            true.append(chunk)
            continue
        found = _of_text(named, shelf) if named.text else _of_document(named.name, question, shelf)
        if isinstance(found, Left):
            return found
        overlap = overlap or not named.text
        true += found
    true = list({chunk.id: chunk for chunk in true}.values())
    if gaps := _gaps(question, true):
        where = ", ".join(chunk.id for chunk in true)
        words = gaps[0].kind == "words"
        said = "hardly a word of the answer is in" if words else f"'{clip(gaps[0].text, 60)}' is nowhere in"
        return Left("answer not in its passage", f"{said} {where}")
    if len(true) > MOST_TRUE:
        return Left("too many sources", f"{len(true)} passages hold parts of the answer; {MOST_TRUE} are the most")
    if bad := next((chunk.id for chunk in true if chunk.id in shelf.numbered), None):
        return Left(
            "passage numbers within a passage",
            f"{bad} has a line that begins like the number of a passage ('[2]'), which makes the context ambiguous",
        )
    true.sort(key=lambda chunk: (chunk.source, chunk.start))
    return Source(tuple(chunk.id for chunk in true), "overlap" if overlap else "mark")


def _of_document(name: str, question: Question, shelf: Shelf) -> list[Chunk] | Left:
    """Return the chunks of a document that hold an answer: the nearest, then those that add what it lacks."""
    path = shelf.document(name)
    if path is None:
        return Left("source not found", f"'{clip(name, 80)}' is no document of the folder, or no passage of one")
    answer = Answer(question.answer, question.text, shelf.weights)
    left = list(shelf.chunks[path])
    if not left:
        return Left("source not found", f"'{clip(name, 80)}' holds no text")
    true: list[Chunk] = []
    while left and len(true) < MOST_TRUE:
        best = max(left, key=lambda chunk: (_added(answer, chunk, true, shelf), -chunk.start))
        if true and not _added(answer, best, true, shelf)[0]:
            break
        true.append(best)
        left.remove(best)
        if not _gaps(question, true) and _all_facts(answer, true, shelf):
            break
    first = shelf.passages[true[0].id]
    one = len(shelf.chunks[path]) == 1
    shares = answer.shares_with(first) if one else answer.facts_in(first) or answer.share_of_words(first) >= LEAST_WORDS
    if not shares:
        what = f"{path} shares nothing" if one else f"no passage of {path} shares enough"
        return Left(
            "answer not in its document",
            f"{what} with the answer; mend the answer, or, if it is there all the same, name the passage in `gold` "
            f"('{true[0].id}')",
        )
    return true


def _added(answer: Answer, chunk: Chunk, true: Sequence[Chunk], shelf: Shelf) -> tuple[int, float, float]:
    """Return how near a chunk is to an answer, counting the facts only that other chunks do not have."""
    facts, words, asked = answer.nearness(shelf.passages[chunk.id])
    if true:
        had = set().union(*(answer.facts_in(shelf.passages[one.id]) for one in true))
        facts = len(answer.facts_in(shelf.passages[chunk.id]) - had)
    return facts, words, asked


def _all_facts(answer: Answer, true: Sequence[Chunk], shelf: Shelf) -> bool:
    had = set().union(*(answer.facts_in(shelf.passages[one.id]) for one in true))
    return len(had) == len(answer.facts)


def _of_text(named: Named, shelf: Shelf) -> list[Chunk] | Left:
    """Return the chunk that has most of the text of a passage."""
    path = shelf.document(named.name) if named.name else None
    chunks = shelf.chunks[path] if path is not None else list(shelf.known.values())
    passage = Answer(named.text, "", shelf.weights)
    best = max(chunks, key=lambda chunk: passage.share_of_words(shelf.passages[chunk.id]), default=None)
    if best is None or passage.share_of_words(shelf.passages[best.id]) < LEAST_OF_PASSAGE:
        where = path or "the documents"
        return Left("passage not found", f"the passage '{clip(named.text, 60)}' is not in {where}")
    return [best]


def _gaps(question: Question, true: Sequence[Chunk]) -> list[Missing]:
    """Return what an answer says and neither its passages nor its question do, as `answer-not-in-context` finds it,
    or as `invented` does. Words and names are told of passages in the language of the answer only."""
    passages = "\n".join(chunk.text for chunk in true)
    asked = [*(text for _, text in question.before), question.text]
    gaps = missing(question.answer, "\n".join([passages, *asked]))
    if gaps and gaps[0].kind not in ("number", "identifier"):
        given, said = detect(passages), detect(question.answer)
        if given != said and (gaps[0].kind != "words" or said):
            return []
    if not gaps and (figure := invented(question.answer, passages, "\n".join(asked))):
        return [Missing("number", figure, (0, 0))]
    return gaps
