"""SkyPilot: a task for `sky launch`, on whatever cloud has the GPU for the least money.

The folder is uploaded, so everything that the run reads has to lie in it. The machine stops when it has been idle for a
while, and its disk stays: the same command starts it again, and the run goes on from its last checkpoint. Keys by the
reference of SkyPilot 0.14 (https://docs.skypilot.co/en/latest/reference/yaml-spec.html, 2026-11).
"""

from __future__ import annotations

import os
from typing import Any

from prepdata.errors import UsageError
from trainers.preflight import Plan
from trainers.submit.base import Job, environment, going_on, to_yaml, train_command

IDLE_MINUTES = 10
"""Minutes without work after which the machine is stopped."""
NAMES = {"A100-40": "A100", "A100-80": "A100-80GB"}
"""Types of GPU that SkyPilot names otherwise than our price list."""


class SkyPilot:
    """Writes and submits tasks."""

    uses = frozenset({"image", "infra"})
    ending = ".sky.yaml"
    shared = False
    workdir = "."
    python = "python3"

    def choose(self, plan: Plan) -> str | None:
        """Return the GPU on which the run is likely to cost least.

        Raises:
            UsageError: it fits into none of those that the configuration lists.
        """
        fitting = [one for one in plan.gpus if one.usd is not None and one.fits == "yes"]
        if not fitting:
            raise UsageError("the run surely fits into none of the listed GPUs; name one by --submit-gpu or in --gpus")
        best = min(fitting, key=lambda one: one.usd.likely if one.usd else 0.0).gpu
        return NAMES.get(best, best)

    def text(self, job: Job) -> str:
        """Return the task as YAML.

        Raises:
            UsageError: the type of GPU is not known, or a path leads out of the folder that is uploaded.
        """
        if job.gpus and job.gpu is None:
            raise UsageError("skypilot needs the type of GPU: --submit-gpu, as `sky gpus list` lists it")
        out = [path for path in (*job.paths, *job.arguments) if os.path.isabs(path)]  # noqa: PTH117
        if out:
            raise UsageError(f"skypilot uploads this folder only; {out[0]} lies elsewhere: move it here")
        resources: dict[str, Any] = {"infra": job.settings.infra} if job.settings.infra else {}
        if job.gpus:
            resources["accelerators"] = f"{job.gpu}:{job.gpus}"
        resources |= {"cpus": f"{job.cpus}+", "memory": f"{job.memory}+"}
        if job.settings.image:
            resources["image_id"] = f"docker:{job.settings.image}"
        resources["autostop"] = {"idle_minutes": IDLE_MINUTES}
        document = {
            "name": job.name,
            "workdir": job.workdir,
            "resources": resources,
            "envs": environment(),
            "setup": "\n".join(_setup(job)) + "\n",
            "run": "\n".join(["set -e", *going_on(job), train_command(job)]) + "\n",
        }
        return to_yaml(document, f"Written by prepdata; submit it by `sky launch`: {job.name}")

    def command(self, job: Job, file: str) -> list[str]:
        """Return the command that submits the task; it does not wait for its end."""
        return ["sky", "launch", "--yes", "--detach-run", "--cluster", job.name, file]

    def follow(self, job: Job) -> str:
        """Return the command that shows what the job says."""
        return f"sky logs {job.name}"


def _setup(job: Job) -> list[str]:
    """Return the lines that make a new machine ready: what the settings say, else what the guide says."""
    extra = "qlora" if job.qlora else "train"
    return ["set -e", *(job.settings.setup or ("pip install torch", f'pip install "prepdata[{extra}]"'))]


LAUNCHER = SkyPilot()
