"""The command line, run as users run it: as a process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
GOOD = {
    "messages": [{"role": "user", "content": "What is the capital of Peru?"}, {"role": "assistant", "content": "Lima."}]
}
BAD = {"messages": [{"role": "user", "content": "And of Chile?"}, {"role": "bot", "content": "Santiago."}]}


def prepdata(
    *arguments: str, cwd: Path, stdin: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PREPDATA_CACHE_DIR": str(cwd / ".cache"), "NO_COLOR": "1", **variables}
    environment.pop("GITHUB_STEP_SUMMARY", None)
    return subprocess.run(
        [sys.executable, "-m", "prepdata", *arguments],
        cwd=cwd, capture_output=True, text=True, encoding="utf-8", env=environment, input=stdin, timeout=120,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "good.jsonl", GOOD)
    write(tmp_path / "bad.jsonl", GOOD, BAD)
    return tmp_path


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


QUICK = ("--no-tokens", "--ignore", "COV")


def test_exit_codes(folder: Path) -> None:
    assert prepdata("validate", "good.jsonl", *QUICK, cwd=folder).returncode == 0
    assert prepdata("validate", "bad.jsonl", *QUICK, cwd=folder).returncode == 1
    assert prepdata("validate", "bad.jsonl", *QUICK, "--exit-zero", cwd=folder).returncode == 0
    assert prepdata("validate", "bad.jsonl", *QUICK, "--fail-on", "never", cwd=folder).returncode == 0
    assert prepdata("validate", "missing.jsonl", cwd=folder).returncode == 2
    assert prepdata("validate", cwd=folder).returncode == 2
    assert prepdata("validate", "good.jsonl", "--select", "no-such", cwd=folder).returncode == 2
    assert prepdata("validate", "good.jsonl", "--nonsense", cwd=folder).returncode == 2
    assert prepdata("valdate", cwd=folder).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["validate", "missing.jsonl"], "missing.jsonl"),
        (["validate", "good.jsonl", "--select", "unknown-rol"], "unknown-role"),
        (["valdate"], "validate"),
        (["validate", "good.jsonl", "--target", "opnai"], "openai"),
        (["validate", "good.jsonl", "--format", "opnai"], "openai"),
        (["validate", "good.jsonl", "-f", "sarf"], "sarif"),
        (["rule", "contol-token"], "control-token"),
    ],
)
def test_wrong_use_is_one_clear_line(folder: Path, arguments: list[str], said: str) -> None:
    run = prepdata(*arguments, cwd=folder)
    assert run.returncode == 2
    assert said in run.stderr
    assert "Traceback" not in run.stderr


def test_a_finding_names_file_line_path_reason_and_cure(folder: Path) -> None:
    run = prepdata("validate", "bad.jsonl", *QUICK, cwd=folder)
    assert "bad.jsonl:2: error ROLE002 unknown-role /messages/1/role" in run.stdout
    assert "assistant" in run.stdout


def test_quiet_and_silent(folder: Path) -> None:
    quiet = prepdata("validate", "bad.jsonl", *QUICK, "-q", "-f", "concise", cwd=folder)
    assert quiet.stdout.strip().count("\n") == quiet.stdout.strip().count("bad.jsonl:2") - 1
    assert quiet.stderr == ""
    silent = prepdata("validate", "bad.jsonl", *QUICK, "-s", cwd=folder)
    assert (silent.stdout, silent.stderr, silent.returncode) == ("", "", 1)


def test_standard_input(folder: Path) -> None:
    run = prepdata("validate", "-", *QUICK, "-f", "json", cwd=folder, stdin=(folder / "bad.jsonl").read_text())
    assert run.returncode == 1
    assert [f["line"] for f in json.loads(run.stdout)["findings"]] == [2]


def test_several_formats_at_once(folder: Path) -> None:
    run = prepdata(
        "validate",
        "bad.jsonl",
        *QUICK,
        "-f",
        "json",
        "-o",
        "r.json",
        "-f",
        "sarif",
        "-o",
        "r.sarif",
        "-f",
        "concise",
        cwd=folder,
    )
    assert json.loads((folder / "r.json").read_text())["summary"]["errors"] == 1
    assert json.loads((folder / "r.sarif").read_text())["version"] == "2.1.0"
    assert "bad.jsonl:2" in run.stdout
    assert prepdata("validate", "bad.jsonl", "-f", "json", "-f", "sarif", cwd=folder).returncode == 2


def test_a_report_never_takes_the_place_of_the_data(folder: Path) -> None:
    (folder / "link").symlink_to("bad.jsonl")
    before = (folder / "bad.jsonl").read_bytes()
    for name in ("bad.jsonl", "./bad.jsonl", str(folder / "bad.jsonl"), "link"):
        run = prepdata("validate", ".", *QUICK, "-f", "concise", "-o", "new.txt", "-f", "json", "-o", name, cwd=folder)
        assert run.returncode == 2 and "give the report a name of its own" in run.stderr
    assert (folder / "bad.jsonl").read_bytes() == before and not (folder / "new.txt").exists()
    run = prepdata("validate", "bad.jsonl", *QUICK, "-f", "json", "-o", "/dev/null", cwd=folder)
    assert run.returncode == 1


def test_a_report_is_written_piece_by_piece_and_whole_or_not_at_all(folder: Path) -> None:
    from prepdata.cli.output import written

    target = folder / "r.txt"
    with written(target) as text:
        for _ in range(100):
            text.write("é\ud800\n" * 1000)
        assert not target.exists() and next(f.stat().st_size for f in folder.glob(".prepdata-*")) > 700_000
    assert target.read_bytes() == b"\xc3\xa9\\ud800\n" * 100_000
    with pytest.raises(RuntimeError), written(target) as text:
        text.write("other")
        raise RuntimeError
    assert target.stat().st_size == 900_000 and not list(folder.glob(".prepdata-*"))


def test_show_files_and_settings(folder: Path) -> None:
    (folder / "prepdata.toml").write_text('fail_on = "warning"\n')
    listed = prepdata("validate", ".", "--show-files", cwd=folder).stdout.split()
    assert [Path(name).name for name in listed] == ["bad.jsonl", "good.jsonl"]
    shown = prepdata("validate", "--show-settings", "--jobs", "1", cwd=folder).stdout
    assert 'fail_on = "warning"' in shown and "jobs = 1" in shown and "prepdata.toml" in shown


def test_configuration_mistakes_stop_the_run(folder: Path) -> None:
    (folder / "prepdata.toml").write_text('fail_onn = "warning"\n')
    run = prepdata("validate", "good.jsonl", cwd=folder)
    assert run.returncode == 2 and "fail_on" in run.stderr and "prepdata.toml" in run.stderr
    assert prepdata("validate", "good.jsonl", *QUICK, "--isolated", cwd=folder).returncode == 0


def test_environment_gives_the_output_format(folder: Path) -> None:
    run = prepdata("validate", "bad.jsonl", *QUICK, cwd=folder, PREPDATA_OUTPUT_FORMAT="jsonl")
    assert json.loads(run.stdout)["name"] == "unknown-role"


def test_init_writes_a_configuration_that_loads(folder: Path) -> None:
    assert prepdata("init", cwd=folder).returncode == 0
    assert prepdata("validate", "good.jsonl", *QUICK, cwd=folder).returncode == 0
    assert prepdata("init", cwd=folder).returncode == 2
    assert prepdata("init", "--force", cwd=folder).returncode == 0


@pytest.mark.parametrize("named", [[], ["--waivers", "mine.json"]])
def test_accepted_findings_come_back_no_more(folder: Path, named: list[str]) -> None:
    accept = ["validate", "bad.jsonl", *QUICK, "--write-waivers", *named]
    without = prepdata(*accept, cwd=folder)
    assert without.returncode == 2 and "--write-waivers needs --reason" in without.stderr
    for said in ("1 finding accepted", "0 findings accepted"):
        run = prepdata(*accept, "--reason", "an old row", cwd=folder)
        assert (run.returncode, run.stdout) == (0, "") and said in run.stderr
    name = named[-1] if named else "prepdata-waivers.json"
    [waiver] = json.loads((folder / name).read_text())["waivers"]
    assert waiver["rule"] == "unknown-role" and waiver["reason"] == "an old row"
    assert prepdata("validate", "bad.jsonl", *QUICK, *named, cwd=folder).returncode == 0
    write(folder / "bad.jsonl", GOOD, {"messages": [*BAD["messages"], *GOOD["messages"]]})
    assert prepdata("validate", "bad.jsonl", *QUICK, *named, cwd=folder).returncode == 1
    assert prepdata("validate", "bad.jsonl", *QUICK, "--waivers", "none.json", cwd=folder).returncode == 2


def test_rule_explains_and_lists(folder: Path) -> None:
    one = prepdata("rule", "ROLE002", cwd=folder).stdout
    assert "unknown-role" in one and "Why:" in one and "Bad:" in one
    everything = json.loads(prepdata("rule", "--all", "-f", "json", cwd=folder).stdout)
    assert len({rule["code"] for rule in everything}) == len(everything) > 60
    assert prepdata("rule", cwd=folder).returncode == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(folder: Path, shell: str) -> None:
    assert "_PREPDATA_COMPLETE" in prepdata("completion", shell, cwd=folder).stdout


def test_help_and_version(folder: Path) -> None:
    assert "validate" in prepdata("--help", cwd=folder).stdout
    for command in ("validate", "fix", "convert", "stats", "cost", "rule", "init", "vocab", "completion"):
        assert prepdata(command, "--help", cwd=folder).returncode == 0
    assert prepdata("--version", cwd=folder).stdout.startswith("prepdata, version ")


def test_a_closed_pipe_is_no_error(folder: Path) -> None:
    write(folder / "many.jsonl", *[BAD] * 5000)
    command = f"{sys.executable} -m prepdata validate many.jsonl --no-tokens -f concise | head -1"
    run = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True)
    assert run.stdout.count("\n") == 1
    assert run.stderr == ""


def test_start_up_imports_nothing_heavy(folder: Path) -> None:
    banned = {
        "torch",
        "transformers",
        "datasets",
        "pyarrow",
        "pandas",
        "scipy",
        "pydantic",
        "numpy",
        "tiktoken",
        "jsonschema",
        "ftfy",
    }
    code = (
        "import sys; from prepdata.cli.main import cli\n"
        "cli.main(['validate', 'good.jsonl', '--no-tokens', '-q'], standalone_mode=False)\n"
        "print(sorted(m for m in sys.modules if '.' not in m))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    loaded = set(eval(run.stdout.strip().split("\n")[-1]))
    assert not loaded & banned


def test_init_suggests_only_what_is_possible(tmp_path: Path) -> None:
    import tomllib

    from prepdata.cli.init import config
    from prepdata.config import read_settings

    lines = config().split("\n")
    real = [line.removeprefix("# ") for line in lines if re.match(r"(# )?(\[|\"|\w+ = )", line)]
    values = tomllib.loads("\n".join(real))
    settings = read_settings(values, origin="")
    assert settings.targets == ("openai",) and settings.marks == {"id": "uuid"} and len(values) >= 7


def test_one_style_of_errors(folder: Path) -> None:
    run = prepdata("validate", "--frmat", "x", cwd=folder)
    assert run.returncode == 2 and run.stderr.startswith("prepdata: No such option '--frmat'")
    assert run.stderr.endswith("prepdata validate --help'.\n")
    run = prepdata("validate", "good.jsonl", "-f", "json", "-o", "nowhere/r.json", cwd=folder)
    assert run.returncode == 2 and "there is no folder 'nowhere'" in run.stderr and ".r.json." not in run.stderr


def test_help_lists_flags_by_section(folder: Path) -> None:
    text = prepdata("validate", "--help", cwd=folder).stdout
    assert all(f"\n{title}:" in text for title in ("Options", "Rules", "Output", "Configuration"))
    assert text.index("\nRules:") < text.index("--extend-select") < text.index("\nInput and speed:")


def test_rule_lists_a_family(folder: Path) -> None:
    lines = prepdata("rule", "ROLE", cwd=folder).stdout.rstrip("\n").split("\n")
    assert len(lines) >= 10 and all(line.startswith("ROLE") for line in lines)


@pytest.mark.parametrize("library", ["click", "msgspec"])
@pytest.mark.parametrize("arguments", [["advise"], ["validate", "good.jsonl"], ["cost", "missing.jsonl"]])
def test_a_missing_library_is_told_in_one_line(folder: Path, library: str, arguments: list[str]) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; sys.argv[1:] = {arguments!r}\n"
    code += "from prepdata.__main__ import main; main()"
    run = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith(f"prepdata: the library '{library}' is missing in the environment of ")
    assert run.stderr.count("\n") == 1
