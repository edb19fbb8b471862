"""The loader refuses malformed rules with file and line; a rule that crashes is a finding and not the end of a run."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import prepdata
from prepdata.chunk import Chunk, Fact
from prepdata.engine import crash_hit
from prepdata.errors import ConfigError, PrepdataError, UsageError
from prepdata.findings import Hit
from prepdata.record import Record
from prepdata.rules import loader
from prepdata.rules.base import Context, CorpusRule, FactRule, Parts, RecordRule, Rule

HEAD = '''"""A rule of the tests."""
from prepdata.findings import Hit
from prepdata.rules.base import *
from prepdata.rules.base import CorpusRule, FactRule, Options, RecordRule, Rule, Words

'''
GOOD = '''class Odd(RecordRule):
    """Finds odd rows."""

    code, name, severity = "TST001", "odd-row", "warning"

    def check(self, record):
        yield Hit("odd")
'''
FACT = '''class Odd(FactRule):
    """Finds odd lines."""

    code, name, severity = "TST001", "odd-line", "info"
    facts = ("blank-line",)

    def explain(self, fact):
        yield Hit("odd")
'''
CORPUS = '''class Odd(CorpusRule):
    """Finds odd files."""

    code, name, severity = "TST001", "odd-file", "info"

    def see(self, chunk):
        return None

    def finish(self, parts):
        yield None, Hit("odd")
'''


def module(folder: Path, text: str, name: str = "tst001_odd") -> ModuleType:
    """Import a text as a module."""
    path = folder / f"{name}.py"
    path.write_text(HEAD + text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize("text", [GOOD, FACT, CORPUS])
def test_a_whole_rule_is_taken(tmp_path: Path, text: str) -> None:
    rule = loader.rule_of(module(tmp_path, text))
    assert rule.code == "TST001"
    assert isinstance(rule(), Rule)


LINE = HEAD.count("\n") + 1
MALFORMED = {
    "no code": (GOOD.replace('code, name, severity = "TST001", ', "name, severity = "), "attribute 'code' is missing"),
    "no name": (GOOD.replace('code, name, severity = "TST001", "odd-row",', 'code, severity = "TST001",'), "'name'"),
    "no severity": (GOOD.replace("code, name, severity =", "code, name, level ="), "'severity'"),
    "code no text": (GOOD.replace('"TST001"', "1"), "'code'"),
    "wrong code": (GOOD.replace('"TST001"', '"tst-1"'), "code 'tst-1'"),
    "wrong name": (GOOD.replace('"odd-row"', '"Odd row"'), "name 'Odd row'"),
    "wrong severity": (GOOD.replace('"warning"', '"fatal"'), "severity 'fatal' is none of error, warning, info"),
    "wrong fix": (GOOD.replace("    def", '    fix = "maybe"\n    def'), "fix 'maybe'"),
    "no docstring": (GOOD.replace('    """Finds odd rows."""\n', ""), "docstring"),
    "no check": (GOOD.split("    def")[0], "method 'check' is missing"),
    "no explain": (FACT.split("    def")[0], "method 'explain' is missing"),
    "no see": (CORPUS.replace("def see", "def saw"), "method 'see' is missing"),
    "no finish": (CORPUS.replace("def finish", "def end"), "method 'finish' is missing"),
    "no facts": (FACT.replace('    facts = ("blank-line",)\n', ""), "'facts'"),
    "facts is a text": (FACT.replace('("blank-line",)', '"blank-line"'), "'facts'"),
    "wrong trigger": (GOOD.replace("    def", '    trigger = "sometimes"\n    def'), "trigger must be EVERY"),
    "nothing is wanted": (GOOD.replace("    def", '    trigger = "look"\n    def'), "method 'wanted' is missing"),
    "trigger is a list": (GOOD.replace("    def", '    trigger = ["sorry"]\n    def'), "trigger must be EVERY"),
    "no kind": (GOOD.replace("(RecordRule)", "(Rule)"), "must extend FactRule, RecordRule or CorpusRule"),
    "wrong scope": (CORPUS.replace("    def see", '    scope = "world"\n    def see'), "scope 'world'"),
    "options of another class": (GOOD.replace("    def", "    class Options: ...\n    def"), "Options must extend"),
    "options no class": (GOOD.replace("    def", "    Options = {}\n    def"), "Options must extend"),
}  # fmt: skip


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_rule_stops_with_file_and_line(tmp_path: Path, what: str) -> None:
    text, said = MALFORMED[what]
    assert text not in (GOOD, FACT, CORPUS)
    with pytest.raises(loader.MalformedRule) as caught:
        loader.rule_of(module(tmp_path, text))
    assert str(caught.value).startswith(f"{tmp_path / 'tst001_odd.py'}:{LINE}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(("text", "count"), [("", 0), (GOOD + "\n\n" + GOOD.replace("class Odd", "class Even"), 2)])
def test_a_module_holds_one_rule(tmp_path: Path, text: str, count: int) -> None:
    with pytest.raises(loader.MalformedRule, match=f"tst001_odd.py:1: expected one rule class, found {count}"):
        loader.rule_of(module(tmp_path, text))


def test_helpers_and_imported_rules_do_not_count(tmp_path: Path) -> None:
    text = GOOD.replace("class Odd(RecordRule)", "class _Base(RecordRule): ...\n\n\nclass Odd(_Base)")
    text += "\nfrom prepdata.rules.role.role002_unknown_role import UnknownRole\n"
    assert loader.rule_of(module(tmp_path, text)).name == "odd-row"


def package(folder: Path, files: dict[str, str]) -> None:
    """Write a package of rules: file -> text."""
    for name, text in files.items():
        path = folder / "rulebook" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(HEAD + text, encoding="utf-8")
    (folder / "rulebook" / "__init__.py").touch()


def walk(folder: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> tuple[type[Rule], ...]:
    package(folder, files)
    for name in [name for name in sys.modules if name.split(".")[0] == "rulebook"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(loader, "package", importlib.import_module("rulebook"))
    for kept in (loader._modules, loader._words, loader._load):
        kept.cache_clear()
    try:
        return loader.rules.__wrapped__()
    finally:
        for kept in (loader._modules, loader._words, loader._load):
            kept.cache_clear()


def test_walking_finds_rules_by_code_and_passes_over_helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second = GOOD.replace("TST001", "TST002").replace("odd-row", "even-row")
    files = {"tst/tst001_odd_row.py": GOOD, "tst/tst002_even_row.py": second, "tst/_helper.py": "X = 1\n",
             "other.py": "Y = 1\n"}  # fmt: skip
    assert [rule.code for rule in walk(tmp_path, files, monkeypatch)] == ["TST001", "TST002"]


@pytest.mark.parametrize("second", ["tst/tst001_other.py", "tst/tst002_odd_row.py", "tsu/tst001_odd_row.py"])
def test_a_code_or_name_used_twice_names_both_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    with pytest.raises(loader.MalformedRule, match=r"is taken by|has the name of") as caught:
        walk(tmp_path, {"tst/tst001_odd_row.py": GOOD, second: GOOD}, monkeypatch)
    for file in ("tst/tst001_odd_row.py", second):
        assert f"rulebook.{file[:-3].replace('/', '.')}" in str(caught.value)


@pytest.mark.parametrize("file", ["tst001_odd_rows.py", "tst002_odd_row.py", "odd_row.py"])
def test_a_file_is_called_by_code_and_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    with pytest.raises(loader.MalformedRule, match=f"{file}:{LINE}: the file of TST001 odd-row must be called"):
        walk(tmp_path, {f"tst/{file}": GOOD}, monkeypatch)


def test_a_rule_is_found_by_its_name_without_the_others() -> None:
    code = (
        "import sys; from prepdata.rules.loader import expand, find; find('eval-overlap'); expand('IMG')\n"
        "print(*sorted(name.split('.')[-1] for name in sys.modules if name.startswith('prepdata.rules.') and "
        "name.split('.')[-1][-1:] != '_' and '00' in name))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [name[:7] for name in run.stdout.split()] == ["img001_", "img002_", "img003_", "leak001"]


def test_a_malformed_rule_is_told_without_a_traceback(tmp_path: Path) -> None:
    package(tmp_path, {"tst/a.py": GOOD.replace('"warning"', '"fatal"')})
    code = (
        "import sys; sys.path.insert(0, '.'); sys.argv = ['prepdata', 'rule', '--all']\n"
        "import rulebook, prepdata.rules.loader as loader; loader.package = rulebook\n"
        "from prepdata.cli.main import main; main()"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 2
    assert f"a.py:{LINE}: severity 'fatal'" in run.stderr
    assert "Traceback" not in run.stderr
    assert issubclass(loader.MalformedRule, PrepdataError)


# --- names -----------------------------------------------------------------------------------------------------------


def test_every_rule_of_the_project_is_well_formed() -> None:
    found = loader.rules()
    assert len(found) > 60
    assert [rule.code for rule in found] == sorted({rule.code for rule in found})
    for rule in found:
        path = Path(sys.modules[rule.__module__].__file__ or "")
        assert path.stem == f"{rule.code.lower()}_{rule.name.replace('-', '_')}"
        assert rule.code.lower().startswith(path.parent.name)


def test_promised_codes_names_and_kinds_of_fix_stay() -> None:
    """`rules/catalogue.tsv` holds what was promised from outside; a rule may be added without standing there."""
    text = (Path(__file__).parent / "rules" / "catalogue.tsv").read_text(encoding="utf-8")
    promised = [tuple(line.split("\t")) for line in text.splitlines()]
    assert len(promised) == len({code for code, _, _ in promised}) > 80
    assert {(rule.code, rule.name, str(rule.fix)) for rule in loader.rules()} >= set(promised)
    assert all(loader.find(code) is loader.find(name) for code, name, _ in promised)


@pytest.mark.parametrize("word", ["unknown-role", "ROLE002", "role002", "Unknown-Role"])
def test_names_and_codes_in_any_case(word: str) -> None:
    assert loader.find(word).code == "ROLE002"
    assert loader.expand(word) == (loader.find(word),)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("unknown-rol", "Did you mean 'unknown-role'?"),
        ("unkown_role", "Did you mean 'unknown-role'?"),
        ("ROLE02", "Did you mean 'ROLE002'?"),
        ("zzz", "`prepdata rule --all` lists them"),
        ("", "unknown rule ''"),
    ],
)
def test_an_unknown_name_gets_the_nearest(word: str, said: str) -> None:
    for function in (loader.find, loader.expand):
        if word.startswith("ROLE0") and function is loader.expand:
            continue
        with pytest.raises(UsageError) as caught:
            function(word)
        assert said in str(caught.value)


@pytest.mark.parametrize(
    ("word", "code"), [("TEXT", "TEXT003"), ("text", "TEXT003"), ("TOOL00", "TOOL009"), ("F", "FMT001")]
)
def test_beginnings_of_codes(word: str, code: str) -> None:
    found = loader.expand(word)
    assert code in {rule.code for rule in found}
    assert all(rule.code.startswith(word.upper()) for rule in found)


@pytest.mark.parametrize("word", ["ALL", "all", "All"])
def test_all_means_all(word: str) -> None:
    assert loader.expand(word) == loader.rules()


def test_families() -> None:
    assert {"FMT", "ROLE", "TEXT", "TOOL", "DUP", "COV", "PRIV", "PROV", "IMG"} <= set(loader.families())
    assert all(family.isalpha() for family in loader.families())


def test_options_are_checked() -> None:
    rule = loader.find("too-few-examples")
    assert loader.build(rule, {"least": 7}, Context()).options.least == 7
    with pytest.raises(ConfigError, match=r"rules.too-few-examples: unknown option 'leest'. Did you mean 'least'"):
        loader.build(rule, {"leest": 7}, Context())
    with pytest.raises(ConfigError, match=r"rules.too-few-examples.least: expected a whole number, found 'seven'"):
        loader.build(rule, {"least": "seven"}, Context())
    with pytest.raises(ConfigError, match="severity"):
        loader.build(rule, {"severity": "fatal"}, Context())


def test_rule_all_lists_every_rule_in_both_formats() -> None:
    def run(*more: str) -> str:
        command = [sys.executable, "-m", "prepdata", "rule", "--all", *more]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    lines = run().splitlines()
    assert [line.split()[:2] for line in lines] == [[rule.code, rule.name] for rule in loader.rules()]
    assert [line.endswith("(off by default)") for line in lines] == [not rule.default for rule in loader.rules()]
    listed = json.loads(run("-f", "json"))
    assert [(r["code"], r["name"], r["severity"], r["fix"], r["default"]) for r in listed] == [
        (rule.code, rule.name, rule.severity, rule.fix, rule.default) for rule in loader.rules()
    ]
    assert all(r["summary"] and r["why"] and r["bad"] and r["good"] and r["source"] for r in listed)
    assert all(r["cure"] and {"severity", "max"} <= set(r["options"]) for r in listed)


# --- crashes ---------------------------------------------------------------------------------------------------------


class CrashRecord(RecordRule):
    code, name, severity = "TST001", "crash-record", "warning"

    def check(self, record: Record) -> Iterator[Hit]:
        yield Hit("before")
        if "Peru" in record.messages[0].text:
            raise KeyError("secret text of the row")


class CrashFact(FactRule):
    code, name, severity = "TST002", "crash-fact", "info"
    facts = ("blank-line",)

    def explain(self, fact: Fact) -> Iterator[Hit]:
        raise ZeroDivisionError("division by zero")


class CrashSee(CorpusRule):
    code, name, severity = "TST003", "crash-see", "warning"

    def see(self, chunk: Chunk) -> Any:
        raise TypeError("no")

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        yield None, Hit(f"{len(parts.parts)} parts")


class CrashFinish(CorpusRule):
    code, name, severity = "TST004", "crash-finish", "warning"

    def see(self, chunk: Chunk) -> Any:
        return 1

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        yield 0, Hit("before")
        raise RuntimeError("no")


class WrongRow(CorpusRule):
    code, name, severity = "TST005", "wrong-row", "warning"

    def see(self, chunk: Chunk) -> Any:
        return 1

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        yield parts.rows + 7, Hit("nowhere")


class WrongRelated(CrashFinish):
    code, name = "TST006", "wrong-related"

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        yield 0, Hit("elsewhere", related=(parts.rows + 7,))


class Fine(RecordRule):
    code, name, severity = "TST007", "fine", "info"

    def check(self, record: Record) -> Iterator[Hit]:
        yield Hit("seen")


RULES = (CrashRecord, CrashFact, CrashSee, CrashFinish, WrongRow, WrongRelated, Fine)


@pytest.fixture
def inject(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A function that makes some classes the only rules."""

    def put(*classes: type[Rule]) -> None:
        import prepdata.select

        known = {word: rule for rule in classes for word in (rule.code.lower(), rule.name)}
        monkeypatch.setattr(loader, "rules", lambda: classes)
        monkeypatch.setattr(prepdata.select, "rules", lambda: classes)
        monkeypatch.setattr(loader, "_words", lambda: {word: word for word in known})
        monkeypatch.setattr(loader, "_modules", lambda: {rule.code.lower(): "" for rule in classes})
        monkeypatch.setattr(loader, "_load", known.__getitem__)

    yield put
    monkeypatch.undo()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    row = '{"messages": [{"role": "user", "content": "%s"}, {"role": "assistant", "content": "Yes."}]}\n'
    path = tmp_path / "data.jsonl"
    path.write_text(row % "Chile?" + "\n" + row % "Peru?" + row % "Bolivia?", encoding="utf-8")
    return path


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("rule", "line"),
    [(CrashRecord, 3), (CrashFact, 2), (CrashSee, None), (CrashFinish, None), (WrongRow, None), (WrongRelated, None)],
)
def test_a_crash_is_a_finding_that_names_the_rule(
    inject: Any, data: Path, rule: type[Rule], line: int | None, jobs: int
) -> None:
    inject(rule, Fine)
    report = prepdata.validate(data, tokens=False, jobs=jobs, cache=False)
    crashes = [f for f in report if f.name == "rule-crash"]
    assert [(f.code, f.severity, f.line, f.file) for f in crashes] == [("RUN001", "error", line, str(data))]
    assert f"rule '{rule.name}' failed with " in crashes[0].message
    assert f"--ignore {rule.name}" in crashes[0].message
    assert "secret" not in crashes[0].message
    assert sum(1 for f in report if f.name == "fine") == 3
    assert report.exit_code == 2
    assert report.summary()["errors"] == 1


