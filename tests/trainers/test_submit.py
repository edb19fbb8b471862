"""Jobs for Slurm, Kubernetes and SkyPilot: what stands in the files, what is worked out, what is refused."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

for needed in ("torch", "transformers", "trl", "peft", "datasets", "accelerate", "tokenizers", "jinja2", "yaml"):
    pytest.importorskip(needed)

import msgspec  # noqa: E402
import tiny_lm  # noqa: E402
import yaml  # noqa: E402
from job_files import TO_THE_VOLUME, submit, text_of, working_folder  # noqa: E402

import trainers.devices  # noqa: E402
import trainers.disk  # noqa: E402
import trainers.preflight  # noqa: E402
from prepdata.cli.main import cli  # noqa: E402
from prepdata.errors import ConfigError, PrepdataError, UsageError  # noqa: E402
from trainers.config import as_dict, load_config, make_config  # noqa: E402
from trainers.preflight import preflight  # noqa: E402
from trainers.submit import MODULES, launcher  # noqa: E402
from trainers.submit.base import OF_THIS_MACHINE, Job, elsewhere, job_name, make_job, portable, with_gpu  # noqa: E402
from trainers.submit.settings import JobSettings, make_settings  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return working_folder(tmp_path, monkeypatch)


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


def test_problems_of_this_machine_do_not_stop_a_job(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "".join(
        Path(str(module.__file__)).read_text() for module in (trainers.preflight, trainers.devices, trainers.disk)
    )
    assert all(f'Problem("{name}"' in source for name in OF_THIS_MACHINE)
    monkeypatch.setattr("trainers.disk.shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    found = preflight(load_config(Path("run.yaml"), {})).found
    assert found.exit_code == 2
    assert elsewhere(found).exit_code == 0
    assert submit("slurm", "--quiet") == 0


def test_data_that_stands_in_the_way_stops_a_job(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_lm.write_rows(folder / "train.jsonl", tiny_lm.json_rows(72, 1))  # the test rows among them
    assert submit("slurm", "--go") == 1
    assert "error: data-errors" in capsys.readouterr().out
    assert not Path("prepdata-run.slurm.sh").exists()


def test_what_the_command_says(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_long(*_: object) -> None:
        raise AssertionError("the time on this machine says nothing of another one")

    monkeypatch.setattr("trainers.calibrate.calibrate", too_long)
    assert submit("slurm") == 0
    shown = capsys.readouterr().out
    assert "\ntime   " not in shown and "time is not told for another one" in shown
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


def test_a_job_file_that_takes_the_place_of_another_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for said in ("written: new.sh\n", "written: new.sh, which replaced an older job file\n"):
        assert submit("slurm", "--no-preflight", "--job-file", "new.sh") == 0
        assert said in capsys.readouterr().out


def test_where_the_job_file_goes_is_looked_at_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def too_late(*_: object) -> None:
        raise AssertionError("the preflight came first")

    monkeypatch.setattr("prepdata.cli.submitting._checked", too_late)
    Path("mine.sh").write_text("#!/bin/bash\n")
    for file, said in (("no/such/x.sh", "there is no folder no/such"), ("mine.sh", "did not write")):
        with pytest.raises(UsageError, match=said):
            submit("slurm", "--job-file", file)


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
    assert len(said) == 6 and all(line.startswith("run.toml: submit") for line in said)
    with pytest.raises(ConfigError, match="expected a table"):
        make_settings(["a"], {})


def test_flags_without_a_launcher_and_of_another_one(folder: Path) -> None:
    with pytest.raises(UsageError, match="--submit-gpu needs --submit LAUNCHER"):
        cli.main(["train", "run.yaml", "--submit-gpu", "H100"], standalone_mode=False)
    with pytest.raises(UsageError, match="--go needs --submit"):
        cli.main(["train", "run.yaml", "--go"], standalone_mode=False)
    with pytest.raises(UsageError, match="--dry-run checks only"):
        submit("slurm", "--dry-run")
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


def test_every_launcher_is_offered() -> None:
    from prepdata.cli.submitting import _NAMES

    assert tuple(MODULES) == _NAMES
