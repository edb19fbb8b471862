"""`prepdata stats`: what is in a data set: lengths, roles, turns, languages, system prompts, tools, tokens."""

from __future__ import annotations

from typing import Any

import click

from prepdata.cli.cost import tokens_text, without_rules
from prepdata.cli.draw import clean, histogram, table
from prepdata.cli.options import Command, settings_flags, settings_from
from prepdata.errors import EXIT_CLEAN, UsageError
from prepdata.findings import plural
from prepdata.report import json_text
from prepdata.reporters.base import safe
from prepdata.reporters.training import training_text


@click.command("stats", cls=Command, short_help="Show what is in the data.")
@click.argument("paths", nargs=-1, metavar="PATHS...")
@settings_flags("targets", "input", "config")
@click.option("--output-format", "-f", "output", type=click.Choice(["text", "json"]), default="text", help="Output.")
def command(paths: tuple[str, ...], **flags: Any) -> int:
    """Show lengths, roles, turns, languages, system prompts, tools and tokens of PATHS."""
    output = flags.pop("output")
    settings, _ = settings_from(flags)
    if not paths:
        raise UsageError("give at least one file or folder, or - for standard input")
    from prepdata.api import validate

    names = ("lengths", "roles", "languages", "tokens", "training")
    report = validate(paths, without_rules(settings), meters=names)
    if output == "json":
        answer = {
            "files": [{"path": f.path, "format": f.format, "examples": f.examples} for f in report.files],
            "measures": report.measures,
        }
        click.echo(json_text(answer, indent=2))
        return EXIT_CLEAN
    lines = [f"{clean(f.path)}: {plural(f.examples, 'row')}, format {f.format or 'unknown'}" for f in report.files]
    told = "\n".join([*lines, "", *text(report.measures)])
    click.echo("\n".join(map(safe, told.split("\n"))))
    return EXIT_CLEAN


def text(measures: dict[str, Any]) -> list[str]:
    """Return measures as lines for people; a meter that did not run is left out."""
    lines: list[str] = []
    if "roles" in measures:
        lines += [*roles_text(measures["roles"]), ""]
    if "lengths" in measures:
        lines += [*lengths_text(measures["lengths"]), ""]
    if measures.get("languages", {}).get("prompts"):
        lines += [*languages_text(measures["languages"]), ""]
    if "tokens" in measures:
        lines += tokens_text(measures["tokens"])
    for trainer in measures.get("training", {}).get("trainers", ()):
        lines += ["", *training_text(trainer)]
    return lines


def lengths_text(lengths: dict[str, Any]) -> list[str]:
    """Return turns and lengths as lines."""
    rows: list[tuple[str, ...]] = [("", "least", "median", "95 %", "most", "mean")]
    for label, key in (
        ("messages", "messages"),
        ("prompt, characters", "prompt_characters"),
        ("answer, characters", "answer_characters"),
    ):
        found = lengths[key]
        rows.append((label, *(f"{found[k]:,}" for k in ("min", "p50", "p95", "max", "mean"))))
    drawn = histogram(lengths["answer_histogram"])
    return [
        "Length per row",
        *table(rows, right=frozenset(range(1, 6))),
        *(["Characters of the answers", *drawn] if drawn else []),
    ]


def roles_text(roles: dict[str, Any]) -> list[str]:
    """Return who speaks, system prompts and tools as lines."""
    messages = ", ".join(f"{clean(role) or '(none)'} {count:,}" for role, count in roles["messages"].items())
    lines = ["Roles", f"  messages: {messages or 'none'}"]
    last = ", ".join(f"{clean(role) or '(none)'} {count:,}" for role, count in roles["last"].items())
    lines.append(f"  last turn: {last or 'none'}")
    prompts = roles["system_prompts"]
    if roles["rows_with_system"]:
        lines.append(
            f"  system prompt in {plural(roles['rows_with_system'], 'row')}, {prompts['different']:,} different"
        )
        for item in prompts["most_frequent"][:3]:
            if item["rows"] > 1:
                lines.append(f"    one of them in {item['rows']:,} rows, first in row {item['first_row'] + 1:,}")
    for key, label in (
        ("rows_with_tools", "with tools declared"),
        ("rows_with_calls", "with tool calls"),
        ("rows_with_media", "with images or other media"),
        ("rows_with_reasoning", "with reasoning"),
        ("preference_rows", "with a preference"),
    ):
        if roles[key]:
            lines.append(f"  {plural(roles[key], 'row')} {label}")
    for key, label in (("tools_declared", "declared"), ("tools_called", "called")):
        found = roles[key]
        if found["different"]:
            top = ", ".join(f"{clean(name)} {count:,}" for name, count in list(found["top"].items())[:8])
            more = f" and {found['different'] - 8:,} more" if found["different"] > 8 else ""
            lines.append(f"  tools {label}: {top}{more}")
    if roles["weights"]:
        lines.append("  weights: " + ", ".join(f"{clean(w)} {n:,}" for w, n in roles["weights"].items()))
    return lines


def languages_text(languages: dict[str, Any]) -> list[str]:
    """Return the languages of prompts and answers as lines."""
    lines = ["Languages"]
    for key in ("prompts", "answers"):
        found = list(languages[key].items())
        listed = ", ".join(f"{name} {count:,}" for name, count in found[:8])
        lines.append(f"  {key}: {listed}" + (f" and {len(found) - 8} more" if len(found) > 8 else ""))
    if languages["answered_in_another"]:
        lines.append(f"  {plural(languages['answered_in_another'], 'row')} answered in another language than asked in")
    return lines
