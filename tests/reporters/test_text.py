"""Terminal text: nothing is lost by wrapping, nothing is wider than the terminal, marks stay under their text."""

from __future__ import annotations

import io

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.findings import Edit, Finding, Fix, Place, around
from prepdata.report import Blocked, FileReport, Report
from prepdata.reporters import get
from prepdata.reporters.base import Output, in_repository
from prepdata.reporters.full import SHOWN
from prepdata.reporters.html import BUDGET, FILES
from prepdata.reporters.summary import causes, contaminated
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


DIGITS = "0123456789" * 6


@pytest.mark.parametrize(
    ("start", "end", "width", "shown"),
    [
        (0, 2, 20, ("012345678901234567…", 0, 2)),
        (5, 7, 20, ("012345678901234567…", 5, 7)),
        (30, 31, 20, ("…123456789012345678…", 10, 11)),
        (30, 32, 20, ("…234567890123456789…", 9, 11)),
        (29, 31, 21, ("…0123456789012345678…", 10, 12)),
        (58, 60, 20, ("…234567890123456789", 17, 19)),
        (10, 50, 20, ("…012345678901234567…", 1, 19)),
        (0, 60, 60, (DIGITS, 0, 60)),
        (7, 9, 61, (DIGITS, 7, 9)),
        (0, 1, 59, (DIGITS[:57] + "…", 0, 1)),
    ],
)
def test_windows(start: int, end: int, width: int, shown: tuple[str, int, int]) -> None:
    assert window(DIGITS, start, end, width) == shown


def test_windows_of_wide_letters() -> None:
    assert window("日本語" * 10, 12, 14, 20) == ("…語日本語日本語日本…", 5, 7)
    assert window("a" * 10 + "日" * 20, 3, 5, 20) == ("aaaaaaaaaa日日日日…", 3, 5)


@given(st.text(alphabet="ab 日本é", min_size=1, max_size=120), st.data(), st.integers(20, 60))
def test_a_window_is_filled_and_says_where_it_was_cut(text: str, data: st.DataObject, width: int) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    shown, first, _ = window(text, start, end, width)
    body = shown.strip("…")
    at = start - (first - shown.startswith("…"))
    assert text[at : at + len(body)] == body
    assert shown.startswith("…") == (at > 0) and shown.endswith("…") == (at + len(body) < len(text))
    assert body == text or columns(shown) >= width - 3


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 5, [""]),
        ("abcde", 5, ["abcde"]),
        ("abcdef", 5, ["abcde", "f"]),
        ("ab cd", 5, ["ab cd"]),
        ("ab cde", 5, ["ab", "cde"]),
        ("abcdefghij", 5, ["abcde", "fghij"]),
        ("a abcdefghijk", 5, ["a", "abcde", "fghij", "k"]),
        ("日本語", 4, ["日本", "語"]),
        ("\x1b[31mabcdef\x1b[0m g", 5, ["\x1b[31mabcdef\x1b[0m", "g"]),
    ],
)
def test_wrapped(text: str, width: int, lines: list[str]) -> None:
    assert wrap(text, width) == lines


@pytest.mark.parametrize(
    ("rules", "listed", "more"), [(1, 0, ""), (12, 12, ""), (13, 12, "and 1 more rule"), (14, 12, "and 2 more rules")]
)
def test_the_counts_per_rule_are_bounded_in_full(rules: int, listed: int, more: str) -> None:
    found = [finding(i, name=f"rule-{i % rules:02}", code=f"X{i % rules:03}") for i in range(12 * rules)]
    text = written("full", *found)
    assert text.count("  in 12 lines") == listed
    assert ("(--statistics lists all)" in text) == bool(more) and more in text


