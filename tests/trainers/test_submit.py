"""Jobs for Slurm, Kubernetes and SkyPilot: what stands in the files, and that the scripts in them really train.

Where a launcher's own parser is installed (sbatch with a controller, kubectl, the Python packages kubernetes and sky),
it reads the files too; elsewhere those tests are skipped.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

for needed in ("torch", "transformers", "trl", "peft", "datasets", "accelerate", "tokenizers", "jinja2", "yaml"):
    pytest.importorskip(needed)

import msgspec  # noqa: E402
import tiny_lm  # noqa: E402
import yaml  # noqa: E402

import trainers.preflight  # noqa: E402
from prepdata.cli.main import cli  # noqa: E402
from prepdata.errors import ConfigError, PrepdataError, UsageError  # noqa: E402
from trainers import runs  # noqa: E402
from trainers.config import as_dict, load_config, make_config  # noqa: E402
from trainers.preflight import preflight  # noqa: E402
from trainers.submit import MODULES, launcher  # noqa: E402
from trainers.submit.base import OF_THIS_MACHINE, Job, elsewhere, job_name, make_job, portable, with_gpu  # noqa: E402
from trainers.submit.settings import JobSettings, make_settings  # noqa: E402

HOSTILE = 'it\'s a $(touch broken) $$ "run" `touch broken` ü; #1'
"""A name of a run folder that every way of quoting has to stand."""
TO_THE_VOLUME = ["--submit-image", "reg.example/prepdata:1", "--submit-volume", "work"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with model, rows and a configuration."""
    here = tmp_path / "my work"
    here.mkdir()
    monkeypatch.chdir(here)
    (here / "model").symlink_to(tiny_lm.base_model())
    rows = tiny_lm.json_rows(72, 1)
    tiny_lm.write_rows(here / "train.jsonl", rows[:64])
    tiny_lm.write_rows(here / "test.jsonl", rows[64:])
    given = {
        "model": "model", "train": "train.jsonl", "test": "test.jsonl", "output": "run", "without_baseline": True,
        "batch_size": 16, "gradient_accumulation": 1, "gradient_checkpointing": False, "steps": 2, "gpus": ["L4", "H100"],
    }  # fmt: skip
    (here / "run.yaml").write_text(json.dumps(given))
    return here


def submit(name: str, *words: str) -> int:
    return int(cli.main(["train", "run.yaml", "--submit", name, *words], standalone_mode=False))


def text_of(name: str, *words: str) -> str:
    """Return the job file of a launcher, written without looking at the run."""
    assert submit(name, "--no-preflight", "--quiet", "--job-file", "job", *words) == 0
    return Path("job").read_text()


def job_of(**more: Any) -> Job:
    made: dict[str, Any] = {
        "name": "prepdata-run", "arguments": ("run.toml",), "run": "run", "paths": (), "workdir": "/work",
        "python": "python3", "gpu": None, "gpus": 1, "cpus": 4, "memory": 32, "hours": 2.5, "qlora": False,
        "settings": JobSettings(image="i", volume="v"),
    }  # fmt: skip
    return Job(**{**made, **more})


def sbatch_options(text: str) -> dict[str, str]:
    found = re.findall(r"^#SBATCH --([a-z-]+)(?:=(.*))?$", text, re.MULTILINE)
    return dict(found)


def expanded(text: str, known: dict[str, str]) -> str:
    """Return an argument as Kubernetes hands it on: $(NAME) of a known variable is its value, $$ is $."""
    return re.sub(r"\$\$|\$\(([^)]*)\)", lambda m: "$" if m[0] == "$$" else known.get(m[1], m[0]), text)


# --- scripts that run ------------------------------------------------------------------------------------------------


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


# --- what stands in the files ----------------------------------------------------------------------------------------


def test_a_batch_script(folder: Path) -> None:
    words = ["--lora-r", "8", "--gradient-checkpointing", "--resume", "--train", str(folder / "train.jsonl")]
    asked = ["--submit-gpu", "h100", "--submit-hours", "30.5", "--submit-memory", "64", "--submit-partition", "gpu",
             "--submit-options=--qos=long", "--submit-options=--exclusive", "--submit-account", "me"]  # fmt: skip
    text = text_of("slurm", *words, *asked)
    options = sbatch_options(text)
    assert options == {
        "job-name": "prepdata-run", "nodes": "1", "ntasks": "1", "cpus-per-task": "4", "mem": "64G",
        "gres": "gpu:h100:1", "time": "1-06:30:00", "partition": "gpu", "account": "me",
        "output": "prepdata-run-%j.log", "open-mode": "append", "requeue": "", "signal": "B:USR1@120", "qos": "long",
        "exclusive": "",
    }  # fmt: skip
    arguments = "--lora-r=8 --gradient-checkpointing --train=train.jsonl run.yaml"
    assert f'{sys.executable} -m prepdata train "$@" {arguments} &' in text
    assert "export HF_HUB_OFFLINE=1\n" in text
    assert subprocess.run(["bash", "-n", "job"], check=False).returncode == 0
    assert text.index("#SBATCH --exclusive") < text.index("set -e")


