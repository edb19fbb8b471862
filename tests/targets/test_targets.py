"""Every target file: it loads, every value has a source and a date, and its limits are the ones written down here."""

from __future__ import annotations

import datetime
import re
import tomllib
from importlib import resources

import msgspec
import pytest

from prepdata import targets
from prepdata.errors import UsageError
from prepdata.targets.model import Target, Value

TODAY = datetime.date(2026, 11, 29)

FORMATS = {
    "openai", "trl-prompt-completion", "trl-preference", "trl-kto", "openai-dpo", "sharegpt", "alpaca",
    "prompt-completion", "gemini", "bedrock", "llamafactory-v1", "text",
}  # fmt: skip

LIMITS: dict[str, dict[str, int]] = {
    "openai": {
        "min_rows": 10, "recommended_rows": 50, "max_file_bytes": 512 * 1024**2, "max_row_tokens": 65_536,
        "max_rows_with_images": 50_000, "max_images_per_row": 10, "max_image_bytes": 10 * 1024**2, "max_tools": 128,
    },
    "azure-openai": {
        "min_rows": 10, "max_file_bytes": 512 * 1024**2 - 1, "max_row_tokens": 65_536,
        "max_rows_with_images": 50_000, "max_images_per_row": 64, "max_image_bytes": 10 * 1024**2,
    },
    "together": {
        "min_rows": 1, "max_file_bytes": 100 * 10**9, "max_images_per_row": 10, "max_image_bytes": 10 * 1024**2,
    },
    "fireworks": {"min_rows": 3, "max_rows": 3_000_000},
    "mistral": {"min_rows": 10, "max_rows": 10_000_000, "min_file_bytes": 1000, "max_file_bytes": 10 * 10**9},
    "vertex-gemini": {
        "max_rows": 1_000_000, "max_file_bytes": 1024**3, "max_row_tokens": 131_072,
        "max_images_per_row": 30, "max_image_bytes": 20 * 1024**2,
    },
    "bedrock-haiku": {
        "min_rows": 32, "max_rows": 10_000, "max_file_bytes": 10 * 1024**3, "max_row_tokens": 32_000,
    },
    "bedrock-nova": {
        "min_rows": 8, "recommended_rows": 100, "max_rows": 20_000, "max_images_per_row": 10,
        "max_image_bytes": 10 * 1024**2, "min_image_side": 25, "max_videos_per_row": 1,
        "max_video_bytes": 50 * 1024**2,
    },
    "bedrock-llama": {"max_rows": 10_000, "max_file_bytes": 1024**3},
    "trl": {"default_row_tokens": 1024},
    "axolotl": {"default_row_tokens": 512},
    "llama-factory": {"default_row_tokens": 2048},
    "unsloth": {"default_row_tokens": 2048},
}  # fmt: skip


def values(target: Target) -> dict[str, Value]:
    """Every value of a target by its place."""
    found = {}
    for group in ("limits", "accepts"):
        section = getattr(target, group)
        for field in section.__struct_fields__:
            if (value := getattr(section, field)) is not None:
                found[f"{group}.{field}"] = value
    return found


def allowed(target: Target, limit: str, number: int) -> bool:
    """What a limit says of a number, by its name: a least, a most, or advice."""
    value = getattr(target.limits, limit).value
    return number >= value if limit.startswith(("min_", "recommended_")) else number <= value


