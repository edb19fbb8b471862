"""Which rules run, and what settings make of their findings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import prepdata
from prepdata import select as selecting
from prepdata.errors import ConfigError, UsageError
from prepdata.findings import Finding
from prepdata.rules import loader
from prepdata.rules.loader import find, rules
from prepdata.select import options_of, select, settle, tolerance
from prepdata.settings import Settings


def names(**settings: Any) -> set[str]:
    return {rule.name for rule in select(Settings(**settings)).rules}


DEFAULT = {rule.name for rule in rules() if rule.default}
FMT = {rule.name for rule in rules() if rule.code.startswith("FMT")}
ALL = {rule.name for rule in rules()}

TABLE: list[tuple[dict[str, Any], set[str]]] = [
    ({}, DEFAULT),
    ({"select": ("FMT",)}, FMT),
    ({"select": ("fmt",)}, FMT),
    ({"select": ("FMT001",)}, {"invalid-json"}),
    ({"select": ("invalid-json", "ROLE002")}, {"invalid-json", "unknown-role"}),
    ({"select": ("FMT00",)}, {r.name for r in rules() if r.code.startswith("FMT00")}),
    ({"select": ("ALL",)}, ALL),
    ({"select": ("ALL",), "ignore": ("ALL",)}, set()),
    ({"ignore": ("FMT",)}, DEFAULT - FMT),
    ({"ignore": ("invalid-json",)}, DEFAULT - {"invalid-json"}),
    ({"select": ("FMT",), "ignore": ("FMT001",)}, FMT - {"invalid-json"}),
    ({"select": ("FMT",), "extend_select": ("ROLE002",)}, FMT | {"unknown-role"}),
    ({"extend_select": ("invalid-json",)}, DEFAULT),
    ({"extend_select": ("ALL",)}, ALL),
    ({"select": ("invalid-json",), "extend_select": ("FMT002",), "ignore": ("FMT001",)}, {"not-an-object"}),
    ({"extend_select": ("FMT",), "ignore": ("FMT",)}, DEFAULT - FMT),
]


@pytest.mark.parametrize(("settings", "expected"), TABLE, ids=[json.dumps(s) for s, _ in TABLE])
def test_which_rules_run(settings: dict[str, Any], expected: set[str]) -> None:
    assert names(**settings) == expected


def test_rules_run_in_order_of_code_however_they_were_named() -> None:
    codes = [rule.code for rule in select(Settings(select=("ROLE", "FMT", "COV"))).rules]
    assert codes == sorted(codes)


@pytest.mark.parametrize("key", ["select", "ignore", "extend_select"])
def test_an_unknown_rule_stops_the_run(key: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'unknown-role'"):
        select(Settings(**{key: ("unknown-rol",)}))
    with pytest.raises(ConfigError, match="Did you mean 'unknown-role'"):
        prepdata.validate(tmp_path / "no.jsonl", settings=Settings(), **{key: ["unknown-rol"]})


@pytest.mark.parametrize(
    "settings",
    [
        {"rules": {"unknown-rol": {}}},
        {"rules": {"unknown-role": {"levl": 1}}},
        {"rules": {"unknown-role": {"max": "many"}}},
        {"per_file_ignores": {"*": ("unknown-rol",)}},
    ],
)
def test_mistakes_are_told_before_anything_is_read(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"unknown-rol"):
        select(Settings(**settings))


@pytest.fixture
def off(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A rule that is off by default."""

    class Quiet(find("unknown-role")):  # type: ignore[misc]
        code, name, default = "TST001", "quiet", False

    found = (*rules(), Quiet)
    load = loader._load
    files = {**loader._words(), "tst001": "tst001_quiet", "quiet": "tst001_quiet"}
    modules = {**loader._modules(), "tst001_quiet": ""}
    monkeypatch.setattr(loader, "rules", lambda: found)
    monkeypatch.setattr(selecting, "rules", lambda: found)
    monkeypatch.setattr(loader, "_words", lambda: files)
    monkeypatch.setattr(loader, "_modules", lambda: modules)
    monkeypatch.setattr(loader, "_load", lambda file: Quiet if file == "tst001_quiet" else load(file))
    yield "quiet"
    monkeypatch.undo()


def test_a_rule_off_by_default_must_be_asked_for(off: str) -> None:
    assert off not in names()
    assert off not in names(extend_select=("FMT",))
    for asked in ("quiet", "TST001", "TST", "ALL"):
        assert off in names(select=(asked,))
        assert off in names(extend_select=(asked,))
    assert off not in names(select=("ALL",), ignore=("quiet",))


# --- what could not run ----------------------------------------------------------------------------------------------


