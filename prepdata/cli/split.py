"""`prepdata split`: train, validation and test files without leaks between them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from prepdata.cli.options import Command, settings_flags, settings_from
from prepdata.findings import plural

if TYPE_CHECKING:
    from prepdata.splitting.report import Checked, SplitReport

SHOWN = 5
"""Rows, clusters and strata that are named one by one."""


@click.command("split", cls=Command, short_help="Split files without leaks between the sides.")
@click.argument("paths", nargs=-1, required=True, metavar="FILE [FILE...]")
@click.option("--train", metavar="SHARE", help="Share of the rows (0.8, 80%); default: what is left.")
@click.option("--validation", metavar="SHARE", help="Share of the rows (0.1, 10%), or number of rows (500).")
@click.option("--test", metavar="SHARE", help="The same for test; of none given, 10% each.")
@click.option("--stratify", multiple=True, metavar="MARK", help="Row mark of whose values each side gets its share.")
@click.option(
    "--group", multiple=True, metavar="MARK", help="Row mark whose values are kept whole (default: group); may repeat."
)
@click.option("--salt", default="", metavar="TEXT", help="Another text gives another split.")
@click.option("--out-dir", type=click.Path(file_okay=False), help="Folder of the results; default: that of the file.")
@click.option(
    "--manifest", type=click.Path(dir_okay=False), help="File that remembers the sides; default split-manifest.jsonl."
)
@click.option("--dry-run", is_flag=True, help="Write nothing.")
@click.option("--force", is_flag=True, help="Replace files that this command did not write, or that were changed.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON on standard output.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors.")
@settings_flags("input", "config")
def command(paths: tuple[str, ...], **flags: Any) -> int:
    """Split each FILE into NAME.train.jsonl, NAME.validation.jsonl and NAME.test.jsonl.

    Duplicates, near duplicates, equal prompts, conversations and groups stay on one side; a proof with the rules about
    leaks follows. Rows keep their bytes, and their side when rows are added later. Rows that would tie two sides
    together go to NAME.set-aside.jsonl, those that cannot be read to NAME.unread.jsonl; the exit code is then 1.
    """
    from prepdata import split
    from prepdata.report import json_text

    as_json, quiet, group = flags.pop("as_json"), flags.pop("quiet"), flags.pop("group")
    own = ("train", "validation", "test", "stratify", "salt", "out_dir", "manifest", "dry_run", "force")
    given = {name: flags.pop(name) for name in own}
    settings, _ = settings_from(flags)
    report = split(paths, settings, group=group or ("group",), **given)
    if as_json:
        click.echo(json_text(report))
    elif not quiet:
        from prepdata.reporters.base import safe

        for line in described(report):
            print(safe(line), file=sys.stderr)
    return report.exit_code


def described(report: SplitReport) -> Iterator[str]:
    """Yield what a split did, for people."""
    from prepdata.cli.draw import table

    rows = [
        [name, f"{side.rows:,}", f"{side.share:.1%}", f"{side.asked:,}", f"{side.clusters:,}"]
        for name, side in report.sides.items()
    ]
    yield from table([["side", "rows", "share", "asked", "clusters"], *rows], right=frozenset({1, 2, 3, 4}))
    if report.clusters:
        yield f"{plural(report.clusters, 'cluster')} of two rows or more; the largest has {report.largest:,} rows"
    else:
        yield "no two rows belong together"
    if report.known:
        yield f"kept on the side of an earlier run: {plural(report.known, 'row')}; new: {report.new:,}"
    listed = list(report.strata.items())
    for name, sides in listed[:SHOWN]:
        yield f"stratum {name}: " + ", ".join(f"{side} {number:,}" for side, number in sides.items())
    if len(listed) > SHOWN:
        more = len(listed) - SHOWN
        yield f"and {more:,} more {'stratum' if more == 1 else 'strata'} (--json lists them)"
    if report.variants:
        pairs = plural(report.variants, "pair")
        yield f"not kept together for being alike: {pairs} with another number, name or the like"
    for cut in report.cut[:SHOWN]:
        how = f"cut into {cut.parts:,} parts, the largest of {cut.largest:,}, passing over {cut.without}"
        yield f"a cluster of {cut.rows:,} rows was too large: {how if cut.without else 'it could not be cut'}"
    if len(report.cut) > SHOWN:
        yield f"and {plural(len(report.cut) - SHOWN, 'more cluster')} too large (--json lists them)"
    if report.moved:
        yield f"moved by the proof: {plural(report.moved, 'row')}, in {plural(report.rounds, 'round')}"
    yield from _rows("set aside", report.set_aside)
    yield from _rows("without a record", report.unread)
    yield from report.notes
    for checked in report.proof:
        yield _proved(checked)
    for said in report.left[:SHOWN]:
        yield f"left, since both rows had their side before: {said}"
    if len(report.left) > SHOWN:
        yield f"and {len(report.left) - SHOWN:,} more"
    files = [file for side in report.sides.values() for file in side.files]
    yield ("nothing was written (--dry-run)" if report.dry_run else f"written: {', '.join([*files, report.manifest])}")


def _rows(what: str, rows: Any) -> Iterator[str]:
    for row in rows[:SHOWN]:
        place = f"{row.file}:{row.line}" if row.line else f"{row.file} row {row.record + 1}"
        ties = f" ({', '.join(row.ties)})" if row.ties else ""
        yield f"{what}: {place}: {row.reason}{ties}"
    if len(rows) > SHOWN:
        yield f"{what}: {len(rows) - SHOWN:,} more"


def _proved(checked: Checked) -> str:
    if not checked.against or not checked.rows:
        return f"proof: {checked.side}: nothing to hold it against"
    found = ", ".join(f"{rule} {number:,}" for rule, number in checked.errors.items())
    side = f"{checked.side} ({plural(checked.rows, 'row')})"
    return f"proof: {side} against {' and '.join(checked.against)} ({checked.items:,}): errors: {found}"
