"""What retrieval is about: documents, chunks of them, hits, and the retriever that finds hits."""

from __future__ import annotations

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
    """A chunk that was found, and its score: of BM25, the dot product of unit vectors, or of the fusion."""

    chunk: Chunk
    score: float


class Retriever(Protocol):
    """Finds chunks for questions."""

    fingerprint: str
    """sha256 over documents, chunking, embedding, kind of store, mode and fusion (hex)."""

    def search(self, question: str, k: int) -> list[Hit]:
        """Return at most `k` hits, the best first; equal scores are in the order of the chunk ids."""
        ...


def needed(library: str) -> str:
    """Return what to say where a library of the extra is missing."""
    return f"retrieval needs the package {library}: pip install 'prepdata[rag]'"
