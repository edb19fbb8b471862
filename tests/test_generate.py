"""Generated files are up to date, and say what the code says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from prepdata import generate
from prepdata.config import read_settings
from prepdata.errors import ConfigError
from prepdata.rules.loader import rules

ROOT = Path(__file__).parents[1]
GENERATED = generate.generated()
SCHEMA: dict[str, Any] = json.loads(GENERATED["schemas/config.schema.json"])


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_files_are_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == GENERATED[name], "run python -m prepdata.generate"


def test_nothing_else_lies_among_the_schemas() -> None:
    assert {f"schemas/{path.name}" for path in (ROOT / "schemas").iterdir()} == {
        name for name in GENERATED if name.startswith("schemas/")
    }


def test_generating_is_repeatable() -> None:
    assert generate.generated() == GENERATED


def test_check_names_what_is_stale_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(generate, "generated", lambda: {"docs/a.md": "a é\n", "b.json": "b\n"})
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().out == "stale: docs/a.md\nstale: b.json\n"
    assert list(tmp_path.iterdir()) == []
    assert generate.main([]) == 0
    assert capsys.readouterr().out == "written: docs/a.md\nwritten: b.json\n"
    assert (tmp_path / "docs" / "a.md").read_text(encoding="utf-8") == "a é\n"
    assert generate.main(["--check"]) == 0
    assert generate.main([]) == 0
    assert capsys.readouterr().out == "all up to date\nall up to date\n"
    (tmp_path / "b.json").write_text("edited\n")
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().out == "stale: b.json\n"


def test_descriptions_are_not_indented() -> None:
    """So that they are the same with every version of msgspec."""
    text = generate._schema_text({"a": {"description": "One.\n\n    Two:\n        three.\n    "}, "description": 1})
    assert json.loads(text) == {"a": {"description": "One.\n\nTwo:\n    three."}, "description": 1}


# --- the rule reference ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_every_rule_has_a_row_and_a_page(rule: Any) -> None:
    text = GENERATED["docs/rules.md"]
    assert text.count(f"| {rule.code} | [{rule.name}](#{rule.code.lower()}-{rule.name}) |") == 1
    assert text.count(f"\n## {rule.code} {rule.name}\n") == 1
    page = text.split(f"\n## {rule.code} {rule.name}\n")[1].split("\n## ")[0]
    assert f"Severity {rule.severity};" in page
    assert ("on by default" if rule.default else "off by default") in page
    for heading in ("Why.", "Bad", "Good", "Fix.", "Source."):
        assert f"**{heading}**" in page
    for name in rule.Options.__struct_fields__:
        assert (f"| `{name}` | `" in page) == (name not in ("severity", "max"))


def test_no_cell_of_the_table_breaks_it() -> None:
    table = [line for line in GENERATED["docs/rules.md"].splitlines() if line.startswith("| ") and "](#" in line]
    assert len(table) == len(rules())
    assert all(line.replace("\\|", "").count("|") == 7 for line in table)


# --- the schema of the configuration ---------------------------------------------------------------------------------


def accepted(settings: dict[str, Any]) -> tuple[bool, bool]:
    """Return what schema and program say of some settings."""
    try:
        read_settings(settings, origin="")
        program = True
    except ConfigError:
        program = False
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(settings), program


CONFIGURATIONS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"fail-on": "warning", "targets": ["openai"], "jobs": 2, "tokens": False}, True),
    ({"rules": {"too-few-examples": {"least": 7, "severity": "info", "max": "2%"}}}, True),
    ({"per-file-ignores": {"tests/*": ["FMT", "unknown-role"]}}, True),
    ({"columns": {"prompt": "question"}, "marks": {"id": "uid"}}, True),
    ({"model": None, "epochs": 3, "context-length": 4096}, True),
    ({"fail-onn": "warning"}, False),
    ({"fail-on": "fatal"}, False),
    ({"jobs": "two"}, False),
    ({"tokens": "no"}, False),
    ({"rules": {"too-few-example": {}}}, False),
    ({"rules": {"too-few-examples": {"leest": 7}}}, False),
    ({"rules": {"too-few-examples": {"least": "seven"}}}, False),
    ({"rules": {"too-few-examples": {"severity": "fatal"}}}, False),
    ({"columns": {"prompt": 7}}, False),
]


@pytest.mark.parametrize(("settings", "good"), CONFIGURATIONS, ids=[json.dumps(c) for c, _ in CONFIGURATIONS])
def test_editors_and_the_program_agree_on_configurations(settings: dict[str, Any], good: bool) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert accepted(settings) == (good, good)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_the_options_of_every_rule_are_in_the_schema(rule: Any) -> None:
    reference = SCHEMA["properties"]["rules"]["properties"][rule.name]["$ref"]
    assert reference.startswith("#/$defs/")
    definition = SCHEMA["$defs"][reference.removeprefix("#/$defs/")]
    assert set(definition["properties"]) == set(rule.Options.__struct_fields__)
    assert definition["additionalProperties"] is False


@pytest.mark.parametrize("name", sorted(name for name in GENERATED if name.endswith(".json")))
def test_every_schema_is_one(name: str) -> None:
    schema = json.loads(GENERATED[name])
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert GENERATED[name].endswith("}\n")