def test_statistics_count_rows_and_whole_files() -> None:
    found = [
        finding(0), finding(0, path="/x"), finding(1), finding(7, line=None), finding(8, line=None),
        finding(9, name="small-dataset", code="COV002", severity="warning", line=None, record=None),
        finding(9, name="far-longer-name", code="COV003", severity="info", line=7),
    ]  # fmt: skip
    assert written("concise", *found, statistics=True, level="quiet").split("\n") == [
        "       5  error    TEXT003  control-token    in 4 lines",
        "       1  warning  COV002   small-dataset    in the whole file",
        "       1  info     COV003   far-longer-name  in 1 line",
        "",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "eval test.jsonl: 3 of 40 items (7.5%) are in 5 rows; without these 95 rows are left"),
        ({"spoilt": 1, "share": 0.025, "rows": 1, "rows_left": 99},
         "eval test.jsonl: 1 of 40 items (2.5%) is in 1 row; without these 99 rows are left"),
        ({"spoilt": 0}, "eval test.jsonl: none of 40 items is among the rows"),
        ({"spoilt": 0, "items": 1}, "eval test.jsonl: none of 1 item is among the rows"),
        ({"items": 0}, "eval test.jsonl: no row in it asks anything"),
        ({"left_out": 1},
         ("eval test.jsonl: 3 of 40 items (7.5%) are in 5 rows; without these 95 rows are left"
         " (1 row of it left out: nothing is asked)")),
        ({"name": "a\x1b[2J"}, "eval a\\u001b[2J: 3 of 40 items (7.5%) are in 5 rows; without these 95 rows are left"),
    ],
)  # fmt: skip
def test_contamination_is_said_in_one_line(changes: dict[str, object], said: str) -> None:
    entry = {
        "kind": "eval", "name": "test.jsonl", "items": 40, "left_out": 0, "spoilt": 3, "share": 0.075, "rows": 5,
        "rows_left": 95, **changes,
    }  # fmt: skip
    assert contaminated(entry) == said


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"a": 3}, "a 3"),
        ({"b": 1, "a": 1, "c": 2000}, "c 2,000, a 1, b 1"),
        (dict.fromkeys("abcde", 1), "a 1, b 1, c 1, d 1, e 1"),
        (dict.fromkeys("abcdef", 1), "a 1, b 1, c 1, d 1, e 1 and 1 more rule"),
        (dict.fromkeys("abcdefg", 1), "a 1, b 1, c 1, d 1, e 1 and 2 more rules"),
    ],
)
def test_causes_of_a_refusal(counts: dict[str, int], said: str) -> None:
    assert causes(Blocked("openai", 1, 0, counts)) == said


@pytest.mark.parametrize(
    ("safe", "unsafe", "said"),
    [
        (0, 0, ""),
        (1, 0, "1 finding can be repaired with `prepdata fix`\n"),
        (2, 0, "2 findings can be repaired with `prepdata fix`\n"),
        (2, 3, "2 findings can be repaired with `prepdata fix`, 3 more with --unsafe-fixes\n"),
        (0, 1, "1 finding can be repaired with `prepdata fix --unsafe-fixes`\n"),
    ],
)
def test_the_last_line_says_what_can_be_repaired(safe: int, unsafe: int, said: str) -> None:
    found = [finding(i, fix=Fix("cure", i < safe, (Edit("drop"),))) for i in range(safe + unsafe)]
    assert written("concise", *found, finding(99)).partition(" errors\n")[2] in (said, "") and (
        said in written("concise", *found, finding(99))
    )


def test_the_summary_names_one_file_and_counts_several() -> None:
    one = FileReport(path="a.jsonl", format=None, examples=1, lines=1, size=1, sha256=None)
    for listed, said in (
        ((one,), "a.jsonl: 1 row (unknown format): no findings"),
        (
            (one, msgspec.structs.replace(one, path="b.jsonl", format="trl")),
            "2 files: 2 rows (trl, unknown format): no",
        ),
    ):
        out = io.StringIO()
        get("concise")(Report(files=listed, findings=(), measures={}), out, Output())
        assert out.getvalue().startswith(said)


@pytest.mark.parametrize(
    ("text", "start", "end", "shown"),
    [
        (DIGITS, 50, 52, ("…234567890123456789", 9, 11)),
        (DIGITS, 46, 48, ("…890123456789012345…", 9, 11)),
        ("a" * 40 + "日本語" * 4, 30, 32, ("…" + "a" * 18 + "…", 9, 11)),
        ("日本語" * 4 + "a" * 40, 14, 16, ("…語日本語aaaaaaaaaa…", 7, 9)),
    ],
)
def test_windows_near_the_ends(text: str, start: int, end: int, shown: tuple[str, int, int]) -> None:
    assert window(text, start, end, 20) == shown


@pytest.mark.parametrize(("count", "counted"), [(11, False), (12, True)])
def test_a_dozen_findings_of_two_rules_are_counted(count: int, counted: bool) -> None:
    found = [finding(i) for i in range(count - 1)] + [finding(20, name="mojibake")]
    assert ("  in 1 line" in written("full", *found)) == counted
