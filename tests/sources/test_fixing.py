"""Fixes of bytes and lines, applied: what comes out, and what is left alone."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from source_samples import BYTES_AND_LINES

from prepdata.errors import InputError
from prepdata.fix import Fixed, fix_file
from prepdata.settings import Settings

ROW = '{"messages": [{"role": "user", "content": "Où ?"}, {"role": "assistant", "content": "Là."}]}'
NUL = ROW.replace("Là.", "Là.\\u0000")
NAN = ROW[:-1] + ', "score": NaN}'
BEST = json.dumps(json.loads(ROW), ensure_ascii=False)
PRETTY = json.dumps(json.loads(ROW), indent=1, ensure_ascii=False)


def fix(folder: Path, name: str, data: bytes, *, unsafe: bool = True, **more: int) -> Fixed:
    path = folder / name
    path.write_bytes(data)
    return fix_file(path, Settings(select=BYTES_AND_LINES, **more), unsafe=unsafe, folder=folder)  # type: ignore[arg-type]


CASES = [
    ("a byte order mark", "a.jsonl", ("\ufeff" + ROW + "\n").encode(), ROW + "\n", False),
    ("Latin-1", "a.jsonl", (ROW + "\n").encode("latin-1") + (ROW + "\n").encode(), (ROW + "\n") * 2, True),
    ("UTF-16", "a.jsonl", (ROW + "\n").encode("utf-16"), ROW + "\n", True),
    ("an array", "a.jsonl", f"[{ROW},\n{ROW}]".encode(), (ROW + "\n") * 2, False),
    ("pretty-printed", "a.jsonl", (PRETTY + "\n" + PRETTY + "\n").encode(), (ROW + "\n") * 2, False),
    ("blank lines", "a.jsonl", f"\n{ROW}\n\n \n{ROW}\n".encode(), (ROW + "\n") * 2, False),
    ("mixed endings", "a.jsonl", f"{ROW}\r\n{ROW}\n{ROW}".encode(), (ROW + "\n") * 3, False),
    ("carriage returns alone", "a.jsonl", f"{ROW}\r{ROW}\r".encode(), (ROW + "\n") * 2, False),
    ("NaN", "a.jsonl", (NAN + "\n").encode(), NAN.replace("NaN", "null") + "\n", True),
    ("a NUL character", "a.jsonl", (NUL + "\n").encode(), ROW + "\n", True),
    ("half a character", "a.jsonl", (ROW.replace("Là", "Là\\ud83d") + "\n").encode(), ROW + "\n", True),
]  # fmt: skip


@pytest.mark.parametrize(("what", "name", "data", "expected", "unsafe"), CASES, ids=[c[0] for c in CASES])
def test_fixed(tmp_path: Path, what: str, name: str, data: bytes, expected: str, unsafe: bool) -> None:
    done = fix(tmp_path, name, data, unsafe=unsafe)
    made = done.written.read_bytes()
    assert [json.loads(line) for line in made.splitlines()] == [json.loads(line) for line in expected.splitlines()]
    assert made.count(b"\n") == expected.count("\n") and b"\r" not in made
    assert done.changes and not done.left
    again = fix(tmp_path, name, made, unsafe=unsafe)
    assert again.written.read_bytes() == made and not again.changes


@pytest.mark.parametrize("case", [c for c in CASES if c[4]], ids=[c[0] for c in CASES if c[4]])
def test_unsafe_fixes_are_left_alone_without_being_asked_for(
    tmp_path: Path, case: tuple[str, str, bytes, str, bool]
) -> None:
    done = fix(tmp_path, case[1], case[2], unsafe=False)
    assert done.written.read_bytes() == case[2] and not done.changes and done.left


@pytest.mark.parametrize("layout", ["array", "values"])
def test_a_json_file_keeps_its_layout(tmp_path: Path, layout: str) -> None:
    text = f"[{NAN}, {ROW}]" if layout == "array" else json.dumps(json.loads(NAN), indent=1)
    made = fix(tmp_path, "a.json", text.encode()).written.read_text()
    value = json.loads(made)
    assert isinstance(value, list) == (layout == "array")
    assert "null" in made and ("NaN" not in made)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", f"{NAN}\n{'x' * 3000}\n{NAN}\n".encode()),
        ("a.json", f"[{NAN},\n{json.dumps({'a': 'x' * 3000})},\n{NAN}]\n".encode()),
        ("a.jsonl.gz", gzip.compress(f"{NAN}\n".encode() * 500)[:-9]),
    ],
)
def test_a_file_that_was_not_read_whole_is_never_written(tmp_path: Path, name: str, data: bytes) -> None:
    with pytest.raises(InputError, match="left alone"):
        fix(tmp_path, name, data, max_line_bytes=1000)
    assert (tmp_path / name).read_bytes() == data
    assert [p.name for p in tmp_path.iterdir()] == [name]
