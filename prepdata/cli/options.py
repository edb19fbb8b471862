"""Flags that several commands share, and how flags become settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from prepdata.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

_MANY = {"multiple": True, "metavar": "NAME"}
FLAGS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "input": [
        ("--format", {"metavar": "NAME", "help": "Record format; found by itself if not given."}),
        ("--max-line-bytes", {"type": click.IntRange(min=1024), "help": "Longest line that is read (default 64 MiB)."}),
        ("--jobs", {"type": click.IntRange(min=0), "help": "Worker processes (default: one per core)."}),
        ("--no-cache", {"is_flag": True, "help": "Neither read nor write the cache."}),
        ("--cache-dir", {"type": click.Path(), "help": "Folder of the cache."}),
    ],
    "targets": [
        ("--target", {**_MANY, "help": "Provider or trainer whose rules apply; may repeat."}),
        ("--model", {"metavar": "NAME", "help": "Model to be fine-tuned: chooses encoding and prices."}),
        ("--encoding", {"metavar": "NAME", "help": "tiktoken encoding, e.g. o200k_base."}),
        ("--tokenizer", {"type": click.Path(), "help": "tokenizer.json or tokenizer folder to count with."}),
        ("--no-tokens", {"is_flag": True, "help": "Do not count tokens."}),
        ("--epochs", {"type": float, "help": "Epochs for the cost estimate."}),
        ("--context-length", {"type": click.IntRange(min=1), "help": "Tokens a row may have."}),
        ("--offline", {"is_flag": True, "help": "Download nothing."}),
    ],
    "rules": [
        ("--select", {**_MANY, "help": "Rules to run: names, codes, beginnings of codes, ALL; commas allowed."}),
        ("--extend-select", {**_MANY, "help": "Rules to run besides the default ones."}),
        ("--ignore", {**_MANY, "help": "Rules not to run."}),
        (
            "--fail-on",
            {"type": click.Choice(["error", "warning", "info", "never"]), "help": "Least severity to fail on."},
        ),
        ("--waivers", {"type": click.Path(), "help": "File of accepted findings."}),
    ],
    "config": [
        ("--config", {"type": click.Path(exists=True, dir_okay=False), "help": "Configuration file to use."}),
        ("--isolated", {"is_flag": True, "help": "Use no configuration file."}),
    ],
}
_LISTS = {"target": "targets", "select": "select", "extend_select": "extend_select", "ignore": "ignore"}


def settings_flags(*groups: str) -> Callable[[F], F]:
    """Add groups of flags to a command: "input", "targets", "rules", "config"."""

    def add(function: F) -> F:
        for group in reversed(groups):
            for flag, details in reversed(FLAGS[group]):
                function = (
                    click.option(flag, default=None, **details)(function)
                    if not details.get("multiple")
                    else (click.option(flag, **details)(function))
                )
        return function

    return add


def settings_from(flags: dict[str, Any]) -> tuple[Settings, Path | None]:
    """Return (settings, configuration file) from a command's flags; removes them from `flags`.

    Raises:
        ConfigError: a flag, variable or configuration file says something impossible.
    """
    from prepdata.config import load_settings

    config, isolated = flags.pop("config", None), bool(flags.pop("isolated", None))
    given: dict[str, Any] = {}
    for flag, _ in (item for group in FLAGS.values() for item in group):
        name = flag.lstrip("-").replace("-", "_")
        if name not in flags:
            continue
        value = flags.pop(name)
        if value is None or value == ():
            continue
        if name.startswith("no_"):
            if value:
                given[name[3:]] = False
        elif name in _LISTS:
            given[_LISTS[name]] = [piece.strip() for item in value for piece in item.split(",") if piece.strip()]
        elif value is not False:
            given[name] = value
    settings, used = load_settings(given, config=Path(config) if config else None, isolated=isolated)
    if settings.waivers is None and not isolated and waivers_path(used).is_file():
        settings = msgspec.structs.replace(settings, waivers=str(waivers_path(used)))
    return settings, used


def waivers_path(config: Path | None) -> Path:
    """Return where the waivers file is looked for and written: beside the configuration file, or here."""
    return (config.parent if config else Path()) / "prepdata-waivers.json"
