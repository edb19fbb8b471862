"""Fixing every kind of file that can be read: what is kept, what is refused, and that nothing is lost on the way."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from prepdata.errors import InputError, UsageError
from prepdata.fix import fix_file, keep
from prepdata.settings import Settings

USER = {"role": "user", "content": "What is the capital of Peru?"}
GOOD = {"messages": [USER, {"role": "assistant", "content": "Lima."}]}
SPACE = {"messages": [USER, {"role": "assistant", "content": "Lima, of course. "}]}
MENDED = {"messages": [USER, {"role": "assistant", "content": "Lima, of course."}]}
BOM = b"\xef\xbb\xbf"
Codec = tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]
CODECS: dict[str, Codec] = {
    ".gz": (gzip.compress, gzip.decompress),
    ".bz2": (bz2.compress, bz2.decompress),
    ".xz": (lzma.compress, lzma.decompress),
    ".zst": (
        lambda data: zstandard.ZstdCompressor().compress(data),
        lambda data: zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read(),
    ),
}


def text(*rows: Any) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def fixed(path: Path, *, unsafe: bool = False, select: tuple[str, ...] = ()) -> list[Path]:
    settings = Settings(ignore=("COV",), select=select)
    return keep(fix_file(path, settings, unsafe=unsafe, folder=path.parent), path.with_name(f"out-{path.name}"))


@pytest.mark.parametrize("suffix", CODECS)
def test_a_packed_file_stays_packed_and_is_read_again(tmp_path: Path, suffix: str) -> None:
    pack, unpack = CODECS[suffix]
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(pack(text(GOOD, SPACE, GOOD)))
    before = path.read_bytes()
    result, receipt = fixed(path)
    assert unpack(result.read_bytes()) == text(GOOD, MENDED, GOOD)
    assert path.read_bytes() == before
    assert [json.loads(item)["line"] for item in receipt.read_text().splitlines()] == [2]
    assert unpack(fixed(result)[0].read_bytes()) == text(GOOD, MENDED, GOOD)


@pytest.mark.parametrize("suffix", CODECS)
def test_all_members_of_a_packed_file_are_kept(tmp_path: Path, suffix: str) -> None:
    pack, unpack = CODECS[suffix]
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(pack(text(SPACE)) + pack(text(GOOD)) + pack(text(SPACE)))
    assert unpack(fixed(path)[0].read_bytes()) == text(MENDED, GOOD, MENDED)


@pytest.mark.parametrize("suffix", CODECS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_packed_file_that_is_cut_is_never_written(tmp_path: Path, suffix: str, share: float) -> None:
    rows = [{"messages": [USER, {"role": "assistant", "content": f"Answer {i * 7919 % 10007} "}]} for i in range(400)]
    whole = CODECS[suffix][0](text(*rows))
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(whole[: int(len(whole) * share)])
    before = path.read_bytes()
    try:
        written = fixed(path)
    except InputError as error:  # rows were there to be mended
        assert path.name in str(error)
        assert [item.name for item in tmp_path.iterdir()] == [path.name]
    else:  # no whole row could be read, so there was nothing to mend
        assert [item.read_bytes() for item in written] == [before]
    assert path.read_bytes() == before


def test_a_byte_order_mark_goes_only_if_its_rule_runs(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(BOM + text(SPACE))
    assert fixed(path)[0].read_bytes() == text(MENDED)
    assert fixed(path, select=("edge-whitespace",))[0].read_bytes() == BOM + text(MENDED)


CAFE = {"messages": [USER, {"role": "assistant", "content": "Café."}]}


def test_a_line_of_another_encoding_stays_as_it_is_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    odd = text(CAFE).decode().encode("latin-1")
    path.write_bytes(text(SPACE) + odd)
    assert fixed(path)[0].read_bytes() == text(MENDED) + odd
    assert fixed(path, unsafe=True)[0].read_bytes() == text(MENDED, CAFE)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_of_another_encoding_is_left_alone_unless_asked(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(text(SPACE, CAFE).decode().encode(encoding))
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"a\.jsonl: not UTF-8; --unsafe-fixes re-encodes it"):
        fixed(path)
    assert [item.name for item in tmp_path.iterdir()] == ["a.jsonl"] and path.read_bytes() == before
    assert fixed(path, unsafe=True)[0].read_bytes() == text(MENDED, CAFE)


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_tables_are_not_rewritten(tmp_path: Path, kind: str) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pa.Table.from_pylist([SPACE])
    path = tmp_path / f"a.{kind}"
    if kind == "parquet":
        parquet.write_table(table, path)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    with pytest.raises(InputError, match="Parquet and Arrow files are not rewritten; convert to JSONL first"):
        fixed(path)
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="folder: give the files of a folder one by one"):
        fixed(tmp_path / "folder")
    with pytest.raises(InputError, match=r"missing\.jsonl"):
        fixed(tmp_path / "missing.jsonl")


@pytest.mark.parametrize("name", ["out-a.jsonl", "out-a.jsonl.receipt.jsonl"])
def test_nothing_is_written_through_a_link(tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / name).symlink_to(victim)
    path = tmp_path / "a.jsonl"
    path.write_bytes(text(SPACE))
    with pytest.raises(UsageError, match="is a symbolic link"):
        fixed(path)
    assert victim.read_bytes() == b"precious"


def test_a_file_that_changes_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(text(SPACE))
    made = fix_file(path, Settings(ignore=("COV",)), unsafe=False, folder=tmp_path)
    path.write_bytes(text(SPACE, GOOD))
    with pytest.raises(InputError, match="changed while it was being repaired"):
        keep(made, path)
    assert path.read_bytes() == text(SPACE, GOOD)


@pytest.mark.parametrize("tail", [b"", b"\n", b"\r\n", b"\n\n"])
def test_the_end_of_the_file_stays_as_it_is(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(text(SPACE) + text(GOOD).rstrip(b"\n") + tail)
    assert fixed(path, select=("edge-whitespace",))[0].read_bytes() == text(MENDED) + text(GOOD).rstrip(b"\n") + tail