def test_ignoring_the_crashing_rule_lets_the_run_pass(inject: Any, data: Path) -> None:
    inject(CrashRecord, CrashFinish, Fine)
    report = prepdata.validate(data, tokens=False, ignore=["crash-record", "TST004"])
    assert [f.name for f in report] == ["fine"] * 3
    assert report.exit_code == 0


def test_other_findings_of_a_crashing_rule_are_kept(inject: Any, data: Path) -> None:
    inject(CrashRecord)
    report = prepdata.validate(data, tokens=False)
    assert [(f.name, f.line) for f in report] == [
        ("crash-record", 1),
        ("rule-crash", 3),
        ("crash-record", 3),
        ("crash-record", 4),
    ]


@pytest.mark.parametrize("fail_on", ["error", "warning", "info", "never"])
def test_a_crash_decides_the_exit_code_whatever_else_is_said(inject: Any, data: Path, fail_on: str) -> None:
    inject(CrashSee, Fine)
    rules = {"crash-see": {"severity": "info", "max": "100%"}}
    report = prepdata.validate(data, tokens=False, fail_on=fail_on, rules=rules)
    assert report.exit_code == 2
    assert [f.severity for f in report if f.name == "rule-crash"] == ["error"]


def test_crashes_of_two_rules_on_one_row_have_their_own_fingerprints(inject: Any, data: Path) -> None:
    class Second(CrashRecord):
        code, name = "TST009", "crash-again"

    inject(CrashRecord, Second)
    crashes = [f for f in prepdata.validate(data, tokens=False) if f.name == "rule-crash"]
    assert len({f.fingerprint for f in crashes}) == len(crashes) == 2


def test_the_words_of_a_crash() -> None:
    hit = crash_hit("some-rule", ValueError("row text"))
    assert hit.severity == "error"
    assert hit.message.startswith("rule 'some-rule' failed with ValueError; its result is incomplete.")
    assert "row text" not in hit.message
