"""Every output format, on a report made by hand that holds hostile text."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from prepdata.errors import UsageError
from prepdata.findings import Edit, Finding, Fix, Place, around
from prepdata.report import Blocked, FileReport, NotRun, Report
from prepdata.reporters import MODULES, get
from prepdata.reporters.base import Output, safe
from prepdata.reporters.sarif import LIMIT

SEPARATORS = "\x0b\x0c\x1c\x85\u2028\u2029"
"""What `str.splitlines` and some viewers take for the end of a line, beside line feed and carriage return."""
STEERING = "\x7f\x9b\u061c\u200e\u200f\u202a\u202e\u2066\u2069"
INVISIBLE = "\u180e\u200b\u200d\u2060\ufeff\ufff9\U000e0041"
HOSTILE = 'a\x1b[31mred\x07 <script>alert(1)</script> & "q" % : ,\r\n::error::x ' + SEPARATORS + STEERING + INVISIBLE
SCHEMAS = Path(__file__).parents[2] / "schemas"


def finding(number: int = 0, **changes: Any) -> Finding:
    given: dict[str, Any] = {
        "code": "TEXT003",
        "name": "control-token",
        "severity": "error",
        "message": f"bad {HOSTILE}",
        "file": "da,ta:1.jsonl",
        "line": number + 1,
        "record": number,
        "path": "/messages/1/content",
        "span": (4, 8),
        "excerpt": around("abc " + HOSTILE, (4, 8)),
        "related": (Place("other.jsonl", 7),),
        "fix": Fix("remove it", False, (Edit("set", "/x", ""),)),
        "fingerprint": f"{number:016x}",
    }
    return Finding(**{**given, **changes})


def report(*findings: Finding, **changes: Any) -> Report:
    given: dict[str, Any] = {
        "files": (FileReport(path="da,ta:1.jsonl", format="openai", examples=40, lines=41, size=99, sha256="ab" * 32),),
        "findings": findings,
        "measures": {"tokens": {"exact": True, "total": 1234, "trained": 234, "counter": "tiktoken o200k_base"}},
        "targets": (Blocked("openai", 1, 0, {"control-token": 1}), Blocked("trl", 0, 0, {})),
        "not_run": (NotRun("stale-waiver", "a waivers file"),),
        "notes": ("a note",),
    }
    return Report(**{**given, **changes})


def written(name: str, made: Report, **changes: Any) -> str:
    out = io.StringIO()
    get(name)(made, out, Output(**changes))
    return out.getvalue()


SOME = report(
    finding(0),
    finding(1, severity="warning", line=None, record=None, path=None, span=None, excerpt=None, related=(), fix=None),
    finding(2, severity="info", waived=True),
)


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("made", [SOME, report()], ids=["some", "none"])
def test_no_control_characters_reach_the_output(name: str, made: Report) -> None:
    text = written(name, made)
    invisible = "" if name in ("json", "jsonl", "gitlab", "sarif") else INVISIBLE
    assert not re.search(rf"[\x00-\x08\x0b-\x1f{SEPARATORS}{STEERING}{invisible}]", text), name
    assert text.splitlines() == text.rstrip("\n").split("\n") or not text
    assert text.endswith("\n") or not text


def test_unknown_format_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="sarif"):
        get("sariff")


def test_concise_is_one_line_a_finding() -> None:
    lines = written("concise", SOME, level="quiet").rstrip("\n").split("\n")
    assert len(lines) == 2
    assert lines[0].startswith("da,ta:1.jsonl:1: error TEXT003 control-token /messages/1/content: bad a\\u001b[31mred")
    assert lines[1].startswith("da,ta:1.jsonl: warning TEXT003")


def test_full_marks_the_span() -> None:
    text = written("full", report(finding(excerpt=around("the quick brown fox", (4, 9)))))
    lines = text.split("\n")
    at = next(i for i, line in enumerate(lines) if "quick" in line)
    assert lines[at + 1].index("^") == lines[at].index("quick")
    assert lines[at + 1].count("^") == 5
    assert "see other.jsonl:7" in text and "fix: remove it (with --unsafe-fixes)" in text


def test_full_marks_wide_text_by_columns() -> None:
    lines = written("full", report(finding(excerpt=around("日本語 bad", (4, 7))))).split("\n")
    at = next(i for i, line in enumerate(lines) if "日本語" in line)
    assert lines[at + 1].index("^") == lines[at].index("日") + 7


def test_summary_says_totals_matrix_and_what_did_not_run() -> None:
    text = written("full", SOME)
    assert "40 rows (openai): 1 error, 1 warning, 1 waived" in text
    assert re.search(r"target openai +blocks 1 row: control-token 1", text)
    assert re.search(r"target trl +accepts all rows", text)
    assert "not run: stale-waiver (needs a waivers file)" in text and "note: a note" in text
    assert "1,234" in text


def test_statistics_count_findings_and_rows() -> None:
    text = written("concise", report(finding(0), finding(0, path="/messages/2/content"), finding(1)), statistics=True)
    assert re.search(r"3  error +TEXT003 +control-token +in 2 lines", text)


def test_colors_only_when_asked() -> None:
    assert "\x1b[31m" in written("concise", SOME, color=True)
    assert "\x1b" not in written("concise", SOME)


def test_json_fits_its_schema() -> None:
    schema = json.loads((SCHEMAS / "report.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for made in (SOME, report()):
        data = json.loads(written("json", made))
        assert not list(validator.iter_errors(data))
    assert data["summary"]["errors"] == 0
    assert json.loads(written("json", SOME))["findings"][1]["line"] is None


def test_jsonl_is_one_object_a_line() -> None:
    lines = written("jsonl", SOME).rstrip("\n").split("\n")
    assert [json.loads(line)["severity"] for line in lines] == ["error", "warning"]


def test_github_groups_and_escapes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    made = report(*(finding(i) for i in range(30)), finding(31, severity="warning", name="boilerplate-answer"))
    lines = written("github", made).rstrip("\n").split("\n")
    assert len(lines) == 2
    assert lines[0].startswith("::error file=da%2Cta%3A1.jsonl,line=1,title=TEXT003 control-token::bad ")
    assert "(29 more like it: lines 2, 3," in lines[0] and "%25" in lines[0]
    assert lines[1].startswith("::warning ")
    assert "| control-token | 30 |" in summary.read_text()


def test_gitlab_fingerprints_are_unique() -> None:
    issues = json.loads(written("gitlab", report(finding(0), finding(0), finding(1, line=None))))
    assert len({issue["fingerprint"] for issue in issues}) == 3
    assert issues[0]["location"] == {"path": "da,ta:1.jsonl", "lines": {"begin": 1}}
    assert issues[2]["location"]["lines"]["begin"] == 1


def test_sarif_shape_and_limit() -> None:
    made = report(*(finding(i, severity="warning") for i in range(LIMIT)), finding(9999), finding(9998, line=None))
    run = json.loads(written("sarif", made))["runs"][0]
    assert len(run["results"]) == LIMIT
    assert [r["level"] for r in run["results"][:2]] == ["error", "error"]
    assert "2 of 5,002" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    regions = [r["locations"][0]["physicalLocation"]["region"] for r in run["results"][:2]]
    assert regions == [{"startLine": 10000}, {"startLine": 1, "endLine": 41}]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "da%2Cta%3A1.jsonl"
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"][:9])


def test_junit_is_xml_with_failures() -> None:
    root = ET.fromstring(written("junit", SOME).encode())
    assert root.attrib["failures"] == "1"
    suite = root.find("testsuite")
    assert suite is not None and suite.attrib["tests"] == "1"
    assert root.find(".//failure") is not None
    clean = ET.fromstring(written("junit", report()).encode())
    assert clean.attrib["failures"] == "0" and clean.find(".//testcase") is not None


def test_html_escapes_everything_and_loads_nothing() -> None:
    text = written("html", SOME)
    assert "<script" not in text and "&lt;script&gt;" in text
    assert "default-src 'none'" in text
    assert not re.search(r"""(src|href)=["']?http""", text)
    assert SOME._repr_html_() in text


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "a\u202eb", "\ufeff", "x\x9by", "\x00", *SEPARATORS, *STEERING, *INVISIBLE]
)
def test_safe_makes_controls_visible(text: str) -> None:
    assert re.fullmatch(r"[\x20-\x7e]+", safe(text))


