"""What simulated trainers make of the rows, for people: a line or two in `validate`, all of it in `stats`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prepdata.findings import plural
from prepdata.reporters.base import safe
from prepdata.reporters.text import indented

WIDTH = 110
"""Columns at which sentences wrap."""


def training_lines(training: dict[str, Any]) -> Iterator[str]:
    """Yield, for each trainer, what becomes of the rows and what is recommended, a line each."""
    for trainer in training.get("trainers", ()):
        tokens, trained = trainer["left_tokens"], trainer["left_trained_tokens"]
        yield f"{trainer['trainer']}: {fate(trainer)}; {tokens:,} tokens, {trained:,} of them trained"
        found = {advice["name"]: advice for advice in trainer["recommendations"]}
        if "max-length" in found:
            yield f"{trainer['trainer']}: recommended {', '.join(_short(found))} (`prepdata stats` says why)"
        if trainer["note"]:
            yield f"{trainer['trainer']}: {trainer['note']}"


def fate(trainer: dict[str, Any]) -> str:
    """Return how many rows a trainer keeps, cuts, leaves out, refuses."""
    said = f"{trainer['kept']:,} of {plural(trainer['rows'], 'row')} kept"
    if trainer["cut"]:
        said += f", {trainer['cut']:,} cut (the answers of {trainer['answers_cut']:,})"
    for why, rows in trainer["dropped"].items():
        said += f", {rows:,} left out ({safe(why)})"
    if trainer["refused"]:
        said += f", {trainer['refused']:,} refused by the template"
    if trainer["unknown"]:
        said += f", {trainer['unknown']:,} not simulated"
    if trainer["stopped"]:
        said += f", {trainer['stopped']:,} at which the trainer ends with an error"
    if trainer["changed"]:
        said += f", {trainer['changed']:,} changed"
    return said


def _short(found: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield f"max length {found['max-length']['value']:,}"
    if "against-padding" in found:
        value = found["against-padding"]["value"]
        yield {"neither": "no packing", "packing": "packing", "sort-by-length": "sorting by length"}[value]
    if "epochs" in found:
        epochs, steps = found["epochs"]["value"], found["epochs"]["figures"]["steps"]
        yield f"batches of {found['batch']['value']:,} rows"
        yield f"{epochs:g} epoch{'' if epochs == 1 else 's'} ({steps:,} steps)"


def training_text(trainer: dict[str, Any]) -> list[str]:
    """Return what a trainer makes of the rows, with all recommendations, as lines."""
    settings = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in trainer["settings"].items() if value)
    spread = trainer["per_row"]
    lengths = (("least", "min"), ("median", "p50"), ("95 % up to", "p95"), ("most", "max"))
    lines = [
        f"Training (as {trainer['trainer']} does it{': ' + settings if settings else ''})",
        f"  {fate(trainer)}",
        *([indented(f"  {trainer['note']}", WIDTH, 4)] if trainer["note"] else []),
        f"  {trainer['tokens']:,} tokens rendered, {trainer['trained_tokens']:,} of them trained",
        f"  per row: {', '.join(f'{label} {spread[key]:,}' for label, key in lengths)}",
    ]
    if trainer["left_tokens"] < trainer["tokens"]:
        left, trained = trainer["left_tokens"], trainer["left_trained_tokens"]
        lines.append(f"  in training: {left:,} tokens, {trained:,} of them trained")
    if trainer["recommendations"]:
        lines.append("  Recommended")
    for advice in trainer["recommendations"]:
        value = advice["value"]
        value = f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else value
        lines.append(indented(f"    {advice['name']} {value}: {advice['because']}", WIDTH, 6))
    return lines
