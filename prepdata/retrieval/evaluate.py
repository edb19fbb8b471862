"""Retrieval measured before any answer is generated: BM25, dense and fused side by side, each as found and reranked,
over sizes of chunks and k."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import msgspec

from prepdata.errors import InputError, UsageError
from prepdata.retrieval.build import build, check_folder, is_index, manifest_of
from prepdata.retrieval.chunks import SIZE
from prepdata.retrieval.documents import read_documents
from prepdata.retrieval.measures import Measured, measure
from prepdata.retrieval.model import LeftOut, Mode
from prepdata.retrieval.questions import Question, read_questions, right, unknown
from prepdata.retrieval.rerank import DEPTH, CrossEncoder
from prepdata.retrieval.search import IndexRetriever

SCHEMA_VERSION = 1


class Row(msgspec.Struct, frozen=True):
    """One line of the table.

    Args:
        mode: what was asked.
        rerank: first hits that a cross-encoder ordered anew; 0 for the order in which they were found.
        size, overlap: of the chunks, in characters.
        chunks: how many there are.
        k: hits that count.
        recall: mean share of the known passages among the first k.
        hit: share of questions of which at least one known passage is among the first k.
        mrr: mean reciprocal rank of the first known passage, 0 beyond k.
        ndcg: normalised discounted cumulative gain at k.
        cut: questions of which a known passage stands whole in no chunk, so that it cannot be found.
        fingerprint: of the retriever.
    """

    mode: Mode
    rerank: int
    size: int
    overlap: int
    chunks: int
    k: int
    recall: Measured
    hit: Measured
    mrr: Measured
    ndcg: Measured
    cut: int
    fingerprint: str


class Evaluation(msgspec.Struct, frozen=True):
    """What was measured: the rows, over how many questions, which were left out, and what a reader should know.

    `stopped` says why a run ended before its last row, as when the store went away; "" for a whole one.
    """

    schema_version: int
    questions: int
    left_out: list[LeftOut]
    documents_left_out: list[LeftOut]
    notes: list[str]
    stopped: str
    rows: list[Row]


def evaluate(
    questions: str | os.PathLike[str],
    documents: str | os.PathLike[str],
    *,
    sizes: Sequence[int] = (SIZE,),
    overlap: int | None = None,
    ks: Sequence[int] = (1, 3, 5, 10),
    embedding: str | None = None,
    url: str | None = None,
    skip_unreadable: bool = False,
    rerank: str | None = None,
    rerank_depth: int = DEPTH,
) -> Evaluation:
    """Return how well the sources of questions are found.

    Args:
        questions: file of questions.
        documents: folder of documents.
        sizes: of chunks, in characters; each is an index of its own.
        overlap: of chunks; None for a fifth of each size.
        ks: hits that count.
        embedding: a model folder or package; None for BM25 alone.
        url: a Qdrant server; None for this process.
        skip_unreadable: leave out documents that cannot be read.
        rerank: a cross-encoder (model folder or package) with which each mode is measured once more; None for none.
        rerank_depth: hits that it reads, or as many as the largest k where that is more.

    Raises:
        UsageError: sizes or k that cannot be, a model that cannot be used, a library that is missing.
        InputError: questions or documents cannot be read, no question has a known source, the store does not answer.
            Where rows are finished by then they are returned, and `stopped` says why there are no more.
    """
    if not ks or min(ks) < 1 or max(ks) > 1000:
        raise UsageError("k is 1 to 1,000 hits")
    check_folder(documents, "the folder of the documents")
    if is_index(documents):
        raise UsageError(
            f"{documents}: an index, and measuring makes one of its own for each size; give the folder of the documents"
            f"{_folder_of(documents)}"
        )
    asked = read_questions(questions)
    left_out: list[LeftOut] = []
    texts = {
        document.path: " ".join(document.text.split())
        for document in read_documents(documents, skip_unreadable=skip_unreadable, left_out=left_out)
    }
    reasons = [(question, unknown(question, texts)) for question in asked]
    out = [LeftOut(question.place, why) for question, why in reasons if why]
    kept = [question for question, why in reasons if not why]
    if not kept:
        raise InputError(f"{questions}: no question to measure: {out[0].place} {out[0].why}")
    reranker = CrossEncoder(rerank) if rerank is not None else None
    rows: list[Row] = []
    stopped, notes = "", list[str]()
    try:
        for size in dict.fromkeys(sizes):
            shared = size // 5 if overlap is None else overlap
            index = build(documents, size=size, overlap=shared, embedding=embedding, skip_unreadable=skip_unreadable)
            retriever = IndexRetriever(index, "hybrid", embedding, url, reranker, rerank_depth)
            for row in _rows(retriever, kept, sorted({*ks})):
                rows.append(row)
                notes = retriever.notes
    except InputError as error:
        if not rows:
            raise
        stopped = str(error)
    return Evaluation(SCHEMA_VERSION, len(kept), out, left_out, notes, stopped, rows)


def _folder_of(index: str | os.PathLike[str]) -> str:
    """Return which documents an index was made of, in words; "" where that is not known."""
    with contextlib.suppress(InputError):
        folder = manifest_of(index).folder
        return f", {os.path.normpath(Path(index, folder))}" if folder else ""
    return ""


def _rows(retriever: IndexRetriever, questions: Sequence[Question], ks: Sequence[int]) -> Iterator[Row]:
    """Yield a line for each mode, as it is found and reranked, and k."""
    index = retriever.index
    modes: tuple[Mode, ...] = ("bm25",) if index.dense is None else ("bm25", "dense", "hybrid")
    cut = 0
    for question in questions:
        held = {key for chunk in index.chunks for key in right(chunk, question.gold)}
        cut += len(held) < len(question.gold)
    golds = [[gold.key() for gold in question.gold] for question in questions]
    for mode, reranked in product(modes, (False, True) if retriever.reranker else (False,)):
        rankings = [
            [
                right(hit.chunk, question.gold)
                for hit in retriever.ranked(question.text, ks[-1], mode, reranked=reranked)
            ]
            for question in questions
        ]
        for k in ks:
            manifest = index.manifest
            yield Row(
                mode=mode,
                rerank=max(ks[-1], retriever.rerank_depth) if reranked else 0,
                size=manifest.size,
                overlap=manifest.overlap,
                chunks=manifest.chunks,
                k=k,
                cut=cut,
                fingerprint=retriever.named(mode, reranked=reranked),
                **measure(rankings, golds, k),
            )