def not_run(path: Path, **settings: Any) -> dict[str, str]:
    return {n.name: n.needs for n in prepdata.validate(path, tokens=False, **settings).not_run}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    row = {"messages": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes."}]}
    path.write_text((json.dumps(row) + "\n") * 3, encoding="utf-8")
    return path


def test_what_was_not_asked_for_by_name_is_silent(data: Path) -> None:
    assert not_run(data) == {}
    assert not_run(data, select=["FMT", "ROLE", "TOOL"]) == {}


@pytest.mark.parametrize("word", ["target-limit", "FMT015", "fmt015"])
@pytest.mark.parametrize("key", ["select", "extend_select"])
def test_a_named_rule_that_cannot_run_says_what_it_needs(data: Path, key: str, word: str) -> None:
    assert not_run(data, **{key: [word]}) == {"target-limit": "a target with --target"}
    assert not_run(data, **{key: [word]}, targets=["openai"]) == {}


@pytest.mark.parametrize("key", ["select", "extend_select"])
@pytest.mark.parametrize("word", ["ALL", "all"])
def test_all_lists_everything_that_could_not_run(data: Path, key: str, word: str) -> None:
    expected = {rule.name: rule().missing() for rule in rules() if rule().missing() is not None}
    found = not_run(data, **{key: [word]})
    assert found.pop("knowledge-heavy").startswith("50 different rows with an answer; there are ")  # ran, cannot tell
    assert found == expected
    assert {"target-limit", "call-id-format", "optional-field-drift"} <= set(found)
    assert all(found.values())


def test_what_is_ignored_is_not_listed(data: Path) -> None:
    assert "target-limit" not in not_run(data, select=["ALL"], ignore=["target-limit"])


# --- options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["too-few-examples", "COV001", "cov001", "Too-Few-Examples"])
def test_options_under_name_or_code_in_any_case(data: Path, word: str) -> None:
    assert options_of(find("COV001"), Settings(rules={word: {"least": 2}})) == {"least": 2}
    assert not list(prepdata.validate(data, select=["COV001"], rules={word: {"least": 2}}))
    assert len(prepdata.validate(data, select=["COV001"], rules={word: {"least": 5}})) == 1


def test_the_name_wins_over_the_code() -> None:
    both = {"too-few-examples": {"least": 1}, "COV001": {"least": 2, "max": "1"}, "FMT001": {"max": "9"}}
    assert options_of(find("COV001"), Settings(rules=both)) == {"least": 1, "max": "1"}


TOLERANCES: list[tuple[str | None, int, int]] = [
    (None, 1000, 0),
    ("5", 3, 5),
    (" 5 ", 1000, 5),
    ("0", 1000, 0),
    ("2%", 100, 2),
    ("2%", 149, 2),
    ("2%", 49, 0),
    ("0%", 1000, 0),
    ("0.5%", 1000, 5),
    ("0.29%", 10_000, 29),
    ("1.1%", 1000, 11),
    ("100%", 7, 7),
    ("2 %", 100, 2),
    ("2%", 0, 0),
]


@pytest.mark.parametrize(("text", "rows", "expected"), TOLERANCES)
def test_tolerances(text: str | None, rows: int, expected: int) -> None:
    assert tolerance(text, rows) == expected


@pytest.mark.parametrize(
    "text", ["", "%", "many", "two%", "-1", "-2%", "1.5", "nan%", "inf%", "1e3%", "5%%", "٥", "5 rows"]
)
def test_a_wrong_tolerance_is_refused(text: str, data: Path) -> None:
    with pytest.raises(ConfigError, match=r'expected a share such as "2%" or a number of rows such as "5"'):
        tolerance(text, 100)
    with pytest.raises(ConfigError, match=r"rules.unknown-role: max = "):
        prepdata.validate(data, rules={"unknown-role": {"max": text}})


# --- settle ----------------------------------------------------------------------------------------------------------


def finding(name: str = "unknown-role", record: int | None = 0, file: str = "a.jsonl", **more: Any) -> Finding:
    rule = find(name)
    return Finding(code=rule.code, name=name, severity=rule.severity, message="m", file=file, record=record, **more)


def settled(*findings: Finding, rows: int = 100, **settings: Any) -> list[tuple[str, str, str]]:
    given = Settings(**settings)
    found = settle(findings, given, select(given).rules, {f.file: rows for f in findings})
    return [(f.file, f.name, f.severity) for f in found]


def test_without_settings_nothing_changes() -> None:
    given = [finding(), finding("blank-line", 1), finding("edge-whitespace", 2)]
    assert settle(given, Settings(), select(Settings()).rules, {"a.jsonl": 3}) == given


@pytest.mark.parametrize("severity", ["error", "warning", "info"])
@pytest.mark.parametrize("key", ["unknown-role", "ROLE002"])
def test_a_severity_given_to_a_rule(severity: str, key: str) -> None:
    found = settled(finding(), finding("blank-line"), rules={key: {"severity": severity}})
    assert found == [("a.jsonl", "unknown-role", severity), ("a.jsonl", "blank-line", "warning")]


@pytest.mark.parametrize(
    ("most", "hit_rows", "tolerated"),
    [("5", 5, True), ("5", 6, False), ("2%", 2, True), ("2%", 3, False), ("0", 1, False), ("100%", 100, True)],
)
def test_up_to_the_tolerance_findings_are_infos(most: str, hit_rows: int, tolerated: bool) -> None:
    found = settled(*(finding(record=i) for i in range(hit_rows)), rules={"unknown-role": {"max": most}})
    assert {severity for _, _, severity in found} == {"info" if tolerated else "error"}
    assert len(found) == hit_rows


def test_rows_are_counted_and_not_findings() -> None:
    several = [finding(record=1, path=f"/messages/{i}/role") for i in range(9)]
    assert {s for _, _, s in settled(*several, rules={"unknown-role": {"max": "1"}})} == {"info"}


def test_tolerance_is_counted_by_file_and_rule() -> None:
    given = [finding(record=0), finding(record=1), finding(record=0, file="b.jsonl"), finding("empty-answer")]
    assert settled(*given, rules={"unknown-role": {"max": "1"}}) == [
        ("a.jsonl", "unknown-role", "error"),
        ("a.jsonl", "unknown-role", "error"),
        ("b.jsonl", "unknown-role", "info"),
        ("a.jsonl", "empty-answer", "error"),
    ]


def test_a_tolerated_finding_is_an_info_whatever_severity_was_given() -> None:
    options = {"unknown-role": {"max": "1", "severity": "warning"}}
    assert settled(finding(), rules=options) == [("a.jsonl", "unknown-role", "info")]
    assert settled(finding(), finding(record=1), rules=options)[0][2] == "warning"


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("a.jsonl", "a.jsonl", True),
        ("*.jsonl", "a.jsonl", True),
        ("a.jsonl", "data/a.jsonl", True),
        ("a.jsonl", "data/aa.jsonl", False),
        ("data/*", "data/a.jsonl", True),
        ("data/*", "./data/a.jsonl", True),
        ("data/*", "/home/me/data/a.jsonl", True),
        ("data/*", "mydata/a.jsonl", False),
        ("data/*", "data\\a.jsonl", True),
        ("b*", "a.jsonl", False),
        ("[ab].jsonl", "b.jsonl", True),
    ],
)
def test_per_file_ignores(pattern: str, path: str, fits: bool) -> None:
    ignored = {pattern: ("ROLE", "blank-line")}
    given = [finding(file=path), finding("blank-line", file=path), finding("empty-answer", file=path)]
    found = [name for _, name, _ in settled(*given, per_file_ignores=ignored)]
    assert found == (["empty-answer"] if fits else ["unknown-role", "blank-line", "empty-answer"])


