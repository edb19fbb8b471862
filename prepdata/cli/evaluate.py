"""`prepdata evaluate`: what the model can do after training."""

from __future__ import annotations

from typing import Any

import click

from prepdata.cli.asking import asking_flags, run
from prepdata.cli.options import Command, Flag, settings_flags
from prepdata.errors import UsageError


@click.command("evaluate", cls=Command, short_help="Ask a trained model the same rows.")
@asking_flags
@click.option("--adapter", cls=Flag, section="Model", type=click.Path(), help="Folder of a LoRA adapter (PEFT).")
@click.option(
    "--run",
    cls=Flag,
    section="Model",
    type=click.Path(),
    help="Folder of the training, where the model is an endpoint or was merged; an adapter in such a folder names it.",
)
@click.option(
    "--baseline",
    cls=Flag,
    section="Rows and scores",
    type=click.Path(),
    help="Record to be compared with: its settings and scorers are used, and checked before anything is asked.",
)
@click.option(
    "--latency-rows",
    cls=Flag,
    section="Times",
    type=click.IntRange(min=2),
    metavar="N",
    help="Time so many of the rows: base and tuned model asked in turns.",
)
@click.option(
    "--base",
    cls=Flag,
    section="Times",
    metavar="DIR|URL",
    help="Base model to time against (default: --model, without its adapter).",
)
@click.option("--base-name", cls=Flag, section="Times", metavar="NAME", help="Its name at the endpoint.")
@settings_flags("input", "config", only={"format", "max_line_bytes", "config", "isolated"})
def command(**flags: Any) -> int:
    """Ask a trained model the held-out rows and record the outcome, as `prepdata baseline` does of the base model.

    With --baseline FILE nothing is asked if the two records could not be compared. With --latency-rows N the record
    also holds times of base and tuned model that compare: taken in turns, by one process.
    """
    if flags["latency_rows"] is None and (flags["base"] or flags["base_name"]):
        raise UsageError("--base names a model to time against; say by --latency-rows N of how many rows")
    return run(flags, kind="tuned")
