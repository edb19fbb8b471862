"""The library: names, arguments, the report, and errors."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

import prepdata
from prepdata.cli.main import COMMANDS, cli
from prepdata.cli.options import _LISTS, FLAGS
from prepdata.errors import ConfigError, InputError, PrepdataError, UsageError
from prepdata.report import Blocked, FileReport, NotRun, Report, json_text
from prepdata.settings import Settings

ROOT = Path(__file__).parents[1]
GOOD = {"messages": [{"role": "user", "content": "The capital of Peru?"}, {"role": "assistant", "content": "Lima."}]}
BAD = {"messages": [{"role": "user", "content": "And of Chile?"}, {"role": "bot", "content": "Santiago."}]}
ROLE = {"select": ["ROLE"], "tokens": False}


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "data.jsonl", GOOD, BAD, "{broken", "", GOOD, {"unknown": 1})


# --- one name for one thing ------------------------------------------------------------------------------------------

TABLES = {"columns", "per_file_ignores", "rules", "marks"}
"""Settings that are tables: they have no flag and stand in the configuration file."""


def flags() -> dict[str, str]:
    """Setting -> flag, of all shared flags."""
    found = {}
    for group, listed in FLAGS.items():
        for flag, _ in listed:
            name = flag.lstrip("-").replace("-", "_")
            if group != "config":
                found[_LISTS.get(name, name.removeprefix("no_"))] = flag
    return found


def test_settings_flags_and_keyword_arguments_have_the_same_names() -> None:
    fields = set(Settings.__struct_fields__)
    assert set(flags()) == fields - TABLES
    for name, flag in flags().items():
        plain = "--" + name.replace("_", "-")
        assert flag in (plain, "--target" if name == "targets" else "", f"--no-{name}")
        negative = msgspec.structs.fields(Settings)
        default = next(f.default for f in negative if f.name == name)
        assert flag.startswith("--no-") == (default is True), "a switch that is on has a flag that turns it off"


def test_validate_has_all_shared_flags() -> None:
    command = cli.get_command(None, "validate")  # type: ignore[arg-type]
    assert command is not None
    options = {name for parameter in command.params for name in parameter.opts}
    assert {flag for listed in FLAGS.values() for flag, _ in listed} <= options
    others = set(inspect.signature(prepdata.validate).parameters) - {"paths", "settings", "changes"}
    assert others == {"progress", "meters", "triggers"}
    assert not others & set(Settings.__struct_fields__)


def test_every_command_shares_flags_of_equal_names() -> None:
    fields = set(Settings.__struct_fields__)
    for name in COMMANDS:
        command = cli.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None and command.help
        for parameter in command.params:
            key = (parameter.name or "").removeprefix("no_")
            if key in fields and parameter.param_type_name == "option":
                assert parameter.opts[0] in flags().values(), f"{name}: {parameter.opts}"


def test_every_setting_is_documented_and_in_the_schema() -> None:
    schema = json.loads((ROOT / "schemas" / "config.schema.json").read_text())
    doc = Settings.__doc__ or ""
    for name in Settings.__struct_fields__:
        assert f"        {name}: " in doc
        assert name.replace("_", "-") in schema["properties"]


VALUES: dict[str, Any] = {
    "format": "openai", "columns": {"prompt": "q"}, "targets": ["openai"], "model": "gpt-4o", "encoding": "o200k_base",
    "tokenizer": "tokenizer.json", "tokens": False, "epochs": 2.0, "context_length": 100, "select": ["FMT"],
    "extend_select": ["ROLE"], "ignore": ["TEXT"], "per_file_ignores": {"a*": ["FMT"]},
    "rules": {"FMT001": {"max": "1"}}, "fail_on": "never", "waivers": "w.json", "lock": "l.lock", "marks": {"id": "uid"}, "jobs": 2,
    "cache": False, "cache_dir": "x", "max_line_bytes": 5000, "offline": True, "eval": ["test,1.jsonl"], "index": ["evals"],
    "chat_template": "t.jinja", "max_length": 512, "loss": "all", "overflow": "drop", "packing": "bfd",
}  # fmt: skip


def test_every_setting_can_be_given_by_name_and_as_a_flag() -> None:
    from prepdata.api import changed
    from prepdata.cli.options import settings_from

    assert set(VALUES) == set(Settings.__struct_fields__)
    wanted = changed(Settings(), VALUES)
    assert all(getattr(wanted, name) != getattr(Settings(), name) for name in VALUES)
    assert changed(Settings(), {}) == Settings()
    given: dict[str, Any] = {"isolated": True}
    for name, flag in flags().items():
        key, value = flag.lstrip("-").replace("-", "_"), VALUES[name]
        given[key] = True if key.startswith("no_") else tuple(value) if isinstance(value, list) else value
    settings, config = settings_from(given)
    assert config is None and not given
    tables = {name: getattr(wanted, name) for name in TABLES}
    assert msgspec.structs.replace(settings, **tables) == wanted


# --- exports ---------------------------------------------------------------------------------------------------------


def test_what_is_exported() -> None:
    assert prepdata.__all__ == sorted(prepdata.__all__, key=str.lower) or set(prepdata.__all__) == set(prepdata._HOMES)
    assert set(prepdata.__all__) == set(prepdata._HOMES)
    for name in prepdata.__all__:
        value = getattr(prepdata, name)
        assert value.__module__ == prepdata._HOMES[name]
        assert value.__doc__
    with pytest.raises(AttributeError, match="no attribute 'validat'"):
        prepdata.validat  # type: ignore[attr-defined]  # noqa: B018
    from prepdata import validate

    assert validate is prepdata.validate


def test_the_version_is_that_of_the_package() -> None:
    assert prepdata.__version__ == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def python(code: str, cwd: Path | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, **more)


def test_importing_costs_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules); import prepdata\n"
        "print(sorted(m for m in set(sys.modules) - before if m.split('.')[0] not in sys.stdlib_module_names))"
    )
    assert python(code).stdout.strip() == "['prepdata']"


def test_python_m_prepdata() -> None:
    run = subprocess.run([sys.executable, "-m", "prepdata", "--version"], capture_output=True, text=True)
    assert run.stdout == f"prepdata, version {prepdata.__version__}\n"


def test_errors_are_one_short_tree() -> None:
    assert issubclass(ConfigError, UsageError)
    assert {UsageError.__base__, InputError.__base__} == {PrepdataError}
    assert PrepdataError.__base__ is Exception


# --- paths -----------------------------------------------------------------------------------------------------------


class Where:
    """A path that is neither text nor `Path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


def test_all_kinds_of_paths(data: Path) -> None:
    expected = prepdata.validate(str(data), **ROLE).to_json()
    given: list[Any] = [data, Where(data), [data], (str(data),), iter([Where(data)]), {data: 1}]
    for paths in given:
        assert prepdata.validate(paths, **ROLE).to_json() == expected


def test_several_paths_and_a_folder(data: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.jsonl", BAD)
    (tmp_path / "notes.txt").write_text("no data")
    both = prepdata.validate([data, other], **ROLE)
    assert [f.path for f in both.files] == [str(data), str(other)]
    assert both.examples == 6
    folder = prepdata.validate(tmp_path, **ROLE)
    assert [f.path for f in folder.files] == [str(data), str(other)]
    assert [f.path for f in prepdata.validate([data, data, tmp_path], **ROLE).files] == [str(data), str(other)]
    assert folder.files[1].measures["roles"] != folder.measures["roles"]


def test_standard_input(tmp_path: Path) -> None:
    code = (
        "import prepdata\nfor f in prepdata.validate('-', tokens=False, select=['ROLE']): print(f.file, f.line, f.name)"
    )
    run = python(code, tmp_path, input=json.dumps(GOOD) + "\n" + json.dumps(BAD) + "\n")
    assert run.stdout == "<stdin> 2 unknown-role\n"
    assert run.stderr == ""


@pytest.mark.parametrize("missing", ["no.jsonl", "no/where.jsonl", "nul\0byte.jsonl"])
def test_a_missing_path(tmp_path: Path, missing: str) -> None:
    with pytest.raises(InputError) as caught:
        prepdata.validate(str(tmp_path / missing))
    assert missing.partition("\0")[0] in str(caught.value)
    with pytest.raises(InputError):
        prepdata.validate([write(tmp_path / "a.jsonl", GOOD), tmp_path / missing])


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no data files in nothing"):
        prepdata.validate([])
    with pytest.raises(InputError, match="no data files"):
        prepdata.validate(tmp_path)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_file_is_no_exception(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.jsonl").write_text(content)
    report = prepdata.validate(tmp_path / "a.jsonl", select=["ALL"])
    assert report.examples == 0
    assert report.files[0].format is None
    check(report)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"selct": ["FMT"]}, "unknown setting 'selct'. Did you mean 'select'"),
        ({"jobs": "many"}, "jobs: expected a whole number, found 'many'"),
        ({"fail_on": "warn"}, "fail_on: 'warn' is none of 'error', 'warning', 'info', 'never'"),
        ({"select": ["FMTT"]}, "unknown rule 'FMTT'"),
        ({"rules": {"FMT001": {"levl": 1}}}, "unknown option 'levl'"),
        ({"targets": ["opnai"]}, "Did you mean 'openai'"),
        ({"format": "opnai"}, "openai"),
        ({"encoding": "o200k_bas"}, "o200k_base"),
        ({"waivers": "no-such-file.json"}, "no-such-file.json"),
        ({"jobs": -1}, "jobs: expected 0 or more, found -1"),
        ({"max_line_bytes": 99}, "max_line_bytes: expected 100 or more, found 99"),
        ({"epochs": -1.0}, "epochs: expected 0.01 or more"),
        ({"epochs": float("nan")}, "epochs: expected 0.01 or more"),
        ({"context_length": 0}, "context_length: expected 1 or more"),
    ],
)
def test_wrong_use_is_told_in_words(data: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        prepdata.validate(data, **changes)
    assert said in str(caught.value)


def test_settings_and_changes_go_together(data: Path) -> None:
    settings = Settings(select=("ROLE",), tokens=False, fail_on="never")
    assert prepdata.validate(data, settings).exit_code == 0
    report = prepdata.validate(data, settings, fail_on="error")
    assert report.exit_code == 1 and {f.name for f in report} == {"unknown-role"}
    assert settings == Settings(select=("ROLE",), tokens=False, fail_on="never")


# --- the report ------------------------------------------------------------------------------------------------------

SCHEMA = json.loads((ROOT / "schemas" / "report.schema.json").read_text())


def check(report: Report) -> dict[str, Any]:
    """Hold a report against its schema; return it as plain values."""
    plain: dict[str, Any] = json.loads(report.to_json())
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(plain)
    return plain


def without_values(finding: prepdata.Finding) -> prepdata.Finding:
    """Return a finding as the JSON report has it: the new values of a fix hold text of the row and are left out."""
    if finding.fix is None:
        return finding
    edits = tuple(msgspec.structs.replace(edit, value=None) for edit in finding.fix.edits)
    return msgspec.structs.replace(finding, fix=msgspec.structs.replace(finding.fix, edits=edits))


def test_a_report_is_its_findings(data: Path) -> None:
    report = prepdata.validate(data, select=["ROLE", "FMT"], tokens=False)
    found = list(report)
    assert len(report) == len(found) == len(report.findings)
    assert [(f.line, f.name) for f in found] == [
        (2, "unknown-role"),
        (3, "invalid-json"),
        (4, "blank-line"),
        (6, "unknown-format"),
    ]
    first = found[0]
    assert (first.code, first.severity, first.file, first.record) == ("ROLE002", "error", str(data), 1)
    assert first.path == "/messages/1/role"
    assert report.examples == 5
    assert report.summary() == {
        "examples": 5, "errors": 3, "warnings": 1, "infos": 0, "waived": 0,
        "by_rule": {"blank-line": 1, "invalid-json": 1, "unknown-format": 1, "unknown-role": 1},
    }  # fmt: skip
    file = report.files[0]
    assert (file.path, file.format, file.examples, file.lines, file.size) == (
        str(data), "openai", 5, 6, data.stat().st_size,
    )  # fmt: skip
    assert file.sha256 and len(file.sha256) == 64
    assert file.measures == report.measures


@pytest.mark.parametrize("settings", [{}, {"targets": ["openai", "bedrock-nova"]}, {"select": ["ALL"]}])
def test_the_report_follows_its_schema(data: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    other = write(tmp_path / "other.jsonl", GOOD, BAD, BAD)
    report = prepdata.validate([data, other], **settings)
    plain = check(report)
    assert plain["tool"] == {"name": "prepdata", "version": prepdata.__version__}
    assert plain["summary"] == report.summary()
    read = msgspec.convert(plain["findings"], tuple[prepdata.Finding, ...])
    assert [without_values(f) for f in read] == [without_values(f) for f in report.findings]
    assert any(f.fix for f in read)
    assert msgspec.convert(plain["files"], tuple[FileReport, ...]) == report.files
    assert msgspec.convert(plain["targets"], tuple[Blocked, ...]) == report.targets
    assert msgspec.convert(plain["not_run"], tuple[NotRun, ...]) == report.not_run
    assert json.loads(report.to_json(indent=0)) == plain
    assert "\n" not in report.to_json(indent=0) and "\n  " in report.to_json()


@pytest.mark.parametrize("key", ["schema_version", "summary", "findings", "files", "measures"])
def test_the_schema_notices_what_is_missing_or_too_much(data: Path, key: str) -> None:
    plain = check(prepdata.validate(data, **ROLE))
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert not validator.is_valid({k: v for k, v in plain.items() if k != key})
    assert not validator.is_valid({**plain, "more": 1})
    assert not validator.is_valid({**plain, "findings": [{"code": "X"}]})


def test_rows_that_no_text_can_hold_are_reported_as_text(tmp_path: Path) -> None:
    turns = '[{"role": "u\\ud800", "content": "half \\udc00"}, {"role": "assistant", "content": "ok \\ud83d"}]'
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"messages": {turns}, "\\ud800": 1}}\n{{"\\ud800": 1}}\n')
    plain = check(prepdata.validate(path, select=["ALL"]))
    assert {"invalid-unicode"} <= set(plain["summary"]["by_rule"])


def test_a_file_name_that_is_no_text(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jsonl")
    try:
        write(Path(path), BAD)
    except OSError:
        pytest.skip("this file system takes no such name")
    report = prepdata.validate(path, **ROLE)
    for indent in (0, 2):
        assert json.loads(report.to_json(indent=indent))["files"][0]["path"] == path
    assert json.loads(json_text({"a": "\udce9"})) == {"a": "\udce9"}


def test_notebooks_get_html(data: Path) -> None:
    write(data, GOOD, {"messages": [{"role": "<script>alert(1)</script>", "content": "x"}]})
    html = prepdata.validate(data, **ROLE)._repr_html_()
    assert html.startswith("<div") and html.endswith("</div>")
    assert "unknown-role" in html and "&lt;script&gt;" in html and "<script" not in html


@pytest.mark.parametrize(
    ("severity", "fail_on", "code"),
    [
        ("error", "error", 1), ("error", "warning", 1), ("error", "info", 1), ("error", "never", 0),
        ("warning", "error", 0), ("warning", "warning", 1), ("warning", "info", 1), ("warning", "never", 0),
        ("info", "error", 0), ("info", "warning", 0), ("info", "info", 1), ("info", "never", 0),
    ],
)  # fmt: skip
def test_exit_codes(severity: Any, fail_on: str, code: int) -> None:
    found = prepdata.Finding(code="X001", name="x", severity=severity, message="m", file="f")
    report = Report(files=(), findings=(found,), measures={}, fail_on=fail_on)
    assert report.exit_code == code
    waived = msgspec.structs.replace(found, waived=True)
    report = Report(files=(), findings=(waived,), measures={}, fail_on=fail_on)
    assert report.exit_code == 0 and len(report) == 0 and report.summary()["waived"] == 1
    crash = msgspec.structs.replace(found, name="rule-crash")
    assert Report(files=(), findings=(crash, waived), measures={}, fail_on=fail_on).exit_code == 2


def test_reports_are_frozen(data: Path) -> None:
    report = prepdata.validate(data, **ROLE)
    with pytest.raises(AttributeError):
        report.findings = ()  # type: ignore[misc]
    with pytest.raises(AttributeError):
        report.findings[0].severity = "info"  # type: ignore[misc]


# --- targets, meters, waivers ----------------------------------------------------------------------------------------


def test_the_matrix_counts_rows_and_files_and_leaves_out_what_is_waived(tmp_path: Path) -> None:
    data = write(tmp_path / "a.jsonl", GOOD, BAD, BAD)
    run: dict[str, Any] = {"targets": ["openai", "trl"], "select": ["ROLE002", "COV001"], "tokens": False}
    openai, trl = prepdata.validate(data, **run).targets
    assert (openai.target, openai.rows, openai.files, openai.by_rule) == (
        "openai", 2, 1, {"too-few-examples": 1, "unknown-role": 2},
    )  # fmt: skip
    assert (trl.target, trl.rows, trl.files, trl.by_rule) == ("trl", 2, 0, {"unknown-role": 2})
    finding = next(f for f in prepdata.validate(data, **run) if f.name == "unknown-role")
    entry = {"rule": "ROLE002", "record": finding.digest, "path": finding.path, "reason": "known"}
    waivers = tmp_path / "w.json"
    waivers.write_text(json.dumps({"schema_version": 1, "waivers": [entry]}))
    openai, trl = prepdata.validate(data, **run, waivers=str(waivers)).targets
    assert (openai.rows, trl.rows) == (0, 0)
    softer = prepdata.validate(data, **run, rules={"ROLE002": {"severity": "warning"}}).targets
    assert [t.rows for t in softer] == [0, 0]


def test_meters_can_be_chosen(data: Path) -> None:
    assert set(prepdata.validate(data, meters=["lengths"]).measures) == {"lengths"}
    assert prepdata.validate(data, meters=[]).measures == {}
    usual = set(prepdata.validate(data).measures)
    assert {"tokens", "cost", "roles", "lengths"} <= usual
    assert usual - set(prepdata.validate(data, tokens=False).measures) == {"tokens", "cost"}


def test_old_facts_about_a_target_are_noted(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import prepdata.api

    monkeypatch.setattr(prepdata.api, "stale", lambda target, today: True)
    (note,) = prepdata.validate(data, targets=["openai"], **ROLE).notes
    assert "OpenAI fine-tuning" in note and "more than 90 days ago" in note
    monkeypatch.setattr(prepdata.api, "stale", lambda target, today: False)
    assert prepdata.validate(data, targets=["openai"], **ROLE).notes == ()


@pytest.mark.parametrize("triggers", [True, False])
def test_triggers_change_nothing(data: Path, triggers: bool) -> None:
    assert prepdata.validate(data, triggers=triggers).to_json() == prepdata.validate(data).to_json()


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_json_in_pieces_is_the_report_of_the_contract(tmp_path: Path, rows: int) -> None:
    data = tmp_path / "data.jsonl"
    row = {
        "messages": [{"role": "user", "content": 'Hi [\u2028] "[]"'}, {"role": "assistant", "content": " x <|im_end|>"}]
    }
    data.write_text("".join(json.dumps(row) + "\n" for _ in range(rows)) or "\n", "utf-8")
    for chosen in (["TEXT"], ["ROLE001"]):
        report = prepdata.validate(str(data), select=chosen)
        text = "".join(report.json_pieces())
        assert text == report.to_json()
        assert json.loads(text) == json.loads(report.to_json(indent=0))
        assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False)


def test_findings_are_the_same_where_no_corpus_rule_asks_for_digests(tmp_path: Path) -> None:
    bad, worse = ({"messages": [{"role": "user", "content": text}]} for text in ("Well?", "And?"))
    file = write(tmp_path / "data.jsonl", GOOD, bad, "{broken", GOOD, worse)
    few = prepdata.validate(file, select=["ROLE003", "FMT001"])
    several = prepdata.validate(file, select=["ROLE003", "FMT001", "DUP002"])
    assert [finding.code for finding in few.findings] == ["ROLE003", "FMT001", "ROLE003"]
    assert set(few.findings) <= set(several.findings)
    assert len({finding.digest for finding in few.findings} - {f"{0:016x}"}) == 3
