"""`prepdata lock` and what `prepdata validate` makes of it, run as users run them: as processes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lock_runs import MORE, ONLY, ROW, TEMPLATE, locked, prepdata, rows

import prepdata as package
from prepdata.errors import InputError
from prepdata.generate import lock_schema
from prepdata.lock import tokenizer as tokenizer_module
from prepdata.lock.drift import _difference, tokenizer_drift
from prepdata.lock.make import changes, make
from prepdata.lock.model import read
from prepdata.settings import Settings


def test_a_lock_made_a_template_edited_a_run_that_fails(project: Path) -> None:
    locked(project, "--copy-templates")
    assert prepdata("validate", "train.jsonl", *ONLY, cwd=project).returncode == 0
    (project / "model" / "chat_template.jinja").write_text(TEMPLATE.replace("<|im_end|>", ""))
    run = prepdata("validate", "train.jsonl", *ONLY, cwd=project)
    assert run.returncode == 1
    assert f"{Path('model/chat_template.jinja')}: error TOK010 template-drift" in run.stdout
    assert "line 3, column 16: '{{ m.content }}<|im_end|>\\n' then, '{{ m.content }}\\n' now" in run.stdout
    assert prepdata("validate", "train.jsonl", *ONLY, "--no-lock", cwd=project).returncode == 0
    assert prepdata("validate", "train.jsonl", *ONLY, "--isolated", cwd=project).returncode == 0
    run = prepdata("lock", cwd=project)
    assert "changed  tokenizer chat_template.jinja" in run.stdout and "chat template in effect" in run.stdout
    assert prepdata("validate", "train.jsonl", *ONLY, cwd=project).returncode == 0
    assert "<|im_end|>" not in (project / "prepdata-templates" / "chat_template.jinja").read_text()


def test_a_data_file_edited_a_run_that_fails_locked_again_a_run_that_passes(project: Path) -> None:
    locked(project)
    rows(project / "train.jsonl", ROW, MORE, ROW)
    run = prepdata("validate", "train.jsonl", "test.jsonl", *ONLY, cwd=project)
    assert run.returncode == 1
    assert run.stdout.startswith("train.jsonl: error PROV005 fingerprint-drift") and run.stdout.count("\n") == 1
    assert "2 rows then" in run.stdout and "3 rows now" in run.stdout
    assert "changed  train.jsonl" in prepdata("lock", cwd=project).stdout
    assert prepdata("validate", "train.jsonl", "test.jsonl", *ONLY, cwd=project).returncode == 0


def test_all_rules_report_drift_by_default(project: Path) -> None:
    locked(project)
    rows(project / "train.jsonl", ROW)
    (project / "model" / "tokenizer.json").write_text('{"a": 1}')
    report = json.loads(prepdata("validate", "train.jsonl", "--no-tokens", "-f", "json", cwd=project).stdout)
    by_rule = report["summary"]["by_rule"]
    assert by_rule["fingerprint-drift"] == by_rule["template-drift"] == 1
    assert prepdata("validate", "train.jsonl", "--no-tokens", "-f", "html", "-f", "sarif", "-o", "a.html", "-o", "a.sarif",
                    cwd=project).returncode == 1  # fmt: skip


def test_what_is_in_it(project: Path) -> None:
    said = locked(project, "--target", "trl", "--target", "openai")
    assert said == "written: prepdata.lock (2 files, tokenizer of 4 files, 2 targets)\n"
    lock = json.loads((project / "prepdata.lock").read_text())
    jsonschema.validate(lock, json.loads(lock_schema()))
    assert [file["path"] for file in lock["files"]] == ["test.jsonl", "train.jsonl"]
    data = (project / "train.jsonl").read_bytes()
    assert lock["files"][1] == {
        "path": "train.jsonl", "sha256": hashlib.sha256(data).hexdigest(), "rows": 2, "bytes": len(data),
    }  # fmt: skip
    assert lock["tokenizer"]["path"] == "model"
    assert lock["tokenizer"]["template"] == hashlib.sha256(TEMPLATE.encode()).hexdigest()
    assert [part["path"] for part in lock["tokenizer"]["files"]] == [
        "additional_chat_templates/rag.jinja", "chat_template.jinja", "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip
    assert [target["name"] for target in lock["targets"]] == ["openai", "trl"]
    assert lock["settings"] == {} and lock["schema_version"] == 1 and lock["prepdata"] == package.__version__
    assert not (project / "prepdata-templates").exists()


def test_the_same_gives_the_same_and_is_not_written_again(project: Path) -> None:
    locked(project, "--copy-templates")
    path = project / "prepdata.lock"
    first, stamp = path.read_bytes(), path.stat().st_mtime_ns
    os.utime(project / "train.jsonl", (1, 1))
    assert prepdata("lock", cwd=project).stdout.startswith("up to date: prepdata.lock")
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (first, stamp)
    path.unlink()
    locked(project, "--copy-templates")
    assert path.read_bytes() == first
    elsewhere = prepdata("lock", str(project / "test.jsonl"), "../train.jsonl", "--tokenizer", str(project / "model"),
                         "--lock", str(path), cwd=project / "model")  # fmt: skip
    assert elsewhere.returncode == 0 and path.read_bytes() == first


def test_rows_are_those_of_the_report(project: Path) -> None:
    (project / "odd.jsonl").write_text('\n{"a": 1}\n\n{broken\n[1]\n')
    assert prepdata("lock", "odd.jsonl", cwd=project).returncode == 0
    report = package.validate(project / "odd.jsonl", tokens=False, cache=False)
    assert read(project / "prepdata.lock").files[0].rows == report.files[0].examples == 3
    assert read(project / "prepdata.lock").files[0].sha256 == report.files[0].sha256


# --- check -----------------------------------------------------------------------------------------------------------


def test_check_writes_nothing_and_its_exit_code_tells(project: Path) -> None:
    locked(project, "--target", "trl", "--copy-templates")
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    run = prepdata("lock", "--check", cwd=project)
    assert (run.returncode, run.stdout) == (0, "prepdata.lock: nothing has changed\n")
    (project / "test.jsonl").unlink()
    rows(project / "train.jsonl", MORE)
    (project / "model" / "added_tokens.json").write_text("{}")
    (project / "prepdata.toml").write_text('ignore = ["COV"]\n')
    run = prepdata("lock", "--check", cwd=project)
    assert run.returncode == 1
    assert [line.split(":")[0].rpartition("/")[2] for line in run.stdout.splitlines()] == [
        "gone     test.jsonl", "changed  train.jsonl", "new      tokenizer added_tokens.json", "new      setting ignore",
        "prepdata.lock",
    ]  # fmt: skip
    assert (project / "prepdata.lock").read_bytes() == before[project / "prepdata.lock"]
    quiet = prepdata("lock", "--check", "-q", cwd=project)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (1, "", "")


@pytest.mark.parametrize("part", ["data", "tokenizer", "template", "copy", "target", "setting", "folder"])
def test_check_notices_every_part(project: Path, part: str) -> None:
    locked(project, "--target", "trl", *(["--copy-templates"] if part == "copy" else []))
    lock = project / "prepdata.lock"
    if part == "data":
        (project / "train.jsonl").write_bytes((project / "train.jsonl").read_bytes() + b"\n")
    elif part == "tokenizer":
        (project / "model" / "tokenizer.json").unlink()
    elif part == "template":
        (project / "model" / "chat_template.jinja").write_text("x")
    elif part == "copy":
        (project / "prepdata-templates" / "chat_template.jinja").write_text("x")
    elif part == "target":
        value = json.loads(lock.read_text())
        value["targets"][0]["sha256"] = "0" * 64
        lock.write_text(json.dumps(value))
    elif part == "setting":
        (project / "prepdata.toml").write_text('fail_on = "never"\n')
    else:
        shutil.rmtree(project / "model")
    assert prepdata("lock", "--check", cwd=project).returncode == 1


def test_another_version_alone_is_told_but_no_difference(project: Path) -> None:
    locked(project)
    lock = project / "prepdata.lock"
    lock.write_text(lock.read_text().replace(package.__version__, "0.0.9"))
    run = prepdata("lock", "--check", cwd=project)
    assert run.returncode == 0 and "locked with prepdata 0.0.9" in run.stderr


# --- where the lock lies ---------------------------------------------------------------------------------------------


def test_the_lock_lies_beside_the_configuration(project: Path) -> None:
    (project / "prepdata.toml").write_text("jobs = 1\n")
    inner = project / "sub"
    rows(inner / "a.jsonl", ROW)
    assert prepdata("lock", "a.jsonl", cwd=inner).returncode == 0
    assert read(project / "prepdata.lock").files[0].path == "sub/a.jsonl"
    rows(inner / "a.jsonl", MORE)
    run = prepdata("validate", "a.jsonl", *ONLY, cwd=inner)
    assert run.returncode == 1 and "a.jsonl: error PROV005" in run.stdout


def test_another_lock_by_flag_setting_and_variable(project: Path) -> None:
    assert prepdata("lock", "train.jsonl", "--lock", "mine.lock", cwd=project).returncode == 0
    assert not (project / "prepdata.lock").exists()
    rows(project / "train.jsonl", ROW)
    assert prepdata("validate", "train.jsonl", *ONLY, cwd=project).returncode == 0
    assert prepdata("validate", "train.jsonl", *ONLY, "--lock", "mine.lock", cwd=project).returncode == 1
    assert prepdata("validate", "train.jsonl", *ONLY, cwd=project, PREPDATA_LOCK="mine.lock").returncode == 1
    assert prepdata("validate", "train.jsonl", *ONLY, cwd=project, PREPDATA_LOCK="").returncode == 0
    (project / "prepdata.toml").write_text('lock = "mine.lock"\n')
    assert prepdata("validate", "train.jsonl", *ONLY, cwd=project).returncode == 1
    assert prepdata("validate", "train.jsonl", *ONLY, "--no-lock", cwd=project).returncode == 0
    assert prepdata("lock", "--check", cwd=project).returncode == 1


def test_the_library_takes_a_lock_and_looks_for_none(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked(project)
    rows(project / "train.jsonl", ROW)
    monkeypatch.chdir(project)
    assert not [f for f in package.validate("train.jsonl", tokens=False, cache=False) if f.code == "PROV005"]
    found = package.validate("train.jsonl", tokens=False, cache=False, lock="prepdata.lock", select=["PROV005"])
    assert [(f.code, f.severity, f.file, f.line) for f in found] == [("PROV005", "error", "train.jsonl", None)]


def test_severity_ignores_and_waivers_apply(project: Path) -> None:
    locked(project)
    rows(project / "train.jsonl", ROW)
    (project / "model" / "tokenizer.json").write_text("[]")
    (project / "prepdata.toml").write_text('[rules.fingerprint-drift]\nseverity = "warning"\n'
                                           '[rules.template-drift]\nseverity = "info"\n')  # fmt: skip
    run = prepdata("validate", "train.jsonl", *ONLY, cwd=project)
    assert run.returncode == 0 and "warning PROV005" in run.stdout and "info TOK010" in run.stdout
    (project / "prepdata.toml").write_text('[per_file_ignores]\n"*.jsonl" = ["PROV005"]\n')
    run = prepdata("validate", "train.jsonl", *ONLY, cwd=project)
    assert "PROV005" not in run.stdout and "TOK010" in run.stdout
    (project / "prepdata.toml").unlink()
    accept = ("--write-waivers", "--reason", "on purpose", "--select", "PROV005,TOK010")
    assert prepdata("validate", "train.jsonl", "--no-tokens", *accept, cwd=project).returncode == 0
    assert prepdata("validate", "train.jsonl", *ONLY, cwd=project).returncode == 0


def test_a_rule_without_a_lock_says_what_it_needs(project: Path) -> None:
    run = prepdata("validate", "train.jsonl", "--select", "PROV005,TOK010", "--no-tokens", cwd=project)
    assert run.returncode == 0 and "prepdata lock" in run.stdout + run.stderr


def test_one_process_and_several_say_the_same(project: Path) -> None:
    rows(project / "big.jsonl", *({**ROW, "id": number} for number in range(5_000)))
    assert prepdata("lock", "big.jsonl", cwd=project).returncode == 0
    with (project / "big.jsonl").open("a") as file:
        file.write(json.dumps(MORE) + "\n")
    said = {prepdata("validate", "big.jsonl", *ONLY, "--jobs", jobs, cwd=project).stdout for jobs in ("1", "2")}
    assert len(said) == 1 and "5,000 rows then" in said.pop()


# --- tokenizers ------------------------------------------------------------------------------------------------------


def test_without_the_model_folder_the_copies_are_held_against_the_lock(project: Path) -> None:
    locked(project, "--copy-templates")
    copies = project / "prepdata-templates"
    assert sorted(str(path.relative_to(copies)) for path in copies.rglob("*.*")) == [
        "additional_chat_templates/rag.jinja", "chat_template.jinja", "tokenizer_config.json",
    ]  # fmt: skip
    shutil.rmtree(project / "model")
    run = prepdata("validate", "train.jsonl", *ONLY, cwd=project)
    assert run.returncode == 0 and "info TOK010" in run.stdout and "only the copies" in run.stdout
    assert prepdata("lock", "--check", cwd=project).returncode == 0
    rows(project / "train.jsonl", ROW)
    run = prepdata("lock", cwd=project)
    assert run.returncode == 0 and "kept as locked" in run.stderr
    assert read(project / "prepdata.lock").tokenizer is not None
    (copies / "chat_template.jinja").write_text("{{ evil }}")
    run = prepdata("validate", "train.jsonl", *ONLY, cwd=project)
    assert run.returncode == 1 and "the kept copy of chat_template.jinja" in run.stdout and "evil" not in run.stdout


def test_without_the_model_folder_and_copies_it_is_an_error(project: Path) -> None:
    locked(project)
    shutil.rmtree(project / "model")
    run = prepdata("validate", "train.jsonl", *ONLY, cwd=project)
    assert run.returncode == 1 and "is not here (4 files)" in run.stdout
    run = prepdata("lock", cwd=project)
    assert run.returncode == 2 and "no such tokenizer" in run.stderr


def test_copies_come_and_go_with_the_files(project: Path) -> None:
    locked(project, "--copy-templates")
    (project / "model" / "additional_chat_templates" / "rag.jinja").unlink()
    (project / "model" / "tokenizer_config.json").write_text(json.dumps({"x": "y" * (1 << 20)}))
    run = prepdata("lock", cwd=project)
    assert "no copy of tokenizer_config.json" in run.stderr
    assert [str(p.relative_to(project)) for p in (project / "prepdata-templates").rglob("*")] == [
        "prepdata-templates/chat_template.jinja"
    ]


def test_a_tokenizer_outside_is_locked_without_its_path(project: Path) -> None:
    inner = project / "project"
    rows(inner / "a.jsonl", ROW)
    assert prepdata("lock", "a.jsonl", "--tokenizer", "../model", cwd=inner).returncode == 0
    lock = read(inner / "prepdata.lock")
    assert lock.tokenizer is not None and lock.tokenizer.path is None
    (project / "model" / "chat_template.jinja").write_text("x")
    run = prepdata("validate", "a.jsonl", *ONLY, cwd=inner)
    assert run.returncode == 0 and "lies elsewhere" in run.stdout
    assert prepdata("validate", "a.jsonl", *ONLY, "--tokenizer", "../model", cwd=inner).returncode == 1
    assert "kept as locked" in prepdata("lock", cwd=inner).stderr
    assert prepdata("lock", "--check", "--tokenizer", "../model", cwd=inner).returncode == 1


def test_a_tokenizer_that_is_used_but_not_locked_is_an_info(project: Path) -> None:
    assert prepdata("lock", "train.jsonl", cwd=project).returncode == 0
    run = prepdata("validate", "train.jsonl", *ONLY, "--tokenizer", "model", cwd=project)
    assert run.returncode == 0 and "model: info TOK010" in run.stdout


def test_a_single_tokenizer_file_and_the_folder_of_the_lock_itself(project: Path) -> None:
    (project / "tokenizer.json").write_text("{}")
    for named, path in (("tokenizer.json", "tokenizer.json"), (".", ".")):
        assert prepdata("lock", "train.jsonl", "--tokenizer", named, cwd=project).returncode == 0
        lock = read(project / "prepdata.lock")
        assert lock.tokenizer is not None and lock.tokenizer.path == path
        assert [part.path for part in lock.tokenizer.files] == ["tokenizer.json"]
        assert prepdata("validate", "train.jsonl", *ONLY, cwd=project).returncode == 0
    (project / "tokenizer.json").write_text("[]")
    run = prepdata("validate", "train.jsonl", *ONLY, cwd=project)
    assert run.returncode == 1 and "tokenizer.json: error TOK010" in run.stdout


def test_an_unreadable_folder_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked(project)
    lock = read(project / "prepdata.lock")

    def refuse(self: Path) -> Any:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(tokenizer_module.Path, "iterdir", refuse)
    [(path, fact)] = tokenizer_drift(lock, project / "prepdata.lock", None)
    assert path == str(project / "model") and fact.data["what"] == "unreadable"
    settings = Settings(tokenizer=str(project / "model"), cache=False)
    with pytest.raises(InputError, match="Permission denied"):
        make([str(project / "train.jsonl")], settings, project / "prepdata.lock", None)


def test_a_file_of_the_tokenizer_that_cannot_be_read(project: Path) -> None:
    locked(project)
    (project / "model" / "tokenizer.json").unlink()
    os.mkfifo(project / "model" / "tokenizer.json")
    run = prepdata("validate", "train.jsonl", *ONLY, cwd=project)
    assert run.returncode == 1 and "not a regular file" in run.stdout
    run = prepdata("lock", cwd=project)
    assert run.returncode == 2 and "tokenizer.json: not a regular file" in run.stderr


def test_a_file_named_out_of_a_locked_folder_stands_for_itself(project: Path) -> None:
    locked(project)
    (project / "model" / "chat_template.jinja").write_text("x")
    one = ("--tokenizer", str(Path("model") / "tokenizer.json"))
    assert prepdata("validate", "train.jsonl", *ONLY, *one, cwd=project).stdout == ""
    (project / "model" / "tokenizer.json").write_text("[]")
    run = prepdata("validate", "train.jsonl", *ONLY, *one, cwd=project)
    assert run.stdout.count("TOK010") == 1 and "tokenizer.json: error TOK010" in run.stdout


texts = st.text(st.sampled_from("ab\n\r\u2028\x0c\u00e9"), max_size=12)


@given(old=texts, new=texts)
def test_the_first_difference_is_where_it_is(old: str, new: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("difference") / "chat_template.jinja"
    file.write_bytes(new.encode())
    found = _difference(old.encode(), file)
    if old == new:
        assert found == {}
        return
    same = next((i for i, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
    before = old[:same]
    assert found["line"] == before.count("\n") + 1
    assert found["column"] == same - (before.rfind("\n") + 1) + 1
    assert found["was"] != found["is"]


def test_bytes_that_are_no_text_have_no_first_difference(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a\xff")
    assert _difference(b"a\xfe", tmp_path / "a") == {}
    assert _difference(b"a", tmp_path / "gone") == {}


# --- what it costs ---------------------------------------------------------------------------------------------------


def test_checking_needs_the_core_only_and_nothing_without_a_lock(project: Path) -> None:
    code = (
        "import sys; from prepdata.cli.main import cli\n"
        "code = cli.main(['validate', 'train.jsonl', '--no-tokens', '-q'], standalone_mode=False)\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    heavy = {"tokenizers", "jinja2", "transformers", "tiktoken", "numpy"}
    for there in (False, True):
        if there:
            locked(project, "--copy-templates")
        run = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True)
        loaded = set(run.stderr.split())
        assert not heavy & loaded
        assert ("prepdata.lock.model" in loaded) is there


def test_changes_between_locks_are_told_both_ways(project: Path) -> None:
    settings = Settings(tokenizer=str(project / "model"), cache=False, targets=("trl",))
    place = project / "prepdata.lock"
    one = make([str(project / "train.jsonl")], settings, place, None).lock
    other = make([str(project / "test.jsonl")], Settings(cache=False), place, None).lock
    said = list(changes(one, other))
    assert said == [
        "new      test.jsonl",
        "gone     train.jsonl",
        "gone     tokenizer (4 files)",
        "gone     target trl",
    ]
    assert [line.split()[0] for line in changes(other, one)] == ["gone", "new", "new", "new"]
    assert not list(changes(one, one))
