"""Which files a run replaces, removes and refuses, and that they are there together or not at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rag_library import ALL, RETURN, row, shelf

from prepdata.errors import InputError, UsageError
from prepdata.rag_rows.make import Maker
from prepdata.rag_rows.report import RagRowsReport, described
from prepdata.rag_rows.run import rag_rows
from prepdata.rag_rows.settings import Asked
from prepdata.splitting.run import split

HERE = Path(__file__).parent
LIBRARY = shelf({f"{name}.md": f"The lamp {name} has {100 + n} parts.\n\nThe lamp {name} weighs {900 + n} grams."
                 for n, name in enumerate("abcdefghijklmnop")})  # fmt: skip
QUESTIONS = [
    question
    for n, name in enumerate("abcdefghijklmnop")
    for question in (
        row(f"How many parts does the lamp {name} have?", f"It has {100 + n} parts.", f"{name}.md"),
        row(f"What is the weight of the lamp {name}?", f"It weighs {900 + n} grams.", f"{name}.md"),
    )
]
OTHERS = "left as it is, as this command did not write it or it was changed since"
SIDES = ("train", "validation", "test")


def write(path: Path, rows: Any) -> Path:
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), encoding="utf-8")
    return path


def run(folder: Path, rows: Any = QUESTIONS, *, seed: str = "", **more: Any) -> RagRowsReport:
    asked = Asked(unanswerable=0, seed=seed)
    questions = write(folder / "qa.jsonl", rows)
    return rag_rows("no-folder", questions, output=folder / "out.jsonl", asked=asked, shelf=LIBRARY, **more)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def asked_in(path: Path) -> set[str]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {one["messages"][0]["content"].rpartition("Question: ")[2] for one in rows}


@pytest.mark.parametrize("kind", ["train.", "validation.", "test.", "left-out.", "split-manifest.", ""])
@pytest.mark.parametrize("split", [True, False])
@pytest.mark.parametrize("force", [True, False])
def test_the_questions_are_never_replaced(tmp_path: Path, kind: str, split: bool, force: bool) -> None:
    questions = write(tmp_path / f"out.{kind}jsonl", QUESTIONS)
    before = questions.read_bytes()
    how: dict[str, Any] = {"test": 0.2} if split else {}
    with pytest.raises(UsageError, match="holds the questions; choose another --output"):
        rag_rows("no-folder", questions, output=tmp_path / "out.jsonl", shelf=LIBRARY, force=force, **how)
    assert questions.read_bytes() == before and names(tmp_path) == [questions.name]


@pytest.mark.parametrize("kind", ["train.", "validation.", "test.", "left-out.", "split-manifest.", "", "sums"])
def test_links_and_folders_are_refused(tmp_path: Path, kind: str) -> None:
    place = tmp_path / (f"out.{kind}jsonl" if kind != "sums" else "out.sha256")
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="is a symbolic link; remove it first"):
        run(tmp_path, test=0.2)
    place.unlink()
    place.mkdir()
    with pytest.raises(UsageError, match=r"is a folder|is not a regular file"):
        run(tmp_path, test=0.2)


@pytest.mark.parametrize(
    "text",
    ["old\n", '{"messages": []}\n', '{"metadata": {"other": 1}}\n', "[]\n", "\n", "{" * 5000 + "\n", "\x00\xff",
     '{"metadata": {"rag_rows": {}}}\n{"messages": []}\n'],
)  # fmt: skip
def test_a_file_of_others_is_replaced_on_request_only(tmp_path: Path, text: str) -> None:
    for kind, how in (("", {}), ("train.", {"test": 0.2}), ("left-out.", {})):
        place = tmp_path / f"out.{kind}jsonl"
        place.write_text(text, encoding="utf-8")
        with pytest.raises(
            UsageError, match=r"out.*jsonl is there and was not written by this command, or was changed.*--force"
        ):
            run(tmp_path, [*QUESTIONS, row("Why?", "So.")], **how)
        assert place.read_text(encoding="utf-8") == text
        run(tmp_path, [*QUESTIONS, row("Why?", "So.")], force=True, **how)
        assert place.read_text(encoding="utf-8") != text
        for path in tmp_path.glob("out.*"):
            path.unlink()


def test_files_of_others_that_are_not_written_stay(tmp_path: Path) -> None:
    (tmp_path / "out.train.jsonl").write_text("mine\n")
    report = run(tmp_path)
    assert (tmp_path / "out.train.jsonl").read_text() == "mine\n"
    assert report.notes == [f"{OTHERS}: {tmp_path / 'out.train.jsonl'}"]


def edit(path: Path) -> bytes:
    """Change the last answer of a file of rows, as a reviewer does, and return what it holds then."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows[-1]["messages"][-1]["content"] += " Ask us."
    return write(path, rows).read_bytes()


