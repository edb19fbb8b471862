"""A folder of documents, or an index of one, as a shelf: read, cut and made findable by `prepdata.retrieval`."""

from __future__ import annotations

import os
from pathlib import Path

from prepdata.errors import UsageError
from prepdata.rag_rows.settings import Asked
from prepdata.rag_rows.shelf import Shelf


def shelf_of(folder: str | os.PathLike[str], asked: Asked, unread: list[str]) -> Shelf:
    """Return documents, to be found by their words (BM25). Files that were not read are added to `unread`, each with
    its reason.

    Args:
        folder: documents, or an index folder, whose passages then stay as they are.
        asked: how large passages are, and whether documents that cannot be read are left out.
        unread: list that is added to.

    Raises:
        UsageError: there is no such folder, sizes that cannot be, or the extra `rag` is missing.
        InputError: a document cannot be read, none is there, or they are too large together.
    """
    from prepdata.retrieval.build import build, is_index, load
    from prepdata.retrieval.chunks import OVERLAP, SIZE
    from prepdata.retrieval.search import IndexRetriever

    if is_index(Path(folder)):
        if asked.chunk_size is not None or asked.overlap is not None:
            raise UsageError(
                f"{folder} is an index, whose passages have their sizes; leave --chunk-size and --overlap out"
            )
        index = load(folder)
    else:
        size = SIZE if asked.chunk_size is None else asked.chunk_size
        overlap = min(OVERLAP, size // 2) if asked.overlap is None else asked.overlap
        index = build(folder, size=size, overlap=overlap, skip_unreadable=asked.skip_unreadable)
    unread += [f"{one.place}: {one.why}" for one in index.manifest.left_out]
    return Shelf(index.chunks, IndexRetriever(index, "bm25"))
