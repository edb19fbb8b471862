"""`prepdata init`: a commented configuration, and the pre-commit snippet."""

from __future__ import annotations

from pathlib import Path

import click

import prepdata
from prepdata.cli.options import Command
from prepdata.errors import EXIT_CLEAN, UsageError

CONFIG = """\
# Settings of prepdata; most keys are also flags. `prepdata validate --show-settings` shows what is in force.

# Where the data is to go: {targets}.
# Several at once are fine.
# targets = ["openai"]

# The model to be fine-tuned: chooses the token encoding and the prices.
# model = "gpt-4o-mini"

# The least severity that makes the exit code 1: error, warning, info or never.
fail_on = "error"

# Rules to leave out: names, codes, or beginnings of codes such as "PROV". `prepdata rule --all` lists them.
# ignore = ["small-dataset"]

# Rules that are not reported for some files.
# [per_file_ignores]
# "legacy/*.jsonl" = ["edge-whitespace"]

# Options of single rules: severity, max (tolerated share or number of rows), and the rule's own.
# [rules.edge-whitespace]
# max = "2%"

# [rules.missing-provenance]
# fields = ["source", "license"]

# Names of your row marks, where they differ from id, source, split, group, reviewed_by, generator and label.
# [marks]
# id = "uuid"
"""

HOOK = """\
repos:
  - repo: local
    hooks:
      - id: prepdata-validate
        name: prepdata validate
        language: python
        additional_dependencies: ["prepdata=={version}"]
        entry: prepdata validate --quiet --no-progress --offline --no-tokens --no-cache --output-format concise
        files: '\\.(jsonl|ndjson)(\\.(gz|zst))?$'
        exclude: '(\\.(receipt|dropped|lossy|set-aside|unread)|split-manifest)\\.jsonl$'
        require_serial: true
"""


@click.command("init", cls=Command, short_help="Write a configuration.")
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False))
@click.option("--force", is_flag=True, help="Write over an existing prepdata.toml.")
def command(folder: str, force: bool) -> int:
    """Write a commented prepdata.toml to FOLDER and show the pre-commit snippet."""
    path = Path(folder) / "prepdata.toml"
    if (path.exists() or path.is_symlink()) and not force:
        raise UsageError(f"{path} exists; --force writes over it")
    from prepdata.cli.output import written

    with written(path) as text:
        text.write(config())
    click.echo(f"written: {path}")
    click.echo("It holds the defaults; take away the # of what you want to change.")
    click.echo("\nTo check every commit, put this into .pre-commit-config.yaml:\n")
    click.echo(HOOK.format(version=prepdata.__version__))
    return EXIT_CLEAN


def config() -> str:
    """Return the commented configuration."""
    from textwrap import fill

    from prepdata.targets import names

    listed = fill(", ".join(names()), width=100, subsequent_indent="# ", break_on_hyphens=False)
    return CONFIG.replace("{targets}", listed)
