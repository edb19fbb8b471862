"""`prepdata baseline`: what the model can do before training."""

from __future__ import annotations

from typing import Any

import click

from prepdata.cli.asking import asking_flags, run
from prepdata.cli.options import Command, settings_flags


@click.command("baseline", cls=Command, short_help="Record what a model can do before training.")
@asking_flags
@settings_flags("input", "config", only={"format", "max_line_bytes", "config", "isolated"})
def command(**flags: Any) -> int:
    """Ask a model the held-out rows and record the outcome, before it is trained.

    The record (JSON, schemas/evaluation.schema.json) names the model, the rows, how they were rendered, decoded and
    scored; a JSONL of all answers lies beside it; both are hashed. Answers are kept as they come: after an interruption
    the same command goes on where it was.
    """
    prompted = flags["system_prompt"] is not None or flags["few_shot"] is not None
    return run(flags, kind="prompted" if prompted else "base")
