"""`prepdata show`: one row as the model sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from prepdata.cli.options import COLOR, Command, Flag, settings_flags, settings_from
from prepdata.errors import EXIT_CLEAN, UsageError

if TYPE_CHECKING:
    from prepdata.places import Row
    from prepdata.settings import Settings
    from prepdata.training.base import Trainer
    from prepdata.training.view import View

STDIN = "<stdin>"
"""Standard input, as reports call it."""
_FLAGS = frozenset(
    {"tokenizer", "chat_template", "target", "max_length", "loss", "overflow", "format", "max_line_bytes", "config"}
) | {"isolated"}


class _Show(Command):
    """Takes `-:3`, a line of standard input, for a place and not for a flag."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [STDIN + arg[1:] if arg[:2] in ("-:", "-[") else arg for arg in args])


@click.command("show", cls=_Show, short_help="Show a row as the model sees it.")
@click.argument("places", nargs=-1, metavar="FILE:LINE...")
@settings_flags("targets", "input", "config", only=_FLAGS)
@click.option("--tokens", "borders", cls=Flag, section="Output", is_flag=True, help="Mark where each token begins.")
@click.option("--json", "as_json", cls=Flag, section="Output", is_flag=True, help="JSON (schemas/show.schema.json).")
@click.option("--color", cls=Flag, section="Output", **COLOR)
def command(places: tuple[str, ...], **flags: Any) -> int:
    """Show rows as the model sees them: rendered with the chat template, with the trained tokens told from the others,
    cut where the trainer cuts.

    FILE:LINE names a row as reports do; FILE[RECORD] where rows have no lines. FILE may be - for standard input.
    """
    output = {name: flags.pop(name) for name in ("borders", "as_json", "color")}
    settings, _ = settings_from(flags)
    if not places:
        raise UsageError("say which row: prepdata show FILE:LINE --tokenizer DIR")
    if settings.tokenizer is None:
        raise UsageError(
            "give the tokenizer that you train with: --tokenizer DIR, the folder of the model with tokenizer.json and "
            "its chat template (or the setting 'tokenizer')"
        )
    from prepdata.places import place_of, rows_at

    trainers = trainers_of(settings)
    rows = rows_at([place_of(place) for place in places], settings)
    found = views(rows, trainers)
    if output["as_json"]:
        _write_json(found)
    else:
        _write_text(found, output)
    return EXIT_CLEAN


def trainers_of(settings: Settings) -> list[Trainer]:
    """Return the trainers that the settings ask for, ready to run.

    Raises:
        UsageError: no tokenizer with a chat template is given, or a target is no trainer that is simulated.
    """
    from prepdata.api import located_settings
    from prepdata.targets import load
    from prepdata.training.column import PLAIN, rendering_of, trainer_of
    from prepdata.training.trainers import TRAINERS

    targets = tuple(load(name) for name in settings.targets)
    settings, notes = located_settings(settings)
    rendering = rendering_of(settings, targets)
    if rendering is None:
        raise UsageError("; ".join(notes))
    for note in notes:
        click.echo(f"prepdata: {note}", err=True)
    missing = [target.name for target in targets if target.kind == "trainer" and target.name not in TRAINERS]
    if missing:
        instead = "" if set(rendering.trainers) - {PLAIN} else ": shown is what any trainer makes of a row"
        click.echo(f"prepdata: not simulated yet: {', '.join(missing)}{instead}", err=True)
    return [trainer_of(rendering, name) for name in rendering.trainers]


def views(rows: list[Row], trainers: list[Trainer]) -> list[View]:
    """Return rows as trainers make them: each row as each of them does, row by row."""
    from prepdata.training.view import view

    made = [trainer.prepare([row.record for row in rows]) for trainer in trainers]
    return [
        view(row.record, prepared, trainer, file=row.file, line=row.line, number=row.number)
        for row, each in zip(rows, zip(*made, strict=True), strict=True)
        for trainer, prepared in zip(trainers, each)
    ]


def _write_json(found: list[View]) -> None:
    import msgspec

    from prepdata.training.view import VIEW_VERSION, Document

    click.echo(msgspec.json.encode(Document(VIEW_VERSION, found)).decode())


def _write_text(found: list[View], flags: dict[str, Any]) -> None:
    from prepdata.cli.output import terminal
    from prepdata.reporters.tokens import write_view

    out, output = terminal(flags["color"])
    for number, view in enumerate(found):
        if number:
            out.write("\n")
        write_view(view, out, output, borders=flags["borders"])