@pytest.mark.parametrize("text", ["a\tb", "日本語", "é", "naïve ‘quotes’ — dash", "👍", "a\u0301"])
def test_safe_leaves_what_people_write(text: str) -> None:
    assert safe(text) == text


def test_json_formats_say_what_the_data_says() -> None:
    assert json.loads(written("json", SOME))["findings"][0]["message"] == f"bad {HOSTILE}"
    assert json.loads(written("gitlab", SOME))[0]["description"] == f"bad {HOSTILE}"
    assert json.loads(written("sarif", SOME))["runs"][0]["results"][0]["message"]["text"] == f"bad {HOSTILE}"


def test_one_finding_is_no_findings() -> None:
    for found, said in (((finding(0),), "1 finding: bad"), ((finding(0), finding(1)), "2 findings: bad")):
        failure = ET.fromstring(written("junit", report(*found)).encode()).find(".//failure")
        assert failure is not None and failure.attrib["message"].startswith(said)


def test_exit_codes() -> None:
    assert SOME.exit_code == 1
    assert report().exit_code == 0
    assert report(finding(severity="warning")).exit_code == 0
    assert report(finding(severity="warning"), fail_on="warning").exit_code == 1
    assert report(finding(), fail_on="never").exit_code == 0
    assert report(finding(name="rule-crash"), fail_on="never").exit_code == 2
    assert report(finding(waived=True)).exit_code == 0
