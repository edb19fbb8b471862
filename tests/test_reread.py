"""Rows that are read again at the end: from every kind of input, and only those asked for."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import prepdata
from prepdata.api import plan_of
from prepdata.errors import InputError
from prepdata.formats import get
from prepdata.reduce import FileRun
from prepdata.reread import Origin, Reader, Spooling
from prepdata.runner import Runner
from prepdata.select import select
from prepdata.settings import Settings
from prepdata.sources import Input, discover


def row(number: int) -> dict[str, Any]:
    asked = f"What is kept in the box with the number {number} on the shelf?"
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": f"Thing {number}."}]}


def lines(count: int) -> list[str]:
    return [json.dumps(row(i)) for i in range(count)]


def reader_of(paths: list[Path], **changes: Any) -> tuple[Reader, list[FileRun]]:
    settings = Settings(cache=False, tokens=False, jobs=1, **changes)
    plan = plan_of(settings, select(settings), (), 0)
    with Runner(plan, settings, 0) as runner:
        files = [runner.run(item)[0] for item in discover([str(path) for path in paths])]
        return runner.reader(), files


def contents(found: list[tuple[int, Any]]) -> dict[int, str]:
    return {number: record.messages[0].text for number, record in found}


def asked(number: int) -> str:
    return str(row(number)["messages"][0]["content"])


def jsonl(path: Path, count: int) -> None:
    path.write_text("\n".join(lines(count)) + "\n")


def blanks(path: Path, count: int) -> None:
    path.write_text("\n\n".join(lines(count)) + "\n\n")


def array(path: Path, count: int) -> None:
    path.write_text(json.dumps([row(i) for i in range(count)], indent=1))


def utf16(path: Path, count: int) -> None:
    path.write_bytes("\n".join(lines(count)).encode("utf-16"))


def marked(path: Path, count: int) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines(count)).encode())


def gzipped(path: Path, count: int) -> None:
    path.write_bytes(gzip.compress("\n".join(lines(count)).encode()))


def bzipped(path: Path, count: int) -> None:
    path.write_bytes(bz2.compress("\n".join(lines(count)).encode()))


def parquet(path: Path, count: int) -> None:
    table = pytest.importorskip("pyarrow").Table.from_pylist([row(i) for i in range(count)])
    pytest.importorskip("pyarrow.parquet").write_table(table, path)


@pytest.mark.parametrize("write", [jsonl, blanks, array, utf16, marked, gzipped, bzipped, parquet])
@pytest.mark.parametrize("count", [40, 9000])
def test_from_every_kind_of_input(tmp_path: Path, write: Any, count: int) -> None:
    write(tmp_path / "data.jsonl", count)
    reader, files = reader_of([tmp_path / "data.jsonl"])
    wanted = [0, 7, 8, count // 2, count - 1]
    found = list(reader.rows(files, [*reversed(wanted), 7]))
    assert [number for number, _ in found] == wanted
    assert contents(found) == {number: asked(number) for number in wanted}


def test_over_several_files(tmp_path: Path) -> None:
    for name, count in (("a", 3), ("b", 5), ("c", 2)):
        jsonl(tmp_path / f"{name}.jsonl", count)
    reader, files = reader_of([tmp_path])
    found = list(reader.rows(files, [2, 3, 7, 9]))
    assert contents(found) == {2: asked(2), 3: asked(0), 7: asked(4), 9: asked(1)}
    assert contents(list(reader.rows(files[1:], [0, 5]))) == {0: asked(0), 5: asked(0)}
    assert list(reader.rows(files, [])) == []


def test_rows_without_a_record_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join([lines(1)[0], "{broken", "[1]", lines(2)[1]]))
    reader, files = reader_of([tmp_path / "a.jsonl"])
    assert contents(list(reader.rows(files, [0, 1, 2, 3]))) == {0: asked(0), 3: asked(1)}


@pytest.mark.parametrize("change", ["rows fewer", "gone"])
def test_a_file_that_changed_meanwhile_is_told(tmp_path: Path, change: str) -> None:
    path = tmp_path / "a.jsonl"
    jsonl(path, 20)
    reader, files = reader_of([path])
    path.unlink()
    if change == "rows fewer":
        jsonl(path, 10)
    with pytest.raises(InputError, match=r"a\.jsonl"):
        list(reader.rows(files, [3]))


def test_spooling_keeps_what_is_read() -> None:
    spool = io.BytesIO()
    reading = Spooling(io.BytesIO(b"abcdefgh"), spool)
    assert [reading.read(3), reading.read(2), reading.read()] == [b"abc", b"de", b"fgh"]
    assert reading.read(5) == b""
    reading.close()
    assert spool.getvalue() == b"abcdefgh"


def test_a_spool_is_read_more_than_once(tmp_path: Path) -> None:
    jsonl(tmp_path / "a.jsonl", 30)
    _, files = reader_of([tmp_path / "a.jsonl"])
    with (tmp_path / "a.jsonl").open("rb") as spool:
        origin = Origin(Input("-"), "openai", spool)
        reader = Reader({files[0].path: origin}, Settings(), {})
        for _ in range(2):
            assert contents(list(reader.rows(files, [4, 29]))) == {4: asked(4), 29: asked(29)}
        assert get("openai", {}).name == "openai" and not spool.closed


NEAR = [
    {"messages": [{"role": "user", "content": f"How do I send {what} back that came broken last week from the shop?"},
                  {"role": "assistant", "content": "Print the label from your account and take it to the post office."}]}
    for what in ("a parcel", "the parcel")
]  # fmt: skip


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_read_again_from_a_spool(tmp_path: Path, packed: bool) -> None:
    data = "".join(json.dumps(r) + "\n" for r in (*NEAR, *(row(i * 1000) for i in range(50)))).encode()
    command = [sys.executable, "-m", "prepdata", "validate", "-", "--select", "DUP003", "-f", "json", "--isolated",
               "--no-tokens"]  # fmt: skip
    given = gzip.compress(data) if packed else data
    run = subprocess.run(command, input=given, capture_output=True, cwd=tmp_path)
    found = [f for f in json.loads(run.stdout)["findings"] if f["severity"] == "warning"]
    assert [(f["line"], f["related"][0]["line"]) for f in found] == [(2, 1)]
    assert "'a' → 'the'" in found[0]["message"]
    assert list(tmp_path.iterdir()) == []


def test_rows_are_not_read_again_without_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jsonl(tmp_path / "a.jsonl", 30)
    monkeypatch.setattr(Reader, "_open", lambda self, origin: pytest.fail("the file was opened again"))
    report = prepdata.validate(tmp_path / "a.jsonl", ignore=["near-duplicate"], tokens=False, cache=False)
    assert report.examples == 30


def test_a_rule_gets_rows_of_its_scope(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in NEAR))
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    report = prepdata.validate(paths, select=["DUP003"], tokens=False, cache=False)
    assert [(Path(f.file).name, f.line) for f in report] == [("a.jsonl", 2), ("b.jsonl", 2)]
