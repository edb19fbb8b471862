"""Signatures of rows for the search for near duplicates: what was asked and what was answered, as hashed n-grams.

What many rows share by their making is left out: system prompts and declared tools.
"""

from __future__ import annotations

from typing import NamedTuple

from prepdata.chunk import Chunk
from prepdata.index.words import shingles, words
from prepdata.jsontext import json_text
from prepdata.record import Message, Record

SIZE = 3
"""Words of an n-gram."""


class Signatures(NamedTuple):
    """n-grams of the rows of a chunk. Four bytes for each.

    Args:
        counts: n-grams of each record's prompt and answer, one after the other, uint32.
        members: low 32 bits of all n-grams, record after record, prompt before answer, uint32.
    """

    counts: bytes
    members: bytes


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
    import numpy as np

    texts = [text for record in chunk.records for text in sides(record)]
    grams = shingles(words(texts), SIZE)
    counts = np.diff(grams.ends, prepend=0).astype("<u4")
    return Signatures(counts.tobytes(), grams.hashes.astype("<u4").tobytes())