@pytest.mark.parametrize("change", ["answer", "mark", "order", "dropped", "sums gone"])
def test_rows_that_people_worked_on_are_kept(tmp_path: Path, change: str) -> None:
    run(tmp_path)
    path = tmp_path / "out.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    if change == "answer":
        edit(path)
    elif change == "mark":
        path.write_text(lines[0].replace('"gold"', '"reviewed_by":"Ada","gold"') + "".join(lines[1:]))
    elif change == "order":
        path.write_text("".join(lines[::-1]))
    elif change == "dropped":
        path.write_text("".join(lines[1:]))
    else:
        (tmp_path / "out.sha256").unlink()
    before = path.read_bytes()
    for dry_run in (True, False):
        with pytest.raises(UsageError, match=r"out\.jsonl is there and was not written.*or was changed since"):
            run(tmp_path, dry_run=dry_run)
    for dry_run in (True, False):
        assert run(tmp_path, test=0.2, dry_run=dry_run).notes == [f"{OTHERS}: {path}"]
    assert path.read_bytes() == before
    assert run(tmp_path, force=True).rows == len(QUESTIONS)
    assert path.read_text(encoding="utf-8") == "".join(lines)


def test_a_side_that_was_edited_is_kept(tmp_path: Path) -> None:
    run(tmp_path, test=0.2)
    before = edit(tmp_path / "out.test.jsonl")
    with pytest.raises(UsageError, match=r"out\.test\.jsonl is there and was not written"):
        run(tmp_path, test=0.2)
    report = run(tmp_path)
    assert report.notes == [
        f"removed, as its rows are of an earlier run: {tmp_path / 'out.train.jsonl'}",
        f"{OTHERS}: {tmp_path / 'out.test.jsonl'}",
    ]
    assert (tmp_path / "out.test.jsonl").read_bytes() == before


def test_files_of_a_split_of_the_rows_are_kept(tmp_path: Path) -> None:
    run(tmp_path)
    split([tmp_path / "out.jsonl"], cache=False, jobs=1)
    before = {path: path.read_bytes() for path in tmp_path.glob("out.t*.jsonl")}
    assert len(before) == 2
    assert len(run(tmp_path).notes) == 1
    assert {path: path.read_bytes() for path in before} == before
    with pytest.raises(UsageError, match=r"out\.train\.jsonl is there and was not written"):
        run(tmp_path, test=0.2)


@pytest.mark.parametrize("text", ["mine\n", f"{'0' * 64}  model.bin\n", f"{'0' * 63}  out.jsonl\n", "x" * 70_000, "\n"])
def test_sums_of_others_are_replaced_on_request_only(tmp_path: Path, text: str) -> None:
    path = tmp_path / "out.sha256"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"out\.sha256 is there and was not written.*--force"):
        run(tmp_path)
    assert names(tmp_path) == ["out.sha256", "qa.jsonl"] and path.read_text() == text
    run(tmp_path, force=True)
    assert [line.split("  ")[1] for line in path.read_text().splitlines()] == ["out.jsonl"]


