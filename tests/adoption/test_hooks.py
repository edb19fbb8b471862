"""The pre-commit hooks: the manifest, and real pre-commit on a scratch repository with a good and a bad commit."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / ".pre-commit-hooks.yaml"
GOOD = {
    "messages": [{"role": "user", "content": "Where is my order?"}, {"role": "assistant", "content": "On its way."}]
}
BAD = {"messages": [{"role": "user", "content": "Where is my order?"}, {"role": "asistant", "content": "On its way."}]}


def hooks() -> dict[str, dict[str, Any]]:
    yaml = pytest.importorskip("yaml")
    return {hook["id"]: hook for hook in yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))}


def git(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "PREPDATA_"))}
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, env={**clean, **environment}
    )


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A git repository with nothing in it."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    assert git(folder, "init", "-q").returncode == 0
    return folder


def install(scratch: Path, config: str, home: Path) -> dict[str, str]:
    """Write the configuration, install the git hook, and return the environment for git."""
    pytest.importorskip("pre_commit")
    (scratch / ".pre-commit-config.yaml").write_text(config, encoding="utf-8")
    environment = {"PRE_COMMIT_HOME": str(home), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    run = subprocess.run(
        [sys.executable, "-m", "pre_commit", "install"],
        cwd=scratch,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert run.returncode == 0, run.stderr
    return environment


def commit(scratch: Path, name: str, *rows: Any, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Write rows to a file, stage everything and try to commit."""
    (scratch / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert git(scratch, "add", "-A").returncode == 0
    return git(scratch, "commit", "-m", f"add {name}", **env)


def check_commits(scratch: Path, env: dict[str, str]) -> None:
    """A good file goes in, a bad one is kept out with its place named, files of other kinds do not start the hook."""
    good = commit(scratch, "train.jsonl", *[{**GOOD, "id": str(i)} for i in range(3)], env=env)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "prepdata validate" in good.stdout + good.stderr and "Passed" in good.stdout + good.stderr
    bad = commit(scratch, "more.jsonl", GOOD, BAD, env=env)
    said = bad.stdout + bad.stderr
    assert bad.returncode != 0 and "Failed" in said
    assert "more.jsonl:2: error ROLE002 unknown-role /messages/1/role" in said and "assistant" in said
    assert "\x1b[3" not in said.split("more.jsonl:2")[1]
    (scratch / "more.jsonl").unlink()
    other = commit(scratch, "settings.json", BAD, env=env)
    assert other.returncode == 0 and "Skipped" in other.stdout + other.stderr
    assert git(scratch, "log", "--oneline").stdout.count("\n") == 2


def test_pre_commit_with_the_entry_of_the_manifest(scratch: Path, tmp_path: Path) -> None:
    hook = hooks()["prepdata-validate"]
    entry = hook["entry"].replace("prepdata", f"{sys.executable} -m prepdata", 1)
    config = (
        "repos:\n- repo: local\n  hooks:\n"
        f"  - id: prepdata-validate\n    name: {hook['name']}\n    language: system\n    entry: {entry}\n"
        f"    files: '{hook['files']}'\n    require_serial: true\n"
    )
    check_commits(scratch, install(scratch, config, tmp_path / "home"))


@pytest.mark.packaging
def test_pre_commit_from_a_repository(scratch: Path, tmp_path: Path) -> None:
    source = tmp_path / "prepdata"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("samples/", "tests/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "all", "--no-verify")):
        assert git(source, *arguments).returncode == 0
    revision = git(source, "rev-parse", "HEAD").stdout.strip()
    config = f"repos:\n- repo: {source}\n  rev: {revision}\n  hooks:\n  - id: prepdata-validate\n"
    environment = install(scratch, config, tmp_path / "home")
    check_commits(scratch, environment)
    installed = {path.name for path in (tmp_path / "home").glob("repo*/py_env-*/lib/python*/site-packages/*")}
    assert "prepdata" in installed
    assert not {"torch", "transformers", "datasets", "pyarrow"} & installed


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("train.jsonl", True),
        ("data/a.ndjson", True),
        ("a.jsonl.gz", True),
        ("a.jsonl.zst", True),
        ("a b/c.ndjson.gz", True),
        ("a.json", False),
        ("a.jsonl.bak", False),
        ("a.jsonl.txt", False),
        ("ajsonl", False),
        ("a.gz", False),
        ("jsonl.md", False),
        ("a.JSONL.lock", False),
        ("train.fixed.jsonl.receipt.jsonl", False),
        ("train.jsonl.dropped.jsonl", False),
        ("train.sharegpt.jsonl.lossy.jsonl", False),
        ("train.set-aside.jsonl", False),
        ("data/split-manifest.jsonl", False),
    ],
)
def test_files_of_the_check(name: str, matches: bool) -> None:
    hook = hooks()["prepdata-validate"]
    assert bool(re.search(hook["files"], name) and not re.search(hook["exclude"], name)) is matches


