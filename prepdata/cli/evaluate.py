"""`prepdata evaluate`: what the model can do after training."""

from __future__ import annotations

from typing import Any

import click

from prepdata.cli.asking import asking_flags, run
from prepdata.cli.options import Command, Flag, settings_flags


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
@settings_flags("input", "config", only={"format", "max_line_bytes", "config", "isolated"})
def command(**flags: Any) -> int:
    """Ask a trained model the held-out rows and record the outcome, as `prepdata baseline` does of the base model.

    With --baseline FILE nothing is asked if the two records could not be compared.
    """
    return run(flags, kind="tuned")
