"""Flags that several commands share, and how flags become settings."""

from __future__ import annotations

from collections.abc import Callable, Container
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from prepdata.errors import UsageError
from prepdata.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

_MANY = {"multiple": True, "metavar": "NAME"}
COLOR: dict[str, Any] = {
    "type": click.Choice(["auto", "always", "never"]),
    "metavar": "WHEN",
    "default": "auto",
    "help": "auto (default: on a terminal), always, never.",
}
"""The flag `--color`."""
SECTIONS = {
    "targets": "What is trained, and tokens",
    "rules": "Rules",
    "input": "Input and speed",
    "lock": "Lock",
    "config": "Configuration",
}
FLAGS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "input": [
        ("--format", {"metavar": "NAME", "help": "Record format; found by itself if not given."}),
        (
            "--max-line-bytes",
            {
                "type": click.IntRange(min=100),
                "metavar": "N",
                "help": "Longest line that is read, in bytes (default 64 MiB).",
            },
        ),
        (
            "--jobs",
            {"type": click.IntRange(min=0), "metavar": "N", "help": "Worker processes (default: one per core)."},
        ),
        ("--no-cache", {"is_flag": True, "help": "Neither read nor write the cache."}),
        ("--cache-dir", {"type": click.Path(), "help": "Folder of the cache."}),
    ],
    "targets": [
        ("--target", {**_MANY, "help": "Provider or trainer whose rules apply, e.g. openai, trl; may repeat."}),
        ("--model", {"metavar": "NAME", "help": "Model to be fine-tuned: chooses encoding and prices."}),
        ("--encoding", {"metavar": "NAME", "help": "tiktoken encoding, e.g. o200k_base."}),
        (
            "--tokenizer",
            {
                "type": click.Path(),
                "help": "Tokenizer folder, tokenizer.json, tiktoken encoding or model of the Hub (org/name@revision): "
                "counts with it, renders with its chat template.",
            },
        ),
        ("--no-tokens", {"is_flag": True, "help": "Do not count tokens."}),
        ("--epochs", {"type": float, "metavar": "N", "help": "Epochs for the cost estimate."}),
        (
            "--context-length",
            {
                "type": click.IntRange(min=1),
                "metavar": "N",
                "help": "Tokens a row may have (default: the targets' own).",
            },
        ),
        ("--chat-template", {"type": click.Path(), "help": "Chat template to train with (default: the tokenizer's)."}),
        (
            "--max-length",
            {
                "type": click.IntRange(min=0),
                "metavar": "N",
                "help": "Tokens at which the trainer cuts rows; 0: never.",
            },
        ),
        (
            "--loss",
            {
                "type": click.Choice(["assistant", "completion", "all"]),
                "metavar": "TOKENS",
                "help": "Tokens that are trained: assistant, completion, all (default: the trainer's own).",
            },
        ),
        (
            "--overflow",
            {
                "type": click.Choice(["keep-start", "keep-end", "drop", "error"]),
                "metavar": "HOW",
                "help": "What the trainer does to longer rows: keep-start, keep-end, drop, error.",
            },
        ),
        (
            "--packing",
            {
                "type": click.Choice(["bfd", "bfd_split", "wrapped"]),
                "metavar": "HOW",
                "help": "How the trainer packs rows: bfd, bfd_split, wrapped.",
            },
        ),
        ("--offline", {"is_flag": True, "help": "Download nothing."}),
    ],
    "rules": [
        ("--select", {**_MANY, "help": "Rules to run: names, codes, beginnings of codes, ALL; commas allowed."}),
        ("--extend-select", {**_MANY, "help": "Rules to run besides the default ones."}),
        ("--ignore", {**_MANY, "help": "Rules not to run: names, codes or beginnings of codes."}),
        (
            "--fail-on",
            {
                "type": click.Choice(["error", "warning", "info", "never"]),
                "metavar": "SEVERITY",
                "help": "Least severity that makes the exit code 1: error (default), warning, info, never.",
            },
        ),
        ("--eval", {"multiple": True, "metavar": "FILE", "help": "Evaluation file that no row may hold; may repeat."}),
        (
            "--index",
            {
                "multiple": True,
                "metavar": "NAME",
                "help": "Index of benchmarks that no row may hold (`prepdata index`).",
            },
        ),
        (
            "--waivers",
            {"type": click.Path(), "help": "File of accepted findings (default: prepdata-waivers.json, if there)."},
        ),
    ],
    "lock": [
        (
            "--lock",
            {"type": click.Path(), "help": "Lock file of data and tokenizer (default: prepdata.lock, if there)."},
        ),
    ],
    "config": [
        (
            "--config",
            {
                "type": click.Path(exists=True, dir_okay=False),
                "help": "Configuration file to use (default: the nearest prepdata.toml or pyproject.toml).",
            },
        ),
        ("--isolated", {"is_flag": True, "help": "Use no configuration file."}),
    ],
}
_LISTS = {"target": "targets", "select": "select", "extend_select": "extend_select", "ignore": "ignore"}


