"""Signatures of rows for the search for near duplicates: what was asked and what was answered, as hashed n-grams.

What many rows share by their making is left out: system prompts and declared tools.
"""

from __future__ import annotations

from array import array
from itertools import accumulate
from operator import add
from typing import TYPE_CHECKING, Literal, NamedTuple

from prepdata.chunk import Chunk
from prepdata.index.exact import whole
from prepdata.index.few import CHARS, GRAMS
from prepdata.index.few import grams as few_grams
from prepdata.index.few import ordered as few_sorted
from prepdata.index.words import shingles, words
from prepdata.jsontext import json_text
from prepdata.record import Message, Record

if TYPE_CHECKING:
    pass

SIZE = 3
"""Words of an n-gram."""


SKETCH = 24
"""n-grams that stand for a row in a sketch."""


class Signatures(NamedTuple):
    """n-grams of the rows of a chunk.

    Args:
        counts: n-grams of each record's prompt and answer, one after the other, uint32.
        members: low 32 bits of all n-grams, record after record, prompt before answer, uint32.

    All in this machine's byte order.
    """

    counts: bytes
    members: bytes


class Grams(NamedTuple):
    """The different n-grams of the rows of a chunk, laid out for the join (`join.Block`). Six bytes each.

    Args:
        sizes: different n-grams of each record, uint32.
        members: the n-grams of all records, rising, uint32.
        owners: which record has each, uint16 (uint32 in chunks of more records than that holds), rising where the
            n-gram is the same.

    All in this machine's byte order.
    """

    sizes: bytes
    members: bytes
    owners: bytes

    @property
    def code(self) -> Literal["H", "I"]:
        """The type code of `owners`, as of `array`."""
        return "H" if 2 * len(self.owners) == len(self.members) else "I"


def whole_rows(found: Signatures) -> Grams:
    """Return the n-grams of each row: prompt and answer together."""
    counts = memoryview(found.counts).cast("I")
    return _grams(array("I", map(add, counts[::2], counts[1::2])), found.members)


def prompts(found: Signatures) -> Grams:
    """Return the n-grams of each prompt."""
    counts = memoryview(found.counts).cast("I")
    ends = [4 * end for end in accumulate(counts)]
    starts = [0, *ends[1::2]]
    pieces = [found.members[start:end] for start, end in zip(starts, ends[::2])]
    return _grams(array("I", counts[::2]), b"".join(pieces))


def _grams(counts: array[int], members: bytes) -> Grams:
    """Return n-grams that are given record after record, `counts` of each."""
    if len(members) <= 4 * GRAMS:
        return Grams(*few_sorted(counts, whole(members, "I")))
    import numpy as np

    from prepdata.index.join import block

    many = np.frombuffer(counts, np.uint32).astype(np.int64)
    held = block(np.frombuffer(members, np.uint32), np.repeat(np.arange(len(many)), many))
    sizes = np.bincount(held.owners, minlength=len(many)).astype(np.uint32)
    return Grams(sizes.tobytes(), held.members.tobytes(), held.owners.tobytes())


def sketched(found: Grams, size: int = SKETCH) -> Grams:
    """Return the same with no more than the `size` smallest n-grams of each row (bottom-k sketches, Broder 1997): they
    are hashes, so these are a sample, and rows that are alike have much the same sample."""
    import numpy as np

    owners = np.frombuffer(found.owners, found.code)
    sizes = np.frombuffer(found.sizes, np.uint32).astype(np.int64)
    order = np.argsort(owners, kind="stable")  # row after row, members rising
    rank = np.empty(len(owners), np.int64)
    rank[order] = np.arange(len(owners)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    kept = rank < size
    members = np.frombuffer(found.members, np.uint32)[kept]
    return Grams(np.minimum(sizes, size).astype(np.uint32).tobytes(), members.tobytes(), owners[kept].tobytes())


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
