"""`prepdata arms`: prompt, retrieval, fine-tuning or both, decided by measuring."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prepdata.cli.options import COLOR, Command, Flag
from prepdata.errors import UsageError

if TYPE_CHECKING:
    from trainers.arms.config import ArmsConfig
    from trainers.arms.model import ArmsReport


@click.command("arms", cls=Command, short_help="Measure prompts, retrieval, fine-tuning and both on the same rows.")
@click.argument("config", type=click.Path())
@click.option("--json", "as_json", cls=Flag, section="Output", is_flag=True, help="JSON in place of the tables.")
@click.option("--markdown", cls=Flag, section="Output", type=click.Path(), metavar="FILE", help="Markdown, for a PR.")
@click.option("--html", cls=Flag, section="Output", type=click.Path(), metavar="FILE", help="Page for people.")
@click.option("--quiet", "-q", cls=Flag, section="Output", is_flag=True, help="No tables; the exit code only.")
@click.option("--color", cls=Flag, section="Output", **COLOR)
def command(config: str, **flags: Any) -> int:
    """Ask the base model, with a prompt, with examples, with retrieved passages, and the tuned model without and with
    them, the same held-out rows; say which is the cheapest way that passes the gate.

    CONFIG is a TOML or YAML file (docs/arms.md). Every arm is a record in its output folder: what is finished is not
    asked again. Arms that cannot be measured say why, and the others go on.

    Exit codes: 0 an arm passes the gate, 1 none does, 2 wrong use, or it could not be measured.
    """
    from prepdata.cli.asking import quiet_libraries, show_progress
    from prepdata.reporters.base import safe
    from trainers.arms.config import load
    from trainers.arms.run import REPORT, measure
    from trainers.generate import is_url

    settings, gate = load(Path(config))
    _check_names(flags, Path(config), settings)
    models = [settings.model, settings.tuned or settings.model]
    if not all(map(is_url, models)):
        quiet_libraries()

    def say(line: str) -> None:
        if not flags["quiet"]:
            print(f"prepdata: {safe(line)}", file=sys.stderr)

    made = measure(settings, gate, command=sys.argv[1:], say=say, progress=show_progress(flags["quiet"]))
    _write(made, flags)
    say(f"written: {Path(settings.output) / REPORT}")
    return made.exit_code


def _check_names(flags: dict[str, Any], config: Path, settings: ArmsConfig) -> None:
    """Raise where a page cannot be written, or would be over what is read or what the output folder keeps."""
    from prepdata.cli.output import same_file
    from trainers.arms.config import PATHS

    read = [str(config), *(path for name in PATHS if (path := getattr(settings, name)) is not None)]
    for name in ("markdown", "html"):
        if not (file := flags[name]):
            continue
        if Path(file).suffix in (".json", ".jsonl"):
            raise UsageError(f"--{name} {file}: records of {settings.output} have such names; choose another ending")
        if Path(file).is_dir():
            raise UsageError(f"--{name} {file}: a folder; name a file")
        if any(same_file(file, path) for path in read):
            raise UsageError(f"--{name} {file}: this file is read; choose another name")
        if not Path(file).absolute().parent.is_dir():
            raise UsageError(f"--{name} {file}: {Path(file).parent} is no folder")


def _write(made: ArmsReport, flags: dict[str, Any]) -> None:
    """Write all forms asked for."""
    from prepdata.cli.output import terminal, written
    from trainers.reporters.arms import document
    from trainers.reporters.document import to_html, to_markdown, to_terminal

    held = document(made)
    for name, write in (("markdown", to_markdown), ("html", to_html)):
        if flags[name]:
            with written(Path(flags[name])) as out:
                write(held, out)
    if flags["as_json"]:
        from prepdata.jsontext import json_text

        click.echo(json_text(made))
    elif not flags["quiet"]:
        out, output = terminal(flags["color"])
        to_terminal(held, out, output)
