"""Which inputs stand behind a path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from source_samples import lines

from prepdata.errors import InputError
from prepdata.settings import Settings
from prepdata.sources import Input, discover, open_source
from prepdata.sources.cut import MAX_LINE_BYTES
from prepdata.sources.finder import is_data
from prepdata.sources.stream import inner_suffix


def tree(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}\n")
    return folder


def names(found: list[Input], folder: Path) -> list[str]:
    return [os.path.relpath(item.path, folder) for item in found]


def test_a_folder_is_gone_through_in_order(tmp_path: Path) -> None:
    tree(tmp_path, "b.jsonl", "a/z.ndjson", "a/y.json", "c.jsonl.gz", "d.parquet", "e.jsonl.zst", "f.json.xz", "g.bz2",
         ".hidden.jsonl", ".git/x.jsonl", "readme.md", "config.json", "x.tar.gz", "x.csv.gz", "notes.txt",
         "prepdata-waivers.json", "B2.JSONL")  # fmt: skip
    assert names(discover([tmp_path]), tmp_path) == [
        "B2.JSONL", "b.jsonl", "c.jsonl.gz", "d.parquet", "e.jsonl.zst", "f.json.xz", "g.bz2", "a/y.json", "a/z.ndjson",
    ]  # fmt: skip


def test_files_are_taken_as_given(tmp_path: Path) -> None:
    tree(tmp_path, "train.txt", "config.json", ".hidden")
    given = [tmp_path / "train.txt", str(tmp_path / "config.json"), tmp_path / ".hidden"]
    assert [item.argument for item in discover(given)] == [0, 1, 2]
    assert [item.size for item in discover(given)] == [3, 3, 3]


def test_nothing_is_read_twice(tmp_path: Path) -> None:
    tree(tmp_path, "a.jsonl", "b.jsonl")
    (tmp_path / "c.jsonl").symlink_to(tmp_path / "a.jsonl")
    found = discover([tmp_path / "b.jsonl", tmp_path, tmp_path / "." / "b.jsonl"])
    assert names(found, tmp_path) == ["b.jsonl", "a.jsonl"]
    assert [item.argument for item in found] == [0, 1]


def test_standard_input() -> None:
    assert discover(["-"]) == [Input("-", 0, None)]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.jsonl: no such file"):
        discover([tmp_path / "nothing.jsonl"])
    with pytest.raises(InputError, match="no data files in this folder"):
        discover([tree(tmp_path / "empty", "readme.md")])
    with pytest.raises(InputError):
        discover(["a\0b"])


def test_links_that_lead_in_circles_are_not_followed(tmp_path: Path) -> None:
    tree(tmp_path, "a/b.jsonl")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "a" / "gone.jsonl").symlink_to(tmp_path / "missing")
    assert names(discover([tmp_path]), tmp_path) == ["a/b.jsonl"]


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.jsonl", True), ("a.JSON", True), ("a.ndjson.gz", True), ("a.gz", True), ("a.parquet", True), ("a.arrow", True),
     ("tokenizer.json", False), ("a.tar.gz", False), ("a.csv", False), ("a", False), (".a.jsonl", False),
     ("a.parquet.gz", False)],
)  # fmt: skip
def test_names_in_a_folder(name: str, data: bool) -> None:
    assert is_data(name) is data


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("a.json", ".json"), ("x/a.json.gz", ".json"), ("a.jsonl.zst", ".jsonl"), ("a.gz", ""), ("-", "")],
)
def test_inner_suffix(name: str, suffix: str) -> None:
    assert inner_suffix(name) == suffix


def test_the_longest_line_comes_from_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines(3) + b"x" * 5000 + b"\n")
    assert Settings().max_line_bytes == MAX_LINE_BYTES
    for options in ({"settings": Settings(max_line_bytes=1000)}, {"max_line_bytes": 1000}):
        facts = [f.kind for c in open_source(path, **options).chunks() for f in c.facts]  # type: ignore[arg-type]
        assert facts == ["oversized-line"]
    assert not [f for c in open_source(path, Settings()).chunks() for f in c.facts]
