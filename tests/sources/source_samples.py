"""Helpers of the source tests: rows, and what a source gives as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from prepdata.parse import split
from prepdata.sources import RawChunk, Source, open_source

BYTES_AND_LINES = ("FMT00", "FMT017", "FMT018", "FMT019", "FMT02")  # rules about bytes and lines, by their codes


def row(text: str, **more: Any) -> bytes:
    turns = [{"role": "user", "content": text}, {"role": "assistant", "content": "Hold the green button."}]
    return json.dumps({"messages": turns, **more}, ensure_ascii=False).encode("utf-8", "surrogatepass")


def lines(count: int, width: int = 40) -> bytes:
    return b"".join(row(f"Question {i} " + "x" * (i * 7 % width)) + b"\n" for i in range(count))


def rows_of(chunks: Iterable[RawChunk]) -> list[tuple[int, bytes]]:
    """Return (line in the file, bytes) of every row."""
    found, before = [], 0
    for chunk in chunks:
        for line, text in split(chunk.load(), chunk.rows):
            if text.strip():
                found.append((before + line, text.strip()))
        before += chunk.lines
    return found


def read(path: Path, **options: Any) -> tuple[Source, list[RawChunk]]:
    source = open_source(path, **options)
    return source, list(source.chunks())


def kinds(source: Source, chunks: Iterable[RawChunk] = ()) -> list[str]:
    """Return the kinds of all facts but `no-bom`, which says nothing by itself."""
    found = [fact.kind for fact in source.facts if fact.kind != "no-bom"]
    return found + [fact.kind for chunk in chunks for fact in chunk.facts]


def pieces(data: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    """Yield `data` in pieces of the given sizes, the rest as one."""
    at = 0
    for size in sizes:
        if at >= len(data):
            return
        yield data[at : at + size]
        at += size
    if at < len(data):
        yield data[at:]