@pytest.mark.parametrize("name", ["out.jsonl", "a\nb.jsonl", "a\\nb.jsonl", "é \r.jsonl"])
def test_the_sums_are_those_of_sha256sum(tmp_path: Path, name: str) -> None:
    questions = write(tmp_path / "qa.jsonl", [*QUESTIONS, row("Why?", "So.")])
    for _ in range(2):  # its own files are known again
        rag_rows("no-folder", questions, output=tmp_path / name, asked=Asked(unanswerable=0), shelf=LIBRARY)
    path = next(tmp_path.glob("*.sha256"))
    assert len(path.read_bytes().splitlines()) == 2
    if shutil.which("sha256sum"):
        done = subprocess.run(["sha256sum", "-c", "--strict", path.name], cwd=tmp_path, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr


def test_without_a_row_the_files_of_before_stay_and_are_told(tmp_path: Path) -> None:
    run(tmp_path, test=0.2)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("out.t*.jsonl")}
    said = "no row was made, so those of an earlier run stay: "
    said += ", ".join(str(tmp_path / f"out.{side}.jsonl") for side in ("train", "test"))
    for dry_run in (True, False):
        report = run(tmp_path, [row("Why?", "So.")], test=0.2, dry_run=dry_run)
        assert (report.rows, report.exit_code, report.notes) == (0, 1, [said])
    assert {path.name: path.read_bytes() for path in tmp_path.glob("out.t*.jsonl")} == before
    assert run(tmp_path, test=0.2).rows == len(QUESTIONS)  # they are still known as own files


def test_an_empty_file_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").touch()
    assert run(tmp_path).rows == len(QUESTIONS)


def test_own_files_are_replaced(tmp_path: Path) -> None:
    run(tmp_path, test=0.2, validation=0.2)
    mode = tmp_path / "out.test.jsonl"
    mode.chmod(0o640)
    report = run(tmp_path, test=0.2, validation=0.2)
    assert report.rows == len(QUESTIONS) and report.notes == []
    assert mode.stat().st_mode & 0o777 == 0o640


def test_sides_of_an_earlier_run_are_removed_and_told(tmp_path: Path) -> None:
    run(tmp_path, validation=0.2, test=0.2)
    (tmp_path / "out.split-manifest.jsonl").unlink()
    report = run(tmp_path, seed="b", test=0.2)
    assert names(tmp_path) == [
        "out.sha256",
        "out.split-manifest.jsonl",
        "out.test.jsonl",
        "out.train.jsonl",
        "qa.jsonl",
    ]
    assert report.notes == [f"removed, as its rows are of an earlier run: {tmp_path / 'out.validation.jsonl'}"]
    assert not asked_in(tmp_path / "out.train.jsonl") & asked_in(tmp_path / "out.test.jsonl")


def test_rows_with_and_without_sides_do_not_lie_together(tmp_path: Path) -> None:
    run(tmp_path, validation=0.2, test=0.2)
    report = run(tmp_path)
    assert names(tmp_path) == ["out.jsonl", "out.sha256", "out.split-manifest.jsonl", "qa.jsonl"]
    assert all(str(tmp_path / f"out.{side}.jsonl") in report.notes[0] for side in SIDES)
    report = run(tmp_path, test=0.2)
    assert not (tmp_path / "out.jsonl").exists()
    assert report.notes == [f"removed, as its rows are of an earlier run: {tmp_path / 'out.jsonl'}"]


def test_a_dry_run_says_what_would_be_removed(tmp_path: Path) -> None:
    run(tmp_path, validation=0.2, test=0.2)
    (tmp_path / "out.split-manifest.jsonl").unlink()
    before = names(tmp_path)
    report = run(tmp_path, test=0.2, dry_run=True)
    assert report.notes == [f"would be removed, as its rows are of an earlier run: {tmp_path / 'out.validation.jsonl'}"]
    assert names(tmp_path) == before


def test_a_side_that_was_asked_for_and_got_nothing_is_told(tmp_path: Path) -> None:
    about_one = [row(f"How many parts has the lamp a, asked for the {n}th time?", "It has 100 parts.", "a.md")
                 for n in range(20)]  # fmt: skip
    report = run(tmp_path, about_one, test=0.2)
    said = list(described(report, 3))
    assert report.sides["test"].rows == 0 and "validation" not in report.sides
    assert "test: no row, though it was asked for: what belongs together stays on one side" in said
    assert not (tmp_path / "out.test.jsonl").exists()


def test_an_old_side_does_not_stay_where_the_new_one_is_empty(tmp_path: Path) -> None:
    run(tmp_path, test=0.2)
    report = run(tmp_path, QUESTIONS[:2], test=1)
    assert report.rows == 2
    empty = [name for name in ("train", "test") if not report.sides[name].rows]
    assert empty and not any((tmp_path / f"out.{name}.jsonl").exists() for name in empty)


