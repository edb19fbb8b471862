"""Parquet, Arrow and saved datasets: the same rows as in JSON lines."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from source_samples import kinds, lines, read, rows_of

from prepdata.errors import InputError
from prepdata.explain import explain
from prepdata.sources import discover, open_source
from prepdata.sources.columnar import encode_rows

ROWS = [json.loads(text) for text in lines(700).split(b"\n")[:-1]]


@pytest.fixture(scope="module")
def pa() -> Any:
    pytest.importorskip("pyarrow.parquet")
    import pyarrow

    return pyarrow


def saved(pa: Any, folder: Path, rows: list[dict[str, Any]], shards: int = 2) -> Path:
    """Write rows in the layout of `Dataset.save_to_disk`."""
    folder.mkdir(parents=True)
    files = []
    step = -(-len(rows) // shards)
    for number in range(shards):
        name = f"data-{number:05}-of-{shards:05}.arrow"
        table = pa.Table.from_pylist(rows[number * step : (number + 1) * step])
        with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        files.append({"filename": name})
    (folder / "state.json").write_text(json.dumps({"_data_files": files}))
    (folder / "dataset_info.json").write_text("{}")
    return folder


def test_parquet(pa: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pa.parquet.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=100)
    source, chunks = read(path)
    assert [json.loads(text) for _, text in rows_of(chunks)] == ROWS
    assert not source.has_lines and source.kind == "table" and source.sha256
    assert source.size == path.stat().st_size
    assert [json.loads(text) for text in open_source(path).head_rows(5)] == ROWS[:5]


def test_the_name_does_not_matter(pa: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    pa.parquet.write_table(pa.Table.from_pylist(ROWS[:3]), path)
    assert len(rows_of(read(path)[1])) == 3


def test_an_arrow_file_and_an_arrow_stream(pa: Any, tmp_path: Path) -> None:
    table = pa.Table.from_pylist(ROWS)
    for make in (pa.ipc.new_file, pa.ipc.new_stream):
        path = tmp_path / "a.arrow"
        with pa.OSFile(str(path), "wb") as sink, make(sink, table.schema) as writer:
            writer.write_table(table)
        assert [json.loads(text) for _, text in rows_of(read(path)[1])] == ROWS


@pytest.mark.parametrize("kind", ["file", "stream", "parquet"])
def test_a_table_that_is_cut_off_while_it_is_read(pa: Any, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.arrow"
    table = pa.Table.from_pylist([{"text": "x" * 2000, "n": i} for i in range(4000)])
    if kind == "parquet":
        pa.parquet.write_table(table, path, row_group_size=400, compression="none", use_dictionary=False)
    else:
        make = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
        with pa.OSFile(str(path), "wb") as sink, make(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=400)
    chunks = open_source(path).chunks()
    next(chunks)
    with path.open("rb+") as file:
        file.truncate(path.stat().st_size // 4)
    with pytest.raises(InputError):
        list(chunks)


def test_a_saved_dataset(pa: Any, tmp_path: Path) -> None:
    folder = saved(pa, tmp_path / "set", ROWS)
    assert [item.table for item in discover([folder])] == [True]
    _source, chunks = read(folder)
    assert [json.loads(text) for _, text in rows_of(chunks)] == ROWS


def test_the_splits_of_a_saved_dataset(pa: Any, tmp_path: Path) -> None:
    for name in ("train", "test"):
        saved(pa, tmp_path / "set" / name, ROWS[:4], 1)
    (tmp_path / "set" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    found = discover([tmp_path / "set"])
    assert [Path(item.path).name for item in found] == ["test", "train"] and all(item.size for item in found)


@pytest.mark.parametrize("name", ["../../secret.arrow", "/etc/passwd", "missing.arrow"])
def test_a_dataset_cannot_name_files_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.arrow").write_bytes(b"x")
    folder = tmp_path / "a" / "set"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    (folder / "dataset_info.json").write_text("{}")
    with pytest.raises(InputError, match="not in the folder"):
        open_source(folder)


@pytest.mark.parametrize("state", ["", "[]", "{}", '{"_data_files": 3}', '{"_data_files": [3]}'])
def test_a_broken_state_file(tmp_path: Path, state: str) -> None:
    (tmp_path / "state.json").write_text(state)
    with pytest.raises(InputError, match="no saved dataset"):
        open_source(tmp_path)


def test_values_that_json_has_not(pa: Any, tmp_path: Path) -> None:
    import decimal

    odd = {
        "score": float("nan"), "most": float("inf"), "raw": b"\x00\xff", "when": datetime.datetime(2026, 1, 2, 3, 4),
        "day": datetime.date(2026, 1, 2), "price": decimal.Decimal("1.50"), "none": None, "list": [1.5, float("-inf")],
    }  # fmt: skip
    path = tmp_path / "a.parquet"
    pa.parquet.write_table(pa.Table.from_pylist([odd, {**odd, "score": 1.0, "most": 2.0, "list": []}]), path)
    texts = [text for _, text in rows_of(read(path)[1])]
    value, facts = explain(texts[0])
    assert [f.data["path"] for f in facts if f.kind == "non-finite-number"] == ["/score", "/most", "/list/1"]
    assert value["raw"] == "AP8=" and value["when"].startswith("2026-01-02T03:04") and value["day"] == "2026-01-02"
    assert json.loads(texts[1])["price"] == "1.50" and json.loads(texts[1])["none"] is None


def test_huge_integers_and_lone_surrogates_are_written() -> None:
    texts = list(encode_rows([{"a": 1 << 70}, {"a": "\ud83d"}]))
    assert texts == [b'{"a":%d}\n' % (1 << 70), b'{"a": "\\ud83d"}\n']


def test_a_damaged_table_is_named(pa: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1" + b"x" * 200)
    with pytest.raises(InputError, match=r"a\.parquet cannot be read as a table"):
        read(path)


def test_an_empty_table(pa: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pa.parquet.write_table(pa.Table.from_pylist(ROWS[:1]).slice(1), path)
    source, chunks = read(path)
    assert chunks == [] and kinds(source) == ["empty-file"]


def test_without_pyarrow_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1....PAR1")
    with pytest.raises(InputError, match=r"prepdata\[hf\]"):
        open_source(path)
