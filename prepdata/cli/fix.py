"""`prepdata fix`: repair what can be repaired."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prepdata.cli.options import Command, settings_flags, settings_from
from prepdata.errors import EXIT_CLEAN, EXIT_FINDINGS, UsageError

if TYPE_CHECKING:
    from prepdata.fix import Fixed
    from prepdata.settings import Settings


@click.command("fix", cls=Command, short_help="Repair files.")
@click.argument("paths", nargs=-1, required=True, metavar="FILES...")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False),
    help="File for the result (one input only); default NAME.fixed.EXT.",
)
@click.option("--in-place", "-i", is_flag=True, help="Put the result in the place of the file.")
@click.option("--unsafe-fixes", is_flag=True, help="Also apply fixes that change meaning or drop rows.")
@click.option("--diff", is_flag=True, help="Show what would change and write nothing; exit with 1 if anything would.")
@click.option("--exit-non-zero-on-fix", is_flag=True, help="Exit with 1 if anything was changed.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors.")
@settings_flags("targets", "rules", "input", "config")
def command(paths: tuple[str, ...], **flags: Any) -> int:
    """Repair files by the fixes that the rules propose.

    Untouched lines stay byte for byte. The result is NAME.fixed.EXT; without --in-place the input is left as it is.
    Beside the result, RESULT.receipt.jsonl lists every change and RESULT.dropped.jsonl holds every dropped row.
    """
    output, in_place, unsafe = flags.pop("output"), flags.pop("in_place"), flags.pop("unsafe_fixes")
    diff, strict, quiet = flags.pop("diff"), flags.pop("exit_non_zero_on_fix"), flags.pop("quiet")
    if output and (in_place or len(paths) > 1):
        raise UsageError("--output goes with one file and without --in-place")
    from prepdata.references import check_apart

    check_apart(paths, flags.get("eval") or ())
    settings, _ = settings_from(flags)
    changed = False
    if not diff:
        _prune_waivers(paths, settings, quiet=quiet)
    for name in paths:
        path = Path(name)
        if name == "-":
            raise UsageError("fix needs a file; standard input cannot be read twice")
        result = path if in_place else Path(output) if output else result_of(path)
        changed |= _fix(path, result, settings, unsafe=unsafe, diff=diff, quiet=quiet)
    return EXIT_FINDINGS if changed and (diff or strict) else EXIT_CLEAN


def result_of(path: Path) -> Path:
    """Return the default name of a result: `train.jsonl` gives `train.fixed.jsonl`, also under `.gz` and its like."""
    for packed in (".gz", ".zst", ".bz2", ".xz"):
        if path.name.endswith(packed):
            inner = Path(path.name[: -len(packed)])
            return path.with_name(f"{inner.stem}.fixed{inner.suffix}{packed}")
    return path.with_name(f"{path.stem}.fixed{path.suffix}")


def _fix(path: Path, result: Path, settings: Any, *, unsafe: bool, diff: bool, quiet: bool) -> bool:
    """Repair one file; return True if anything changed."""
    from prepdata.findings import plural
    from prepdata.fix import fix_file, keep
    from prepdata.reporters.base import safe

    if not result.parent.is_dir():
        raise UsageError(f"{result.parent} is no folder")
    if result.exists() and not result.is_file():
        raise UsageError(f"{result} is not a regular file; name a file for the result")
    try:
        fixed = fix_file(path, settings, unsafe=unsafe, folder=result.parent)
    except OSError as error:  # what cannot be read is an InputError
        raise UsageError(f"{result}: cannot be written: {error.strerror or error}") from None
    changed = bool(fixed.changes)
    try:
        if diff:
            _show_diff(fixed)
            return changed
        if not changed and result == path:
            return False
        written = keep(fixed, result)
    finally:
        with contextlib.suppress(OSError):
            fixed.written.unlink(missing_ok=True)
    if not quiet:
        kinds: dict[str, int] = {}
        for change in fixed.changes:
            kinds[change.rule] = kinds.get(change.rule, 0) + 1
        said = ", ".join(f"{rule} {number:,}" for rule, number in sorted(kinds.items())) or "nothing to repair"
        more = 0 if unsafe else sum(1 for finding in fixed.left if finding.fix and not finding.fix.safe)
        left = plural(len(fixed.left), "finding") + " left"
        left += f", {more:,} of them for --unsafe-fixes" if more else ""
        print(f"{safe(str(path))}: {said}; {plural(len(fixed.dropped), 'row')} dropped; {left}", file=sys.stderr)
        print(f"written: {', '.join(safe(str(name)) for name in written)}", file=sys.stderr)
    return changed


def _show_diff(fixed: Fixed) -> None:
    from prepdata.difference import difference
    from prepdata.reporters.base import safe

    for line in difference(fixed):
        click.echo(safe(line))


def _prune_waivers(paths: tuple[str, ...], settings: Settings, *, quiet: bool) -> None:
    """Take the waivers that accept nothing any more out of the waivers file."""
    if settings.waivers is None:
        return
    from prepdata.api import validate
    from prepdata.reporters.base import safe
    from prepdata.waivers import Stale, load, prune

    waivers = load(settings.waivers)
    report = validate(paths, settings, tokens=False)
    places = [int((f.path or "").rpartition("/")[2]) for f in report if f.name == "stale-waiver"]
    gone = prune(settings.waivers, [Stale(place, waivers[place], "") for place in places]) if places else 0
    if gone and not quiet:
        print(f"{safe(settings.waivers)}: stale waivers removed: {gone:,}", file=sys.stderr)
