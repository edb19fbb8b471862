"""Ends of lines that are known are read as if they were not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import prepdata.tails
from prepdata.formats import get
from prepdata.parse import parse

TOOLS = [
    {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"tools": {}}}}},
    {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "required": ["a", "b", "c"]}}},
]
TAIL = ', "tools": ' + json.dumps(TOOLS) + "}"
CALL = {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}
PLAIN = json.dumps({"messages": [{"role": "user", "content": "Hi"}, CALL]})


@pytest.fixture(autouse=True)
def forget() -> None:
    prepdata.tails._ends.clear()
    prepdata.tails._met.clear()


def read(lines: list[str]) -> Any:
    data = "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass")
    made = parse(data, None, len(lines), get("openai"))
    told = [
        (r.row, r.line, r.size, r.format, json.dumps(r.raw), r.shape, r.outline, r.strings, r.tools_key, r.messages)
        for r in made.chunk.records
    ]
    return told, made.chunk.facts, made.chunk.unread, list(made.row_lines)


def learn() -> None:
    read([PLAIN[:-1] + TAIL] * 2)
    assert prepdata.tails.find_tail((PLAIN[:-1] + TAIL).encode()) is not None


def test_an_end_is_learned_when_it_is_met_again() -> None:
    line = PLAIN[:-1] + TAIL
    read([line])
    assert prepdata.tails.find_tail(line.encode()) is None
    read([line])
    tail = prepdata.tails.find_tail(line.encode())
    assert tail is not None and tail.text.decode() == TAIL and tail.value == TOOLS
    found = prepdata.tails.decode_head(line.encode(), tail)
    assert found is not None and found[0] == json.loads(line) and list(found[0]) == ["messages", "tools"]


@pytest.mark.parametrize(
    "line",
    [
        PLAIN,
        json.dumps({"tools": TOOLS, "messages": [CALL]}),
        PLAIN[:-1] + ', "tools": [5]}',
        PLAIN[:-1] + ', "tools": [{"type": "function", "function": {"name": "f"}}], "id": 5}',
        PLAIN[:-1] + ', "functions": ' + json.dumps(TOOLS) + "}",
    ],
)
def test_other_ends_are_not_learned(line: str) -> None:
    for _ in range(3):
        read([line])
    assert not prepdata.tails._ends


HEADS = [
    PLAIN[:-1],
    PLAIN[:-1] + ', "id": 5',
    PLAIN[:-1] + ', "id": 5, "id": 6',
    PLAIN[:-1] + ', "tools": []',
    PLAIN[:-1] + ', "n": 123456789012345678901234567890',
    PLAIN[:-1] + ', "n": "\\u0000"',
    PLAIN[:-1] + ', "n" : 1',
    PLAIN[:-1] + ', "n": NaN',
    PLAIN[:-1] + ', "n": {"a": 1',
    PLAIN[:-1] + ', "n": "text',
    PLAIN[:-1] + ', "n": [1',
    PLAIN[:-1] + ",",
    PLAIN[:-1] + ', "deep": ' + "[" * 600 + "]" * 600,
    PLAIN[:-1] + ', "lone": "\\ud800"',
    PLAIN[:-1] + ', "raw": "\ud800"',
    PLAIN,
    "{",
    "",
    "[",
    '"text"',
    '{"messages": 5',
    '{"prompt": "a", "completion": "b"',
    '{"other": 5',
]


@pytest.mark.parametrize("head", HEADS)
def test_what_stands_before_a_known_end(head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    learn()
    found = read([head + TAIL])
    monkeypatch.setattr("prepdata.parse.find_tail", lambda text: None)
    assert read([head + TAIL]) == found


PIECES = [
    "{",
    "}",
    "[",
    "]",
    '"',
    "\\",
    ",",
    ":",
    " ",
    '"tools"',
    '"messages": []',
    '"a": 1',
    "1",
    TAIL,
    "\r",
    *HEADS[:4],
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=5).map("".join), st.sampled_from(["", "\r", " ", "}", "\t"]))
def test_any_beginning_is_read_as_if_no_end_were_known(head: str, after: str) -> None:
    learn()
    line = head + TAIL + after
    found = read([line])
    prepdata.tails._ends.clear()
    prepdata.tails._met.clear()
    assert read([line]) == found


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prepdata.tails._MOST", 3)
    for i in range(20):
        read([(PLAIN[:-1] + TAIL).replace('"name": "g"', f'"name": "g{i}"')] * 3)
    assert len(prepdata.tails._met) <= 3
    assert sum(map(len, prepdata.tails._ends.values())) <= 3
