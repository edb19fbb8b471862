"""`prepdata runs`: list the run folders of `prepdata train`, and compare them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from prepdata.cli.options import Command
from prepdata.errors import EXIT_CLEAN, EXIT_ERROR


@click.command("runs", cls=Command, short_help="List trainings, and compare them.")
@click.argument("folders", nargs=-1, metavar="[FOLDERS...]", type=click.Path(file_okay=False, exists=True))
@click.option("--json", "as_json", is_flag=True, help="The whole records, as JSON.")
def command(folders: tuple[str, ...], as_json: bool) -> int:
    """List the run folders in FOLDERS (default: here), the oldest first, with what came of them.

    Two run folders or more that are named themselves are compared: what sets them apart, and what came of each.

    The validation loss tells apart runs on the same data; whether a run answers better than its base it does not tell.

    Exit codes: 0, or 2 if a folder that is named is none of a run and holds none, or a record cannot be read; the other
    runs are listed all the same.
    """
    from prepdata.report import json_text
    from prepdata.reporters.base import safe
    from trainers.run_evaluation import listed
    from trainers.run_table import difference_lines, differences, table
    from trainers.runs import RECORD

    found, broken = listed(folders)
    compared = len(folders) > 1 and len(found) > 1 and all((Path(folder) / RECORD).is_file() for folder in folders)
    rows = differences(found) if compared else []
    for message in broken:
        print(f"prepdata: {safe(message)}", file=sys.stderr)
    if as_json:
        whole = [{"folder": str(one.folder), **_plain(one.run), "comparison": _plain(one.comparison)} for one in found]
        print(json_text({"runs": whole, "differences": rows}, indent=2))
    elif not found and not broken:
        print("no run folders here", file=sys.stderr)
    elif found:
        for line in table(found):
            print(line)
        for line in ["", *difference_lines(found, rows)] if compared else []:
            print(line)
    return EXIT_ERROR if broken else EXIT_CLEAN


def _plain(value: object) -> Any:
    import msgspec

    return msgspec.to_builtins(value)
