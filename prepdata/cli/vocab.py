"""`prepdata vocab`: which vocabulary files are there, and how to bring one to a machine without internet."""

from __future__ import annotations

import json
from pathlib import Path

import click

from prepdata.cli.draw import table
from prepdata.cli.options import Command
from prepdata.errors import EXIT_CLEAN, UsageError


@click.command("vocab", cls=Command, short_help="List or add vocabulary files.")
@click.argument("action", required=False, type=click.Choice(["list", "add", "path"]), default="list")
@click.argument("files", nargs=-1, type=click.Path())
@click.option("--output-format", "-f", "output", type=click.Choice(["text", "json"]), default="text", help="Output.")
def command(action: str, files: tuple[str, ...], output: str) -> int:
    """List vocabulary files (list), store one for exact counts without internet (add FILE), or print the folder (path).

    Files are known by their sha256, whatever their name. Nothing outside prepdata's own folder is changed.
    """
    if action == "add":
        return _add(files)
    if files:
        raise UsageError(f"'{files[0]}': files belong to 'prepdata vocab add'")
    if action == "path":
        from prepdata.tokens.vocab import folder

        found = folder()
        if found is None:
            raise UsageError("there is no home folder; set PREPDATA_VOCAB_DIR")
        click.echo(str(found))
        return EXIT_CLEAN
    return _list(output)


def _add(files: tuple[str, ...]) -> int:
    from prepdata.tokens.vocab import add

    if not files:
        raise UsageError("give the file to add: prepdata vocab add o200k_base.tiktoken")
    for file in files:
        name, path = add(Path(file))
        click.echo(f"{name} stored as {path}")
    return EXIT_CLEAN


def _list(output: str) -> int:
    from prepdata.tokens.vocab import VOCABULARIES, survey

    places = survey()
    if output == "json":
        click.echo(json.dumps([place._asdict() for place in places], indent=2))
        return EXIT_CLEAN
    for vocabulary in VOCABULARIES.values():
        mine = [p for p in places if p.vocabulary == vocabulary.name]
        used = next((p for p in mine if p.state == "good"), None)
        click.echo(
            f"{vocabulary.name}: " + (f"exact, from {used.origin}" if used else "not there, counts are estimates")
        )
        shown = [p for p in mine if p.state != "absent"]
        for line in table([(p.origin, p.state, p.path or "") for p in shown]):
            click.echo(line)
        if used is None:
            click.echo(f"  fetch {vocabulary.url}")
            click.echo("  on a machine with internet, then: prepdata vocab add FILE")
    return EXIT_CLEAN
