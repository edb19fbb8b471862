"""`prepdata train --submit`: a job file for a launcher in place of a training on this machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prepdata.cli.options import Flag
from prepdata.errors import EXIT_CLEAN, EXIT_ERROR, PrepdataError, UsageError

if TYPE_CHECKING:
    from trainers.config import TrainConfig
    from trainers.preflight import Plan
    from trainers.submit.base import Job, Launcher

_SECTION = "Submitting, in place of training here"
_NAMES = ("slurm", "k8s", "skypilot")
_MARK = "# Written by prepdata"


def submit_flags() -> list[click.Option]:
    """Return the flags: which launcher, and one for each setting of a job."""
    from trainers.submit.settings import FIELDS, LISTS, description

    plain: list[tuple[str, dict[str, Any]]] = [
        ("--submit", {"type": click.Choice(_NAMES), "metavar": "LAUNCHER",
                      "help": "Write a job file for slurm, k8s or skypilot, and say what submits it."}),
        ("--go", {"is_flag": True, "help": "Submit it too."}),
        ("--job-file", {"type": click.Path(), "metavar": "FILE",
                        "help": "Default: NAME.slurm.sh, NAME.k8s.yaml, NAME.sky.yaml."}),
        ("--no-preflight", {"is_flag": True, "help": "Write the job unseen; nothing is estimated from the run."}),
    ]  # fmt: skip
    made: list[click.Option] = [Flag([flag], section=_SECTION, **details) for flag, details in plain]
    for name in FIELDS:
        flag, many = f"--submit-{name}", name in LISTS
        details = {"multiple": True} if many else {"default": None}
        made.append(Flag([flag], type=str, metavar="VALUE", section=_SECTION, help=description(name), **details))
    return made


def take(flags: dict[str, Any]) -> dict[str, Any]:
    """Take the flags of this module out of those of the command.

    Raises:
        UsageError: there are some, and no launcher is named.
    """
    found = {name: flags.pop(name) for name in list(flags) if name in ("submit", "go", "job_file", "no_preflight")}
    found |= {name: flags.pop(name) for name in list(flags) if name.startswith("submit_")}
    given = [name for name, value in found.items() if value not in (None, (), False)]
    if given and found["submit"] is None:
        raise UsageError(f"--{given[0].replace('_', '-')} needs --submit LAUNCHER: {', '.join(_NAMES)}")
    return found


def submit(
    file: str | None, config: TrainConfig, given: dict[str, Any], wanted: dict[str, Any], as_json: bool, quiet: bool
) -> int:
    """Check the training, write its job file, and submit it where that is wanted; return the exit code.

    Args:
        file: the configuration file; None for none.
        config: the configuration.
        given: keys that were given as flags.
        wanted: what `take` returned.
    """
    from prepdata.jsontext import json_text
    from prepdata.reporters.base import safe
    from trainers.config import SUBMIT, read_table
    from trainers.submit import launcher
    from trainers.submit.base import SOME_KNOW, job_name, make_job, with_gpu
    from trainers.submit.settings import make_settings

    chosen = launcher(wanted["submit"])
    flags = {
        name[7:]: value for name, value in wanted.items() if name.startswith("submit_") and value not in (None, ())
    }
    settings = make_settings(read_table(Path(file)).get(SUBMIT) if file else None, flags, file or "")
    unused = [name for name in flags if name in SOME_KNOW - chosen.uses]
    if unused:
        raise UsageError(f"--submit-{unused[0]} means nothing to {wanted['submit']}")
    target = Path(wanted["job_file"] or f"{settings.name or job_name(config.output)}{chosen.ending}")
    _look(target)
    plan = None
    if not wanted["no_preflight"]:
        code, plan = _checked(with_gpu(config, settings), as_json, quiet)
        if code:
            return code
    job = make_job(config, _arguments(file, given), settings, chosen, plan)
    text = chosen.text(job)
    replaced = _write(target, text)
    command = chosen.command(job, str(target))
    shown = sys.stderr if as_json else sys.stdout
    if not quiet:
        for line in _told(job, chosen, plan, target, command, go=wanted["go"], replaced=replaced):
            print(safe(line), file=shown, flush=True)
    if as_json:
        print(json_text({"job": job._asdict(), "file": str(target), "command": command, "submitted": wanted["go"]}))
    if wanted["go"]:
        _go(command)
    return EXIT_CLEAN


def _checked(config: TrainConfig, as_json: bool, quiet: bool) -> tuple[int, Plan | None]:
    """Return (exit code, plan) of the preflight, without what it says of this machine."""
    from prepdata.cli.train import show_findings
    from trainers.preflight import preflight
    from trainers.submit.base import elsewhere
    from trainers.summary import preflight_lines

    checked = preflight(config, here=False)
    found = elsewhere(checked.found)
    shown = sys.stderr if as_json else sys.stdout
    if not quiet or found.exit_code:
        show_findings(checked.reports, shown)
        for line in preflight_lines(config, found):
            print(line, file=shown, flush=True)
    return found.exit_code or (EXIT_ERROR if found.plan is None else 0), found.plan


def _arguments(file: str | None, given: dict[str, Any]) -> list[str]:
    """Return the arguments of `prepdata train` that come to the same configuration; paths as a job can use them."""
    from trainers.config import PATHS
    from trainers.submit.base import portable

    found = []
    for name, value in given.items():
        flag = f"--{name.replace('_', '-')}"
        if name == "resume":  # the script of the job decides
            continue
        if isinstance(value, bool):
            found.append(flag if value else f"--no-{flag[2:]}")
        else:
            found.append(f"{flag}={portable(str(value)) if name in PATHS else value}")
    return [*found, *([portable(file)] if file else [])]


def _look(target: Path) -> None:
    """See whether a job file can be written, before anything that takes time.

    Raises:
        UsageError: there is no such folder, or something that prepdata did not write.
    """
    from prepdata.files import read_bounded

    if not target.parent.is_dir():
        raise UsageError(f"{target}: there is no folder {target.parent}; make it, or choose another --job-file")
    if target.exists() and (not target.is_file() or _MARK.encode() not in read_bounded(target, 1 << 24)[:200]):
        raise UsageError(f"{target}: there is something that prepdata did not write; choose another --job-file")


def _write(target: Path, text: str) -> bool:
    """Write a job file, over an older one of ours but over nothing else; return whether there was one.

    Raises:
        UsageError: something else is there.
    """
    from prepdata.files import replacing

    _look(target)
    there = target.exists()
    with replacing(target) as out:
        out.write(text.encode("utf-8", "surrogateescape"))
    return there


def _told(
    job: Job, chosen: Launcher, plan: Plan | None, target: Path, command: list[str], *, go: bool, replaced: bool
) -> list[str]:
    """Return what to know of a job, line by line."""
    import shlex

    gpus = f"{job.gpus} GPU{'' if job.gpus == 1 else 's'}{f' {job.gpu}' if job.gpu else ''}, " if job.gpus else ""
    limit = f"at most {job.hours:.1f} h" if job.hours is not None else "no time limit of its own"
    lines = [f"{'job':<11} {job.name}: {gpus}{job.cpus} cores, {job.memory} GiB, {limit}"]
    outside = [path for path in job.paths if Path(path).is_absolute()]
    if outside and not chosen.shared:
        lines.append(f"note: outside of this folder, so it must be there where the job runs: {', '.join(outside)}")
    if plan is not None:
        lines.append(
            "note: device, dtype and memory above are of this machine, and time is not told for another one; the job "
            "looks again where it runs"
        )
    lines.append(f"written: {target}{', which replaced an older job file' if replaced else ''}")
    lines.append(f"{'submitting' if go else 'submit it by'}: {shlex.join(command)}")
    lines.append(f"then: {chosen.follow(job)}")
    return lines


def _go(command: list[str]) -> None:
    """Run the launcher's own command, without a shell; what it says goes to the terminal.

    Raises:
        PrepdataError: it is not installed, or failed.
    """
    program = shutil.which(command[0])
    if program is None:
        raise UsageError(f"{command[0]} is not installed here; the job file is written: submit it where it is")
    code = subprocess.run([program, *command[1:]], check=False, stdin=subprocess.DEVNULL).returncode
    if code:
        raise PrepdataError(f"{command[0]} ended with exit code {code}; the job was not submitted")