@pytest.mark.parametrize(
    ("name", "matches"), [("train.jsonl", True), ("a.ndjson", True), ("a.jsonl.gz", False), ("a.json", False)]
)
def test_files_of_the_repair(name: str, matches: bool) -> None:
    assert bool(re.search(hooks()["prepdata-fix"]["files"], name)) is matches


def test_folders_pass_over_receipts_too() -> None:
    from prepdata.sources.finder import BESIDE, is_data

    for ending in BESIDE:
        assert re.search(hooks()["prepdata-validate"]["exclude"], f"a.jsonl{ending}")
        assert not is_data(f"a.jsonl{ending}")


def test_manifest() -> None:
    for name, hook in hooks().items():
        assert hook["require_serial"] is True, "one process sees all files: duplicates across files"
        assert hook["language"] == "python"
        assert not {"types", "types_or", "additional_dependencies"} & hook.keys(), "jsonl has no type; core only"
        assert hook["entry"].split()[:2] == ["prepdata", name.removeprefix("prepdata-")]
    assert hooks()["prepdata-fix"]["stages"] == ["manual"]
    assert {"--quiet", "--no-progress", "--offline"} <= set(hooks()["prepdata-validate"]["entry"].split())


def test_entry_needs_the_core_only(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(GOOD) + "\n" + json.dumps(BAD) + "\n", encoding="utf-8")
    arguments = [*hooks()["prepdata-validate"]["entry"].split()[1:], "a.jsonl"]
    code = (
        "import sys; from prepdata.cli.main import cli\n"
        f"code = cli.main({arguments!r}, standalone_mode=False)\n"
        "print(code, *sorted(m for m in sys.modules if '.' not in m), file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    code_, *loaded = run.stderr.split()
    assert code_ == "1" and "a.jsonl:2: error ROLE002" in run.stdout
    assert not {"numpy", "pydantic", "tiktoken", "datasets", "pyarrow", "torch", "rich", "jsonschema"} & set(loaded)


def test_fix_hook_repairs_in_place(tmp_path: Path) -> None:
    row = {**GOOD, "messages": [GOOD["messages"][0], {"role": "Assistant", "content": "On its way."}]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", *hooks()["prepdata-fix"]["entry"].split(), "a.jsonl"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0 and not run.stdout and not run.stderr
    assert json.loads((tmp_path / "a.jsonl").read_text())["messages"][1]["role"] == "assistant"


def test_lock_hook_notices_what_changed(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(GOOD) + "\n", encoding="utf-8")
    lock = [sys.executable, "-m", "prepdata", "lock", "a.jsonl"]
    assert subprocess.run(lock, cwd=tmp_path, capture_output=True).returncode == 0
    command = [sys.executable, "-m", *hooks()["prepdata-lock"]["entry"].split()]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    (tmp_path / "a.jsonl").write_text(json.dumps(BAD) + "\n", encoding="utf-8")
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 1 and "changed  a.jsonl" in run.stdout
