"""Held-out rows: any format, nothing left out without a word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from prepdata.errors import InputError
from prepdata.settings import Settings
from trainers.testset import HeldOutSet, read_rows, read_texts

HELLO = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}


def held_out(folder: Path, *rows: Any, text: str = "", settings: Settings | None = None) -> HeldOutSet:
    file = folder / "test.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows) + text, encoding="utf-8")
    return read_rows(file, settings)


@pytest.mark.parametrize(
    ("row", "messages", "reference"),
    [
        (HELLO, [("user", "Hi")], "Hello"),
        ({"prompt": "Q?", "completion": "A"}, [("user", "Q?")], "A"),
        ({"instruction": "Do", "input": "", "output": "done", "system": "S"}, [("system", "S"), ("user", "Do")], "done"),
        ({"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "y"}]}, [("user", "x")], "y"),
        (
            {"prompt": [{"role": "user", "content": "p"}], "chosen": [{"role": "assistant", "content": "c"}],
             "rejected": [{"role": "assistant", "content": "d"}]},
            [("user", "p")], "c",
        ),
        (
            {"messages": [*HELLO["messages"], {"role": "user", "content": "And?"}, {"role": "assistant", "content": "B"}]},
            [("user", "Hi"), ("assistant", "Hello"), ("user", "And?")], "B",
        ),
        ({"contents": [{"role": "user", "parts": [{"text": "g"}]}, {"role": "model", "parts": [{"text": "h"}]}]},
         [("user", "g")], "h"),
    ],
)  # fmt: skip
def test_formats(tmp_path: Path, row: Any, messages: list[tuple[str, str]], reference: str) -> None:
    (found,) = held_out(tmp_path, row).rows
    assert [(turn["role"], turn["content"]) for turn in found.messages] == messages
    assert found.reference == reference


def test_marks_are_what_scorers_expect(tmp_path: Path) -> None:
    marks = {"id": 7, "facts": ["a"], "metadata": {"schema": {"type": "object"}, "group": "g"}, "scorer": "exact_match"}
    (found,) = held_out(tmp_path, {**HELLO, **marks, "negative": True}).rows
    assert found.id == "7"
    assert found.group == "g"
    assert found.expected == {
        "facts": ["a"], "schema": {"type": "object"}, "scorer": "exact_match", "negative": True,
    }  # fmt: skip
    renamed = held_out(tmp_path, {**HELLO, "key": "k"}, settings=Settings(marks={"id": "key"}))
    assert renamed.rows[0].id == "k"


def test_tool_calls_of_the_answer_are_expected(tmp_path: Path) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    (found,) = held_out(tmp_path, {"messages": turns, "tools": tools}).rows
    assert found.expected["calls"] == [{"name": "weather", "arguments": '{"city": "Oslo"}'}]
    assert found.reference == ""
    assert found.tools == tuple(tools)


def test_every_row_left_out_is_named(tmp_path: Path) -> None:
    question = {"messages": [{"role": "user", "content": "Hi"}]}
    kto = {"prompt": "p", "completion": "bad", "label": False}
    found = held_out(
        tmp_path, question, HELLO, question, kto, {"text": "no question"}, question, question, text="{oops\n"
    )
    assert len(found.rows) == 1
    assert found.info.rows == 8
    assert sum(found.info.skipped.values()) == 7
    said = "\n".join(found.said())
    assert "4 rows not asked: it has no reference" in said
    assert "test.jsonl:1, " in said and "and 1 more" in said
    assert "invalid-json" in said and "test.jsonl:8" in said
    assert "marked as a bad one" in said


def test_a_label_is_a_reference(tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "I want my money back"}], "label": "refund"}
    assert held_out(tmp_path, row).rows[0].reference == "refund"


def test_ids_are_stable_and_unique(tmp_path: Path) -> None:
    other = {"prompt": "Q?", "completion": "A"}
    first = held_out(tmp_path, HELLO, HELLO, other)
    assert len({row.id for row in first.rows}) == 3
    assert first.rows[1].id == first.rows[0].id + "#2"
    assert held_out(tmp_path, other, HELLO).rows[1].id == first.rows[0].id
    odd = held_out(tmp_path, *({**HELLO, "id": name} for name in ("a", "a#2", "a", "a")))
    assert len({row.id for row in odd.rows}) == 4


def test_the_hash_follows_content_and_not_layout(tmp_path: Path) -> None:
    first = held_out(tmp_path, HELLO).info
    spaced = held_out(tmp_path, text="\n " + json.dumps(HELLO, indent=None, separators=(" , ", " : ")) + "\n").info
    assert first.hash == spaced.hash
    assert first.sha256 != spaced.sha256
    changed = {"messages": [HELLO["messages"][0], {"role": "assistant", "content": "Hello!"}]}
    assert held_out(tmp_path, changed).info.hash != first.hash


@pytest.mark.parametrize("text", ["", "\n\n", '{"messages": [{"role": "user", "content": "Hi"}]}\n', "[]"])
def test_nothing_to_ask_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="nothing to ask"):
        held_out(tmp_path, text=text)


def test_a_file_read_only_in_part_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "test.jsonl"
    file.write_text(json.dumps(HELLO) + "\n" + json.dumps({**HELLO, "more": "x" * 500}) + "\n")
    with pytest.raises(InputError, match="oversized-line"):
        read_rows(file, Settings(max_line_bytes=200))


def test_texts(tmp_path: Path) -> None:
    file = tmp_path / "general.jsonl"
    file.write_text('{"text": "One."}\n{"text": "Two."}\n')
    texts, info = read_texts(file)
    assert texts == ("One.", "Two.")
    assert (info.rows, info.path) == (2, "general.jsonl")
    file.write_text('{"text": "One."}\n' + json.dumps(HELLO) + "\n")
    with pytest.raises(InputError, match=r"no file of texts: 1 row not asked: it is no text .*general\.jsonl:2"):
        read_texts(file)
    file.write_text("\n")
    with pytest.raises(InputError, match="no rows"):
        read_texts(file)
