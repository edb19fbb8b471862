"""Documents and questions in, files of rows out."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rag_library import ALL, DOCUMENTS, FOUNDED, NORWAY, RETURN, row, shelf

import prepdata
from prepdata.errors import InputError, UsageError
from prepdata.rag_rows.report import RagRowsReport, described
from prepdata.rag_rows.run import rag_rows
from prepdata.rag_rows.settings import Asked

SHELF = shelf()
NEVER = Asked(unanswerable=0)
LIBRARY = {f"{name}.md": f"The lamp {name} has {100 + n} parts.\n\nThe lamp {name} weighs {900 + n} grams.\n\n"
           f"The lamp {name} was drawn by Mira {name.title()}sen." for n, name in enumerate("abcdefghijklmnop")}  # fmt: skip


def lamps() -> list[dict[str, Any]]:
    """Return three questions about each document of `LIBRARY`."""
    found = []
    for n, name in enumerate("abcdefghijklmnop"):
        found += [
            row(f"How many parts does the lamp {name} have?", f"It has {100 + n} parts.", f"{name}.md"),
            row(f"What is the weight of the lamp {name}?", f"It weighs {900 + n} grams.", f"{name}.md"),
            row(f"Who drew the lamp {name}?", f"That was Mira {name.title()}sen.", f"{name}.md"),
        ]
    return found


def write(folder: Path, rows: Any, name: str = "qa.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def run(folder: Path, rows: Any, *, library: Any = SHELF, asked: Asked = NEVER, **more: Any) -> RagRowsReport:
    return rag_rows("no-folder", write(folder, rows), output=folder / "out.jsonl", asked=asked, shelf=library, **more)


def test_rows_come_in_the_order_of_their_questions(tmp_path: Path) -> None:
    report = run(tmp_path, ALL)
    assert [one["id"] for one in read(tmp_path / "out.jsonl")] == ["a", "b", "c", "d", "e"]
    assert (report.questions, report.rows, report.exit_code, report.left) == (5, 5, 0, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "out.sha256", "qa.jsonl"]


def test_what_gives_no_row_is_kept_with_its_reason(tmp_path: Path) -> None:
    bad = row("How long?", "30 days.", "returns.md")
    rows = [RETURN, bad, {**RETURN, "id": "again"}, {"messages": 7}, row("Why?", "So.")]
    path = write(tmp_path, rows)
    path.write_text(path.read_text() + "{broken\n")
    report = rag_rows("no-folder", path, output=tmp_path / "out.jsonl", asked=NEVER, shelf=SHELF)
    left = read(tmp_path / "out.left-out.jsonl")
    assert [(one["line"], one["kind"]) for one in left] == [
        (2, "answer not in its passage"), (3, "duplicate"), (4, left[2]["kind"]), (5, "no source"), (6, "unreadable"),
    ]  # fmt: skip
    assert left[0]["row"] == bad and left[4]["row"] is None
    assert left[1]["reason"] == "the same question, answer and source as line 1"
    assert (report.questions, report.rows, report.exit_code) == (6, 1, 1)
    assert sum(report.left.values()) == 5


def test_a_later_run_without_faults_takes_the_old_reasons_away(tmp_path: Path) -> None:
    run(tmp_path, [RETURN, row("Why?", "So.")])
    assert (tmp_path / "out.left-out.jsonl").exists()
    run(tmp_path, [RETURN])
    assert not (tmp_path / "out.left-out.jsonl").exists()


def test_no_row_at_all_writes_no_rows(tmp_path: Path) -> None:
    run(tmp_path, lamps(), library=shelf(LIBRARY), validation=0.1)
    names = ("out.train.jsonl", "out.validation.jsonl", "out.split-manifest.jsonl")
    before = [(tmp_path / name).read_bytes() for name in names]
    report = run(tmp_path, [row("Why?", "So.")], validation=0.1)
    assert report.rows == 0 and report.exit_code == 1 and report.manifest == ""
    assert [(tmp_path / name).read_bytes() for name in names] == before
    assert (tmp_path / "out.left-out.jsonl").exists()


def test_a_file_that_holds_no_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no row of a known format"):
        run(tmp_path, [{"a": 1}])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["qa.jsonl"]


def test_after_an_error_old_files_are_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, ALL[:2])
    before = (tmp_path / "out.jsonl").read_bytes()

    def fails(*_: Any) -> None:
        raise OSError(5, "the store went away")

    monkeypatch.setattr(SHELF.retriever, "search", fails)
    with pytest.raises(OSError, match="went away"):
        run(tmp_path, ALL)
    assert (tmp_path / "out.jsonl").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "out.sha256", "qa.jsonl"]


def test_documents_of_one_answer_are_one_group(tmp_path: Path) -> None:
    both = row("How long is each?", "14 days to return, 2 years of warranty.", "warranty.md", "returns.md")
    run(
        tmp_path,
        [*ALL, both, {**FOUNDED, "group": "press"}, row("Where is the shop?", "In Ghent.", "shop.md", group="press")],
    )
    groups = {
        one["messages"][0]["content"].rpartition("Question: ")[2]: one["group"] for one in read(tmp_path / "out.jsonl")
    }
    assert groups["How long may I return goods?"] == groups["What does a repair cost?"] == "returns.md"
    assert groups["Who founded the firm?"] == groups["When is the shop open?"] == "about.md"
    assert groups[NORWAY["messages"][0]["content"]] == "shipping.md"


@pytest.mark.parametrize(
    ("output", "said"),
    [("qa.jsonl", "holds the questions"), ("out.jsonl.gz", "plain JSONL"), ("none/out.jsonl", "is no folder"),
     ("folder", "is a folder"), ("link.jsonl", "symbolic link"), ("docs/out.jsonl", "among the documents")],
)  # fmt: skip
def test_outputs_that_cannot_be(tmp_path: Path, output: str, said: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "x")
    with pytest.raises(UsageError, match=said):
        rag_rows(tmp_path / "docs", write(tmp_path, ALL), output=tmp_path / output, shelf=SHELF)


@pytest.mark.parametrize(
    "asked", [Asked(distractors=-1), Asked(distractors=51), Asked(unanswerable=1.1), Asked(unanswerable=float("nan")),
              Asked(max_length=-1), Asked(declines={"": " "})],
)  # fmt: skip
def test_settings_out_of_range(tmp_path: Path, asked: Asked) -> None:
    with pytest.raises(UsageError):
        run(tmp_path, ALL, asked=asked)


def test_no_document_is_on_two_sides(tmp_path: Path) -> None:
    report = run(tmp_path, lamps(), library=shelf(LIBRARY), asked=Asked(), validation=0.2, test=9)
    sides = {name: read(tmp_path / f"out.{name}.jsonl") for name in ("train", "validation", "test")}
    assert [report.sides[name].rows for name in sides] == [len(rows) for rows in sides.values()]
    assert sum(map(len, sides.values())) == 48
    seen = {name: {one["source"] for each in rows for one in each["passages"]} for name, rows in sides.items()}
    groups = {name: {each["group"] for each in rows} for name, rows in sides.items()}
    for one in sides:
        assert seen[one] <= groups[one]  # distractors too come from documents of the side
        for other in sides:
            assert one == other or not seen[one] & seen[other]
    assert (tmp_path / "out.split-manifest.jsonl").exists() and report.manifest
    checked = prepdata.validate(
        str(tmp_path / "out.train.jsonl"), eval=(str(tmp_path / "out.test.jsonl"),), cache=False, jobs=1
    )
    assert not [finding for finding in checked if finding.code.startswith(("LEAK", "RAG"))]


def test_documents_that_no_question_is_about_serve_all_sides(tmp_path: Path) -> None:
    extra = {"lamps.md": "The lamp museum keeps the weight of every lamp it has in a book, and all parts."}
    run(tmp_path, lamps(), library=shelf({**LIBRARY, **extra}), asked=Asked(distractors=9), validation=0.2, test=9)
    for name in ("train", "validation", "test"):
        assert any(
            one["source"] == "lamps.md" for each in read(tmp_path / f"out.{name}.jsonl") for one in each["passages"]
        )


def test_distractors_from_all_sides_on_request(tmp_path: Path) -> None:
    run(tmp_path, lamps(), library=shelf(LIBRARY), asked=Asked(beyond=True, distractors=9), validation=0.2, test=9)
    test = read(tmp_path / "out.test.jsonl")
    assert {one["source"] for each in test for one in each["passages"]} > {each["group"] for each in test}


def test_rows_keep_their_side_and_their_text_when_others_are_added(tmp_path: Path) -> None:
    rows, library = lamps(), shelf(LIBRARY)
    run(tmp_path, rows[:36], library=library, test=9)
    before = {name: read(tmp_path / f"out.{name}.jsonl") for name in ("train", "test")}
    run(tmp_path, rows[::-1], library=library, test=9)
    after = {name: read(tmp_path / f"out.{name}.jsonl") for name in ("train", "test")}
    for name in before:
        assert {each["group"] for each in before[name]} <= {each["group"] for each in after[name]}


def test_another_seed_gives_other_rows(tmp_path: Path) -> None:
    run(tmp_path, lamps(), library=shelf(LIBRARY))
    one = read(tmp_path / "out.jsonl")
    run(tmp_path, lamps(), library=shelf(LIBRARY), asked=Asked(unanswerable=0, seed="2"))
    other = read(tmp_path / "out.jsonl")
    assert one != other
    assert [each["group"] for each in one] == [each["group"] for each in other]


def test_the_true_passage_is_in_every_place(tmp_path: Path) -> None:
    run(tmp_path, lamps(), library=shelf(LIBRARY))
    places = Counter(each["gold"][0] for each in read(tmp_path / "out.jsonl"))
    assert set(places) == {"1", "2", "3", "4"} and max(places.values()) < 24


@settings(max_examples=15)
@given(order=st.randoms(use_true_random=False), number=st.integers(1, 48), split=st.booleans())
def test_any_order_of_questions_gives_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, order: random.Random, number: int, split: bool
) -> None:
    rows = lamps()[:number]
    shuffled = rows[:]
    order.shuffle(shuffled)
    how: dict[str, Any] = {"validation": 0.2, "test": 0.2} if split and number > 9 else {}
    found: list[dict[str, list[str]]] = []
    for listed in (rows, shuffled):
        folder = tmp_path_factory.mktemp("order")
        run(folder, listed, library=shelf(LIBRARY), asked=Asked(unanswerable=0.3), **how)
        found.append({path.name: sorted(path.read_text().splitlines()) for path in folder.glob("out*.jsonl")
                      if "manifest" not in path.name})  # fmt: skip
    assert found[0] == found[1]


@settings(max_examples=15)
@given(
    ties=st.lists(
        st.lists(st.sampled_from("abcdefghijklmnop"), min_size=1, max_size=3, unique=True), min_size=6, max_size=16
    )
)
def test_no_document_is_on_two_sides_however_answers_tie_them(
    tmp_path_factory: pytest.TempPathFactory, ties: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("ties")
    rows = [
        row(f"Question {n} about {' '.join(names)}?", " ".join(f"{100 + ord(name) - 97} parts." for name in names),
            *[f"{name}.md#0" for name in names])
        for n, names in enumerate(ties)
    ]  # fmt: skip
    run(folder, rows, library=shelf(LIBRARY), validation=0.2, test=0.2)
    seen: dict[str, set[str]] = {}
    for name in ("train", "validation", "test"):
        path = folder / f"out.{name}.jsonl"
        for each in read(path) if path.exists() else ():
            for passage in each["passages"]:
                if passage["id"] in each["gold"]:
                    seen.setdefault(passage["source"], set()).add(name)
    assert all(len(sides) == 1 for sides in seen.values())


def test_the_summary_says_what_was_done() -> None:
    report = RagRowsReport(
        questions=9, documents=1, chunks=2, located={"overlap": 2}, left={"duplicate": 2, "no source": 3}, short=1,
        shortened=4, kept=1, uncited=1, asking=1, unread=["x.bin: is no text"] * 7, left_file="o.left-out.jsonl",
    )  # fmt: skip
    assert list(described(report, 3)) == [
        "1 document, 2 passages; 9 questions, 0 rows",
        "true passage found by what the answer shares with its document: 2 rows",
        "fewer than 3 distractors: 1 row",
        "taken out, so that rows are not too long: 4 distractors",
        "answered, though drawn as unanswerable, as no decline in their language or form is known: 1",
        "without a citation, which would break the answer (JSON): 1 row",
        "a passage has a line like 'Question:'; that of the row is the last: 1 row",
        *["document left out: x.bin: is no text"] * 5,
        "document left out: 2 more",
        "left out: 3 x no source",
        "left out: 2 x duplicate",
        "written: o.left-out.jsonl",
    ]
    assert list(described(RagRowsReport(), 3))[-1] == "nothing was written"


def test_the_documents_are_held_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prepdata.rag_rows.shelf.MOST", 100)
    with pytest.raises(InputError, match="more than 100 characters together"):
        shelf(DOCUMENTS)
    with pytest.raises(InputError, match="no text"):
        shelf({"a.md": "  "})


@pytest.mark.parametrize("odd", ["\ud800", "\x00", "\u2028", "\r", "🙂" * 50])
def test_odd_characters_come_through(tmp_path: Path, odd: str) -> None:
    path = tmp_path / "qa.jsonl"
    path.write_text(json.dumps(row(f"How long may I return {odd} goods?", "14 days.", "returns.md", id=odd)) + "\n")
    report = rag_rows("no-folder", path, output=tmp_path / "out.jsonl", asked=NEVER, shelf=SHELF, test=1)
    found = [read(file) for file in tmp_path.glob("out.*.jsonl") if "manifest" not in file.name]
    assert report.questions == 1
    assert [one.get("id", one.get("row", {}).get("id")) for rows in found for one in rows] == [
        "?" if odd == "\ud800" else odd
    ]


def test_rows_stay_as_they_are_when_others_are_added(tmp_path: Path) -> None:
    rows, library = lamps(), shelf(LIBRARY)
    run(tmp_path, rows[::2], library=library, asked=Asked(unanswerable=0.3))
    before = (tmp_path / "out.jsonl").read_text().splitlines()
    run(tmp_path, rows, library=library, asked=Asked(unanswerable=0.3))
    assert set(before) < set((tmp_path / "out.jsonl").read_text().splitlines())


def test_rows_that_are_too_long_are_kept_as_they_were(tmp_path: Path) -> None:
    report = run(tmp_path, [RETURN], asked=Asked(unanswerable=0, max_length=5))
    left = read(tmp_path / "out.left-out.jsonl")
    assert report.left == {"too long": 1} and left[0]["row"] == RETURN


def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    library = shelf(LIBRARY)
    run(tmp_path, lamps()[:30], library=library, test=6)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    tried = run(tmp_path, [*lamps(), row("Why?", "So.")], library=library, test=9, dry_run=True)
    (tmp_path / "qa.jsonl").write_bytes(before["qa.jsonl"])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    done = run(tmp_path, [*lamps(), row("Why?", "So.")], library=library, test=9)
    assert {name: side.rows for name, side in tried.sides.items()} == {
        name: side.rows for name, side in done.sides.items()
    }
    assert (tried.rows, tried.left, tried.left_file, tried.manifest) == (done.rows, done.left, "", "")
    assert list(described(tried, 3))[-1] == "nothing was written"


PAGES = {f"{side}{n}.md": f"The lamp number {n * 7919} has {100 + n} parts and weighs {900 + n} grams in its box, it says."
         for n in range(12) for side in "ab"}  # fmt: skip


def test_copies_of_a_document_are_on_one_side(tmp_path: Path) -> None:
    rows = [row(f"How many parts has the lamp {n * 7919} of {side}?", f"It has {100 + n} parts.", f"{side}{n}.md")
            for n in range(12) for side in "ab"]  # fmt: skip
    report = run(tmp_path, rows, library=shelf(PAGES), test=0.3)
    sides = {name: read(tmp_path / f"out.{name}.jsonl") for name in ("train", "test")}
    texts = {name: {one["text"] for made in side for one in made["passages"]} for name, side in sides.items()}
    assert report.alike == 12 and texts["train"] and texts["test"]
    assert texts["train"].isdisjoint(texts["test"])
    assert "nearly the same as another document, and on its side: 12 documents" in list(described(report, 3))


def test_a_copy_that_no_question_is_about_is_read_on_the_side_of_the_other(tmp_path: Path) -> None:
    rows = [row(f"How many parts has the lamp {n * 7919}?", f"It has {100 + n} parts.", f"a{n}.md") for n in range(12)]
    run(tmp_path, rows, library=shelf(PAGES), test=0.3)
    about = {name: {one["metadata"]["rag_rows"]["chunks"][0][1:] for one in read(tmp_path / f"out.{name}.jsonl")
                    if one["answerable"]} for name in ("train", "test")}  # fmt: skip
    test = {one["group"][1:] for one in read(tmp_path / "out.test.jsonl")}
    train = {passage["source"][1:] for one in read(tmp_path / "out.train.jsonl") for passage in one["passages"]}
    assert about["train"] and test and train.isdisjoint(test)


def test_sides_that_leave_nothing_for_training_are_told(tmp_path: Path) -> None:
    report = run(tmp_path, lamps(), library=shelf(LIBRARY), validation=0.5, test=0.5)
    assert "train: no row, though it was asked for: the others take them all" in list(described(report, 3))
    assert not (tmp_path / "out.train.jsonl").exists()
