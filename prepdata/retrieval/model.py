"""What retrieval is about: documents, chunks of them, hits, and the retriever that finds hits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

Mode = Literal["hybrid", "bm25", "dense"]


class Document(NamedTuple):
    """A document that was read.

    Args:
        path: place below the documents folder, with `/`.
        title: first heading, or the title that the file names; else the file's name without ending.
        text: what is written in it.
    """

    path: str
    title: str
    text: str


class LeftOut(msgspec.Struct, frozen=True):
    """A file of the documents folder, or a question (`FILE:LINE`), that was left out, and why."""

    place: str
    why: str


class Chunk(msgspec.Struct, frozen=True):
    """A passage of a document.

    Args:
        id: `source#number`, counted from 0 in each document.
        source: path of the document.
        title: title of the document.
        text: the passage, as it stands in the document.
        start, end: its place in the text of the document, in characters.
    """

    id: str
    source: str
    title: str
    text: str
    start: int
    end: int


class Hit(NamedTuple):
    """A chunk that was found, and its score: of BM25, a dot product of unit vectors, of the fusion or the reranker."""

    chunk: Chunk
    score: float


class Retriever(Protocol):
    """Finds chunks for questions."""

    fingerprint: str
    """sha256 over documents, chunking, embedding, kind of store, mode, fusion and reranker (hex)."""

    def search(self, question: str, k: int) -> list[Hit]:
        """Return at most `k` hits, the best first; equal scores are in the order of the chunk ids."""
        ...


class Reranker(Protocol):
    """Says how near passages are to a question."""

    digest: str
    """sha256 over the model (hex)."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return the score of each text, higher being nearer; equal texts have equal ones."""
        ...

    def notes(self) -> list[str]:
        """Return what somebody who reads the results should know."""
        ...


def needed(library: str) -> str:
    """Return what to say where a library of the extra is missing."""
    return f"retrieval needs the package {library}: pip install 'prepdata[rag]'"
