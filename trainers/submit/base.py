"""A job: what a launcher has to know of a training to carry it out on another machine, and the shell that it runs."""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from prepdata.errors import UsageError
from prepdata.prices import gpu as price_of
from prepdata.quiet import OFFLINE
from trainers import runs
from trainers.config import PATHS, TrainConfig
from trainers.estimate import GIB, OnGpu
from trainers.preflight import Plan, Preflight
from trainers.submit.settings import JobSettings

MARGIN = 1.5
"""What the upper estimate of hours is multiplied by: a job that the limit ends costs more than one that ends early."""
START_HOURS = 0.25
"""For loading, preparing rows and validations."""
BESIDE_GIB = 12
"""Main memory for the libraries and the rows, besides the weights of the base in 16 bits."""
OF_THIS_MACHINE = frozenset({"memory", "disk", "several-gpus", "no-bfloat16", "float32-base", "no-mps"})
"""Problems of a preflight that say nothing of the machine on which the job will run. It looks again there."""


class Job(NamedTuple):
    """What is submitted.

    Args:
        name: letters, digits and hyphens, begins with a letter, at most 50 characters.
        arguments: of `prepdata train`, the configuration file last; without --resume, which the script decides.
        run: the run folder; like paths among the arguments, relative to `workdir` or absolute.
        paths: all files and folders that the run reads, in the same way.
        workdir: the folder in which it was submitted, as the job sees it.
        gpu: type as the launcher names it, None for any; `gpus` on one machine, 0 for none.
        hours: time limit, None for the launcher's own.
        memory: main memory in GiB.
        qlora: True where bitsandbytes is needed.
    """

    name: str
    arguments: tuple[str, ...]
    run: str
    paths: tuple[str, ...]
    workdir: str
    python: str
    gpu: str | None
    gpus: int
    cpus: int
    memory: int
    hours: float | None
    qlora: bool
    settings: JobSettings


class Launcher(Protocol):
    """What writes and submits jobs of one kind.

    Attributes:
        uses: settings that only some launchers know, and this one does.
        ending: of the job file's name.
        shared: True where jobs see the same files as this machine.
        workdir, python: used where the settings name none.
    """

    uses: frozenset[str]
    ending: str
    shared: bool
    workdir: str
    python: str

    def choose(self, plan: Plan) -> str | None:
        """Return the type of GPU for a run that names none; None for any.

        Raises:
            UsageError: there is none that it fits into.
        """

    def text(self, job: Job) -> str:
        """Return the job file.

        Raises:
            UsageError: a setting is missing or impossible.
        """

    def command(self, job: Job, file: str) -> list[str]:
        """Return the command that submits it."""

    def follow(self, job: Job) -> str:
        """Return the command that shows what the job says."""


SOME_KNOW = frozenset({"workdir", "partition", "account", "options", "image", "volume", "namespace", "infra"})
"""Settings that not all launchers know."""


def elsewhere(found: Preflight) -> Preflight:
    """Return a preflight without the problems that only this machine has."""
    return msgspec.structs.replace(found, problems=[p for p in found.problems if p.name not in OF_THIS_MACHINE])


def make_job(
    config: TrainConfig, arguments: Sequence[str], settings: JobSettings, launcher: Launcher, plan: Plan | None
) -> Job:
    """Return the job of a training.

    Args:
        config: of the training.
        arguments: of `prepdata train`, as given here.
        settings: as given; what is missing is worked out.
        launcher: whose defaults are used.
        plan: what the preflight found the run to take; None where nobody looked.

    Raises:
        UsageError: the run does not fit into the GPU, or is finished.
    """
    gpus = settings.gpus if settings.gpus is not None else 0 if config.device == "cpu" else 1
    kind = settings.gpu if gpus else None
    if gpus and kind is None and plan is not None:
        kind = launcher.choose(plan)
    there = launcher.shared and (Path(config.output) / runs.RECORD).is_file()
    if there and runs.read(config.output).status == "finished":
        raise UsageError(f"{config.output}: this run is finished; choose another --output")
    return Job(
        name=settings.name or job_name(config.output),
        arguments=tuple(arguments),
        run=portable(config.output),
        paths=tuple(portable(path) for name in PATHS if isinstance(path := getattr(config, name), str)),
        workdir=settings.workdir or launcher.workdir,
        python=settings.python or launcher.python,
        gpu=kind,
        gpus=gpus,
        cpus=settings.cpus or 4 * max(1, gpus),
        memory=settings.memory or _memory(plan, gpus),
        hours=settings.hours or (_hours(plan, kind) if gpus and plan is not None else None),
        qlora=config.quantization != "none",
        settings=settings,
    )