def test_short_jobs_are_warned_later(folder: Path) -> None:
    assert sbatch_options(text_of("slurm", "--submit-hours", "0.05"))["signal"] == "B:USR1@45"
    assert "time" not in sbatch_options(text_of("slurm"))


def test_several_gpus_are_a_process_each(folder: Path) -> None:
    text = text_of("slurm", "--submit-gpus", "4")
    assert "-m torch.distributed.run --standalone --nproc-per-node 4 -m prepdata train " in text
    assert sbatch_options(text)["gres"] == "gpu:4"
    assert sbatch_options(text)["cpus-per-task"] == "16"
    assert "gres" not in sbatch_options(text_of("slurm", "--device", "cpu"))


def test_a_kubernetes_job(folder: Path) -> None:
    held = yaml.safe_load(text_of("k8s", *TO_THE_VOLUME, "--submit-namespace", "ml", "--submit-hours", "2"))
    assert (held["apiVersion"], held["kind"]) == ("batch/v1", "Job")
    assert held["metadata"]["name"] == "prepdata-run" and held["metadata"]["namespace"] == "ml"
    assert held["spec"]["activeDeadlineSeconds"] == 7200
    failing = [rule["onExitCodes"]["values"] for rule in held["spec"]["podFailurePolicy"]["rules"][1:]]
    assert failing == [[1, 2]]
    pod = held["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never"  # without it there is no podFailurePolicy
    (container,) = pod["containers"]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "1"}
    assert container["resources"]["requests"] == {"cpu": "4", "memory": "32Gi"}
    assert {"name": "HF_HUB_OFFLINE", "value": "1"} in container["env"]
    assert all(isinstance(one["value"], str) for one in container["env"])
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounted == {"work": "/workspace", "shm": "/dev/shm"}
    assert {volume["name"] for volume in pod["volumes"]} == set(mounted)
    assert container["args"][0].splitlines()[-1] == 'exec python3 -m prepdata train "$@" run.yaml'