def test_what_is_ignored_in_a_file_does_not_count_for_its_tolerance() -> None:
    given = [finding(record=0), finding(record=1, file="b.jsonl")]
    found = settled(*given, per_file_ignores={"a.jsonl": ("unknown-role",)}, rules={"unknown-role": {"max": "1"}})
    assert found == [("b.jsonl", "unknown-role", "info")]


def test_settings_reach_the_report(data: Path) -> None:
    bad = {"messages": [{"role": "human", "content": "Hi?"}, {"role": "assistant", "content": "No."}]}
    data.write_text(data.read_text() + json.dumps(bad) + "\n")
    run = {"select": ["unknown-role"], "tokens": False}
    assert prepdata.validate(data, **run).exit_code == 1
    assert prepdata.validate(data, **run, rules={"ROLE002": {"severity": "warning"}}).exit_code == 0
    assert prepdata.validate(data, **run, rules={"ROLE002": {"severity": "warning"}}, fail_on="warning").exit_code == 1
    assert prepdata.validate(data, **run, rules={"ROLE002": {"max": "25%"}}).exit_code == 0
    assert prepdata.validate(data, **run, rules={"ROLE002": {"max": "24%"}}).exit_code == 1
    assert prepdata.validate(data, **run, fail_on="never").exit_code == 0
    assert prepdata.validate(data, **run, per_file_ignores={"data.jsonl": ["ROLE"]}).exit_code == 0
    assert prepdata.validate(data, **run, rules={"ROLE002": {"max": "25%"}}, fail_on="info").exit_code == 1
