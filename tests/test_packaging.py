"""The wheel works without the repository: built, installed in a clean environment, main job run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.packaging


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "source"
    ignore = shutil.ignore_patterns(
        ".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", "dist"
    )
    shutil.copytree(ROOT, copy, ignore=ignore)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(copy),
    ]
    subprocess.run(command, check=True)
    return next(folder.glob("prepdata-*.whl"))


def test_wheel_holds_what_it_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"prepdata/py.typed", "prepdata/targets/openai.toml", "prepdata/schemas/report.schema.json"} <= names
    assert any(name.startswith("prepdata/prices/") and name.endswith(".toml") for name in names)
    assert "trainers/__init__.py" in names
    assert not any(name.startswith(("tests/", "benchmarks/", "samples/")) for name in names)


def test_main_job_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "env"
    venv.create(place, with_pip=True)
    scripts = place / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run([scripts / "pip", "install", "--quiet", f"{wheel}[offline]"], check=True)
    data = tmp_path / "train.jsonl"
    shutil.copy(ROOT / "samples" / "support" / "train.jsonl", data)
    run = subprocess.run(
        [scripts / "prepdata", "validate", "train.jsonl", "--target", "openai", "-f", "json", "--offline"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )
    assert run.returncode in (0, 1), run.stderr
    report = json.loads(run.stdout)
    assert report["summary"]["examples"] > 300
    assert report["measures"]["tokens"]["exact"] is True
    heavy = subprocess.run([scripts / "pip", "list", "--format", "freeze"], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "datasets"} & {
        line.split("==")[0].lower() for line in heavy.stdout.split("\n")
    }
