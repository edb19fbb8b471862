"""The HTML page, read as a browser reads it: what it says, where, and that nothing in it comes alive."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.findings import Edit, Finding, Fix, Place, around
from prepdata.report import CRASH, Blocked, FileReport, NotRun, Report
from prepdata.reporters.base import Output
from prepdata.reporters.html import BUDGET, FILES, LONGEST, SHOWN, write

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Texts with the tags around them; fails where tags do not match."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append((self.open[-1] if self.open else "", data))

    def within(self, tag: str) -> list[str]:
        return [text for around, text in self.texts if around == tag]

    @property
    def words(self) -> str:
        return " ".join(text for _, text in self.texts)


def finding(number: int = 0, **changes: Any) -> Finding:
    given: dict[str, Any] = {
        "code": "TEXT003", "name": "control-token", "severity": "error", "message": f"message {number}",
        "file": "a.jsonl", "line": number + 1, "record": number, "path": "/messages/1/content",
    }  # fmt: skip
    return Finding(**{**given, **changes})


def files(count: int) -> tuple[FileReport, ...]:
    return tuple(
        FileReport(path=f"f{i}.jsonl", format="openai" if i else None, examples=1000 + i, lines=9, size=9, sha256=None)
        for i in range(count)
    )


def page(*findings: Finding, **changes: Any) -> Page:
    given: dict[str, Any] = {"files": files(1), "findings": findings, "measures": {}}
    out = io.StringIO()
    write(Report(**{**given, **changes}), out, Output())
    return Page(out.getvalue())


@pytest.mark.parametrize(
    ("found", "badge"),
    [
        ((), "clean"),
        ((finding(severity="warning"),), "clean"),
        ((finding(),), "findings to look at"),
        ((finding(name=CRASH, code="RUN001"),), "a rule crashed"),
        ((finding(waived=True),), "clean"),
    ],
)
def test_the_badge_says_how_it_ended(found: tuple[Finding, ...], badge: str) -> None:
    assert page(*found).within("span")[0] == badge


def test_tiles_count_by_severity_and_waived_only_where_there_are_some() -> None:
    shown = page(finding(0), finding(1), finding(2, severity="warning"), finding(3, severity="info"))
    assert shown.within("b")[:4] == ["1,000", "2", "1", "1"] and "waived" not in shown.words
    assert "waived" in page(finding(0, waived=True)).words


def test_rules_are_ranked_and_their_bars_are_in_proportion() -> None:
    found = [finding(i, severity="warning", name="mojibake", code="TEXT007") for i in range(8)]
    found += [finding(i, name="empty-answer", code="TEXT001") for i in range(2)] + [
        finding(9),
        finding(10),
        finding(11),
    ]
    shown = page(*found)
    anchors = [value for tag, name, value in shown.attributes if (tag, name) == ("a", "href")]
    assert anchors == ["#error-TEXT003", "#error-TEXT001", "#warning-TEXT007"]
    widths = [re.findall(r"width:([\d.]+)rem", value or "") for _, name, value in shown.attributes if name == "style"]
    assert widths == [["6.0"], ["4.0"], ["16.0"]]
    there = {value for tag, name, value in shown.attributes if name == "id"}
    assert there == {anchor[1:] for anchor in anchors if anchor}


def test_a_finding_says_all_it_knows() -> None:
    full = finding(
        4, excerpt=around("say <b>this</b> now", (4, 15)), fix=Fix("take it out", True, (Edit("set", "/x", ""),)),
        related=(Place("b.jsonl", 7), Place("c.jsonl", None), Place("d.jsonl", 9), Place("e.jsonl", 10)),
    )  # fmt: skip
    shown = page(full)
    assert ":5" in shown.within("b") and shown.within("code") == ["/messages/1/content"]
    assert shown.within("mark") == ["<b>this</b>"]
    assert "see b.jsonl:7, c.jsonl, d.jsonl:9" in shown.within("p") and "e.jsonl" not in shown.words
    assert "fix: take it out" in shown.within("p")
    bare = page(finding(4, line=None, path=None))
    assert ":5" not in bare.within("b") and bare.within("code") == [] and "see " not in bare.words
    assert "fix: " not in bare.words and bare.within("mark") == []


@pytest.mark.parametrize("excerpt", ["no marks", "⟫ the wrong way ⟪", "only ⟪ one", "⟫"])
def test_an_excerpt_without_marks_stays_as_it_is(excerpt: str) -> None:
    shown = page(finding(excerpt=excerpt))
    assert shown.within("pre") == [excerpt] and shown.within("mark") == []


@pytest.mark.parametrize("length", [LONGEST - 1, LONGEST, LONGEST + 1])
def test_long_messages_are_cut_at_the_bound(length: int) -> None:
    text = "m" * length
    said = next(text for text in page(finding(message=text)).within("td") if text.startswith("mmm"))
    assert said == (text if length <= LONGEST else "m" * (LONGEST - 1) + "…")


@pytest.mark.parametrize(("count", "more"), [(SHOWN - 1, ""), (SHOWN, ""), (SHOWN + 1, "and 1 more")])
def test_findings_of_one_rule_are_bounded(count: int, more: str) -> None:
    shown = page(*(finding(i) for i in range(count)))
    assert sum(text.startswith("message ") for text in shown.within("td")) == min(count, SHOWN)
    assert [text for text in shown.within("p") if text.startswith("and ")] == [more] * bool(more)


def test_many_rules_share_the_budget() -> None:
    from prepdata.rules.loader import rules

    found = [finding(i, name=r.name, code=r.code, severity=r.severity) for r in rules() for i in range(30)]
    shown = page(*found)
    assert sum(text.startswith("message ") for text in shown.within("td")) == len(rules()) * (BUDGET // len(rules()))


@pytest.mark.parametrize(
    ("count", "more"), [(FILES, []), (FILES + 1, ["and 1 more file"]), (FILES + 2, ["and 2 more files"])]
)
def test_files_are_bounded(count: int, more: list[str]) -> None:
    shown = page(files=files(count))
    assert [text for text in shown.within("p") if text.startswith("and ")] == more
    assert "f0.jsonl" in shown.within("td") and "unknown" in shown.within("td") and "1,000" in shown.within("td")


@pytest.mark.parametrize(
    ("count", "named"), [(3, "f0.jsonl, f1.jsonl, f2.jsonl"), (4, "f0.jsonl, f1.jsonl, f2.jsonl …")]
)
def test_the_head_names_three_files(count: int, named: str) -> None:
    assert page(files=files(count)).within("p")[0] == named


def test_targets_notes_and_tokens() -> None:
    tokens = {
        "exact": True, "total": 1234, "trained": 234, "counter": "o200k", "histogram": [[1, 2, 0], [2, 4, 5], [4, 8, 10], [8, 16, 0]],
        "limits": [{"target": "trl", "limit": 1024, "rows_over": 1}, {"target": "openai", "limit": 65536, "rows_over": 0}],
    }  # fmt: skip
    shown = page(
        measures={"tokens": tokens},
        targets=(Blocked("openai", 3, 0, {"control-token": 3}), Blocked("trl", 0, 0, {})),
        not_run=(NotRun("stale-waiver", "a waivers file"),), notes=("a <note>",),
    )  # fmt: skip
    assert shown.within("li") == ["not run: stale-waiver (needs a waivers file)", "a <note>"]
    assert "control-token 3" in shown.within("td") and "accepts all rows" in shown.within("span")
    assert "1,234 tokens, 234 of them trained" in shown.words
    assert "1 row longer than the 1,024 tokens of trl" in shown.words and "65,536" not in shown.words
    assert [text for text in shown.within("td") if "–" in text] == ["2–3", "4–7"]
    assert "about 1,234 tokens, about 234" in page(measures={"tokens": {**tokens, "exact": False}}).words
    assert "Tokens" not in page().words and "Targets" not in page().words and page().within("li") == []


@given(st.text(), st.text(), st.text())
def test_no_text_breaks_out_of_its_place(message: str, file: str, path: str) -> None:
    shown = page(finding(message=message, file=file, path=path, excerpt=f"⟪{message}⟫"), notes=(path,))
    assert {tag for tag, _, _ in shown.attributes} <= {
        "html",
        "b",
        "meta",
        "body",
        "div",
        "span",
        "p",
        "th",
        "td",
        "a",
        "details",
        "table",
    }
    assert not [name for _, name, _ in shown.attributes if name.startswith("on")]
    assert {value for _, name, value in shown.attributes if name == "href"} == {"#error-TEXT003"}
