"""`prepdata rule`: explain a rule."""

from __future__ import annotations

import json
from typing import Any

import click

from prepdata.cli.options import Command
from prepdata.errors import EXIT_CLEAN, UsageError


@click.command("rule", cls=Command, short_help="Explain a rule.")
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="List all rules.")
@click.option("--output-format", "-f", type=click.Choice(["text", "json"]), default="text", help="How to print.")
def command(name: str | None, everything: bool, output_format: str) -> int:
    """Explain the rule NAME (or code), list a family (TEXT), or list all rules with --all."""
    from prepdata.rules.loader import expand, rules

    if everything == bool(name):
        raise UsageError("give the name or code of a rule, the beginning of codes (TEXT), or --all")
    chosen = list(rules() if name is None else expand(name))
    everything = everything or len(chosen) > 1
    if output_format == "json":
        listed = [_plain(rule) for rule in chosen]
        click.echo(json.dumps(listed if everything else listed[0], indent=2, ensure_ascii=False))
    elif everything:
        for rule in chosen:
            from prepdata.rules.docs import read_doc

            flag = "" if rule.default else "  (off by default)"
            click.echo(f"{rule.code:<8} {rule.name:<26} {rule.severity:<8} {read_doc(rule).summary}{flag}")
    else:
        _explain(chosen[0])
    return EXIT_CLEAN


def _plain(rule: Any) -> dict[str, Any]:
    import msgspec

    from prepdata.rules.docs import read_doc

    doc = read_doc(rule)
    options = {f.name: str(f.type) for f in msgspec.structs.fields(rule.Options)}
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity,
        "since": rule.since,
        "fix": rule.fix,
        "default": rule.default,
        "heuristic": rule.heuristic,
        "summary": doc.summary,
        "finds": doc.body,
        **{"cure" if k == "Fix" else k.lower(): v for k, v in doc.sections.items()},
        "options": options,
    }


def _explain(rule: Any) -> None:
    import msgspec

    from prepdata.rules.docs import HEADINGS, read_doc

    doc = read_doc(rule)
    click.echo(
        f"{rule.code} {rule.name} ({rule.severity}; fix: {rule.fix}; {'on' if rule.default else 'off'} by default)\n"
    )
    click.echo(doc.summary)
    if doc.body:
        click.echo("\n" + doc.body)
    for heading in HEADINGS:
        if doc.sections.get(heading):
            click.echo(f"\n{heading}:")
            click.echo("\n".join("  " + line for line in doc.sections[heading].split("\n")))
    click.echo("\nOptions ([tool.prepdata.rules." + rule.name + "]):")
    for field in msgspec.structs.fields(rule.Options):
        value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        click.echo(f"  {field.name} = {json.dumps(msgspec.to_builtins(value), ensure_ascii=False)}")
