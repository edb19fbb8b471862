"""The scripts in job files run: they train, pass signals on, and go on where an earlier start of the job left the run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

for needed in ("torch", "transformers", "trl", "peft", "datasets", "accelerate", "tokenizers", "jinja2", "yaml"):
    pytest.importorskip(needed)

import yaml  # noqa: E402
from job_files import HOSTILE, TO_THE_VOLUME, expanded, submit, text_of, working_folder  # noqa: E402

from prepdata.errors import UsageError  # noqa: E402
from trainers import runs  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return working_folder(tmp_path, monkeypatch)


def test_the_script_trains_under_plain_bash(folder: Path) -> None:
    text = text_of("slurm", "--output", HOSTILE, "--submit-setup", 'note="set up"; echo "$note" > set-up')
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    for word in ("2 of 2 steps", "finished already"):
        done = subprocess.run(
            ["bash", str(folder / "job")], cwd="/", env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, word in done.stdout) == (0, True), done.stderr
    assert runs.read(HOSTILE).status == "finished"
    assert not Path("broken").exists()
    assert Path("set-up").read_text() == "set up\n"
    assert "cd -- " in text
    with pytest.raises(UsageError, match="finished"):
        submit("slurm", "--no-preflight", "--output", HOSTILE)


STUB = """#!/bin/sh
echo "$@" >> calls
mkdir -p "$FOLDER/checkpoints"
echo '{"status": "running"}' > "$FOLDER/run.json"
trap 'echo ended >> calls; exit 143' TERM
if [ -n "$SAVES" ]; then mkdir -p "$FOLDER/checkpoints/checkpoint-$$"; : > "$FOLDER/checkpoints/checkpoint-$$/complete"; fi
echo ready >> calls
if [ -n "$WAITS" ]; then while :; do sleep 0.05; done; fi
exit ${ENDS:-0}
"""


def stub(folder: Path, name: str = "python3") -> Path:
    """Return a program in place of Python that behaves as a training; and one in place of scontrol."""
    (folder / "bin").mkdir(exist_ok=True)
    for program, text in ((name, STUB), ("scontrol", '#!/bin/sh\necho "scontrol $*" >> calls\n')):
        (folder / "bin" / program).write_text(text)
        (folder / "bin" / program).chmod(0o755)
    return folder / "bin" / name


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "FOLDER": "run", **more}


def calls() -> list[str]:
    return Path("calls").read_text().splitlines() if Path("calls").exists() else []


def start_and_signal(folder: Path, number: int, **more: str) -> tuple[int, str]:
    """Start the job with a training that waits, send a signal to the script, return its exit code and what it says."""
    process = subprocess.Popen(
        ["bash", "job"], env=environment(folder, WAITS="1", **more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    limit = time.monotonic() + 30
    while calls()[-1:] != ["ready"]:
        assert time.monotonic() < limit and process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    return process.returncode, said


def test_the_time_limit_puts_the_job_back_if_it_came_on(folder: Path) -> None:
    text_of("slurm", "--submit-python", str(stub(folder)))
    code, said = start_and_signal(folder, signal.SIGUSR1, SAVES="1", SLURM_JOB_ID="77")
    assert (code, calls()) == (143, ["-m prepdata train run.yaml", "ready", "ended", "scontrol requeue 77"])
    assert "goes on from its last checkpoint" in said
    Path("calls").unlink()
    code, said = start_and_signal(folder, signal.SIGUSR1, SLURM_JOB_ID="77")
    assert (code, calls()) == (143, ["-m prepdata train --resume run.yaml", "ready", "ended"])
    assert "no checkpoint since this start" in said


def test_a_job_that_is_ended_stays_ended(folder: Path) -> None:
    text_of("slurm", "--submit-python", str(stub(folder)))
    code, _ = start_and_signal(folder, signal.SIGTERM, SAVES="1", SLURM_JOB_ID="77")
    assert (code, calls()[1:]) == (143, ["ready", "ended"])


@pytest.mark.parametrize("ends", [0, 1, 2, 139])
def test_the_script_ends_as_the_training_does(folder: Path, ends: int) -> None:
    text_of("slurm", "--submit-python", str(stub(folder)))
    done = subprocess.run(["bash", "job"], env=environment(folder, ENDS=str(ends), SLURM_JOB_ID="1"), check=False)
    assert (done.returncode, calls()) == (ends, ["-m prepdata train run.yaml", "ready"])


def test_scripts_of_pods_and_cloud_machines_go_on_too(folder: Path) -> None:
    stub(folder)
    held = yaml.safe_load(text_of("k8s", *TO_THE_VOLUME, "--submit-workdir", str(folder), "--output", HOSTILE))
    (container,) = held["spec"]["template"]["spec"]["containers"]
    known = {one["name"]: one["value"] for one in container["env"]}
    pod = [*container["command"], *(expanded(text, known) for text in container["args"])]
    held = yaml.safe_load(text_of("skypilot", "--submit-gpu", "H100", "--output", HOSTILE))
    for command in (pod, ["bash", "-c", held["run"]]):
        shutil.rmtree(HOSTILE, ignore_errors=True)
        for _ in range(2):
            done = subprocess.run(command, env=environment(folder, FOLDER=HOSTILE, ENDS="3"), check=False)
            assert done.returncode == 3
        words = f"--output={HOSTILE} run.yaml"
        assert [line for line in calls() if line != "ready"] == [
            f"-m prepdata train {words}", f"-m prepdata train --resume {words}"
        ]  # fmt: skip
        Path("calls").unlink()
    assert not Path("broken").exists()


def test_a_pod_gets_its_script_as_written(folder: Path) -> None:
    lines = ["echo $(HF_HUB_OFFLINE) $$ $$$(x) ${y} $z", "export PATH=$HOME/bin:$PATH"]
    words = [word for line in lines for word in ("--submit-setup", line)]
    held = yaml.safe_load(text_of("k8s", *TO_THE_VOLUME, *words))
    (script,) = held["spec"]["template"]["spec"]["containers"][0]["args"]
    assert expanded(script, {"HF_HUB_OFFLINE": "1"}).splitlines()[2:4] == lines
