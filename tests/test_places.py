"""Rows named by their place, in every kind of file."""

from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path

import pytest

from prepdata.errors import InputError, UsageError
from prepdata.places import Place, place_of, rows_at
from prepdata.settings import Settings


def row(text):
    return {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": text.upper()}]}


def asked(rows):
    """Return (line, number, question) of each row found."""
    return [(one.line, one.number, one.record.messages[0].text) for one in rows]


def find(*places, settings=None):
    return rows_at([place_of(str(place)) for place in places], settings or Settings())


@pytest.fixture
def lines(tmp_path):
    """Rows in lines 1, 3 and 5; line 2 is blank, line 4 no JSON, line 6 no object."""
    path = tmp_path / "a.jsonl"
    one, two, three = (json.dumps(row(text)) for text in ("one", "two", "three"))
    path.write_text(f'{one}\n \n{two}\n{{"broken\n{three}\n[1]\n')
    return path


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a.jsonl:3", Place("a.jsonl", line=3)),
        ("C:\\data\\a.jsonl:12", Place("C:\\data\\a.jsonl", line=12)),
        ("a:1:2", Place("a:1", line=2)),
        ("a.parquet[0]", Place("a.parquet", record=0)),
        ("-:4", Place("-", line=4)),
        ("<stdin>:4", Place("-", line=4)),
        ("<stdin>[4]", Place("-", record=4)),
    ],
)
def test_places_are_named_as_in_reports(text, place):
    assert place_of(text) == place


@pytest.mark.parametrize("text", ["a.jsonl", "a.jsonl:", "a.jsonl:x", "a.jsonl:-1", ":3", "a.jsonl[x]", "", "a:1.5"])
def test_what_names_no_row_is_refused(text):
    with pytest.raises(UsageError, match="FILE:LINE"):
        place_of(text)


def test_lines_are_counted_from_1():
    with pytest.raises(UsageError, match="from 1"):
        place_of("a.jsonl:0")


def test_lines_count_blank_ones_and_records_do_not(lines):
    assert asked(find(f"{lines}:5", f"{lines}:1", f"{lines}[1]")) == [
        (5, 3, "three"),
        (1, 0, "one"),
        (3, 1, "two"),
    ]


def test_all_that_is_wrong_is_told_at_once(lines):
    with pytest.raises(InputError) as caught:
        find(f"{lines}:1", f"{lines}:2", f"{lines}:4", f"{lines}:6", f"{lines}:7", f"{lines}[5]")
    said = str(caught.value).split("\n")
    assert said[0] == f"{lines}:2: no row stands in this line; the nearest rows are in lines 1 and 3"
    assert ":4: this row cannot be read: not JSON" in said[1]
    assert ":6: this row cannot be read:" in said[2] and "object" in said[2]
    assert said[3].endswith(":7: the file has 6 lines")
    assert said[4].endswith("[5]: the file has 5 rows, counted from 0")
    assert len(said) == 5


def test_an_empty_file_says_so(tmp_path):
    (tmp_path / "a.jsonl").touch()
    with pytest.raises(InputError, match=r"0 lines .*empty"):
        find(tmp_path / "a.jsonl:1")


def test_rows_of_no_known_format_say_what_is_known(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"foo": 1}\n')
    with pytest.raises(InputError, match=r"cannot be read: .*foo"):
        find(tmp_path / "a.jsonl:1")


def test_columns_of_the_user_are_used(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"q": "one", "a": "ONE"}\n')
    settings = Settings(columns={"prompt": "q", "completion": "a"})
    assert asked(find(tmp_path / "a.jsonl:1", settings=settings)) == [(1, 0, "one")]


def test_rows_of_an_array_are_found_by_any_of_their_lines(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("[\n" + json.dumps(row("one"), indent=1) + ",\n\n" + json.dumps(row("two")) + "\n]\n")
    last = json.dumps(row("one"), indent=1).count("\n") + 2
    assert asked(find(f"{path}:2", f"{path}:3", f"{path}:{last}", f"{path}:{last + 2}")) == [
        (2, 0, "one"),
        (2, 0, "one"),
        (2, 0, "one"),
        (last + 2, 1, "two"),
    ]
    with pytest.raises(InputError, match=f"nearest rows are in lines 2 and {last + 2}"):
        find(f"{path}:{last + 1}")


def test_several_rows_in_a_line_are_told_apart_by_number(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([row("one"), row("two"), row("three")]))
    with pytest.raises(InputError) as caught:
        find(f"{path}:1")
    assert f"3 rows begin in this line; name one as {path}[0] to {path}[2]" in str(caught.value)
    assert asked(find(f"{path}[2]")) == [(1, 2, "three")]


def test_packed_files(lines):
    path = lines.with_name("a.jsonl.gz")
    path.write_bytes(gzip.compress(lines.read_bytes()))
    assert asked(find(f"{path}:3")) == [(3, 1, "two")]


def test_rows_without_lines(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([row("one"), row("two")]), path)
    assert asked(find(f"{path}[1]")) == [(None, 1, "two")]
    with pytest.raises(InputError, match=r"no lines; name a row as .*a.parquet\[0\]"):
        find(f"{path}:1")


def test_standard_input(lines, monkeypatch):
    class Piped:
        buffer = io.BytesIO(lines.read_bytes())

    monkeypatch.setattr(sys, "stdin", Piped)
    assert asked(find("-:3", "<stdin>[0]")) == [(3, 1, "two"), (1, 0, "one")]


def test_folders_and_missing_files(tmp_path, lines):
    with pytest.raises(InputError, match="that is a folder"):
        find(f"{tmp_path}:1")
    with pytest.raises(InputError, match="no such file"):
        find(tmp_path / "b.jsonl:1")


def test_places_far_into_a_file_of_many_chunks(tmp_path):
    path = tmp_path / "a.jsonl"
    filler = "x" * 400
    count = 12_000  # more than one chunk
    with path.open("w") as file:
        for number in range(count):
            file.write("\n" * (number % 3 == 0) + json.dumps(row(f"{number} {filler}")) + "\n")
    text = path.read_text().split("\n")
    for number in (0, 1, 4_999, 11_999):
        line = next(at for at, found in enumerate(text, 1) if f'"{number} x' in found)
        by_line, by_number = find(f"{path}:{line}", f"{path}[{number}]")
        assert by_line == by_number
        assert by_line.line == line and by_line.number == number
        assert by_line.record.messages[0].text.startswith(f"{number} ")
    assert Path(path).stat().st_size > 8_000_000