def test_a_manifest_of_another_seed_or_none_at_all_is_told_first(tmp_path: Path) -> None:
    run(tmp_path, test=0.2)
    for dry_run in (True, False):
        with pytest.raises(UsageError, match="was made with the salt ''") as told:
            run(tmp_path, seed="b", test=0.2, dry_run=dry_run)
        assert str(tmp_path / "out.split-manifest.jsonl") in str(told.value)
    (tmp_path / "out.split-manifest.jsonl").write_text("none\n")
    with pytest.raises(InputError, match="is no manifest of a split"):
        run(tmp_path, test=0.2)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, MemoryError])
def test_after_an_interruption_there_is_neither_manifest_nor_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def interrupted(*_: Any) -> None:
        raise error

    with monkeypatch.context() as patched, pytest.raises(error):
        patched.setattr(Maker, "made", interrupted)
        run(tmp_path, test=0.2)
    assert names(tmp_path) == ["qa.jsonl"]
    assert run(tmp_path, seed="b", test=0.2).rows == len(QUESTIONS)  # no manifest of the other seed is there


CHILD = """
import os, signal, sys
from pathlib import Path
import test_rag_outputs as tests
from prepdata.rag_rows.make import Maker
folder, when, how = Path(sys.argv[1]), sys.argv[2], getattr(signal, sys.argv[3])
owner, name = (Maker, "made") if when == "making" else (Path, "replace")
plain, calls = getattr(owner, name), []
def counted(*given):
    if when == "making" or given[1].parent == folder:
        calls.append(given)
    if len(calls) == (2 if when == "making" else 3):
        os.kill(os.getpid(), how)
    return plain(*given)
setattr(owner, name, counted)
tests.run(folder, seed=sys.argv[4], test=0.2, validation=0.2)
"""


def stopped(folder: Path, when: str, how: str, seed: str = "") -> int:
    paths = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), when, how, seed],
        capture_output=True, timeout=120, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    return done.returncode


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_run_that_is_killed_leaves_neither_manifest_nor_rows(tmp_path: Path) -> None:
    assert stopped(tmp_path, "making", "SIGKILL") == -9
    assert [name for name in names(tmp_path) if not name.startswith(".prepdata-rag-")] == ["qa.jsonl"]
    assert run(tmp_path, seed="b", test=0.2).rows == len(QUESTIONS)
    assert not [name for name in names(tmp_path) if name.startswith(".")]  # the dead run's folder is gone


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interruption_waits_until_all_are_in_their_places(tmp_path: Path) -> None:
    assert stopped(tmp_path, "placing", "SIGINT") != 0
    assert names(tmp_path) == ["out.sha256",
                               *(f"out.{name}.jsonl" for name in ("split-manifest", "test", "train", "validation")),
                               "qa.jsonl"]  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_killed_between_two_files_no_old_side_is_beside_a_new_one(tmp_path: Path) -> None:
    run(tmp_path, seed="a", test=0.2, validation=0.2)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "out.split-manifest.jsonl").unlink()
    assert stopped(tmp_path, "placing", "SIGKILL", "b") == -9
    left = {path.name: path.read_bytes() for path in tmp_path.glob("out.*")}
    assert "out.split-manifest.jsonl" in left
    assert not any(before.get(name) == held for name, held in left.items())


def test_left_out_rows_of_before_go_where_nothing_is_left_out(tmp_path: Path) -> None:
    run(tmp_path, [*QUESTIONS, row("Why?", "So.")])
    assert "out.left-out.jsonl" in names(tmp_path)
    assert run(tmp_path).notes == []
    assert "out.left-out.jsonl" not in names(tmp_path)


def test_names_of_the_folder_aside_do_not_meet_those_of_the_output(tmp_path: Path) -> None:
    questions = write(tmp_path / "qa.jsonl", ALL)
    for name in ("questions.jsonl", "bare.jsonl", "sides.jsonl", "made.jsonl"):
        report = rag_rows("no-folder", questions, output=tmp_path / name, asked=Asked(unanswerable=0), shelf=shelf())
        assert report.rows == len(ALL)
    assert rag_rows("no-folder", write(tmp_path / "one.jsonl", [RETURN]), output=tmp_path / "made.jsonl",
                    asked=Asked(unanswerable=0), shelf=shelf()).rows == 1  # fmt: skip
