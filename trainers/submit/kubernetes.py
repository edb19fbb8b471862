"""Kubernetes: a Job (batch/v1) for `kubectl apply`.

Data, model and run folder lie on a persistent volume, since pods come and go. A pod that is lost is replaced, and the
new one goes on from the last checkpoint; exit codes 1 and 2 of prepdata, which another try does not cure, end the job
(`podFailurePolicy`, stable since Kubernetes 1.31).
"""

from __future__ import annotations

import math
import re
import shlex
from typing import Any

from prepdata.errors import UsageError
from trainers.preflight import Plan
from trainers.submit.base import Job, environment, going_on, to_yaml, train_command

RETRIES = 6
"""Pods that may fail before the job does; evictions and preemptions are not counted."""
GRACE_SECONDS = 120
_LABEL = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")


class Kubernetes:
    """Writes and submits Jobs."""

    uses = frozenset({"workdir", "image", "volume", "namespace"})
    ending = ".k8s.yaml"
    shared = False
    workdir = "/workspace"
    python = "python3"

    def choose(self, plan: Plan) -> str | None:
        """Return None: any GPU of the cluster."""
        return None

    def text(self, job: Job) -> str:
        """Return the Job as YAML.

        Raises:
            UsageError: image or volume are not given, or a name is none that Kubernetes takes.
        """
        settings = job.settings
        missing = [name for name in ("image", "volume") if getattr(settings, name) is None]
        if missing:
            flags = " and ".join(f"--submit-{name}" for name in missing)
            raise UsageError(
                f"k8s needs {flags}: an image with prepdata in it, and a persistent volume claim with the content of "
                f"this folder, which is mounted at {job.workdir}"
            )
        for what, name in (("name", job.name), ("volume", settings.volume), ("namespace", settings.namespace)):
            if name is not None and not _LABEL.fullmatch(name):
                raise UsageError(
                    f"submit: {what}: '{name}' is no name of Kubernetes: small letters, digits and hyphens, at most 63"
                )
        if not job.workdir.startswith("/"):
            raise UsageError(f"submit: workdir: '{job.workdir}': where the volume is mounted is an absolute path")
        return to_yaml(_document(job), f"Written by prepdata; submit it by `kubectl apply -f`: {job.name}")

    def command(self, job: Job, file: str) -> list[str]:
        """Return the command that submits the Job."""
        return ["kubectl", "apply", "-f", file]

    def follow(self, job: Job) -> str:
        """Return the command that shows what the job says."""
        space = f" -n {job.settings.namespace}" if job.settings.namespace else ""
        return f"kubectl logs -f{space} job/{job.name}"


def _document(job: Job) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": job.name, "labels": {"app.kubernetes.io/name": "prepdata"}}
    if job.settings.namespace:
        metadata["namespace"] = job.settings.namespace
    spec: dict[str, Any] = {"backoffLimit": RETRIES}
    if job.hours is not None:
        spec["activeDeadlineSeconds"] = 60 * math.ceil(60 * job.hours)
    rules: list[dict[str, Any]] = [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    ]
    if job.gpus <= 1:  # torchrun ends with 1 whatever its processes ended with
        rules.append({"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1, 2]}})
    spec["podFailurePolicy"] = {"rules": rules}
    spec["template"] = {"metadata": {"labels": dict(metadata["labels"])}, "spec": _pod(job)}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def _pod(job: Job) -> dict[str, Any]:
    resources: dict[str, Any] = {"requests": {"cpu": str(job.cpus), "memory": f"{job.memory}Gi"}}
    if job.gpus:
        resources["limits"] = {"nvidia.com/gpu": str(job.gpus)}
    script = [
        "set -e", f"cd -- {shlex.quote(job.workdir)}", *job.settings.setup, *going_on(job), f"exec {train_command(job)}"
    ]  # fmt: skip
    container = {
        "name": "train",
        "image": job.settings.image,
        "command": ["/bin/sh", "-c"],
        "args": [_literal("\n".join(script) + "\n")],
        "env": [{"name": name, "value": value} for name, value in environment().items()],
        "resources": resources,
        "volumeMounts": [
            {"name": "work", "mountPath": job.workdir},
            {"name": "shm", "mountPath": "/dev/shm"},
        ],
    }
    pod: dict[str, Any] = {"restartPolicy": "Never", "terminationGracePeriodSeconds": GRACE_SECONDS}
    if job.gpu:
        pod["nodeSelector"] = {"nvidia.com/gpu.product": job.gpu}
    pod["containers"] = [container]
    pod["volumes"] = [
        {"name": "work", "persistentVolumeClaim": {"claimName": job.settings.volume}},
        {"name": "shm", "emptyDir": {"medium": "Memory"}},  # processes of one machine pass tensors through it
    ]
    return pod


def _literal(text: str) -> str:
    """Return a text that Kubernetes hands on as it is: it reads `$(NAME)` in arguments as a variable, `$$` as `$`."""
    return re.sub(r"\$(?=[$(])", "$$", text)


LAUNCHER = Kubernetes()
