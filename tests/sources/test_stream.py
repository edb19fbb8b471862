"""Files as they come: encodings, marks, line endings, layouts, archives, standard input."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from source_samples import kinds, lines, read, row, rows_of

from prepdata.errors import InputError
from prepdata.sources import open_source
from prepdata.sources.base import HEAD_BYTES
from prepdata.sources.stream import StreamSource

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda d: gzip.compress(d, mtime=0),
    "zst": zstandard.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}
SEVERAL = row("Où est le café ?") + b"\n" + row("电表") + b"\n" + row("😀") + b"\n"
ROWS = list(enumerate(SEVERAL.split(b"\n")[:-1]))


def write(folder: Path, data: bytes, name: str = "data.jsonl") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_plain_file(tmp_path: Path) -> None:
    source, chunks = read(write(tmp_path, SEVERAL))
    assert rows_of(chunks) == ROWS
    assert kinds(source) == [] and source.kind == "lines" and source.has_lines
    assert source.size == len(SEVERAL) == sum(c.size for c in chunks)
    assert source.sha256 == hashlib.sha256(SEVERAL).hexdigest()


def test_a_worker_reads_a_plain_file_again(tmp_path: Path) -> None:
    path = write(tmp_path, b"\xef\xbb\xbf" + lines(30_000))
    source, chunks = read(path)
    assert len(chunks) > 3
    for chunk in chunks:
        travelled = pickle.loads(pickle.dumps(chunk))
        assert travelled.data is None and travelled.load() == chunk.data
        assert travelled.digest == chunk.digest
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_worker_notices_that_the_file_changed(tmp_path: Path) -> None:
    path = write(tmp_path, SEVERAL)
    travelled = pickle.loads(pickle.dumps(read(path)[1][0]))
    path.write_bytes(SEVERAL.replace(b"content", b"CONTENT"))
    with pytest.raises(InputError, match="changed"):
        travelled.load()
    path.unlink()
    with pytest.raises(InputError, match="run again"):
        travelled.load()


@pytest.mark.parametrize("kind", PACK)
def test_archives_by_content_not_by_name(tmp_path: Path, kind: str) -> None:
    data = PACK[kind](SEVERAL)
    source, chunks = read(write(tmp_path, data, "data.jsonl"))
    assert rows_of(chunks) == ROWS and kinds(source) == []
    assert source.sha256 == hashlib.sha256(data).hexdigest() and source.size == len(data)
    assert pickle.loads(pickle.dumps(chunks[0])).data == SEVERAL
    plain = read(write(tmp_path, SEVERAL, "plain.gz"))[1]
    assert [c.digest for c in plain] == [c.digest for c in chunks]


@pytest.mark.parametrize("kind", PACK)
def test_several_members(tmp_path: Path, kind: str) -> None:
    one, two, three = (PACK[kind](part + b"\n") for part in SEVERAL.split(b"\n")[:-1])
    zeros = b"" if kind == "zst" else bytes(8)
    source, chunks = read(write(tmp_path, one + two + zeros + three + zeros))
    assert rows_of(chunks) == ROWS and kinds(source) == []


@pytest.mark.parametrize("kind", PACK)
def test_chunks_of_an_archive_are_those_of_the_file(tmp_path: Path, kind: str) -> None:
    data = lines(12_000)
    assert [c.digest for c in read(write(tmp_path, data))[1]] == [
        c.digest for c in read(write(tmp_path, PACK[kind](data), "packed"))[1]
    ]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"), ("utf-16-le", b""), ("utf-16-be", b""),
     ("utf-32-le", b"\xff\xfe\0\0"), ("utf-32-be", b"\0\0\xfe\xff"), ("utf-32-le", b""), ("utf-32-be", b"")],
)  # fmt: skip
@pytest.mark.parametrize("packed", [False, True])
def test_wide_encodings_are_decoded_on_the_way(tmp_path: Path, encoding: str, mark: bytes, packed: bool) -> None:
    data = mark + SEVERAL.decode().encode(encoding)
    source, chunks = read(write(tmp_path, gzip.compress(data) if packed else data))
    assert rows_of(chunks) == ROWS
    assert kinds(source) == ["not-utf8"]
    assert source.facts[0].data == {"encoding": encoding, "offset": 0, "bom": bool(mark), "where": "file"}


def test_a_long_file_in_utf_16_is_decoded_across_blocks(tmp_path: Path) -> None:
    data = lines(40_000).replace(b"x", "é😀".encode())
    _source, chunks = read(write(tmp_path, data.decode().encode("utf-16")))
    assert b"".join(c.load() for c in chunks) == data


def test_half_a_character_at_the_end_of_utf_16(tmp_path: Path) -> None:
    source, chunks = read(write(tmp_path, b"\xff\xfe" + SEVERAL.decode().encode("utf-16-le") + b"{"))
    assert rows_of(chunks)[:3] == ROWS and kinds(source) == ["not-utf8", "no-final-newline"]


def test_a_byte_order_mark_is_taken_off(tmp_path: Path) -> None:
    source, chunks = read(write(tmp_path, b"\xef\xbb\xbf" + SEVERAL))
    assert rows_of(chunks) == ROWS and kinds(source) == ["bom"]
    assert source.head() == SEVERAL and chunks[0].where == (str(tmp_path / "data.jsonl"), 3, len(SEVERAL))


@pytest.mark.parametrize(
    ("data", "facts"),
    [
        (b"{}\n{}\n", []),
        (b"{}\r\n{}\r\n", []),
        (b"{}\r\n{}\n", ["mixed-newlines"]),
        (b"{}\n{}", ["no-final-newline"]),
        (b"{}\r\n{}\n{}", ["mixed-newlines", "no-final-newline"]),
        (b"{}\r{}\r", ["mixed-newlines"]),
        (b"{}\r\r\n{}\r\n", ["mixed-newlines"]),
        (b"", ["empty-file"]),
        (b"\n", []),
        (b"\xef\xbb\xbf", ["bom", "empty-file"]),
    ],
)
def test_line_endings(tmp_path: Path, data: bytes, facts: list[str]) -> None:
    source, _ = read(write(tmp_path, data))
    assert kinds(source) == facts


def test_the_first_line_of_each_kind_is_named(tmp_path: Path) -> None:
    source, _ = read(write(tmp_path, b"{}\n{}\n{}\r\n{}\n"))
    fact = next(f for f in source.facts if f.kind == "mixed-newlines")
    assert fact.data == {"lf": 3, "crlf": 1, "cr": 0, "first": {"lf": 1, "crlf": 3}}


def test_rows_parted_by_carriage_returns_are_read(tmp_path: Path) -> None:
    _source, chunks = read(write(tmp_path, SEVERAL.replace(b"\n", b"\r")))
    assert rows_of(chunks) == ROWS


@pytest.mark.parametrize(
    ("name", "text", "kind", "facts"),
    [
        ("a.jsonl", '[{"a": 1},\n{"a": 2}]\n', "array", ["json-array"]),
        ("a.json", '[{"a": 1},\n{"a": 2}]\n', "array", ["json-array"]),
        ("a.json", '{"a": 1}\n{"a": 2}\n', "lines", []),
        ("a.json", '{\n"a": 1}\n{"a":\n2}\n', "values", ["pretty-printed"]),
        ("a.json", '{\n"a": 1}\n', "values", ["pretty-printed"]),
        ("a.jsonl", '{"a": 1}\n{\n"a": 2}\n', "lines", []),
        ("a.jsonl", '{"a": 1\n{"a": 2}\n', "lines", []),
        ("a.jsonl", '{"a": "x\ny"}\n{"a": 2}\n', "lines", []),
        ("a.jsonl", '{"a": [\n{"a": 2}\n', "lines", []),
        ("a.jsonl", '[{"a": 1\n{"a": 2}\n{"a": 3}\n', "lines", []),
        ("a.json", '[\n{"a": 2}\n]\n', "array", ["json-array"]),
        ("a.jsonl", "[1]\n[2]\n", "lines", []),
        ("a.jsonl", "\n\n  [\n]", "array", ["json-array"]),
        ("a.jsonl", "[]", "array", ["json-array"]),
        ("a.jsonl", "hello\nthere\n", "lines", []),
        ("a.csv", "a,b\n1,2\n", "none", ["unsupported-file"]),
        ("a.jsonl", "a,b\n1,2\n3,4\n", "none", ["unsupported-file"]),
        ("a.jsonl", "one, two\nthree\nfour, five, six\n", "lines", []),
        ("a.jsonl", "<html>\n</html>\n", "none", ["unsupported-file"]),
    ],
)
def test_layouts(tmp_path: Path, name: str, text: str, kind: str, facts: list[str]) -> None:
    source, _ = read(write(tmp_path, text.encode(), name))
    assert (source.kind, kinds(source)) == (
        kind,
        facts + (["no-final-newline"] if kind == "lines" and text[-1] != "\n" else []),
    )


def test_a_large_array_and_a_large_object_are_recognised_by_their_beginning(tmp_path: Path) -> None:
    items = [json.loads(text) for text in lines(20_000).split(b"\n")[:-1]]
    for indent in (None, 1):
        source, chunks = read(write(tmp_path, json.dumps(items, indent=indent).encode()))
        assert source.kind == "array" and len(chunks) > 2
        assert [json.loads(text) for _, text in rows_of(chunks)] == items
    big = json.dumps({"messages": items}, indent=1).encode()
    source, chunks = read(write(tmp_path, big))
    assert source.kind == "values" and [text for _, text in rows_of(chunks)] == [big]


def test_nothing_else_is_said_of_a_pointer(tmp_path: Path) -> None:
    text = b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n"
    source, chunks = read(write(tmp_path, text))
    assert chunks == [] and [f.kind for f in source.facts] == ["lfs-pointer"]
    assert source.facts[0].data == {"oid": "abc", "size": "12"} and source.sha256


def test_head_and_head_rows(tmp_path: Path) -> None:
    source = open_source(write(tmp_path, b"\n" + lines(30_000)))
    assert len(source.head()) == HEAD_BYTES
    assert source.head_rows(3) == lines(3).split(b"\n")[:-1]
    assert len(source.head_rows()) == 64
    short = open_source(write(tmp_path, SEVERAL.rstrip()))
    assert [text for _, text in ROWS] == short.head_rows()


def test_a_first_row_longer_than_the_head_is_still_seen(tmp_path: Path) -> None:
    long = row("x" * (3 << 20))
    source = open_source(write(tmp_path, long + b"\n" + SEVERAL))
    assert source.head_rows(2) == [long, SEVERAL.split(b"\n")[0]]
    assert [text for _, text in rows_of(source.chunks())] == [long, *SEVERAL.split(b"\n")[:-1]]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(SEVERAL)

    monkeypatch.setattr(sys, "stdin", Stdin)
    source = open_source("-")
    assert source.path == "<stdin>"
    chunks = list(source.chunks())
    assert rows_of(chunks) == ROWS and source.size == len(SEVERAL)
    assert chunks[0].where is None and not sys.stdin.buffer.closed


def test_a_pipe_that_gives_a_byte_at_a_time() -> None:
    class Drip(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(1)

    source = StreamSource("-", file=Drip(gzip.compress(SEVERAL, mtime=0)))
    assert rows_of(source.chunks()) == ROWS and kinds(source) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe(tmp_path: Path) -> None:
    import threading

    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(SEVERAL))
    writer.start()
    _source, chunks = read(path)
    writer.join()
    assert rows_of(chunks) == ROWS and chunks[0].where is None


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        open_source(tmp_path / "nothing.jsonl")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything is readable for root")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, SEVERAL)
    path.chmod(0)
    with pytest.raises(InputError, match="permission denied"):
        open_source(path)


def test_permission_denied_has_a_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, SEVERAL)

    def refuse(self: Path, *more: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"data\.jsonl: permission denied.*chmod"):
        StreamSource(str(path))


def test_a_broken_first_line_does_not_swallow_a_large_file(tmp_path: Path) -> None:
    for first in (b'{"messages": [', b'{"messages": [{"role": "user"},', b'[{"role": "user",'):
        source, chunks = read(write(tmp_path, first + b"\n" + lines(20_000)))
        assert source.kind == "lines" and len(rows_of(chunks)) == 20_001
