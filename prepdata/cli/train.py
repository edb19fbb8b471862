"""`prepdata train`: fine-tune with LoRA or QLoRA, after a check of everything it hangs on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prepdata.cli.options import Command, Flag
from prepdata.cli.submitting import submit, submit_flags, take
from prepdata.errors import EXIT_CLEAN, UsageError

if TYPE_CHECKING:
    from trainers.config import TrainConfig
    from trainers.distributed import Group

_SECTION = "Keys of the configuration"


def _flags() -> list[click.Option]:
    """Return a flag for each key of the configuration; its help is the key's own description."""
    from trainers.config import FIELDS, LISTS, description

    made: list[click.Option] = []
    for name, field in FIELDS.items():
        flag = "--" + name.replace("_", "-")
        details: dict[str, Any] = {"default": None, "section": _SECTION, "help": description(name)}
        if isinstance(field.default, bool):
            off = "" if name in ("resume", "without_baseline") else f"/--no-{flag[2:]}"
            made.append(Flag([flag + off], is_flag=True, **details))
            continue
        many = name in LISTS
        made.append(Flag([flag], type=str, metavar="A,B" if many else "VALUE", **details))
    return made


@click.command("train", cls=Command, short_help="Fine-tune.")
@click.argument("config", metavar="[CONFIG]", required=False, type=click.Path(dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Check everything, estimate memory, time and money, and stop.")
@click.option("--json", "as_json", is_flag=True, help="What the check found, or the record of the run, as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def command(config: str | None, dry_run: bool, as_json: bool, quiet: bool, **flags: Any) -> int:
    """Fine-tune a model on this machine with LoRA or QLoRA, as CONFIG (TOML or YAML) says; flags come before it.

    First everything is checked that the run hangs on: data, leaks, template, model folder, device, memory, disk. Exit
    codes: 0 trained (with --dry-run: nothing stands in the way), 1 something in the data stands in the way, 2 the
    set-up does, or the training failed. With --submit nothing is trained here: after the same check a job file is
    written, and with --go submitted.
    """
    from prepdata.quiet import keep_quiet
    from trainers.config import load_config
    from trainers.distributed import joined

    keep_quiet()
    wanted = take(flags)
    if dry_run and wanted["submit"] is not None:
        raise UsageError("--dry-run checks only, and --submit writes a job: choose one of them")
    given = {name: value for name, value in flags.items() if value is not None}
    if wanted["submit"] is not None:
        settings = load_config(Path(config) if config else None, given)
        return submit(config, settings, given, wanted, as_json, quiet)
    with joined() as group:
        settings = load_config(Path(config) if config else None, given)
        if group.leads:
            return _run(settings, group, dry_run=dry_run, as_json=as_json, quiet=quiet)
        return _run(settings, group, dry_run=dry_run, as_json=False, quiet=True)


def _run(settings: TrainConfig, group: Group, *, dry_run: bool, as_json: bool, quiet: bool) -> int:
    """Check, train, and say what came of it; return the exit code. Of several processes, the first speaks."""
    from prepdata.report import json_text
    from trainers.preflight import preflight
    from trainers.resuming import check_output
    from trainers.sft import train
    from trainers.summary import preflight_lines, run_lines

    group.first(lambda: check_output(settings, group.size))
    checked = preflight(settings, group)
    found = checked.found
    shown = sys.stderr if as_json else sys.stdout
    if group.leads and (not quiet or found.exit_code):
        show_findings(checked.reports, shown)
        for line in preflight_lines(settings, found):
            print(line, file=shown, flush=True)
    if dry_run or found.exit_code:
        if as_json:
            print(json_text(found, indent=2))
        return found.exit_code
    run = train(settings, checked, None if quiet else sys.stderr, group)
    if as_json:
        print(json_text(run, indent=2))
    elif not quiet:
        for line in run_lines(run):
            print(line)
    return EXIT_CLEAN


def show_findings(reports: list[tuple[str, Any]], out: Any) -> None:
    """Write the errors of the validation, some of each rule."""
    from prepdata.reporters.base import safe

    for _, report in reports:
        seen: dict[str, int] = {}
        for finding in report:
            if finding.severity != "error":
                continue
            seen[finding.name] = seen.get(finding.name, 0) + 1
            if seen[finding.name] <= 3:
                place = f"{finding.file}:{finding.line}" if finding.line else finding.file
                print(f"{safe(place)}: {finding.code} {finding.name}: {safe(finding.message)}", file=out)


command.params += [*submit_flags(), *_flags()]
