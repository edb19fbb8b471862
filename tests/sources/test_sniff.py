"""What a file is, by its first bytes; the counters beside the reading."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path

import pytest
from source_samples import lines, read, row, rows_of

from prepdata.sources.base import digest_of
from prepdata.sources.cut import Bounds, cut_lines
from prepdata.sources.digest import Digest
from prepdata.sources.newlines import NewlineCount
from prepdata.sources.sniff import sniff

NO_DATA = [
    (b"PK\x03\x04....", "ZIP"),
    (b"%PDF-1.7", "PDF"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff\xe0", "JPEG"),
    (b"GIF89a", "GIF"),
    (b"7z\xbc\xaf\x27\x1c\0\0", "7-Zip"),
    (b"Rar!\x1a\x07\0", "RAR"),
    (b"SQLite format 3\0", "SQLite"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"\x93NUMPY\x01\0", "NumPy"),
    (b"Obj\x01", "Avro"),
    (b"ORC", "ORC"),
    (b"\x04\x22\x4d\x18", "LZ4"),
    (b"\x80\x04\x95", "pickle"),
    (b"a.jsonl" + bytes(250) + b"ustar\0", "tar"),
    (bytes(100), "NUL bytes only"),
    (b"  <!DOCTYPE html><html>", "HTML"),
    (b"<?xml version='1.0'?>", "XML"),
    (b"a\tb\n1\t2\n3\t4\n5\t6\n", "tab"),
    (b"a;b\n1;2\n3;4\n5;6\n", "semicolon"),
    (b"\x01\x02\x03\x04\x05" * 100, "binary"),
]


@pytest.mark.parametrize(("head", "what"), NO_DATA, ids=[w for _, w in NO_DATA])
def test_no_data(head: bytes, what: str) -> None:
    kind = sniff(head, whole=True, suffix=".jsonl")
    assert kind.layout == "none" and kind.facts[0].kind == "unsupported-file"
    assert what in kind.facts[0].data["what"]


LAYOUTS = [
    (b'{"a": 1}\n{"a": 2}\n', "lines"),
    (b'{"a": 1}', "lines"),
    (b'\n\n{"a": 1}\n', "lines"),
    (b'{\n"a": 1\n}\n', "values"),
    (b'{"a":\n[1, 2]}\n{"a":\n[]}', "values"),
    (b'{"a": NaN,\n"b": 1e999}\n', "values"),
    (b'{"a": "x\n', "lines"),
    (b"{oops\n{oops\n", "lines"),
    (b"[]", "array"),
    (b"[]\n[]\n", "lines"),
    (b'[{"a": 1}]', "array"),
    (b'[{"a": 1}]\n', "array"),
    (b"[\n", "array"),
    (b"[1,\n2]", "array"),
    (b'["a",\n"b"]', "array"),
    (b"[INFO] started\n[INFO] ended\n", "lines"),
    (b'[{"a": NaN}]\n', "array"),
    (b"plain words\n", "lines"),
    (b"\xff\xfe\xfd", "lines"),
    (b'"text"\n', "lines"),
    (b"   \n \n", "lines"),
]


@pytest.mark.parametrize(("head", "layout"), LAYOUTS, ids=[repr(h)[:30] for h, _ in LAYOUTS])
def test_layouts(head: bytes, layout: str) -> None:
    assert sniff(head, whole=True, suffix="").layout == layout


def test_a_head_that_is_not_the_whole() -> None:
    long = row("x" * 5000)
    assert sniff(long[:3000], whole=False, suffix="").layout == "lines"
    assert sniff(b"[" + long[:3000], whole=False, suffix="").layout == "array"
    assert sniff(b'{\n "messages": [\n' + long[:3000], whole=False, suffix="").layout == "values"


def test_a_pointer_is_whole_and_short() -> None:
    text = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n"
    assert sniff(text, whole=True, suffix="").facts[0].kind == "lfs-pointer"
    assert sniff(text, whole=False, suffix="").layout == "lines"
    assert sniff(text + b"x" * 3000, whole=True, suffix="").layout == "lines"


def test_an_empty_head() -> None:
    assert sniff(b"", whole=True, suffix=".json").facts[0].kind == "empty-file"


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_rows_in_a_file_with_the_name_of_a_table(suffix: str) -> None:
    assert sniff(b'{"a": 1}\n', whole=True, suffix=suffix).layout == "lines"
    assert sniff(b"a\n", whole=True, suffix=suffix).layout == "none"


@pytest.mark.parametrize("data", [b"a\r\nb\nc\r\nd", b"a\rb\n", b"\r\n\n", b"x", b"", b"a\nb\n"])
def test_endings_are_counted_over_any_cut(data: bytes) -> None:
    whole = NewlineCount()
    whole.see(data, data.count(b"\n") + bool(data and data[-1:] != b"\n"))
    parts = NewlineCount()
    for cut in cut_lines([data], Bounds(1, 1, 4)):
        parts.see(cut.data, cut.lines)
    assert (whole.lf, whole.crlf, whole.cr, whole.first) == (parts.lf, parts.crlf, parts.cr, parts.first)
    assert whole.facts(cut_off=False) == parts.facts(cut_off=False)


@pytest.mark.parametrize("blocks", [0, 1, 3, 9])
def test_the_digest_is_that_of_all_blocks(blocks: int) -> None:
    block = bytes(range(256)) * 8192
    digest = Digest()
    for _ in range(blocks):
        digest.update(block)
    assert digest.hexdigest() == hashlib.sha256(block * blocks).hexdigest() == digest.hexdigest()


def test_the_key_of_a_chunk_depends_on_its_rows() -> None:
    assert digest_of(b"[1,2]", None, 1) == digest_of(memoryview(b"[1,2]"), None, 1)
    rows = ((1, 2, 0),)
    keys = {
        digest_of(b"[1]", None, 1),
        digest_of(b"[1]", (), 1),
        digest_of(b"[1]", rows, 1),
        digest_of(b"[1]", rows, 0),
    }
    assert len(keys) == 4
    assert digest_of(b"", None, 1) != digest_of(b"", None, 7)


def test_a_worker_reads_a_piece_of_an_array_again(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    items = [json.loads(text) for text in lines(15_000).split(b"\n")[:-1]]
    path.write_text(json.dumps(items))
    _, chunks = read(path)
    travelled = pickle.loads(pickle.dumps(chunks))
    assert len(chunks) > 1 and all(chunk.data is None for chunk in travelled if chunk.size)
    assert rows_of(travelled) == rows_of(chunks)
