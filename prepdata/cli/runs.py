"""`prepdata runs`: list the run folders of `prepdata train`."""

from __future__ import annotations

import sys

import click

from prepdata.cli.options import Command
from prepdata.errors import EXIT_CLEAN


@click.command("runs", cls=Command, short_help="List trainings.")
@click.argument("folders", nargs=-1, metavar="[FOLDERS...]", type=click.Path(file_okay=False, exists=True))
@click.option("--json", "as_json", is_flag=True, help="The whole records, as JSON.")
def command(folders: tuple[str, ...], as_json: bool) -> int:
    """List the run folders in FOLDERS (default: here), the oldest first, with what came of them.

    The validation loss tells apart runs on the same data; whether a run answers better than its base it does not tell.
    """
    from prepdata.report import json_text
    from prepdata.reporters.base import safe
    from trainers.runs import find
    from trainers.summary import table

    found, broken = find(folders or (".",))
    for message in broken:
        print(f"prepdata: {safe(message)}", file=sys.stderr)
    if as_json:
        print(json_text([{"folder": str(folder), **_plain(run)} for folder, run in found], indent=2))
    elif not found:
        print("no run folders there", file=sys.stderr)
    else:
        for line in table(found):
            print(line)
    return EXIT_CLEAN


def _plain(run: object) -> dict[str, object]:
    import msgspec

    plain: dict[str, object] = msgspec.to_builtins(run)
    return plain
