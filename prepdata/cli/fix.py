"""`prepdata fix`: repair what can be repaired."""

from __future__ import annotations

import contextlib
import difflib
import sys
from pathlib import Path
from typing import Any

import click

from prepdata.cli.options import Command, settings_flags, settings_from
from prepdata.errors import EXIT_CLEAN, EXIT_FINDINGS, UsageError


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
    settings, _ = settings_from(flags)
    changed = False
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
    from prepdata.fix import fix_file, keep
    from prepdata.reporters.summary import plural

    if not result.parent.is_dir():
        raise UsageError(f"{result.parent} is no folder")
    fixed = fix_file(path, settings, unsafe=unsafe, folder=result.parent)
    changed = bool(fixed.changes)
    try:
        if diff:
            _show_diff(path, fixed.written)
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
        print(f"{path}: {said}; {plural(len(fixed.dropped), 'row')} dropped; {left}", file=sys.stderr)
        print(f"written: {', '.join(map(str, written))}", file=sys.stderr)
    return changed


def _show_diff(path: Path, written: Path) -> None:
    from prepdata.reporters.base import safe

    old = path.read_bytes().decode("utf-8", "replace").splitlines(keepends=True)
    new = written.read_bytes().decode("utf-8", "replace").splitlines(keepends=True)
    for line in difflib.unified_diff(old, new, str(path), f"{path} (fixed)", n=0):
        click.echo(safe(line.rstrip("\n")))
