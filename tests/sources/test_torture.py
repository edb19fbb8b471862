"""Hostile input through the whole engine: no crash, no traceback, bounded memory, and the other rows still checked."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from source_samples import BYTES_AND_LINES, lines, read, row, rows_of

import prepdata

MEMORY = """
import resource, sys
import prepdata
from prepdata.sources import open_source
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]) << 20, -1))
source = open_source(sys.argv[1], max_line_bytes=int(sys.argv[3]))
facts = rows = 0
for chunk in source.chunks():
    facts += len(chunk.facts)
    rows += chunk.lines if chunk.data else 0
print(facts, rows)
"""


PIECES = [
    b"{}", b"", b"[", b"]", b'"', b"{", b"}", b"NaN", b"\xff", b"\r", b"\0", b",", b"1", b"\xef\xbb\xbf",
    row("x"), row("é"),
    b'{"a":1,"a":2}', b"\x1f\x8b", b"PAR0", b"\xff\xfe",
]  # fmt: skip


def validate(path: Path, **more: object) -> prepdata.Report:
    return prepdata.validate(path, select=BYTES_AND_LINES, tokens=False, cache=False, jobs=1, **more)  # type: ignore[arg-type]


def found(path: Path, **more: object) -> list[tuple[str, int | None]]:
    return [(f.name, f.line) for f in validate(path, **more) if f.name != "line-endings"]


def limited(path: Path, megabytes: int, line: int) -> str:
    """Read a file in a process that may use no more memory than `megabytes`."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path), str(megabytes), str(line)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="memory limits work on Linux")
@pytest.mark.parametrize("array", [False, True])
def test_a_huge_line_in_little_memory(tmp_path: Path, array: bool) -> None:
    """The scaled-down form of one line of 1 GB: 64 MB against a bound of 1 MiB, in 220 MB of address space."""
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.write((b"[" if array else b"") + row("first") + (b",\n" if array else b"\n"))
        file.write(b'{"messages": "')
        for _ in range(64):
            file.write(b"x\\u00e9[{" * (1 << 17))
        file.write(b'"}' + (b",\n" if array else b"\n") + row("last") + (b"]\n" if array else b"\n"))
    assert limited(path, 220, 1 << 20).startswith("1 ")
    assert found(path, max_line_bytes=1 << 20) == [("oversized-line", 2)]
    assert sum(f.examples for f in validate(path, max_line_bytes=1 << 20).files) >= 2


@pytest.mark.skipif(sys.platform != "linux", reason="memory limits work on Linux")
def test_a_file_larger_than_the_memory_it_is_read_in(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    block = lines(8_000, 300)
    with path.open("wb") as file:
        for _ in range(300 * (1 << 20) // len(block)):
            file.write(block)
    assert limited(path, 220, 64 << 20).startswith("0 ")


@pytest.mark.parametrize("depth", [600, 2_000, 100_000])
@pytest.mark.parametrize("closed", [True, False])
def test_deep_nesting(tmp_path: Path, depth: int, closed: bool) -> None:
    path = tmp_path / "a.jsonl"
    deep = b'{"messages": ' + b"[" * depth + b"]" * depth * closed + b"}" * closed
    path.write_bytes(row("a") + b"\n" + deep + b"\n" + row("b") + b"\n")
    names = found(path)
    assert ("invalid-json", 2) in names or depth == 600
    assert not [n for n in names if n[1] in (1, 3)] and not [n for n in names if n[0] == "rule-crash"]


def test_deep_nesting_in_an_array(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"[" * 100_000 + b"]" * 100_000)
    assert found(path) == [("invalid-json", 1)]
    path.write_bytes(b"[" * 100_000)
    assert ("invalid-json", 1) in found(path)


def test_a_gzip_bomb(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(row("a") + b"\n" + bytes(400 << 20), 9))
    assert path.stat().st_size < 500_000
    names = found(path, max_line_bytes=1 << 20)
    assert ("unreadable-file", None) in names


def test_nul_bytes_here_and_there(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(row("a") + b"\n" + bytes(3000) + b"\n" + row("b") + b"\0\n\0\n" + row("c") + b"\n")
    assert found(path) == [("invalid-json", 2), ("invalid-json", 3), ("invalid-json", 4)]


def test_surrogates_in_keys_paths_and_texts_can_be_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'{"messages": [{"role": "user", "content": "\\ud800"}], "\\udfff": {"\\ud83d": NaN}, "x": "\xed\xa0\x80"}\n'
    )
    report = validate(path)
    text = report.to_json()
    json.loads(text if isinstance(text, (str, bytes)) else json.dumps(text))
    assert {f.name for f in report} >= {"invalid-unicode", "non-finite-number", "not-utf8"}


def test_a_thousand_bad_lines_are_all_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(b"{oops\n" if i % 3 == 0 else row(str(i)) + b"\n" for i in range(3000)))
    assert found(path) == [("invalid-json", i + 1) for i in range(0, 3000, 3)]


@pytest.mark.parametrize(
    "line",
    [b'"' + b"\\" * 300_001, b"[" + b'"a",' * 200_000, b'{"' * 200_000, b"'" * 300_000, b"{" + b" " * 500_000 + b"x",
     b'{"a": "' + b"\\u0000" * 100_000 + b'"}', b'{"a": ' + b"-" * 300_000 + b"}", b'{"a": ' + b"1" * 1_000_000 + b"}",
     b"\xe9" * 500_000, b"{" + b'"k": 1, ' * 100_000 + b'"k": 1}', b"," * 500_000, b"\x80\xff" * 200_000],
    ids=lambda line: repr(line[:12]),
)  # fmt: skip
@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_no_line_hangs(tmp_path: Path, line: bytes, name: str) -> None:
    """The time limit is a guard against hangs alone: a line takes under a second."""
    path = tmp_path / name
    path.write_bytes((b"[" if name == "a.json" else b"") + line + b"\n" + row("b") + b"\n")
    run = [sys.executable, "-m", "prepdata", "validate", "--no-tokens", "--no-cache", "--jobs", "1", "-s"]
    done = subprocess.run([*run, "--select", ",".join(BYTES_AND_LINES), str(path)], timeout=300, check=False)
    assert done.returncode in (0, 1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(PIECES), max_size=12),
    st.sampled_from([b"\n", b"\r\n", b"", b" ", b",\n"]),
    st.sampled_from(["a.jsonl", "a.json", "a.csv"]),
)
def test_anything_goes_through(tmp_path: Path, texts: list[bytes], between: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(between.join(texts))
    report = validate(path)
    assert all(f.name != "rule-crash" for f in report)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 2000), st.booleans(), st.booleans())
def test_any_bounds_give_the_same_rows(tmp_path: Path, least: int, array: bool, crlf: bool) -> None:
    from prepdata.sources.cut import Bounds
    from prepdata.sources.stream import StreamSource

    data = lines(40)
    if array:
        data = b"[" + data.rstrip().replace(b"\n", b",\n") + b"]"
    if crlf:
        data = data.replace(b"\n", b"\r\n")
    path = tmp_path / "a.json"
    path.write_bytes(data)
    source = StreamSource(str(path), bounds=Bounds(least, 1 + least // 3, least * 4))
    assert rows_of(source.chunks()) == rows_of(read(path)[1])
