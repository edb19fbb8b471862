"""Documents as passages, through semantic-text-splitter (MIT): paragraphs, lines, sentences, words, the largest that
fit."""

from __future__ import annotations

from collections.abc import Iterator

from prepdata.errors import UsageError
from prepdata.retrieval.model import Chunk, Document, needed

SIZE = 400
"""Characters of a passage at most, where nothing else is asked for."""
OVERLAP = 80
"""Characters that a passage may share with the one before it, where nothing else is asked for."""
_BLOCK = 8_000  # characters given to the splitter at once: its time grows with the square of unbroken text
_BREAKS = ("\n\n", "\n", ". ", " ")


def checked(size: int, overlap: int) -> None:
    """Refuse sizes that cannot be.

    Raises:
        UsageError: a size below 20 or above 8,000 characters, or an overlap of more than half of it.
    """
    if not 20 <= size <= _BLOCK:
        raise UsageError(f"a chunk of {size:,} characters: give 20 to {_BLOCK:,}")
    if not 0 <= overlap <= size // 2:
        raise UsageError(f"an overlap of {overlap:,} characters: give 0 to {size // 2:,}, half of the chunk")


def chunks_of(document: Document, size: int = SIZE, overlap: int = OVERLAP) -> Iterator[Chunk]:
    """Yield the passages of a document. One that repeats the title alone is left out.

    Args:
        document: what is cut.
        size: characters of a passage at most (code points).
        overlap: characters that two neighbours may share. Only whole units are shared: sentences, lines, words.

    Raises:
        UsageError: sizes that cannot be, or semantic-text-splitter is not installed.
    """
    checked(size, overlap)
    try:
        from semantic_text_splitter import TextSplitter
    except ImportError:
        raise UsageError(needed("semantic-text-splitter")) from None
    splitter = TextSplitter(size, overlap)
    number = 0
    for begin, block in _blocks(document.text):
        for offset, text in splitter.chunk_indices(block):
            if not any(map(str.isalnum, text)) or text.strip("#* \t") == document.title:
                continue
            start = begin + offset
            yield Chunk(f"{document.path}#{number}", document.path, document.title, text, start, start + len(text))
            number += 1


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield a text in pieces of at most `_BLOCK` characters with their places, cut where a paragraph, a line, a
    sentence or a word ends in the second half of the piece."""
    begin = 0
    while len(text) - begin > _BLOCK:
        ends = (text.rfind(mark, begin + _BLOCK // 2, begin + _BLOCK) + len(mark) for mark in _BREAKS)
        end = next((end for end in ends if end > begin + _BLOCK // 2), begin + _BLOCK)
        yield begin, text[begin:end]
        begin = end
    yield begin, text[begin:]
