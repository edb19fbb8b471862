"""A small library for tests: documents whose paragraphs are passages, found by the words that they share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from prepdata.formats import recognise
from prepdata.rag_rows.questions import Question, question_of
from prepdata.rag_rows.shelf import Shelf
from prepdata.record import Record
from prepdata.retrieval.model import Chunk, Document, Hit

DOCUMENTS = {
    "returns.md": "Goods may be returned within 14 days of delivery.\n\nThe label is free in the EU and costs €9 elsewhere."
    "\n\nA refund takes 5 working days after the parcel was checked.",
    "shipping.md": "Parcels to Norway take five days.\n\nParcels to Spain take 4 days and cost €12 at the counter."
    "\n\nWe ship from Lisbon every morning.",
    "warranty.md": "The warranty of a kettle is 2 years from the date of purchase.\n\nA repair costs €45, postage included."
    "\n\nWater in the housing is not covered by any warranty.",
    "shop.md": "The shop in Ghent is open from 9:00 to 17:30.\n\nParking behind the shop is free for an hour.",
    "about.md": "The firm was founded in 1987 by Ada Brandt.\n\nIt makes kettles and toasters, and employs 240 people.",
}


def chunks_of(document: Document) -> Iterator[Chunk]:
    """Yield the paragraphs of a document."""
    for number, match in enumerate(re.finditer(r"\S(?:[^\n]|\n(?!\n))*", document.text)):
        yield Chunk(f"{document.path}#{number}", document.path, document.title, match[0], match.start(), match.end())


class ByWords:
    """Finds chunks by the number of words that they share with the question."""

    fingerprint = "by words"

    def __init__(self, documents: list[Document]) -> None:
        self.chunks = [chunk for document in documents for chunk in chunks_of(document)]

    def search(self, question: str, k: int) -> list[Hit]:
        asked = set(re.findall(r"\w+", question.lower()))
        scores = [len(asked & set(re.findall(r"\w+", chunk.text.lower()))) for chunk in self.chunks]
        hits = [Hit(chunk, float(score)) for chunk, score in zip(self.chunks, scores) if score]
        return sorted(hits, key=lambda hit: (-hit.score, hit.chunk.id))[:k]


def shelf(texts: dict[str, str] = DOCUMENTS) -> Shelf:
    """Return documents by path and text as a shelf; titles are the paths without their endings."""
    documents = [Document(path, path.rpartition(".")[0].capitalize(), text) for path, text in sorted(texts.items())]
    found = ByWords(documents)
    return Shelf(found.chunks, found)


def row(question: str, answer: str, *gold: str, **marks: Any) -> dict[str, Any]:
    """Return a question as a row; `gold` names documents or passages, and is left out where none is given."""
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": messages, **({"gold": list(gold)} if gold else {}), **marks}


def record(raw: dict[str, Any]) -> Record:
    """Return a row as a record."""
    found = recognise(raw)
    assert found is not None
    return found.view(raw)


def asked(question: str, answer: str, *gold: str, **marks: Any) -> Question:
    """Return a question that has no fault."""
    found = question_of(record(row(question, answer, *gold, **marks)))
    assert isinstance(found, Question), found
    return found


RETURN = row("How long may I return goods?", "You have 14 days.", "returns.md", id="a")
NORWAY = row("How long do parcels to Norway take?", "Five days.", "shipping.md", id="b")
REPAIR = row("What does a repair cost?", "It costs €45.", "warranty.md", id="c")
FOUNDED = row("Who founded the firm?", "It was Ada Brandt, in 1987.", "about.md", id="d")
OPEN = row("When is the shop open?", "From 9:00 to 17:30.", "shop.md", id="e")
ALL = (RETURN, NORWAY, REPAIR, FOUNDED, OPEN)
