"""`prepdata advise`: prompt, retrieval, fine-tuning or both? An interview, and what the data itself says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prepdata.advice.answers import QUESTIONS, Answers, checked, merged, read_answers
from prepdata.advice.typed import NUMBER, number, shown, value_of
from prepdata.cli.options import Command, Flag, settings_flags, settings_from
from prepdata.errors import EXIT_CLEAN, EXIT_FINDINGS, ConfigError, UsageError

if TYPE_CHECKING:
    from prepdata.advice.facts import Measured
    from prepdata.settings import Settings

_SECTION = "Answers"
_DATA_FLAGS = ("model", "encoding", "tokenizer", "offline", "format", "max_line_bytes", "jobs", "no_cache", "cache_dir")


def _number(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return a whole number as people write it."""
    found = None if value is None else number(value)
    if value is not None and found is None:
        raise click.BadParameter(f"'{shown(value)}': give {NUMBER}.", ctx, param)
    return found


def _flags() -> list[click.Option]:
    """Return a flag for each question."""
    made: list[click.Option] = []
    for name, question in QUESTIONS.items():
        flag = "--" + name.replace("_", "-")
        details: dict[str, Any] = {"default": None, "section": _SECTION, "help": question.help}
        if question.kind == "yes":
            made.append(Flag([f"{flag}/--no-{flag[2:]}"], is_flag=True, **details))
        elif question.kind == "number":
            made.append(Flag([flag], callback=_number, metavar="N", **details))
        elif question.kind == "choices":
            made.append(Flag([flag], multiple=True, metavar="WHAT", section=_SECTION, help=question.help))
        else:
            made.append(Flag([flag], type=click.Choice(question.choices), metavar="WHAT", **details))
    return made


@click.command("advise", cls=Command, short_help="Prompt, retrieval, fine-tuning or both?")
@click.argument("train", metavar="[TRAIN]", required=False, type=click.Path())
@click.option("--answers", "file", type=click.Path(dir_okay=False), metavar="FILE", help="TOML file with answers.")
@click.option("--no-questions", is_flag=True, help="Ask nothing, even on a terminal.")
@click.option("--json", "as_json", is_flag=True, help="JSON (schemas/advice.schema.json); asks nothing.")
@settings_flags("targets", "input", "config", only={*_DATA_FLAGS, "config", "isolated"})
def command(train: str | None, file: str | None, no_questions: bool, as_json: bool, **flags: Any) -> int:
    """Say whether better prompts, long context, retrieval, fine-tuning or both fit your case, and why.

    Answers come from a TOML file, from flags (which count more), and from questions on a terminal; only what the
    verdict hangs on is asked. TRAIN is measured. Exit codes: 0 a verdict, 1 none yet (answers are missing or exclude
    each other, and are named), 2 wrong use.
    """
    from prepdata.advice.report import Advice, advise
    from prepdata.advice.text import lines
    from prepdata.cli.interview import go_on, interview
    from prepdata.report import json_text
    from prepdata.reporters.base import safe

    given = read_answers(Path(file)) if file else Answers()
    given = merged(given, checked(_plain({name: flags.pop(name) for name in QUESTIONS})))
    settings, _ = settings_from(flags)
    if train is not None and not settings.tokens:
        raise UsageError(
            "the advice needs the tokens: take `tokens = false` out of the configuration, or use --isolated"
        )
    measured = _measure(train, settings) if train is not None else None

    def decided(answers: Answers) -> Advice:
        return advise(answers, measured, train=train)

    if as_json or no_questions or not sys.stdin.isatty():
        advice = decided(given)
        shown_lines = lines(advice)
    else:
        advice, unknown, asked = interview(given, decided)
        shown_lines = lines(
            advice, unknown, go_on(train, advice.answers) if asked and advice.answers != Answers() else None
        )
    click.echo(json_text(advice, indent=2) if as_json else "\n".join(map(safe, shown_lines)))
    return EXIT_CLEAN if advice.verdict != "undecided" else EXIT_FINDINGS


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return what flags gave as answers: a flag that may repeat as a list, None where it is absent."""
    try:
        listed = [name for item in values["fails"] for name in value_of("fails", item)]
    except ConfigError as error:
        raise ConfigError(f"--fails: {error}") from None
    return {**values, "fails": list(dict.fromkeys(listed)) or None}


def _measure(train: str, settings: Settings) -> Measured:
    """Return what is measured in a file: tokens, reviews, rows that decline, and whether it is full of facts."""
    import msgspec

    from prepdata.advice.facts import KNOWLEDGE_HEAVY, measured_of
    from prepdata.api import validate
    from prepdata.cli.unread import check_read
    from prepdata.rules.loader import rules

    there = any(rule.code == KNOWLEDGE_HEAVY for rule in rules())
    chosen = msgspec.structs.replace(
        settings,
        select=(KNOWLEDGE_HEAVY,) if there else (),
        extend_select=(),
        ignore=() if there else ("ALL",),
        per_file_ignores={},
        targets=(),
        waivers=None,
        lock=None,
    )
    report = validate(train, chosen, meters=("tokens", "choosing"))
    check_read([train], report.measures["choosing"]["rows"])
    return measured_of(report, ran=there)


command.params += _flags()
