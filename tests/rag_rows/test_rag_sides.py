"""Sides of questions: what ties them, and what a manifest keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rag_library import row, shelf

import prepdata
from prepdata.rag_rows.report import RagRowsReport, described
from prepdata.rag_rows.run import rag_rows
from prepdata.rag_rows.settings import Asked

HELD = "but the manifest keeps questions on the sides that they had; move it away to draw anew"
WORDS = ("amber", "birch", "cobalt", "dune", "ember", "fjord", "grove", "heron", "iris", "jade", "krill", "lotus")
LIBRARY = shelf({f"{word}.md": f"The {word} engine of {word}land was built by Ida {word.title()}sen in {1900 + n}."
                 for n, word in enumerate(WORDS)})  # fmt: skip
QUESTIONS = [
    question
    for n, word in enumerate(WORDS)
    for question in (
        row(f"Who built the {word} engine?", f"It was Ida {word.title()}sen.", f"{word}.md"),
        row(f"When was the engine of {word}land made?", f"In {1900 + n}.", f"{word}.md"),
    )
]


def run(folder: Path, rows: Any, **more: Any) -> RagRowsReport:
    questions = folder / "qa.jsonl"
    questions.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    asked = Asked(unanswerable=0)
    return rag_rows("no-folder", questions, output=folder / "out.jsonl", asked=asked, shelf=LIBRARY, **more)


def groups(folder: Path) -> dict[str, set[str]]:
    """Return the groups of each side."""
    return {
        side: {json.loads(line)["group"] for line in (folder / f"out.{side}.jsonl").read_text().splitlines()}
        for side in ("train", "test")
    }


def one_of_each(folder: Path) -> tuple[int, int]:
    """Return the numbers of a document of the train side and of one of the test side."""
    sides = groups(folder)
    train, test = (min(WORDS.index(name.removesuffix(".md")) for name in sides[side]) for side in ("train", "test"))
    return train, test


def both(train: int, test: int, **marks: Any) -> dict[str, Any]:
    """Return a question about two documents."""
    names = [WORDS[number] for number in (train, test)]
    said = " and ".join(f"Ida {name.title()}sen" for name in names)
    return row(f"Who built the engines of {' and '.join(names)}?", f"They were {said}.",
               *(f"{name}.md" for name in names), **marks)  # fmt: skip


def test_a_question_that_ties_two_sides_ties_no_groups(tmp_path: Path) -> None:
    run(tmp_path, QUESTIONS, test=0.3)
    before = groups(tmp_path)
    rows = {side: (tmp_path / f"out.{side}.jsonl").read_bytes() for side in before}
    report = run(tmp_path, [*QUESTIONS, both(*one_of_each(tmp_path))], test=0.3)
    assert report.left == {"ties two sides": 1} and report.notes == []
    assert groups(tmp_path) == before and not before["train"] & before["test"]
    assert {side: (tmp_path / f"out.{side}.jsonl").read_bytes() for side in before} == rows
    found = prepdata.validate(
        str(tmp_path / "out.train.jsonl"), eval=(str(tmp_path / "out.test.jsonl"),), select=("LEAK003",),
        cache=False, jobs=1, tokens=False,
    )  # fmt: skip
    assert [one.message for one in found] == []


def test_questions_beside_one_that_ties_two_sides_get_their_rows(tmp_path: Path) -> None:
    run(tmp_path, QUESTIONS, test=0.3)
    train, test = one_of_each(tmp_path)
    new = row(f"Which land has the engine of Ida {WORDS[train].title()}sen?", f"It is {WORDS[train]}land.",
              f"{WORDS[train]}.md")  # fmt: skip
    report = run(tmp_path, [*QUESTIONS, both(train, test), new], test=0.3)
    assert report.left == {"ties two sides": 1} and report.rows == len(QUESTIONS) + 1
    assert "Which land" in (tmp_path / "out.train.jsonl").read_text()
    again = run(tmp_path, [*QUESTIONS, both(train, test), new], test=0.3)
    assert (again.left, again.rows) == (report.left, report.rows)


def test_only_questions_that_tie_sides_are_left(tmp_path: Path) -> None:
    run(tmp_path, QUESTIONS, test=0.3)
    train, test = one_of_each(tmp_path)
    report = run(tmp_path, [both(train, test), QUESTIONS[2 * train], QUESTIONS[2 * test]], test=0.3)
    assert report.left == {"ties two sides": 1} and report.rows == 2


def test_what_stays_torn_is_told_by_the_lines_of_the_questions(tmp_path: Path) -> None:
    run(tmp_path, QUESTIONS, test=0.3)
    tied = {2 * number for number in one_of_each(tmp_path)}
    rows = [{**one, "group": "press"} if n in tied else one for n, one in enumerate(QUESTIONS)]
    report = run(tmp_path, rows, test=0.3)
    assert report.rows == len(QUESTIONS) and report.notes
    assert all(
        note.startswith("left, since both rows had their side before: question of line ") for note in report.notes
    )
    assert not any("prepdata-rag" in note or "bare" in note for note in report.notes)


@pytest.mark.parametrize(("share", "wanted"), [(0.5, 12), (0, 0), (1.0, 24)])
def test_a_share_that_the_manifest_leaves_without_effect_is_told(tmp_path: Path, share: float, wanted: int) -> None:
    first = run(tmp_path, QUESTIONS, test=0.25)
    report = run(tmp_path, QUESTIONS, test=share)
    assert report.sides["test"].rows == first.sides["test"].rows
    said = [line for line in described(report, 3) if "asked for" in line]
    assert said == [f"test: {wanted} rows were asked for, {HELD}"]
    (tmp_path / "out.split-manifest.jsonl").unlink()
    report = run(tmp_path, QUESTIONS, test=share)
    assert not any("the manifest keeps" in line for line in described(report, 3))


def test_a_side_that_the_manifest_keeps_empty_is_told_so(tmp_path: Path) -> None:
    run(tmp_path, QUESTIONS, test=0)
    report = run(tmp_path, QUESTIONS, test=0.25)
    assert report.sides["test"].rows == 0
    assert [line for line in described(report, 3) if line.startswith("test: ")] == [
        f"test: 6 rows were asked for, {HELD}"
    ]


def test_the_same_share_again_is_no_news(tmp_path: Path) -> None:
    for _ in range(2):
        report = run(tmp_path, QUESTIONS, test=5)  # two rows a document: 5 cannot be
        assert report.sides["test"].rows != 5
        assert not any("asked for" in line for line in described(report, 3))
