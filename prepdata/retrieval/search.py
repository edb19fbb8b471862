"""Finding passages for a question: BM25, dense vectors, or both fused."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from prepdata.errors import UsageError
from prepdata.retrieval.bm25 import BM25
from prepdata.retrieval.build import Index, build, check_folder, indexed_text, is_index, load
from prepdata.retrieval.chunks import OVERLAP, SIZE
from prepdata.retrieval.fusion import K, fused
from prepdata.retrieval.inverted import InvertedLists
from prepdata.retrieval.model import Hit, Mode, Reranker
from prepdata.retrieval.rerank import DEPTH as RERANKED
from prepdata.retrieval.rerank import CrossEncoder
from prepdata.retrieval.store import Store

if TYPE_CHECKING:
    from prepdata.embed.encoder import Embedder

DEPTH = 100
"""Hits of each kind that are fused."""


class IndexRetriever:
    """Finds the chunks of an index.

    Args:
        index: the chunks and their vectors.
        mode: what is asked for; without dense vectors "hybrid" becomes "bm25", and `notes` says so.
        embedding: the model for questions, the one that made the dense vectors; None where there are none.
        url: a Qdrant server; None for this process.
        reranker: orders the first hits anew; None for the order in which they are found.
        rerank_depth: hits that it reads, or as many as are asked for where that is more.

    Raises:
        UsageError: dense vectors are asked for and there are none, or the model is another one.
        InputError: the server does not answer or refuses.
    """

    def __init__(
        self,
        index: Index,
        mode: Mode = "hybrid",
        embedding: str | None = None,
        url: str | None = None,
        reranker: Reranker | None = None,
        rerank_depth: int = RERANKED,
    ) -> None:
        self.index, self.reranker, self.rerank_depth = index, reranker, rerank_depth
        self._notes: list[str] = []
        made_by = index.manifest.embedding
        if mode == "dense" and made_by is None:
            raise UsageError("dense search needs vectors: make the index with --embedding FOLDER (or a package)")
        if mode == "hybrid" and made_by is None:
            mode = "bm25"
            unused = f"the index has no dense vectors, so {embedding} is not used" if embedding else "no embedding"
            self._notes.append(f"{unused}: BM25 alone")
        if mode == "hybrid" and embedding is None:
            mode = "bm25"
            self._notes.append("the index has dense vectors, but no --embedding was given for questions: BM25 alone")
        self.mode: Mode = mode
        self._model = None
        if mode != "bm25" and made_by is not None:
            if embedding is None:
                raise UsageError("dense search needs the model of the index: --embedding FOLDER (or a package)")
            self._model = _model(embedding, made_by.digest)
        bm25 = BM25(map(indexed_text, index.chunks))
        self._asked = bm25.query
        self._words = InvertedLists(bm25) if url is None else None
        self._store = None
        if url is not None or self._model is not None:
            self._store = Store(url)
            sparse = None if self._words else bm25.vectors
            self._store.fill(f"prepdata-{index.manifest.fingerprint[:32]}", sparse, index.dense)
        self.fingerprint = self.named(mode, reranked=reranker is not None)

    @property
    def notes(self) -> list[str]:
        """What somebody who reads the results should know."""
        return self._notes + (self.reranker.notes() if self.reranker else [])

    def named(self, mode: Mode, *, reranked: bool = False) -> str:
        """Return the fingerprint for a mode."""
        kind = "local" if self._words else "server"
        said = f"{self.index.manifest.fingerprint} {kind} {mode} rrf{K} depth{DEPTH}"
        if reranked and self.reranker:
            said += f" rerank{self.rerank_depth} {self.reranker.digest}"
        return hashlib.sha256(said.encode()).hexdigest()

    def search(self, question: str, k: int) -> list[Hit]:
        """Return at most `k` hits, the best first; equal scores are in the order of documents and chunks.

        Raises:
            InputError: the server does not answer or refuses.
        """
        return self.ranked(question, k, self.mode, reranked=self.reranker is not None)

    def ranked(self, question: str, k: int, mode: Mode, *, reranked: bool = False) -> list[Hit]:
        """Return hits as `search` does, in any mode that the index allows, as they are found or reranked."""
        if not reranked or self.reranker is None:
            found = self._found(question, k, mode)
        else:
            numbers = [number for number, _ in self._found(question, max(k, self.rerank_depth), mode)]
            texts = [indexed_text(self.index.chunks[number]) for number in numbers]
            found = _ordered(list(zip(numbers, self.reranker.scores(question, texts))))[:k]
        return [Hit(self.index.chunks[number], score) for number, score in found]

    def _found(self, question: str, k: int, mode: Mode) -> list[tuple[int, float]]:
        """Return the best `k` chunks in the order of a mode: number and score."""
        depth = max(k, DEPTH) if mode == "hybrid" else k
        rankings = []
        by_words = self._words or self._store
        if mode != "dense" and by_words is not None:
            rankings.append(by_words.sparse(self._asked(question), depth))
        if mode != "bm25" and self._store is not None and self._model is not None:
            rankings.append(self._store.dense(self._model.embed([question])[0], depth))
        if mode != "hybrid":
            return rankings[0]
        return _ordered(fused([[number for number, _ in ranking] for ranking in rankings]))[:k]


def _ordered(scored: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return chunks with their scores, the highest first, equal ones by number."""
    return sorted(scored, key=lambda entry: (-entry[1], entry[0]))


def _model(embedding: str, digest: str) -> Embedder:
    from prepdata.embed.encoder import open_embedder
    from prepdata.embed.folder import look

    if look(embedding).digest != digest:
        raise UsageError(f"the index was made with another model than {embedding}; give that one, or --rebuild")
    return open_embedder(embedding)


def open_retriever(
    folder: str | os.PathLike[str],
    *,
    mode: Mode = "hybrid",
    embedding: str | None = None,
    url: str | None = None,
    chunk_size: int = SIZE,
    overlap: int = OVERLAP,
    skip_unreadable: bool = False,
    rerank: str | None = None,
    rerank_depth: int = RERANKED,
) -> IndexRetriever:
    """Return what finds passages in a folder of documents, or in an index of them.

    Args:
        folder: documents, or an index folder, whose chunks then stay as they are.
        mode: "bm25", "dense" or "hybrid", both fused by reciprocal rank; BM25 alone where there is no embedding.
        embedding: a model folder or an installed package that holds one.
        url: a Qdrant server; None for this process. Its key is in the environment variable QDRANT_API_KEY.
        chunk_size, overlap: of the chunks, in characters.
        skip_unreadable: leave out documents that cannot be read, in place of an error.
        rerank: a cross-encoder that orders the first hits anew: a model folder or an installed package; None for none.
        rerank_depth: hits that it reads, or as many as are asked for where that is more.

    Raises:
        UsageError, InputError: as `build.build`, `build.load`, `IndexRetriever` and `rerank.CrossEncoder`.
    """
    check_folder(folder, "a folder of documents, or an index of them")
    reranker = CrossEncoder(rerank) if rerank is not None else None
    if is_index(Path(folder)):
        made = load(folder)
    else:
        made = build(folder, size=chunk_size, overlap=overlap, embedding=embedding, skip_unreadable=skip_unreadable)
    return IndexRetriever(made, mode, embedding, url, reranker, rerank_depth)
