"""`prepdata compare`: did training help? Two records of the same held-out rows, and a gate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prepdata.cli.options import COLOR, Command, Flag
from prepdata.errors import UsageError

if TYPE_CHECKING:
    from trainers.compare import Comparison, Measured

_GATE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--primary", {"metavar": "METRIC", "help": "Metric that decides (default: the baseline's first scorer)."}),
    (
        "--require",
        {
            "type": click.Choice(["improved", "not-worse"]),
            "metavar": "WHAT",
            "help": "improved (default), or not-worse by more than --margin.",
        },
    ),
    ("--margin", {"type": float, "metavar": "X", "help": "Share the primary metric may lose with not-worse (0.02)."}),
    ("--forgetting", {"type": float, "metavar": "X", "help": "Share the retention set may lose (0.1)."}),
    ("--forgetting-metric", {"metavar": "METRIC", "help": "Metric on the retention set (default: the primary one)."}),
    ("--ungrounded", {"type": float, "metavar": "X", "help": "Rise allowed in the share of ungrounded values (0.05)."}),
    (
        "--latency",
        {"type": float, "metavar": "X", "help": "Share by which answers may be slower; not asked if absent."},
    ),
    (
        "--guard",
        {"multiple": True, "metavar": "METRIC=X", "help": "Further metric, and how much worse it may be; may repeat."},
    ),
    ("--alpha", {"type": float, "metavar": "P", "help": "Two-sided level of the tests (0.05)."}),
    ("--seed", {"type": int, "metavar": "N", "help": "Seed of drawn resamples."}),
)


def _gate_flags(function: Any) -> Any:
    for name, details in reversed(_GATE):
        given = details if details.get("multiple") else {"default": None, **details}
        function = click.option(name, cls=Flag, section="Gate", **given)(function)
    return function


@click.command("compare", cls=Command, short_help="Compare a run with its baseline.")
@click.argument("baseline", type=click.Path())
@click.argument("run", type=click.Path())
@click.option(
    "--config", type=click.Path(), metavar="FILE", help="TOML or YAML file whose table `gate` declares the gate."
)
@_gate_flags
@click.option(
    "--other-baseline",
    cls=Flag,
    section="Gate",
    is_flag=True,
    help="Take a baseline that the training was not started with; a note says so.",
)
@click.option("--json", "as_json", cls=Flag, section="Output", is_flag=True, help="JSON in place of the table.")
@click.option("--markdown", cls=Flag, section="Output", type=click.Path(), metavar="FILE", help="Markdown, for a PR.")
@click.option(
    "--html", cls=Flag, section="Output", type=click.Path(), metavar="FILE", help="Page with rows that moved."
)
@click.option("--quiet", "-q", cls=Flag, section="Output", is_flag=True, help="No table; the exit code only.")
@click.option("--color", cls=Flag, section="Output", **COLOR)
def command(baseline: str, run: str, **flags: Any) -> int:
    """Compare the record RUN with the record BASELINE of the same held-out rows.

    RUN may be the folder of a training that was evaluated: the comparison is then kept there, and its model card tells
    it.

    Exit codes: 0 the gate is passed, 1 it is not, 2 the records cannot be compared or something that the gate needs
    could not be measured.
    """
    from trainers.compare import compare
    from trainers.gate import read_gate

    names = [name.lstrip("-").replace("-", "_") for name, _ in _GATE if name != "--guard"]
    given = {name: flags[name] for name in names}
    given["guards"] = _guards(flags["guard"]) or None
    gate = read_gate(flags["config"], given)
    folder, run = Path(run), _record(run)
    for name in ("markdown", "html"):
        if flags[name] and Path(flags[name]).resolve() in (Path(baseline).resolve(), Path(run).resolve()):
            raise UsageError(f"--{name} {flags[name]} is a record that is compared; give the page a name of its own")
    sides = _read(baseline), _read(run)
    comparison = compare(*sides, gate, other_baseline=flags["other_baseline"])
    _write(comparison, sides, flags)
    if folder.is_dir() and sides[0].record.kind == "base":
        _keep(folder, comparison, flags["quiet"])
    return comparison.exit_code


def _read(path: str) -> Measured:
    from trainers.compare import Measured
    from trainers.record_files import read, read_samples

    record = read(path)
    return Measured(path, record, read_samples(path, record))


def _record(path: str) -> str:
    """Return the path of a record; of a run folder, that of its evaluation."""
    if not Path(path).is_dir():
        return path
    from trainers.run_evaluation import record_in

    return record_in(path)


def _keep(folder: Path, comparison: Comparison, quiet: bool) -> None:
    from prepdata.reporters.base import safe
    from trainers.reporters.words import gate_line, headline
    from trainers.run_evaluation import keep

    files, before, moved = keep(folder, comparison)
    if before is not None:
        click.echo(
            f"prepdata: {safe(str(folder))} was compared by another gate before: {headline(before)} "
            f"({safe(gate_line(before))}). That is kept as {safe(str(moved))}",
            err=True,
        )
    if not quiet:
        click.echo(f"written: {', '.join(map(safe, files))}", err=True)
        if len(files) == 1:
            click.echo("prepdata: the model card is not as prepdata wrote it, and was left as it is", err=True)


def _guards(given: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for text in given:
        metric, _, margin = text.rpartition("=")
        try:
            found[metric] = float(margin)
        except ValueError:
            metric = ""
        if not metric:
            raise UsageError(f"--guard {text[:80]}: write METRIC=X, as in --guard json_schema=0.02")
    return found


def _write(comparison: Comparison, sides: tuple[Measured, Measured], flags: dict[str, Any]) -> None:
    """Write all forms asked for."""
    from prepdata.cli.output import terminal, written
    from trainers.reporters import markdown, page
    from trainers.reporters.terminal import write

    if flags["markdown"]:
        with written(Path(flags["markdown"])) as out:
            markdown.write(comparison, out)
    if flags["html"]:
        from trainers.pairs import pair_up

        with written(Path(flags["html"])) as out:
            page.write(comparison, pair_up(sides[0].samples, sides[1].samples), out)
    if flags["as_json"]:
        from prepdata.jsontext import json_text

        click.echo(json_text(comparison))
    elif not flags["quiet"]:
        out, output = terminal(flags["color"])
        write(comparison, out, output)
