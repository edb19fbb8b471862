"""Signatures of rows for the search for near duplicates: what was asked and what was answered, as hashed n-grams.

What many rows share by their making is left out: system prompts and declared tools.
"""

from __future__ import annotations

from array import array
from itertools import accumulate
from operator import add
from typing import TYPE_CHECKING, NamedTuple

from prepdata.chunk import Chunk
from prepdata.index.few import CHARS
from prepdata.index.few import grams as few_grams
from prepdata.index.words import shingles, words
from prepdata.jsontext import json_text
from prepdata.record import Message, Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZE = 3
"""Words of an n-gram."""


SKETCH = 24
"""n-grams that stand for a row in a sketch."""


class Signatures(NamedTuple):
    """n-grams of the rows of a chunk. Four bytes for each.

    Args:
        counts: n-grams of each record's prompt and answer, one after the other, uint32.
        members: low 32 bits of all n-grams, record after record, prompt before answer, uint32.

    All in this machine's byte order.
    """

    counts: bytes
    members: bytes


def whole_rows(found: Signatures) -> tuple[bytes, bytes]:
    """Return (n-grams of each row, all n-grams): prompt and answer together."""
    counts = memoryview(found.counts).cast("I")
    return array("I", map(add, counts[::2], counts[1::2])).tobytes(), found.members


def prompts(found: Signatures) -> tuple[bytes, bytes]:
    """Return (n-grams of each prompt, their n-grams)."""
    counts = memoryview(found.counts).cast("I")
    ends = [4 * end for end in accumulate(counts)]
    starts = [0, *ends[1::2]]
    pieces = [found.members[start:end] for start, end in zip(starts, ends[::2])]
    return array("I", counts[::2]).tobytes(), b"".join(pieces)


def sketched(counts: bytes, members: bytes, size: int = SKETCH) -> tuple[bytes, bytes]:
    """Return the same with no more than the `size` smallest n-grams of each row, each once (bottom-k sketches, Broder
    1997): 32-bit hashes, so they are a sample, and rows that are alike have much the same sample."""
    import numpy as np

    many = np.frombuffer(counts, np.uint32).astype(np.int64)  # (rows,)
    owners = np.repeat(np.arange(len(many), dtype=np.uint64), many)
    keys = np.unique(owners << np.uint64(32) | np.frombuffer(members, np.uint32))
    owners = (keys >> np.uint64(32)).astype(np.int64)
    held = np.bincount(owners, minlength=len(many))
    rank = np.arange(len(keys)) - (np.cumsum(held) - held)[owners]
    kept: NDArray[np.uint64] = keys[rank < size]
    return np.minimum(held, size).astype(np.uint32).tobytes(), kept.astype(np.uint32).tobytes()


def sides(record: Record) -> tuple[str, str]:
    """Return what a row asks (all turns before the last answer, without system prompts) and that answer."""
    prompt, answer = record.split()
    asked = [m for m in prompt if m.role != "system" and m.role != "developer"]
    return "\n".join(map(_said, asked)), "\n".join(map(_said, answer))


def _said(message: Message) -> str:
    if not message.calls:
        return message.text
    found = [message.text]
    for call in message.calls:
        given = call.arguments
        found.append(f"{call.name} {given if isinstance(given, str) else json_text(given)}")
    return "\n".join(found)


def signatures(chunk: Chunk) -> Signatures:
    """Return the signatures of a chunk's rows. Use as `chunk.derived(signatures)`."""
    texts = [text for record in chunk.records for text in sides(record)]
    if sum(map(len, texts)) <= CHARS:
        return Signatures(*few_grams(texts, SIZE))
    import numpy as np

    grams = shingles(words(texts), SIZE)
    counts = np.diff(grams.ends, prepend=0).astype(np.uint32)
    return Signatures(counts.tobytes(), grams.hashes.astype(np.uint32).tobytes())