def test_what_kubernetes_needs() -> None:
    k8s = launcher("k8s")
    with pytest.raises(UsageError, match="--submit-image and --submit-volume"):
        k8s.text(job_of(settings=JobSettings()))
    for wrong in ({"name": "Upper"}, {"settings": JobSettings(image="i", volume="a_b")}, {"name": "x" * 64}):
        with pytest.raises(UsageError, match="no name of Kubernetes"):
            k8s.text(job_of(**wrong))
    with pytest.raises(UsageError, match="absolute path"):
        k8s.text(job_of(workdir="work"))
    several = yaml.safe_load(k8s.text(job_of(gpus=2, gpu="NVIDIA-L4")))
    assert len(several["spec"]["podFailurePolicy"]["rules"]) == 1  # torchrun ends with 1 after any failure
    assert several["spec"]["template"]["spec"]["nodeSelector"] == {"nvidia.com/gpu.product": "NVIDIA-L4"}
    none = yaml.safe_load(k8s.text(job_of(gpus=0, hours=None)))
    assert "limits" not in none["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert "activeDeadlineSeconds" not in none["spec"]
    assert k8s.command(job_of(), "f") == ["kubectl", "apply", "-f", "f"]


def test_a_skypilot_task(folder: Path) -> None:
    words = ["--gpus", "L4", "--submit-image", "reg.example/p:1", "--submit-infra", "aws/us-east-1"]
    assert submit("skypilot", "--quiet", *words) == 0
    held = yaml.safe_load(Path("prepdata-run.sky.yaml").read_text())
    assert held["resources"] == {
        "infra": "aws/us-east-1", "accelerators": "L4:1", "cpus": "4+", "memory": "13+",
        "image_id": "docker:reg.example/p:1", "autostop": {"idle_minutes": 10},
    }  # fmt: skip
    assert (held["name"], held["workdir"]) == ("prepdata-run", ".")
    assert held["envs"]["HF_HUB_OFFLINE"] == "1"
    assert 'pip install "prepdata[train]"' in held["setup"]
    assert held["run"].splitlines()[-1] == 'python3 -m prepdata train "$@" --gpus=L4 run.yaml'
    own = yaml.safe_load(text_of("skypilot", "--submit-gpu", "A100-80GB", "--submit-setup", "pip install ."))
    assert own["setup"] == "set -e\npip install .\n"
    assert "pip install ." not in own["run"]


def test_what_skypilot_needs(folder: Path) -> None:
    with pytest.raises(UsageError, match="needs the type of GPU"):
        text_of("skypilot")
    with pytest.raises(UsageError, match="uploads this folder only"):
        text_of("skypilot", "--submit-gpu", "L4", "--train", str(folder.parent / "train.jsonl"))
    sky = launcher("skypilot")
    assert sky.command(job_of(), "f")[:2] == ["sky", "launch"]
    assert "prepdata[qlora]" in yaml.safe_load(sky.text(job_of(gpu="L4", qlora=True)))["setup"]


# --- what is worked out, and refused ---------------------------------------------------------------------------------


def test_time_memory_and_gpu_follow_from_the_run(folder: Path) -> None:
    config = load_config(Path("run.yaml"), {})
    plan = preflight(config).found.plan
    assert plan is not None
    slow = max(one.hours.high for one in plan.gpus if one.hours)
    slurm, sky = launcher("slurm"), launcher("skypilot")
    job = make_job(config, ["run.yaml"], JobSettings(), slurm, plan)
    assert (job.gpu, job.gpus, job.memory) == (None, 1, 13)
    assert job.hours == pytest.approx(1.5 * slow + 0.25)
    cheapest = min(plan.gpus, key=lambda one: one.usd.likely if one.usd else math.inf)
    assert make_job(config, [], JobSettings(), sky, plan).gpu == cheapest.gpu
    large = msgspec.structs.replace(plan.gpus[1], gpu="A100-80", memory_gib=80)
    only = msgspec.structs.replace(plan, gpus=[large])
    assert make_job(config, [], JobSettings(), sky, only).gpu == "A100-80GB"
    none = msgspec.structs.replace(large, fits="no", hours=None, usd=None)
    nowhere = msgspec.structs.replace(plan, gpus=[none])
    with pytest.raises(UsageError, match="surely fits into none"):
        make_job(config, [], JobSettings(), sky, nowhere)
    with pytest.raises(UsageError, match=r"does not fit into a100 80gb \(80 GB\)"):
        make_job(config, [], JobSettings(gpu="a100 80gb"), slurm, nowhere)
    assert make_job(config, [], JobSettings(gpu="site-own-name"), slurm, nowhere).hours is None
    assert make_job(config, [], JobSettings(hours=3), slurm, None).hours == 3
    asked = with_gpu(make_config({**as_dict(config), "device": "cuda"}), JobSettings(gpu="a100"))
    assert (asked.gpus, asked.device) == (("L4", "H100", "A100-80"), "auto")
    cpu = make_job(make_config({**as_dict(config), "device": "cpu"}), [], JobSettings(), slurm, plan)
    assert (cpu.gpus, cpu.hours, cpu.memory) == (0, None, 5)


def test_problems_of_this_machine_do_not_stop_a_job(folder: Path) -> None:
    source = Path(trainers.preflight.__file__).read_text()
    assert all(f'Problem("{name}"' in source for name in OF_THIS_MACHINE)
    config = load_config(Path("run.yaml"), {"keep_checkpoints": 10**9})
    found = preflight(config).found
    assert found.exit_code == 2
    assert elsewhere(found).exit_code == 0
    assert submit("slurm", "--keep-checkpoints", str(10**9), "--quiet") == 0


def test_data_that_stands_in_the_way_stops_a_job(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_lm.write_rows(folder / "train.jsonl", tiny_lm.json_rows(72, 1))  # the test rows among them
    assert submit("slurm", "--go") == 1
    assert "error: data-errors" in capsys.readouterr().out
    assert not Path("prepdata-run.slurm.sh").exists()


def test_what_the_command_says(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert submit("slurm") == 0
    shown = capsys.readouterr().out
    assert "submit it by: sbatch prepdata-run.slurm.sh\n" in shown
    assert "job         prepdata-run: 1 GPU, 4 cores, 13 GiB, at most 0.3 h\n" in shown
    assert submit("k8s", *TO_THE_VOLUME, "--model", str(folder.parent / "else"), "--no-preflight") == 0
    assert f"so it must be there where the job runs: {folder.parent / 'else'}" in capsys.readouterr().out
    assert submit("slurm", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["command"], told["submitted"], told["job"]["name"]) == (
        ["sbatch", "prepdata-run.slurm.sh"], False, "prepdata-run"
    )  # fmt: skip


def test_go_submits_without_a_shell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UsageError, match="sbatch is not installed here; the job file is written"):
        submit("slurm", "--go", "--no-preflight", "--quiet")
    assert Path("prepdata-run.slurm.sh").exists()
    program = folder / "bin" / "sbatch"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > submitted\nexit ${ENDS:-0}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    assert submit("slurm", "--go", "--no-preflight", "--quiet", "--job-file", "a $(b);c") == 0
    assert Path("submitted").read_text() == "a $(b);c\n"
    monkeypatch.setenv("ENDS", "3")
    with pytest.raises(PrepdataError, match="exit code 3; the job was not submitted"):
        submit("slurm", "--go", "--no-preflight", "--quiet")


def test_other_files_are_not_written_over(folder: Path) -> None:
    text_of("slurm")
    text_of("slurm", "--lora-r", "4")
    assert "--lora-r=4" in Path("job").read_text()
    Path("job").write_text("#!/bin/bash\nmine\n")
    with pytest.raises(UsageError, match="did not write"):
        text_of("slurm")
    assert Path("job").read_text() == "#!/bin/bash\nmine\n"


def test_settings_in_the_file_are_no_keys_of_the_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = yaml.safe_load(Path("run.yaml").read_text())
    table = {"partition": "gpu", "setup": ["module load cuda"], "hours": 4, "image": "for/another:launcher"}
    Path("run.yaml").write_text(json.dumps({**given, "submit": table}))
    assert load_config(Path("run.yaml"), {}) == make_config({**given})
    text = text_of("slurm", "--submit-hours", "8")
    assert sbatch_options(text)["time"] == "0-08:00:00"
    assert sbatch_options(text)["partition"] == "gpu"
    assert "\nmodule load cuda\n" in text
    Path("run.toml").write_text('model = "m"\ntrain = "t"\noutput = "o"\n[submit]\npartiton = "gpu"\n')
    with pytest.raises(ConfigError, match=r"run.toml: submit: unknown key 'partiton'. Did you mean 'partition'\?"):
        cli.main(["train", "run.toml", "--submit", "slurm"], standalone_mode=False)


def test_settings_are_checked() -> None:
    assert make_settings(None, {"gpus": "2", "hours": "1.5"}) == JobSettings(gpus=2, hours=1.5)
    assert make_settings({"setup": "a"}, {"setup": ("b", "c")}).setup == ("b", "c")
    assert make_settings({"setup": "module load x"}, {}).setup == ("module load x",)
    with pytest.raises(ConfigError) as caught:
        make_settings(
            {"partition": "a\n#SBATCH --uid=0", "options": ["x", "--a\nb"], "gpus": -1, "name": "a b", "python": ""}, {},
            "run.toml",
        )  # fmt: skip
    said = str(caught.value).splitlines()
    assert len(said) == 6 and all(line.startswith("run.toml: submit: ") for line in said)
    with pytest.raises(ConfigError, match="expected a table"):
        make_settings(["a"], {})


def test_flags_without_a_launcher_and_of_another_one(folder: Path) -> None:
    with pytest.raises(UsageError, match="--submit-gpu needs --submit LAUNCHER"):
        cli.main(["train", "run.yaml", "--submit-gpu", "H100"], standalone_mode=False)
    with pytest.raises(UsageError, match="--go needs --submit"):
        cli.main(["train", "run.yaml", "--go"], standalone_mode=False)
    with pytest.raises(UsageError, match="--submit-image means nothing to slurm"):
        submit("slurm", "--submit-image", "x", "--no-preflight")


def test_names_and_paths(folder: Path) -> None:
    assert job_name("runs/A b_c") == "prepdata-a-b-c"
    assert job_name("ü") == "prepdata-run"
    assert len(job_name("x" * 90)) == 50
    assert portable(str(folder / "a" / "b")) == portable("a/../a/b") == "a/b"
    assert portable("..") == str(folder.parent)
    assert portable("-rf") == "./-rf"
    assert portable(str(folder)) == "."
    assert portable(str(folder) + "2/x") == str(folder) + "2/x"


# --- the launchers' own parsers --------------------------------------------------------------------------------------


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


def test_every_launcher_is_offered() -> None:
    from prepdata.cli.submitting import _NAMES

    assert tuple(MODULES) == _NAMES
