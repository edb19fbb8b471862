"""Terminal text: nothing is lost by wrapping, nothing is wider than the terminal, marks stay under their text."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.findings import Finding, Place, around
from prepdata.report import FileReport, Report
from prepdata.reporters import get
from prepdata.reporters.base import Output, in_repository
from prepdata.reporters.full import SHOWN
from prepdata.reporters.html import BUDGET, FILES
from prepdata.reporters.text import columns, cut, indented, window, wrap

LETTERS = st.text(alphabet="ab 日本é…", max_size=120)


def finding(number: int = 0, **changes: object) -> Finding:
    given: dict[str, object] = {
        "code": "TEXT003",
        "name": "control-token",
        "severity": "error",
        "message": "the control token '<|im_end|>' stands in the text of this assistant turn: remove it",
        "file": "data/train.jsonl",
        "line": number + 1,
        "record": number,
        "path": "/messages/1/content",
    }
    return Finding(**{**given, **changes})  # type: ignore[arg-type]


def written(name: str, *findings: Finding, files: int = 1, **output: object) -> str:
    listed = tuple(
        FileReport(path=f"data/{i or 'train'}.jsonl", format="openai", examples=9, lines=9, size=9, sha256=None)
        for i in range(files)
    )
    out = io.StringIO()
    get(name)(Report(files=listed, findings=findings, measures={}), out, Output(**output))  # type: ignore[arg-type]
    return out.getvalue()


@given(LETTERS, st.integers(2, 60))
def test_wrap_keeps_every_letter_and_the_width(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(columns(line) <= width for line in lines)


@given(LETTERS, st.data(), st.integers(20, 60))
def test_window_keeps_the_marked_part(text: str, data: st.DataObject, width: int) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    shown, first, last = window(text, start, end, width)
    assert columns(shown) <= width + 1
    assert text[start:end].startswith(shown[first:last])
    if columns(text[start:end]) <= width - 2:
        assert shown[first:last] == text[start:end]


@pytest.mark.parametrize(
    ("text", "expected"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("\x1b[31mred\x1b[0m", 3), ("", 0)]
)
def test_columns(text: str, expected: int) -> None:
    assert columns(text) == expected


def test_cut_and_indented() -> None:
    assert cut("日本語", 4) == "日本"
    assert cut("日本語", 1) == "日"
    assert indented("one two three four five six", 0) == "one two three four five six"
    assert indented("one two three four five six", 22).split("\n") == ["one two three four", "  five six"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_full_wraps_on_a_terminal_only(width: int) -> None:
    excerpt = around("word " * 30 + "<|im_end|>" + " more" * 30, (150, 160), margin=60)
    lines = written("full", finding(excerpt=excerpt), width=width).split("\n")
    assert all(columns(line) <= width for line in lines)
    at = next(i for i, line in enumerate(lines) if "^" in line)
    start = lines[at].index("^")
    assert lines[at - 1][start : start + 10] == "<|im_end|>" and lines[at].count("^") == 10
    piped = written("full", finding()).split("\n")[0]
    assert piped.startswith("data/train.jsonl:1: error TEXT003 control-token /messages/1/content: the control")
    assert piped.endswith("remove it")


def test_no_marks_below_an_excerpt_that_is_all_marked() -> None:
    assert "^" not in written("full", finding(excerpt=around("whole text", (0, 10))), width=80)


def test_full_counts_what_it_does_not_show() -> None:
    many = [finding(i) for i in range(SHOWN + 3)]
    text = written("full", *many)
    assert text.count("TEXT003 control-token /messages") == SHOWN
    assert "data/train.jsonl: 3 more findings of control-token (-v or -f concise shows all)" in text
    assert written("full", *many, level="verbose").count("TEXT003 control-token /messages") == SHOWN + 3
    assert written("concise", *many, level="quiet").count("\n") == SHOWN + 3


def test_full_ends_with_counts_per_rule() -> None:
    found = [finding(i) for i in range(12)] + [finding(20, name="blank-line", code="FMT006", severity="warning")]
    text = written("full", *found)
    assert "12  error    TEXT003  control-token  in 12 lines" in text
    assert "1  warning  FMT006   blank-line     in 1 line" in text
    assert "in 12 lines" not in written("full", *found[:5])


def test_html_is_bounded() -> None:
    found = [finding(i, message="m" * 5000, excerpt="e" * 5000, name="control-token") for i in range(5000)]
    text = written("html", *found, files=500)
    assert len(text) < 1500 * BUDGET
    assert "and 4,800 more" in text and f"and {500 - FILES} more files" in text


def test_html_marks_the_span() -> None:
    assert "<mark>&lt;b&gt;</mark>" in written("html", finding(excerpt=around("a <b> c", (2, 5))))


def test_paths_are_relative_to_the_working_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))
    assert in_repository(f"{tmp_path}/data/a.jsonl") == "data/a.jsonl"
    assert in_repository("./data/a.jsonl") == "data/a.jsonl"
    assert in_repository("/elsewhere/a.jsonl") == "/elsewhere/a.jsonl"


def test_whole_file_findings_come_last_and_places_are_short() -> None:
    whole = finding(line=None, record=None, path=None, name="small-dataset", related=(Place("data/train.jsonl", 7),))
    text = written("full", whole, finding(1, related=(Place("data/train.jsonl", 7), Place("b.jsonl", 8))))
    assert text.index("small-dataset") > text.index("control-token")
    assert "= see line 7\n" in text and "= see data/train.jsonl:7, b.jsonl:8\n" in text
    many = tuple(Place("data/train.jsonl", line) for line in range(3, 12))
    assert "= see lines 3, 4, 5, 6, 7 and 4 more\n" in written("full", finding(related=many))