def test_the_targets_of_the_project_are_all_there():
    assert set(targets.names()) == set(LIMITS)


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_limits_are_those_written_down_and_hold_on_both_sides(name):
    target = targets.load(name)
    found = {p.removeprefix("limits."): v.value for p, v in values(target).items() if p.startswith("limits.")}
    assert found == LIMITS[name]
    for limit, number in LIMITS[name].items():
        inside, outside = (number, number - 1) if limit.startswith(("min_", "reco")) else (number, number + 1)
        assert allowed(target, limit, inside)
        assert not allowed(target, limit, outside)


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_every_value_has_a_source_and_a_date(name):
    target = targets.load(name)
    assert values(target), "a target without a single value says nothing"
    for place, value in values(target).items():
        assert value.source in target.sources, f"{name}: {place} names an unknown source"
        assert datetime.date(2024, 1, 1) < value.date <= TODAY, place
    for behaviour in target.behaviours:
        assert behaviour.source in target.sources
        assert behaviour.date <= TODAY
        assert behaviour.text.endswith(".")
    used = {v.source for v in values(target).values()} | {b.source for b in target.behaviours}
    assert used == set(target.sources), "a source that nothing names"


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_every_file_says_only_what_the_model_knows(name):
    target = targets.load(name)
    assert target.name == name
    assert target.checked <= TODAY
    assert target.kind == ("trainer" if name in {"trl", "axolotl", "llama-factory", "unsloth"} else "provider")
    raw = tomllib.loads((resources.files("prepdata.targets") / f"{name}.toml").read_text("utf-8"))
    raw["limits"] = {**raw.get("limits", {}), "max_moons": {"value": 1, "source": "x", "date": TODAY}}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(raw, Target)


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_formats_and_patterns_are_usable(name):
    accepts = targets.load(name).accepts
    assert accepts.formats is not None
    assert set(accepts.formats.value) <= FORMATS
    for pattern in (accepts.call_id_pattern, accepts.function_name_pattern):
        if pattern is not None:
            re.compile(pattern.value)
    for words in (accepts.reserved_words, accepts.image_types):
        if words is not None:
            assert len(set(words.value)) == len(words.value)


def test_contradictions_between_targets_are_kept():
    openai, azure, nova = (targets.load(n) for n in ("openai", "azure", "nova"))
    assert openai.accepts.bom is None
    assert azure.accepts.bom.value == "required"
    assert openai.accepts.arguments_as.value == "string"
    assert nova.accepts.arguments_as.value == "object"
    assert openai.accepts.system.value == "message"
    assert nova.accepts.system.value == "key"
    assert openai.limits.max_images_per_row.value == 10
    assert azure.limits.max_images_per_row.value == 64
    assert openai.accepts.image_transport.value == ["url", "base64"]
    assert targets.load("together").accepts.image_transport.value == ["base64"]


def test_reserved_words():
    assert "User:" in targets.load("bedrock-nova").accepts.reserved_words.value
    assert "[EOS]" in targets.load("bedrock-nova").accepts.reserved_words.value
    assert targets.load("haiku").accepts.reserved_words.value == ["\nHuman:", "\nAssistant:"]


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [("call_id_pattern", "a1B2c3D4e", "call_123"), ("function_name_pattern", "get_weather-2", "get weather")],
)
def test_mistral_patterns(pattern, good, bad):
    compiled = re.compile(getattr(targets.load("mistral").accepts, pattern).value)
    assert compiled.match(good)
    assert not compiled.match(bad)


@pytest.mark.parametrize(("word", "name"), sorted(targets.ALIASES.items()))
def test_other_words(word, name):
    assert targets.load(word).name == name
    assert targets.load(word.upper()).name == name


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'openai'"):
        targets.load("opnai")
    with pytest.raises(UsageError, match="Targets: axolotl, azure-openai"):
        targets.load("zzz")


def test_a_path_is_no_name():
    with pytest.raises(UsageError):
        targets.load("../targets/openai")


def test_loading_is_cached():
    assert targets.load("openai") is targets.load("openai")


@pytest.mark.parametrize(("day", "old"), [("2027-02-18", False), ("2027-02-19", True)])
def test_a_target_is_old_after_ninety_days(day, old):
    assert targets.load("openai").checked == datetime.date(2026, 11, 20)
    assert targets.stale(targets.load("openai"), datetime.date.fromisoformat(day)) is old


def test_old_values_are_named():
    old = dict(targets.stale_values(targets.load("azure-openai"), TODAY))
    assert old["accepts.bom"] == datetime.date(2025, 2, 27)
    assert "limits.min_rows" not in dict(targets.stale_values(targets.load("openai"), TODAY))
    assert targets.stale_values(targets.load("trl"), TODAY) == []
