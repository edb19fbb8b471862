"""Slurm: a batch script for `sbatch`, which also runs under plain `bash`.

Two minutes before the time limit Slurm sends USR1 to the script. It ends the training, and if a checkpoint came about
since this start, puts the job back into the queue; the next start goes on from it. After a preemption or the loss of a
node Slurm does that by itself (`--requeue`). Options by the manual of sbatch, Slurm 22.05 and 24.11.
"""

from __future__ import annotations

import math
import shlex
import sys
from pathlib import Path

from trainers import runs
from trainers.preflight import Plan
from trainers.submit.base import Job, environment, going_on, train_command

WARNING_SECONDS = 120
"""Seconds before the time limit at which the training is ended; of short jobs a quarter of the limit."""


class Slurm:
    """Writes and submits batch scripts."""

    uses = frozenset({"workdir", "partition", "account", "options"})
    ending = ".slurm.sh"
    shared = True

    @property
    def workdir(self) -> str:
        """This folder, which all nodes see."""
        return str(Path.cwd())

    @property
    def python(self) -> str:
        """This Python, which all nodes see."""
        return sys.executable or "python3"

    def choose(self, plan: Plan) -> str | None:
        """Return None: any GPU of the partition."""
        return None

    def text(self, job: Job) -> str:
        """Return the batch script."""
        lines = ["#!/bin/bash", f"# Written by prepdata; submit it by `sbatch`, or run it by `bash`: {job.name}"]
        lines += [f"#SBATCH {option}" for option in _options(job)]
        lines += ["", "set -e", f"cd -- {shlex.quote(job.workdir)}"]
        lines += [f"export {name}={shlex.quote(value)}" for name, value in environment().items()]
        lines += [*job.settings.setup, *going_on(job), "", *_supervised(job)]
        return "\n".join(lines) + "\n"

    def command(self, job: Job, file: str) -> list[str]:
        """Return the command that submits the script."""
        return ["sbatch", file]

    def follow(self, job: Job) -> str:
        """Return the command that shows what the job says."""
        return f"tail -f {job.name}-*.log"


def _options(job: Job) -> list[str]:
    settings = job.settings
    found = [f"--job-name={job.name}", "--nodes=1", "--ntasks=1", f"--cpus-per-task={job.cpus}", f"--mem={job.memory}G"]
    if job.gpus:
        found.append(f"--gres=gpu:{f'{job.gpu}:' if job.gpu else ''}{job.gpus}")
    if job.hours is not None:
        minutes = math.ceil(60 * job.hours)
        found.append(f"--time={minutes // 1440}-{minutes // 60 % 24:02}:{minutes % 60:02}:00")
    found += [f"--{name}={value}" for name in ("partition", "account") if (value := getattr(settings, name))]
    found += [f"--output={job.name}-%j.log", "--open-mode=append", "--requeue"]
    warning = WARNING_SECONDS if job.hours is None else min(WARNING_SECONDS, math.ceil(900 * job.hours))
    return [*found, f"--signal=B:USR1@{warning}", *settings.options]


def _supervised(job: Job) -> list[str]:
    """Return the lines that start the training, pass signals on to it, and see to it that it goes on."""
    return [
        f'checkpoints() {{ find "$run/{runs.CHECKPOINTS}" -name complete 2>/dev/null | sort; }}',
        "before=$(checkpoints)",
        f"{train_command(job)} &",
        "training=$!",
        "caught='' limit=''",
        "trap 'caught=1; kill -TERM $training 2>/dev/null' TERM INT",
        "trap 'caught=1; limit=1; kill -TERM $training 2>/dev/null' USR1",
        "code=0",
        "wait $training || code=$?",
        'while [ -n "$caught" ]; do caught=; code=0; wait $training || code=$?; done',
        'if [ -n "$limit" ] && [ "$code" -ne 0 ] && [ -n "$SLURM_JOB_ID" ]; then',
        '  if [ "$(checkpoints)" != "$before" ]; then',
        "    echo 'time limit: the job goes back into the queue and goes on from its last checkpoint'",
        '    scontrol requeue "$SLURM_JOB_ID"',
        "  else",
        "    echo 'time limit: no checkpoint since this start; give it more hours, or a smaller save-steps' >&2",
        "  fi",
        "fi",
        "exit $code",
    ]


LAUNCHER = Slurm()