def job_name(output: str) -> str:
    """Return the name of a job, as every launcher takes it."""
    plain = re.sub(r"[^a-z0-9]+", "-", Path(output).absolute().name.lower()).strip("-")
    return f"prepdata-{plain or 'run'}"[:50].rstrip("-")


def portable(path: str) -> str:
    """Return a path relative to this folder where it lies below it, else absolute."""
    full, here = os.path.abspath(path), os.getcwd()  # noqa: PTH100, PTH109 (links stay as they are)
    if full == here:
        return "."
    inside = os.path.relpath(full, here) if full.startswith(here.rstrip(os.sep) + os.sep) else full
    return f".{os.sep}{inside}" if inside.startswith("-") else inside


def _memory(plan: Plan | None, gpus: int) -> int:
    """Return the main memory of a job in GiB."""
    if plan is None:
        return 32
    if gpus:
        return BESIDE_GIB + math.ceil(2 * plan.model_parameters / GIB)
    return 4 + math.ceil(plan.memory.high / GIB)


def estimate_of(plan: Plan, kind: str | None) -> OnGpu | None:
    """Return the estimate for a type of GPU as a launcher names it; for any, and for one that no price list has, that
    of the slowest type that the run fits into. None where it fits into none.

    Raises:
        UsageError: the type is known, and the run does not fit into it.
    """
    listed = _listed(kind) if kind else None
    if listed is not None:
        found = next((one for one in plan.gpus if one.gpu == listed), None)
        if found is not None and found.fits == "no":
            raise UsageError(
                f"the run does not fit into {kind} ({found.memory_gib:g} GB); name a larger GPU by --submit-gpu, or "
                "try --quantization nf4 or a smaller --batch-size"
            )
        return found
    fitting = [one for one in plan.gpus if one.hours is not None]
    return max(fitting, key=lambda one: one.hours.high if one.hours else 0.0, default=None)


def _listed(kind: str) -> str | None:
    """Return the name that the price list has for a type of GPU, None where it has none."""
    try:
        return price_of(kind).name
    except UsageError:
        return None


def with_gpu(config: TrainConfig, settings: JobSettings) -> TrainConfig:
    """Return the configuration with the GPU of the job among those that estimates are made for, and without a demand
    for a GPU of this machine."""
    listed = _listed(settings.gpu) if settings.gpu else None
    gpus = config.gpus if listed is None else tuple(dict.fromkeys((*config.gpus, listed)))
    return msgspec.structs.replace(config, gpus=gpus, device="auto" if config.device == "cuda" else config.device)


def _hours(plan: Plan, kind: str | None) -> float | None:
    found = estimate_of(plan, kind)
    return MARGIN * found.hours.high + START_HOURS if found is not None and found.hours is not None else None


def train_command(job: Job) -> str:
    """Return the command that trains, as a line of shell; `"$@"` stands for --resume where a run goes on."""
    start = [job.python, "-m", "prepdata"]
    if job.gpus > 1:
        start = [job.python, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(job.gpus),
                 "-m", "prepdata"]  # fmt: skip
    return f'{shlex.join([*start, "train"])} "$@" {shlex.join(job.arguments)}'


def going_on(job: Job) -> list[str]:
    """Return the lines of shell that see whether the run goes on where an earlier start of the job left it. POSIX, so
    that any /bin/sh runs them."""
    return [
        f"run={shlex.quote(job.run)}",
        "set --",
        f'if [ -f "$run/{runs.RECORD}" ]; then',
        f'  if grep -q \'"status": "finished"\' "$run/{runs.RECORD}"; then',
        "    echo 'the run is finished already'",
        "    exit 0",
        "  fi",
        "  set -- --resume",
        "fi",
    ]


def environment() -> dict[str, str]:
    """Return the environment of a job: nothing is looked up on the network, nothing phones home."""
    return dict(OFFLINE)


def to_yaml(document: object, heading: str) -> str:
    """Return a document as YAML, texts of several lines as blocks, under a comment.

    Raises:
        UsageError: pyyaml is missing.
    """
    try:
        import yaml  # type: ignore[import-untyped]
    except ImportError:
        raise UsageError("writing YAML needs the package pyyaml; install it") from None

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]
        pass

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    held = yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return f"# {heading}\n{held}"
