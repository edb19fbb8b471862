"""`prepdata validate`: the main job."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prepdata.cli.options import SECTIONS, Command, Flag, settings_flags, settings_from
from prepdata.cli.output import output_flags, show_settings, write_report
from prepdata.errors import EXIT_CLEAN, UsageError

if TYPE_CHECKING:
    from prepdata.report import Report
    from prepdata.settings import Settings


@click.command("validate", cls=Command, short_help="Check files.")
@click.argument("paths", nargs=-1, metavar="PATHS...")
@settings_flags("targets", "rules", "lock", "input", "config")
@output_flags
@click.option("--no-lock", "unlocked", cls=Flag, section=SECTIONS["lock"], is_flag=True, help="Look for no lock file.")
@click.option(
    "--write-waivers",
    cls=Flag,
    section="Accepting findings",
    is_flag=True,
    help="Accept all findings of this run: write them to the waivers file.",
)
@click.option(
    "--reason",
    cls=Flag,
    section="Accepting findings",
    metavar="TEXT",
    help="Why they are accepted (with --write-waivers).",
)
@click.option("--show-files", is_flag=True, help="List the files that would be read, and stop.")
@click.option("--show-settings", is_flag=True, help="Show the settings in force and where they come from, and stop.")
def command(paths: tuple[str, ...], **flags: Any) -> int:
    """Check fine-tuning data and say for every bad row where it is, what is wrong and what cures it.

    PATHS are files, folders, or - for standard input.
    """
    write_waivers, reason = flags.pop("write_waivers"), flags.pop("reason")
    listing, showing, exit_zero = flags.pop("show_files"), flags.pop("show_settings"), flags.pop("exit_zero")
    evaluation = flags.get("eval") or ()
    settings, config = settings_from(flags)
    if showing:
        show_settings(settings, config)
        return EXIT_CLEAN
    if not paths:
        raise UsageError("give at least one file or folder, or - for standard input")
    if listing:
        return _show_files(paths)
    from prepdata.references import check_apart

    check_apart(paths, evaluation)
    if write_waivers and not (reason or "").strip():
        raise UsageError("--write-waivers needs --reason: say why these findings are accepted")
    read = settings
    if write_waivers and settings.waivers and not Path(settings.waivers).exists():
        from msgspec.structs import replace

        read = replace(settings, waivers=None)  # the file is about to be made
    from prepdata.api import validate
    from prepdata.cli.progress import progress

    with progress(enabled=flags["level"] == "normal" and not flags["no_progress"]) as report_progress:
        report = validate(paths, read, progress=report_progress)
    if write_waivers:
        return _write_waivers(report, settings, config, reason)
    code = write_report(report, flags)
    return EXIT_CLEAN if exit_zero and code == 1 else code


def _show_files(paths: tuple[str, ...]) -> int:
    from prepdata.reporters.base import safe
    from prepdata.sources import discover

    for item in discover(list(paths)):
        click.echo(safe(item.path) if sys.stdout.isatty() else item.path)
    return EXIT_CLEAN


def _write_waivers(report: Report, settings: Settings, config: Path | None, reason: str) -> int:
    from prepdata.cli.options import waivers_path
    from prepdata.findings import plural
    from prepdata.reporters.base import safe
    from prepdata.waivers import accept, add

    path = Path(settings.waivers) if settings.waivers else waivers_path(config)
    new = accept(report, lambda f: int(f.digest, 16) if f.digest else None, reason=reason)
    print(f"prepdata: {plural(add(path, new), 'finding')} accepted in {safe(str(path))}", file=sys.stderr)
    return EXIT_CLEAN
