"""Damage and bombs: archives end with a fact, never with an exception or with full memory."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from source_samples import kinds, lines, pieces, read, rows_of

from prepdata.chunk import Fact
from prepdata.sources.cut import State
from prepdata.sources.unpack import Limit, packing, unpack

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda d: gzip.compress(d, mtime=0),
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
DATA = lines(300)


def run(
    blob: bytes, kind: str, sizes: list[int] | None = None, limit: Limit | None = None
) -> tuple[bytes, list[Fact], State]:
    facts: list[Fact] = []
    state = State()
    out = b"".join(unpack(pieces(blob, sizes or []), kind, limit or Limit(), facts, state))
    return out, facts, state


@pytest.mark.parametrize("kind", PACK)
def test_magic(kind: str) -> None:
    assert packing(PACK[kind](DATA)) == kind
    assert packing(DATA) is None and packing(b"") is None


@pytest.mark.parametrize("kind", PACK)
@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(1, 500), max_size=60), copies=st.integers(1, 3))
def test_pieces_of_any_size(kind: str, sizes: list[int], copies: int) -> None:
    out, facts, state = run(PACK[kind](DATA) * copies, kind, sizes)
    assert out == DATA * copies and not facts and not state.broken


@pytest.mark.parametrize("kind", PACK)
@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1))
def test_cut_anywhere(kind: str, share: float) -> None:
    blob = PACK[kind](DATA)
    end = max(6, int(share * (len(blob) - 1)))
    out, facts, state = run(blob[:end], kind)
    assert DATA.startswith(out) and state.broken
    assert [f.kind for f in facts] == ["truncated-archive"]
    assert facts[0].data["what"] == "cut off" and facts[0].data["stored"] == end


@pytest.mark.parametrize("kind", PACK)
@settings(max_examples=80, deadline=None)
@given(at=st.floats(0, 1), flip=st.integers(1, 255))
def test_a_flipped_byte_never_raises(kind: str, at: float, flip: int) -> None:
    blob = bytearray(PACK[kind](DATA))
    blob[6 + int(at * (len(blob) - 7))] ^= flip
    _out, facts, state = run(bytes(blob), kind)
    assert state.broken == bool(facts)
    assert all(f.kind == "truncated-archive" for f in facts)


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("after", [b"garbage", b"\x01", b'{"messages": []}\n'])
def test_something_else_behind_the_archive(kind: str, after: bytes) -> None:
    out, facts, _ = run(PACK[kind](DATA) + after, kind)
    assert out == DATA and facts[0].data["what"] == "followed by something else"


def zeros(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    block = b" " * (1 << 20)
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


def bombs() -> Iterator[tuple[str, bytes]]:
    blank = b" " * (64 << 20)
    yield "gzip", zeros(64)
    yield "zstd", zstandard.compress(blank)
    yield "bzip2", bz2.compress(blank)
    yield "xz", lzma.compress(blank, preset=0)


@pytest.mark.parametrize(("kind", "blob"), list(bombs()), ids=lambda v: v if isinstance(v, str) else "")
def test_a_bomb_ends_with_a_fact_in_little_memory(kind: str, blob: bytes) -> None:
    assert len(blob) * 250 < 64 << 20
    facts: list[Fact] = []
    state = State()
    tracemalloc.start()
    total = sum(len(piece) for piece in unpack([blob], kind, Limit(free=8 << 20), facts, state))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [f.kind for f in facts] == ["decompression-bound"] and state.broken
    assert total < 48 << 20 and peak < 80 << 20


def test_the_total_is_bounded_too() -> None:
    _out, facts, _ = run(PACK["gzip"](DATA), "gzip", limit=Limit(total=1000))
    assert facts[0].kind == "decompression-bound" and facts[0].data["total"] == 1000


def test_repetitive_but_honest_data_passes(tmp_path: Path) -> None:
    data = b'{"messages": [{"role": "user", "content": "Hi"}]}\n' * 200_000
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(data))
    source, chunks = read(path)
    assert len(rows_of(chunks)) == 200_000 and kinds(source) == []


def test_a_bomb_of_one_line_through_a_source(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(zeros(300))
    source, _chunks = read(path, max_line_bytes=1 << 20)
    assert "decompression-bound" in kinds(source)


def test_the_rows_before_the_damage_are_read(tmp_path: Path) -> None:
    blob = gzip.compress(DATA, mtime=0)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(blob[: len(blob) // 2])
    source, chunks = read(path)
    rows = [text for _, text in rows_of(chunks)]
    assert 10 < len(rows) < 300 and rows == DATA.split(b"\n")[: len(rows)]
    assert kinds(source) == ["truncated-archive"]


def test_an_archive_with_nothing_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b""))
    assert kinds(read(path)[0]) == ["empty-file"]
    path.write_bytes(gzip.compress(b"x")[:8])
    assert kinds(read(path)[0]) == ["truncated-archive"]
