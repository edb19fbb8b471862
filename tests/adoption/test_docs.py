"""The guides are true: commands and flags exist, configuration loads, examples run, links lead somewhere."""

from __future__ import annotations

import io
import itertools
import re
import shlex
import tomllib
from contextlib import redirect_stdout
from pathlib import Path

import click
import pytest

from benchmarks.docs import GUIDES, ROOT, RUN, refreshed
from prepdata.cli.main import COMMANDS, cli
from prepdata.config import read_settings
from prepdata.reporters import MODULES
from trainers.config import make_config
from trainers.gate import read_gate
from trainers.submit.settings import make_settings

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(language: str) -> list[tuple[str, str]]:
    return [
        (guide.name, body)
        for guide in GUIDES
        for kind, body in BLOCK.findall(guide.read_text(encoding="utf-8"))
        if kind == language
    ]


def commands() -> list[tuple[str, str]]:
    """Every line that runs prepdata: in console and CI blocks and in indented commands."""
    found = []
    for guide in GUIDES:
        for line in guide.read_text(encoding="utf-8").split("\n"):
            match = re.match(r"(?:\$ |\s*- run: |  +- |    (?:.*&& )?(?:\.venv/bin/)?)(prepdata [a-z].*)", line)
            if match:
                found.append((guide.name, match[1]))
    return found


@pytest.mark.parametrize(("guide", "command"), commands())
def test_commands_and_flags_exist(guide: str, command: str) -> None:
    words = shlex.split(re.split(r" (?:>|\||&&) ", command)[0])[1:]
    assert words[0] in COMMANDS, command
    known = cli.get_command(click.Context(cli), words[0])
    assert known is not None
    below = known.commands.get(words[1]) if isinstance(known, click.Group) and len(words) > 1 else None
    options = [p for p in (below or known).params if isinstance(p, click.Option)]
    flags = {name for option in options for name in (*option.opts, *option.secondary_opts)} | {"--help"}
    for word in words[1:]:
        if word.startswith("-") and word != "-":
            assert word.split("=")[0] in flags, f"{guide}: {word} of {command}"
    for flag, value in itertools.pairwise(words):
        if flag in ("-f", "--output-format") and words[0] == "validate":
            assert value in MODULES


def test_flags_named_in_the_text_exist() -> None:
    known = {"--hook-stage", "--all-files", "--check", "--framework", "--logdir", "--backend-store-uri"}
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        below = command.commands.values() if isinstance(command, click.Group) else ()
        known |= {
            opt for each in (command, *below) for param in each.params for opt in (*param.opts, *param.secondary_opts)
        }
    for guide in GUIDES:
        text = guide.read_text(encoding="utf-8")
        for span in re.findall(r"`([^`\n]+)`", text):
            for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", span):
                assert flag in known or "benchmarks" in span or guide.name == "ARCHITECTURE.md", f"{guide.name}: {flag}"


@pytest.mark.parametrize(("guide", "body"), blocks("toml"))
def test_configuration_loads(guide: str, body: str, tmp_path: Path) -> None:
    values = tomllib.loads(body)
    values = values.get("tool", {}).get("prepdata", values)
    if "train" in values:
        assert make_config(values, guide) is not None
        return
    if "gate" in values:
        file = tmp_path / "gate.toml"
        file.write_text(body)
        assert read_gate(file, {}) is not None
        return
    if "submit" in values:
        assert make_settings(values["submit"], {}, guide) is not None
        return
    assert read_settings(values, origin=guide) is not None


@pytest.mark.parametrize(("guide", "body"), blocks("yaml"))
def test_yaml_is_yaml(guide: str, body: str) -> None:
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(body)


@pytest.mark.parametrize(("guide", "body"), blocks("python"))
def test_python_examples_run(guide: str, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    said = io.StringIO()
    with redirect_stdout(said):
        exec(compile(body, guide, "exec"), {"__name__": "example"})
    assert said.getvalue()


@pytest.mark.parametrize(
    "guide", [g for g in GUIDES if RUN.search(g.read_text(encoding="utf-8"))], ids=lambda g: g.name
)
def test_outputs_are_what_is_printed(guide: Path) -> None:
    from prepdata.tokens.vocab import survey

    if not any(place.vocabulary == "o200k_base" and place.state == "good" for place in survey()):
        pytest.skip("exact counts need the extra offline")
    text = guide.read_text(encoding="utf-8")
    assert refreshed(text) == text, "run: python -m benchmarks.docs"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda g: g.name)
def test_links_lead_somewhere(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert "://" in target or (guide.parent / target).exists(), f"{guide.name}: {target}"


def test_every_setting_and_rule_family_is_documented() -> None:
    import msgspec

    from prepdata.rules.loader import rules
    from prepdata.settings import Settings

    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for field in msgspec.structs.fields(Settings):
        assert f"`{field.name}`" in text, field.name
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    counts: dict[str, int] = {}
    for rule in rules():
        family = re.sub(r"\d+$", "", rule.code)
        counts[family] = counts.get(family, 0) + 1
    for family, number in counts.items():
        assert re.search(rf"\| `{family}` \| {number} \|", readme), f"README: {family} has {number} rules"


def test_every_output_format_and_record_format_is_documented() -> None:
    from prepdata.formats import names

    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in MODULES)
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in names())