class Whole(click.IntRange):
    """A whole number as people write it, between limits: 10000, 10,000, 200k."""

    name = "whole number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; what is none is an error that says what to give."""
        from prepdata.advice.typed import number, shown

        found = number(value) if isinstance(value, str) else value
        if found is None:
            self.fail(f"'{shown(value)}': give a whole number, such as 10000, 10,000 or 200k", param, ctx)
        return super().convert(found, param, ctx)


class Flag(click.Option):
    """A flag that knows its section of the help text."""

    def __init__(self, *args: Any, section: str = "Options", **details: Any) -> None:
        super().__init__(*args, **details)
        self.section = section

    def get_help_extra(self, ctx: click.Context) -> Any:
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra


class Command(click.Command):
    """A command whose help text lists the flags by section, in the order in which they are declared, and which takes
    no empty text where it would mean something else than its absence."""

    def invoke(self, ctx: click.Context) -> Any:
        for given in self.params:
            value = ctx.params.get(given.name or "")
            if (value == "" and given.default != "") or (isinstance(value, tuple) and "" in value):
                name = given.human_readable_name if isinstance(given, click.Argument) else given.opts[0]
                raise click.UsageError(f"{name.rstrip('.')}: the text given is empty; is a variable not set?", ctx)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for flag in self.get_params(ctx):
            record = flag.get_help_record(ctx) if isinstance(flag, click.Option) else None
            if record is not None:
                sections.setdefault(getattr(flag, "section", "Options"), []).append(record)
        for title, rows in sorted(sections.items(), key=lambda item: item[0] != "Options"):
            with formatter.section(title):
                formatter.write_dl(rows, col_max=28)


def settings_flags(*groups: str, only: Container[str] | None = None) -> Callable[[F], F]:
    """Add groups of flags to a command: "input", "targets", "rules", "lock", "config".

    Args:
        groups: names of groups.
        only: names of the settings (`max_length`) whose flags are wanted; None for all.
    """

    def add(function: F) -> F:
        for group in reversed(groups):
            for flag, details in reversed(FLAGS[group]):
                if only is not None and flag.lstrip("-").replace("-", "_") not in only:
                    continue
                given = details if details.get("multiple") else {"default": None, **details}
                function = click.option(flag, cls=Flag, section=SECTIONS[group], **given)(function)
        return function

    return add


def settings_from(flags: dict[str, Any]) -> tuple[Settings, Path | None]:
    """Return (settings, configuration file) from a command's flags; removes them from `flags`.

    Raises:
        ConfigError: a flag, variable or configuration file says something impossible.
    """
    from prepdata.config import load_settings

    config, isolated = flags.pop("config", None), bool(flags.pop("isolated", None))
    unlocked = bool(flags.pop("unlocked", None))
    if unlocked and flags.get("lock"):
        raise UsageError("--lock and --no-lock exclude each other")
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
        elif name in ("eval", "index"):
            given[name] = list(value)
        elif name in _LISTS:
            given[_LISTS[name]] = [piece.strip() for item in value for piece in item.split(",") if piece.strip()]
        elif value is not False:
            given[name] = value
    settings, used = load_settings(given, config=Path(config) if config else None, isolated=isolated)
    if settings.waivers is None and not isolated and waivers_path(used).is_file():
        settings = msgspec.structs.replace(settings, waivers=str(waivers_path(used)))
    if unlocked or settings.lock == "":
        settings = msgspec.structs.replace(settings, lock=None)
    elif settings.lock is None and not isolated and lock_path(used).is_file():
        settings = msgspec.structs.replace(settings, lock=str(lock_path(used)))
    return settings, used


def waivers_path(config: Path | None) -> Path:
    """Return where the waivers file is looked for and written: beside the configuration file, or here."""
    return (config.parent if config else Path()) / "prepdata-waivers.json"


def lock_path(config: Path | None) -> Path:
    """Return where the lock file is looked for and written: beside the configuration file, or here."""
    return (config.parent if config else Path()) / "prepdata.lock"
