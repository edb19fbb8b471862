"""Odd evaluation files, indexes and rows: what is told, and that nothing breaks or takes for ever."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import prepdata
from prepdata.cli.main import cli
from prepdata.errors import InputError
from prepdata.index.presets import PRESETS
from prepdata.index.reference import open_reference
from prepdata.rules.leak._near import stands_alone
from prepdata.text.excerpts import excerpt

RIDDLE = (
    "Ida walks along the river every morning before work and counts the herons she meets on the way to the mill and "
    "back home again."
)


def chat(asked: str, answer: str = "Nine.") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def check(paths: Any, **changes: Any) -> prepdata.Report:
    report = prepdata.validate(paths, **{"select": ["LEAK"], "tokens": False, "jobs": 1, "cache": False, **changes})
    assert not [f for f in report if f.name == "rule-crash"], list(report)
    return report


def index(folder: Path, *args: object) -> Any:
    environment = {"PREPDATA_INDEX_DIR": str(folder / "indexes")}
    return CliRunner().invoke(cli, ["index", *map(str, args)], env=environment)


@pytest.mark.parametrize(
    "items",
    [
        [{"question": RIDDLE, "choices": ["a", "b"], "answer": answer} for answer in ("ß", "²", "٣", "B", "(b)", "", "1")],
        [{"question": RIDDLE, "answer": answer} for answer in ("", None, [], {}, 5, [None], [[[]]])],
        [{"question": RIDDLE + "\ud800", "answer": "\udfff"}, chat(RIDDLE + "\0")],
        [{"question": RIDDLE, "id": 10**90, "group": 10**90, "answer": -1e999}],
        [{"turns": [1, None, {"a": 2}]}, {"instruction": RIDDLE, "instances": [None]}, [1], "x", 5, None, chat(RIDDLE)],
        [{"question": RIDDLE, "choices": {"text": ["a"], "label": [1]}, "answer": "1"}, {"question": "x"}],
    ],
    ids=["answers of choices", "answers", "no unicode", "large numbers", "odd rows", "odd choices"],
)  # fmt: skip
def test_odd_items(tmp_path: Path, items: list[Any]) -> None:
    rows = [chat(RIDDLE), chat("x"), chat(RIDDLE + " \udc00\0"), chat("")]
    rows[1]["messages"].insert(0, {"role": "\ud800", "content": RIDDLE})
    train, test = write(tmp_path / "train.jsonl", rows), write(tmp_path / "test.jsonl", items)
    assert {f.line for f in check(train, eval=[str(test)])} >= {1, 2, 3}


def test_rows_that_are_left_out_are_told(tmp_path: Path) -> None:
    train, test = write(tmp_path / "train.jsonl", [chat(RIDDLE)]), tmp_path / "test.jsonl"
    test.write_text(json.dumps(chat(RIDDLE)) + '\n\n{broken\n{"n": 1}\n', encoding="utf-8")
    (entry,) = check(train, eval=[str(test)]).measures["contamination"]
    assert (entry["items"], entry["left_out"], entry["spoilt"]) == (1, 2, 1)
    done = CliRunner().invoke(cli, ["validate", str(train), "--eval", str(test), "--select", "LEAK", "--isolated"])
    assert "2 rows of it left out" in done.output


def test_a_folder_with_junk(tmp_path: Path) -> None:
    train, folder = write(tmp_path / "train.jsonl", [chat(RIDDLE)]), tmp_path / "held"
    folder.mkdir()
    (folder / "README.md").write_text("hello", encoding="utf-8")
    (folder / "empty.jsonl").write_bytes(b"")
    (folder / "info.json").write_text('{"version": 1}', encoding="utf-8")
    with pytest.raises(InputError, match="held"):
        check(train, eval=[str(folder)])
    write(folder / "test.jsonl", [chat(RIDDLE)])
    report = check(train, eval=[str(folder)])
    assert len(report) == 1 and [e["items"] for e in report.measures["contamination"]] == [0, 0, 1]
    assert index(tmp_path, "build", "held", folder).exit_code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
@pytest.mark.parametrize("name", [b"n\xff.jsonl", b"a\x1b[31m\n.jsonl", b"=.jsonl", b"a=b.jsonl"])
def test_odd_names_of_files(tmp_path: Path, name: bytes) -> None:
    train, test = write(tmp_path / "train.jsonl", [chat(RIDDLE)]), tmp_path / os.fsdecode(name)
    write(test, [chat(RIDDLE)])
    report = check(train, eval=[str(test)])
    assert len(report) == 1 and report.measures["contamination"][0]["spoilt"] == 1
    made = index(tmp_path, "build", "odd", test)
    assert made.exit_code == 0 and "\x1b" not in made.output
    assert "\x1b" not in index(tmp_path, "list").output


def test_an_evaluation_file_that_is_the_training_file(tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", [chat(RIDDLE), chat(RIDDLE)])
    assert not len(check(train, eval=[str(train)]))


def test_the_same_benchmark_twice(tmp_path: Path) -> None:
    train, test = write(tmp_path / "train.jsonl", [chat(RIDDLE)]), write(tmp_path / "test.jsonl", [chat(RIDDLE)])
    path = tmp_path / "two.prepidx"
    assert "test-2: 1 item\n" in index(tmp_path, "build", path, test, test).output
    found = check(train, index=[str(path), str(path)]).measures["contamination"]
    assert [(e["name"], e["spoilt"], e["share"]) for e in found] == [("test", 1, 1.0), ("test-2", 1, 1.0)] * 2


def test_an_index_that_was_made_again_is_read_again(tmp_path: Path) -> None:
    train, path = write(tmp_path / "train.jsonl", [chat(RIDDLE)]), tmp_path / "a.prepidx"
    other = "Which of the twelve lighthouses on the northern coast was built first, and by whom was it built?"
    for asked, number in ((RIDDLE, 1), (other, 0), (RIDDLE, 1)):
        index(tmp_path, "build", path, write(tmp_path / "test.jsonl", [chat(asked)]))
        assert len(check(train, index=[str(path)])) == number


def test_indexes_that_cannot_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "indexes"
    (folder / "folder.prepidx").mkdir(parents=True)
    (folder / "newer.prepidx").write_bytes(b"PREPIDX9" + bytes(100))
    index(tmp_path, "build", "good", write(tmp_path / "test.jsonl", [chat(RIDDLE)]))
    listed = index(tmp_path, "list")
    assert listed.exit_code == 0 and "good" in listed.output and "another version" in listed.output
    for path, said in (("newer.prepidx", "another version"), ("folder.prepidx", "folder"), ("a\0b", "no path")):
        with pytest.raises(InputError, match=said):
            open_reference(str(folder / path))


@pytest.mark.parametrize("name", ["a\nb", "a\x1bb", "\x00", "x/y", ".hidden", "-x", " "])
def test_names_that_no_index_can_have(tmp_path: Path, name: str) -> None:
    test = write(tmp_path / "test.jsonl", [chat(RIDDLE)])
    made = index(tmp_path, "build", "--", name, test)
    assert made.exit_code == 2 or isinstance(made.exception, prepdata.UsageError), made.output


@pytest.mark.timeout(120)
def test_many_items_and_many_rows_with_one_template(tmp_path: Path) -> None:
    """What both share is known to be template text; without that, every row would match every item."""
    head = "Below is a task that was written for people who want to learn about the world. " * 4
    nouns = [f"{a}{b}" for a in ("lamp", "boat", "hill", "rope", "mill", "gate") for b in range(60)]
    items = [{"question": f"{head}Describe the {n} beside the {n}house in the town of {n}dale to me."} for n in nouns]
    rows = [chat(f"{head}Name every {n} of {n}shire and the {n}keepers who live there.") for n in nouns * 5]
    rows.append(chat(f"Describe the {nouns[7]} beside the {nouns[7]}house in the town of {nouns[7]}dale to me."))
    train, test = write(tmp_path / "train.jsonl", rows), write(tmp_path / "test.jsonl", items)
    report = check(train, eval=[str(test)])
    assert {f.line for f in report} == {len(rows)}
    path = tmp_path / "a.prepidx"
    index(tmp_path, "build", path, test, "--gram", 8)
    assert len(check(train, index=[str(path)], rules={"benchmark-overlap": {"preset": "open-r1"}})) > 1000


def test_an_item_in_the_template_of_all_rows(tmp_path: Path) -> None:
    rows = [chat(f"Example: {RIDDLE} Now you: tell me about number {n} of the houses.") for n in range(200)]
    train, test = write(tmp_path / "train.jsonl", rows), write(tmp_path / "test.jsonl", [chat(RIDDLE)])
    assert len(check(train, eval=[str(test)])) == 200


@pytest.mark.timeout(120)
@pytest.mark.parametrize("text", ["a " * 60_000, "0 0 1 " * 20_000, " ".join(map(str, range(60_000))), "人" * 30_000])
def test_huge_items(tmp_path: Path, text: str) -> None:
    train, test = write(tmp_path / "train.jsonl", [chat(text)] * 2), write(tmp_path / "test.jsonl", [chat(text)])
    assert {f.line for f in check(train, eval=[str(test)])} == {1, 2}
    path = tmp_path / "a.prepidx"
    index(tmp_path, "build", path, test, *(flag for size in (8, 10, 13) for flag in ("--gram", size)))
    for preset in PRESETS:
        told = check(train, index=[str(path)], rules={"benchmark-overlap": {"preset": preset}})
        assert {f.line for f in told if f.code == "LEAK004"} == {1, 2}, preset


@pytest.mark.timeout(120)
def test_a_short_item_among_many_line_breaks() -> None:
    assert not stands_alone("Name a river", "\n" * 200_000 + "Name a river bank" + "\n" * 200_000)
    assert stands_alone("Name a river", "Go on.\n\nname a  RIVER!\n")


def test_sentences_that_moved_keep_their_numbers() -> None:
    item = "Tom has 12 apples. He gives 5 of them to Ann. She eats 3 a day."
    moved = "She eats 3 a day. Tom has 12 apples. He gives 5 of them to Ann."
    assert not excerpt(item, moved).other_numbers
    assert excerpt(item, moved.replace("12", "15")).other_numbers
    assert excerpt(item, item).share == 1 and excerpt(item, moved).share < 1


def test_verbatim_turns_of_scripts_without_spaces(tmp_path: Path) -> None:
    asked = "请问这家商店在星期天的下午几点钟关门？"
    row = {"messages": [{"role": role, "content": text} for role, text in
                        (("user", "你好"), ("assistant", "你好"), ("user", asked), ("assistant", "六点。"))]}  # fmt: skip
    train, test = write(tmp_path / "train.jsonl", [row]), write(tmp_path / "test.jsonl", [chat(asked)])
    assert [f.code for f in check(train, eval=[str(test)])] == ["LEAK001"]


def test_lists_that_are_no_choices(tmp_path: Path) -> None:
    """The same words above other lists are other questions; the same list is found, however its lines begin."""
    asked = "Sort these equations by the number of their variables and give the result as JSON, please:"
    for marks in ("- {}", "{}) ", "a) {}"):
        lists = [
            "\n".join(f"{marks.format(n)} {w} = {w} + {n}" for n, w in enumerate(words, 1)) for words in ("xyz", "uvwk")
        ]
        train = write(tmp_path / "train.jsonl", [chat(f"{asked}\n{text}") for text in lists])
        test = write(tmp_path / "test.jsonl", [{"question_id": 1, "turns": [f"{asked}\n{lists[0]}", "And now?"]}])
        assert [(f.code, f.line) for f in check(train, eval=[str(test)]) if f.code == "LEAK001"] == [("LEAK001", 1)]
