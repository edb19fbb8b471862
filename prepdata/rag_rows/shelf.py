"""The documents and their chunks, held in memory, and which of them are near a question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from prepdata.errors import InputError
from prepdata.rag_rows.holding import Passage, Weights
from prepdata.rag_rows.twins import twins
from prepdata.retrieval.model import Chunk, Retriever

MOST = 200_000_000
"""Characters that all passages may have together; they are held in memory."""
NEAR = 50
"""Passages that are asked for at first."""
_NUMBERED = re.compile(r"^[ \t#>*\-]{0,8}[\[【]\d{1,3}[\]】]", re.MULTILINE)
_ASKING = re.compile(r"^[ \t#>*]{0,8}(?:Question|Context)[ \t*]{0,3}[:：]", re.MULTILINE | re.IGNORECASE)


class Shelf:
    """Chunks by document.

    Args:
        chunks: the chunks, in the order of their documents.
        retriever: finds these chunks.

    Raises:
        InputError: they are too large together, or there are none.
    """

    def __init__(self, chunks: Iterable[Chunk], retriever: Retriever) -> None:
        self.retriever = retriever
        self.known: dict[str, Chunk] = {}
        self.chunks: dict[str, list[Chunk]] = {}
        size = 0
        for chunk in chunks:
            size += len(chunk.text)
            if size > MOST:
                raise InputError(
                    f"the passages have more than {MOST:,} characters together, which are held in memory; "
                    "make rows from parts of the folder, one after the other"
                )
            self.known[chunk.id] = chunk
            self.chunks.setdefault(chunk.source, []).append(chunk)
        self.passages = {id: Passage(chunk.text) for id, chunk in self.known.items()}
        if not self.known:
            raise InputError("the documents hold no text that passages could be made of")

    @cached_property
    def listed(self) -> list[Chunk]:
        """All chunks, in the order of their documents."""
        return list(self.known.values())

    @cached_property
    def twins(self) -> dict[str, str]:
        """Documents that are nearly the same as others, each with the first of these by name."""
        return twins({path: "\n".join(chunk.text for chunk in chunks) for path, chunks in self.chunks.items()})

    @cached_property
    def weights(self) -> Weights:
        """How telling words are in these documents."""
        return Weights(self.passages.values())

    @cached_property
    def numbered(self) -> set[str]:
        """Ids of the chunks with a line that begins like the number of a passage (`[2]`): in a prompt such a line
        would be taken for a passage of its own."""
        return {id for id, chunk in self.known.items() if _NUMBERED.search(f"{chunk.title}\n{chunk.text}")}

    @cached_property
    def asking(self) -> set[str]:
        """Ids of the chunks with a line that begins with "Question:" or "Context:"."""
        return {id for id, chunk in self.known.items() if _ASKING.search(f"{chunk.title}\n{chunk.text}")}

    def document(self, name: str) -> str | None:
        """Return the path of the document that a mark names: its path, below a folder above it, or the end of it, if
        that is one document's only; None where it is none, or several."""
        name = name.strip().replace("\\", "/").removeprefix("./")
        pieces = name.split("/")
        for start in range(len(pieces)):
            if (path := "/".join(pieces[start:])) in self.chunks:
                return path
        ends = [path for path in self.chunks if path.endswith("/" + name)]
        return ends[0] if len(ends) == 1 else None

    def chunk(self, name: str) -> Chunk | None:
        """Return the chunk that a mark names (`returns.md#3`), None where there is none."""
        source, sign, number = name.rpartition("#")
        if not sign or not number.isdecimal() or (path := self.document(source)) is None:
            return None
        return self.known.get(f"{path}#{int(number)}") if len(number) < 10 else None

    def near(self, *texts: str) -> Iterator[Chunk]:
        """Yield chunks, the nearest to the first text first, then those near the second, and so on."""
        told: set[str] = set()
        for text in texts:
            for chunk in self._found(text):
                if chunk.id not in told:
                    told.add(chunk.id)
                    yield chunk

    def _found(self, text: str) -> Iterator[Chunk]:
        """Yield what is found for a text, the best first; more is asked for only when it is wanted."""
        given, wanted = 0, NEAR
        while True:
            hits = self.retriever.search(text, min(wanted, len(self.known)))
            yield from (hit.chunk for hit in hits[given:])
            given = len(hits)
            if given < wanted:
                return
            wanted *= 4
