"""Configuration: who wins, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import prepdata
from prepdata.config import environment, find_config, load_settings, read_settings
from prepdata.errors import ConfigError, UsageError
from prepdata.settings import Settings


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    (tmp_path / "prepdata.toml").write_text('fail-on = "warning"\njobs = 3\nmodel = "a"\n')
    variables = {"PREPDATA_JOBS": "4", "PREPDATA_MODEL": "b", "OTHER": "x"}
    settings, path = load_settings({"model": "c"}, variables=variables, start=tmp_path)
    assert (settings.fail_on, settings.jobs, settings.model) == ("warning", 4, "c")
    assert path == tmp_path / "prepdata.toml"
    assert load_settings({}, isolated=True, variables={}, start=tmp_path) == (Settings(), None)


def test_nearest_file_wins_and_foreign_pyproject_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.prepdata]\njobs = 2\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert find_config(inner) == tmp_path / "pyproject.toml"
    (inner / "prepdata.toml").write_text("jobs = 1\n")
    assert find_config(inner) == inner / "prepdata.toml"


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "prepdata.toml"
    path.write_text('fail_onn = "error"\njobs = "many"\nselect = ["TEXT", "control-tokn"]\n[rules.bogus]\nx = 1\n')
    with pytest.raises(ConfigError) as caught:
        load_settings({}, variables={}, start=tmp_path)
    text = str(caught.value)
    assert "fail_onn" in text and "'fail_on'" in text
    assert "jobs: expected a whole number, found 'many'" in text
    assert "control-tokn" in text and "control-token" in text
    assert "bogus" in text
    assert all(line.startswith(str(path)) for line in text.split("\n"))


def test_broken_toml_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "prepdata.toml").write_text("jobs = \n")
    with pytest.raises(ConfigError, match=r"prepdata\.toml.*TOML"):
        load_settings({}, variables={}, start=tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PREPDATA_SELECT", "TEXT, TOOL", {"select": ["TEXT", "TOOL"]}),
        ("PREPDATA_TOKENS", "false", {"tokens": False}),
        ("PREPDATA_OFFLINE", "1", {"offline": True}),
        ("PREPDATA_EPOCHS", "2.5", {"epochs": 2.5}),
        ("PREPDATA_OUTPUT_FORMAT", "json", {}),
    ],
)
def test_environment(name: str, value: str, expected: dict[str, object]) -> None:
    assert environment({name: value}) == expected


def test_unknown_environment_variable_is_an_error() -> None:
    with pytest.raises(ConfigError, match="PREPDATA_FAILON"):
        environment({"PREPDATA_FAILON": "error"})


@pytest.mark.parametrize(
    "changes",
    [{"nonsense": 1}, {"jobs": "x"}, {"select": ["no-such-rule"]}, {"rules": {"control-token": {"nope": 1}}}],
)
def test_library_refuses_the_same(changes: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("{}\n")
    with pytest.raises(UsageError):
        prepdata.validate(path, **changes)


def test_a_single_text_is_a_list_of_one() -> None:
    assert read_settings({"targets": "openai"}, origin="").targets == ("openai",)


def test_settings_survive_a_round_trip() -> None:
    settings = read_settings({"select": ["TEXT"], "rules": {"edge-whitespace": {"max": "2%"}}}, origin="")
    assert msgspec.json.decode(msgspec.json.encode(settings), type=Settings) == settings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"epochs": 0}, "epochs: expected 0.01 or more, found 0"),
        ({"epochs": -1}, "epochs: expected 0.01 or more, found -1"),
        ({"epochs": 10_001}, "epochs: expected at most 10,000, found 10001"),
        ({"context_length": 0}, "context_length: expected 1 or more, found 0"),
        ({"jobs": -1}, "jobs: expected 0 or more, found -1"),
        ({"max_line_bytes": 99}, "max_line_bytes: expected 100 or more, found 99"),
        ({"model": ""}, "model: an empty text; leave it out"),
        ({"waivers": ""}, "waivers: an empty text; leave it out"),
        ({"rules": {"too-few-examples": {"least": -1}}}, "rules.too-few-examples.least: expected a whole number >= 0"),
        ({"rules": {"length-outlier": {"times": 0.5}}}, "rules.length-outlier.times: expected a number >= 1.0, found"),
        ({"rules": {"length-outlier": {"deviations": 0}}}, "rules.length-outlier.deviations: expected a number > 0.0"),
        ({"rules": {"repeated-answer": {"min_share": 1.1}}}, "min_share: expected a number <= 1.0, found 1.1"),
        ({"rules": {"secret": {"allow": [1]}}}, "rules.secret.allow[0]: expected a text"),
    ],
)
def test_numbers_out_of_range_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(given, origin="")
    assert said in str(caught.value)


@pytest.mark.parametrize("given", [{"epochs": 0.5}, {"epochs": 10_000}, {"jobs": 0}, {"context_length": 1}])
def test_numbers_at_the_edge_are_taken(given: dict[str, object]) -> None:
    settings = read_settings(given, origin="")
    assert {name: getattr(settings, name) for name in given} == given


@pytest.mark.parametrize("number", [10**30, -(10**30), float("inf"), float("nan"), float("-inf")])
@pytest.mark.parametrize("key", ["epochs", "context_length", "jobs", "rules"])
def test_immense_numbers_are_refused(number: float, key: str) -> None:
    given = {"length-outlier": {"times": number}} if key == "rules" else number
    with pytest.raises(ConfigError, match=key):
        read_settings({key: given}, origin="")
