"""A folder of documents as a shelf: read, cut and made findable by `prepdata.retrieval`, by words alone (BM25)."""

from __future__ import annotations

import os
from typing import Any

from prepdata.rag_rows.settings import Asked
from prepdata.rag_rows.shelf import Shelf


def shelf_of(folder: str | os.PathLike[str], asked: Asked, unread: list[str]) -> Shelf:
    """Return the documents of a folder. Files that are not read are added to `unread`, each with its reason.

    Raises:
        UsageError: there is no such folder, or the extra `rag` is missing.
        InputError: a document cannot be read, none is there, or they are too large together.
    """
    from functools import partial

    from prepdata.retrieval.chunks import chunks_of
    from prepdata.retrieval.documents import read_documents
    from prepdata.retrieval.model import LeftOut
    from prepdata.retrieval.search import open_retriever

    left_out: list[LeftOut] = []
    documents = read_documents(folder, skip_unreadable=asked.skip_unreadable, left_out=left_out)
    cut: dict[str, Any] = {} if asked.chunk_size is None else {"size": asked.chunk_size}
    same: dict[str, Any] = {} if asked.chunk_size is None else {"chunk_size": asked.chunk_size}
    if asked.overlap is not None:
        cut["overlap"] = same["overlap"] = asked.overlap
    found = list(documents)
    shelf = Shelf(found, partial(chunks_of, **cut), open_retriever(folder, mode="bm25", **same))
    unread += [f"{one.path}: {one.why}" for one in left_out]
    return shelf
