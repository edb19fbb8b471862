"""`prepdata lock` used wrongly, on damaged locks and on hostile files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from lock_runs import MORE, ONLY, ROW, locked, prepdata, rows

from prepdata.lock.model import read


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lock"], "nothing to lock"),
        (["lock", "--check"], "there is no lock yet"),
        (["lock", "missing.jsonl"], "missing.jsonl"),
        (["lock", "-"], "standard input cannot be locked"),
        (["lock", "train.jsonl", "--lock", "sub/x.lock"], "there is no folder"),
        (["lock", "train.jsonl", "--lock", "model/x.lock"], "lies outside the folder"),
        (["lock", "train.jsonl", "--tokenizer", "nowhere"], "no such tokenizer"),
        (["lock", "train.jsonl", "--tokenizer", "model/additional_chat_templates"], "no tokenizer in this folder"),
        (["lock", "train.jsonl", "--target", "opnai"], "openai"),
        (["validate", "train.jsonl", "--lock", "none.lock"], "none.lock: cannot be read"),
        (["validate", "train.jsonl", "--lock", "model"], "model: cannot be read"),
        (["validate", "train.jsonl", "--lock", "x", "--no-lock"], "exclude each other"),
    ],
)
def test_wrong_use_is_told(project: Path, arguments: list[str], said: str) -> None:
    run = prepdata(*arguments, cwd=project)
    assert run.returncode == 2 and said in run.stderr and "Traceback" not in run.stderr
    assert not (project / "prepdata.lock").exists()


@pytest.mark.parametrize(
    "data", [b"[" * 50_000, b'{"schema_version": 9}', b"\xff", b"{}", b'{"schema_version": 1e999}']
)
def test_a_damaged_lock_ends_the_run_with_file_and_place(project: Path, data: bytes) -> None:
    (project / "prepdata.lock").write_bytes(data)
    for arguments in (["validate", "train.jsonl", "--no-tokens"], ["lock"], ["lock", "--check"]):
        run = prepdata(*arguments, cwd=project)
        assert run.returncode == 2 and "prepdata.lock" in run.stderr, run
        assert "Traceback" not in run.stderr and "internal error" not in run.stderr
    assert prepdata("validate", "train.jsonl", *ONLY, "--no-lock", cwd=project).returncode == 0
    assert prepdata("stats", "train.jsonl", "--no-tokens", cwd=project).returncode == 0
    assert (project / "prepdata.lock").read_bytes() == data


def test_links_among_the_copies_are_neither_written_nor_removed_through(project: Path) -> None:
    outside = project / "outside"
    outside.mkdir()
    (outside / "chat_template.jinja").write_text("mine")
    (project / "prepdata-templates").symlink_to(outside)
    run = prepdata("lock", "train.jsonl", "--tokenizer", "model", "--copy-templates", cwd=project)
    assert run.returncode == 2 and "symbolic link" in run.stderr
    (project / "prepdata-templates").unlink()
    locked(project, "--copy-templates")
    shutil.rmtree(project / "prepdata-templates")
    (project / "prepdata-templates").symlink_to(outside)
    (project / "model" / "chat_template.jinja").unlink()
    (project / "model" / "tokenizer_config.json").unlink()
    (project / "model" / "additional_chat_templates" / "rag.jinja").unlink()
    assert prepdata("lock", cwd=project).returncode == 0
    assert (outside / "chat_template.jinja").read_text() == "mine"


def test_a_linked_data_file_is_locked_under_its_own_name(project: Path) -> None:
    store = rows(project / "store" / "9f86", ROW)
    (project / "linked.jsonl").symlink_to(store)
    assert prepdata("lock", "linked.jsonl", cwd=project).returncode == 0
    assert read(project / "prepdata.lock").files[0].path == "linked.jsonl"
    rows(store, MORE)
    assert prepdata("validate", "linked.jsonl", *ONLY, cwd=project).returncode == 1


def test_odd_names_are_locked_and_shown_escaped(project: Path) -> None:
    rows(project / "a\u202eb \x1b[2J.jsonl", ROW)
    assert prepdata("lock", "a\u202eb \x1b[2J.jsonl", cwd=project).returncode == 0
    rows(project / "a\u202eb \x1b[2J.jsonl", MORE)
    run = prepdata("lock", "--check", cwd=project)
    assert run.returncode == 1 and "\x1b" not in run.stdout and "\u202e" not in run.stdout
    run = prepdata("validate", "a\u202eb \x1b[2J.jsonl", *ONLY, cwd=project)
    assert run.returncode == 1 and "\x1b" not in run.stdout


def test_a_folder_is_gone_through_and_no_file_of_the_lock_is_data(project: Path) -> None:
    (project / "model" / "chat_template.json").write_text('{"chat_template": "x"}')
    assert prepdata("lock", ".", "--tokenizer", "model", "--copy-templates", cwd=project).returncode == 0
    assert prepdata("lock", ".", "--tokenizer", "model", cwd=project).stdout.startswith("up to date")
    assert [file.path for file in read(project / "prepdata.lock").files] == ["test.jsonl", "train.jsonl"]
