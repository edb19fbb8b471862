"""Submitting a training to a cluster: a job file for its launcher, one module for each kind of launcher."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from trainers.submit.base import Launcher

MODULES = {"slurm": "slurm", "k8s": "kubernetes", "skypilot": "skypilot"}
"""Launcher -> module with its `LAUNCHER`."""


def launcher(name: str) -> Launcher:
    """Return a launcher by its name in `MODULES`."""
    return cast("Launcher", importlib.import_module(f"trainers.submit.{MODULES[name]}").LAUNCHER)
