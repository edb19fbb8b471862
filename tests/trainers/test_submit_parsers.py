"""Job files as the launchers' own parsers read them: sbatch with a controller, kubectl, the Python packages kubernetes
and sky. Where one is not installed, its test is skipped."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

for needed in ("torch", "transformers", "trl", "peft", "datasets", "accelerate", "tokenizers", "jinja2", "yaml"):
    pytest.importorskip(needed)

import yaml  # noqa: E402
from job_files import TO_THE_VOLUME, text_of, working_folder  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return working_folder(tmp_path, monkeypatch)


def test_sbatch_takes_the_script(folder: Path) -> None:
    if shutil.which("sbatch") is None or subprocess.run(["sinfo"], capture_output=True, check=False).returncode:
        pytest.skip("no Slurm controller here")
    text_of("slurm", "--device", "cpu", "--submit-hours", "1", "--submit-cpus", "1", "--submit-memory", "1")
    done = subprocess.run(["sbatch", "--test-only", "job"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_kubectl_loses_nothing_of_the_job(folder: Path) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl here")
    mine = yaml.safe_load(text_of("k8s", *TO_THE_VOLUME, "--submit-gpu", "NVIDIA-L4", "--submit-hours", "2"))
    command = ["kubectl", "set", "env", "--local", "--dry-run=client", "-f", "job", "A=b", "-o", "yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "KUBECONFIG": ""})
    assert done.returncode == 0, done.stderr
    assert _kept(mine, yaml.safe_load(done.stdout)) == []


def _kept(mine: Any, theirs: Any, path: str = "$") -> list[str]:
    """Return the paths of what a parser lost or changed."""
    if isinstance(mine, dict):
        lost = [f"{path}.{key}" for key in mine if key not in theirs]
        return lost + [p for key in mine if key in theirs for p in _kept(mine[key], theirs[key], f"{path}.{key}")]
    if isinstance(mine, list):
        return [p for n, (one, other) in enumerate(zip(mine, theirs)) for p in _kept(one, other, f"{path}[{n}]")]
    return [] if str(mine) == str(theirs) else [path]


def test_the_kubernetes_client_knows_every_field(folder: Path) -> None:
    client = pytest.importorskip("kubernetes").client
    held = yaml.safe_load(text_of("k8s", *TO_THE_VOLUME, "--submit-gpu", "NVIDIA-L4", "--submit-namespace", "ml"))
    assert _unknown(client, held, "V1Job") == []
    assert _unknown(client, {"spec": {"templat": {}}}, "V1Job") == ["$.spec.templat"]


def _unknown(client: Any, value: Any, kind: str, path: str = "$") -> list[str]:
    """Return the paths of fields that the classes of the client, which are made from the API's schema, do not have."""
    if inner := re.fullmatch(r"list\[(.*)\]", kind):
        return [p for n, one in enumerate(value) for p in _unknown(client, one, inner[1], f"{path}[{n}]")]
    made = getattr(client, kind, None)
    if not hasattr(made, "openapi_types"):
        return []
    names = {text: name for name, text in made.attribute_map.items()}
    found = []
    for key, one in value.items():
        here = f"{path}.{key}"
        found += [here] if key not in names else _unknown(client, one, made.openapi_types[names[key]], here)
    return found


def test_skypilot_reads_the_task(folder: Path) -> None:
    sky = pytest.importorskip("sky")
    text_of("skypilot", "--submit-gpu", "L4", "--submit-image", "reg.example/p:1", "--submit-gpus", "2")
    Path("job").rename("job.yaml")
    task = sky.Task.from_yaml("job.yaml")
    (resources,) = task.resources
    assert resources.accelerators == {"L4": 2}
