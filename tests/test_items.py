"""Items of evaluation files: what is asked is found under whatever names benchmarks use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from prepdata.index.asking import stem
from prepdata.items import items
from prepdata.settings import Settings
from prepdata.sources import discover


def read(folder: Path, rows: list[Any], name: str = "a.jsonl", **settings: Any) -> list[Any]:
    path = folder / name
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return [item for item in items(discover([path])[0], Settings(**settings)) if item is not None]


@pytest.mark.parametrize(
    ("row", "turns", "answer", "name"),
    [
        ({"question": "How many?", "answer": "Nine.\n#### 9"}, ("How many?",), "Nine.\n#### 9", ""),
        ({"task_id": "T/0", "prompt": "def f():", "canonical_solution": " return 1", "test": "x"}, ("def f():",), " return 1", "T/0"),
        ({"text": "Write f.", "code": "def f(): ...", "task_id": 11, "test_list": ["a"]}, ("Write f.",), "def f(): ...", "11"),
        ({"question_id": 81, "turns": ["One.", "Two."], "category": "c"}, ("One.", "Two."), "", "81"),
        ({"question": "Which?", "choices": ["a1", "b2"], "answer": 1}, ("Which?",), "b2", ""),
        ({"question": "Which?", "choices": {"text": ["a1", "b2"], "label": ["A", "B"]}, "answerKey": "B", "answer": "B"}, ("Which?",), "b2", ""),
        ({"question": "Which?", "options": ["a1", "b2"], "answer": "A"}, ("Which?",), "a1", ""),
        ({"instruction": "Do it.", "input": "this", "output": "done"}, ("Do it.\nthis",), "done", ""),
        ({"id": "s", "instruction": "Do it.", "instances": [{"input": "that", "output": "o"}]}, ("Do it.\nthat",), "", "s"),
        ({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}, {"role": "assistant", "content": "A"}]}, ("U",), "A", ""),
        ({"conversations": [{"from": "human", "value": "U"}, {"from": "gpt", "value": "A"}]}, ("U",), "A", ""),
        ({"goal": "Open a jar", "sol1": "x", "sol2": "y", "label": 1}, ("Open a jar",), "1", ""),
    ],
)  # fmt: skip
def test_rows_of_many_kinds(tmp_path: Path, row: Any, turns: tuple[str, ...], answer: str, name: str) -> None:
    (found,) = read(tmp_path, [row])
    assert (found.turns, found.answer, found.name, found.line) == (turns, answer, name, 1)


def test_rows_that_ask_nothing_are_left_out(tmp_path: Path) -> None:
    rows: list[Any] = [{"question": "  "}, {"n": 1}, [1], "text", {"question": "Here?"}, {"messages": []}]
    assert [item.line for item in read(tmp_path, rows)] == [5]


def test_lines_count_blank_and_broken_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('\n{"question": "a"}\n{broken\n{"question": "b"}\n', encoding="utf-8")
    assert [item and item.line for item in items(discover([path])[0], Settings())] == [2, None, 4]


def test_a_column_of_ones_own(tmp_path: Path) -> None:
    rows = [{"frage": "Wo?", "antwort": "Hier."}]
    (found,) = read(tmp_path, rows, columns={"prompt": "frage", "completion": "antwort"})
    assert (found.turns, found.answer) == (("Wo?",), "Hier.")


def test_json_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"question": "a"}, {"question": "b"}], indent=1), encoding="utf-8")
    assert [item and item.turns for item in items(discover([path])[0], Settings())] == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Which metal is liquid in a warm room?\nA) iron\nB) mercury\nC) tin", "Which metal is liquid in a warm room?"),
        ("Which metal is liquid in a warm room?\n(a) iron\n(b) mercury\nAnswer:", "Which metal is liquid in a warm room?"),
        ("Which one of these is it?\n1. iron\n2. mercury", "Which one of these is it?"),
        ("Pick:\nA) iron\nB) mercury", "Pick:\nA) iron\nB) mercury"),
        ("A) is better than the other one", "A) is better than the other one"),
        (("Do as these steps say, please:\n- mix\n- bake\nand then write a long and friendly letter about it to all of "
         "your friends abroad"), None),
    ],
)  # fmt: skip
def test_choices_are_left_out(text: str, left: str | None) -> None:
    assert stem(text) == (text if left is None else left)
