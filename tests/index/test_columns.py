"""Digests of rows: the same for the same meaning, different for another, and never an exception."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.chunk import Chunk
from prepdata.formats import get, recognise
from prepdata.index.columns import Digests, digest, digests
from prepdata.record import Record


def view(raw: dict[str, Any]) -> Record:
    found = recognise(raw)
    assert found is not None, raw
    return found.view(raw)


def columns(*rows: dict[str, Any]) -> Digests:
    records = [view(row) for row in rows]
    for number, record in enumerate(records):
        record.row = number
    return Chunk("openai", records, [], len(records)).derived(digests)


def chat(*turns: str, **more: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[i % 2], "content": text} for i, text in enumerate(turns)], **more}


CALL = {"role": "assistant", "content": None, "tool_calls": [
    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1, "b": 2}'}}]}  # fmt: skip
SAME_CALL = {"role": "assistant", "content": None, "tool_calls": [
    {"id": "c9", "type": "function", "function": {"name": "f", "arguments": {"b": 2, "a": 1}}}]}  # fmt: skip
TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
USER = {"role": "user", "content": "go"}

SAME = {
    "formats": (chat("Hi", "Hello."), {"prompt": "Hi", "completion": "Hello."}),
    "Alpaca": (chat("Hi", "Hello."), {"instruction": "Hi", "input": "", "output": "Hello."}),
    "ShareGPT": (chat("Hi", "Hello."), {"conversations": [{"from": "human", "value": "Hi"},
                                                            {"from": "gpt", "value": "Hello."}]}),
    "row marks": (chat("Hi", "Hello.", id=1), chat("Hi", "Hello.", id=2, source="x")),
    "calls": ({"messages": [USER, CALL]}, {"messages": [USER, SAME_CALL]}),
    "no tools": (chat("Hi", "Hello.", tools=[]), chat("Hi", "Hello.")),
    "weight 1": (chat("Hi", "Hello."), {"messages": [{"role": "user", "content": "Hi"},
                                                      {"role": "assistant", "content": "Hello.", "weight": 1}]}),
    "one text part": (chat("Hi", "Hello."), {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]},
                                                            {"role": "assistant", "content": "Hello."}]}),
}  # fmt: skip
OTHER = {
    "answer": (chat("Hi", "Hello."), chat("Hi", "hello.")),
    "turn borders": (chat("Hi", "Hello."), chat("HiHello.", "")),
    "roles": (chat("Hi", "Hello."), {"messages": [{"role": "system", "content": "Hi"},
                                                   {"role": "assistant", "content": "Hello."}]}),
    "tools": (chat("Hi", "Hello.", tools=[TOOL]), chat("Hi", "Hello.")),
    "weight 0": (chat("Hi", "Hello."), {"messages": [{"role": "user", "content": "Hi"},
                                                      {"role": "assistant", "content": "Hello.", "weight": 0}]}),
    "label": ({"prompt": "Hi", "completion": "Hello.", "label": True},
              {"prompt": "Hi", "completion": "Hello.", "label": False}),
    "rejected": ({"prompt": "Hi", "chosen": "A", "rejected": "B"}, {"prompt": "Hi", "chosen": "A", "rejected": "C"}),
    "chosen and rejected": ({"prompt": "Hi", "chosen": "A", "rejected": "B"},
                            {"prompt": "Hi", "chosen": "B", "rejected": "A"}),
    "arguments": ({"messages": [USER, CALL]}, {"messages": [USER, {**CALL, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]}]}),
    "images": (chat("<image>", "A cat.", images=["a.png"]), chat("<image>", "A cat.", images=["b.png"])),
    "reasoning": ({"messages": [USER, {"role": "assistant", "content": "4", "reasoning_content": "2+2"}]},
                  {"messages": [USER, {"role": "assistant", "content": "4", "reasoning_content": "1+3"}]}),
    "a turn behind the answer": (chat("Hi", "Hello."), chat("Hi", "Hello.", "Bye")),
    "messages without roles": ({"messages": [{"q": "a"}]}, {"messages": [{"q": "b"}]}),
    "content that is no text": ({"messages": [{"role": "user", "content": 1}]},
                                {"messages": [{"role": "user", "content": 2}]}),
    "unknown roles": ({"messages": [{"role": "bot", "content": "a"}]},
                      {"messages": [{"role": "robot", "content": "a"}]}),
    "speakers": ({"messages": [{"role": "user", "content": "Hi", "name": "ann"}]},
                 {"messages": [{"role": "user", "content": "Hi", "name": "bob"}]}),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_same_meaning(name: str) -> None:
    found = columns(*SAME[name])
    for column in found[1:5]:
        assert column[0] == column[1]


@pytest.mark.parametrize("name", OTHER)
def test_other_meaning(name: str) -> None:
    found = columns(*OTHER[name])
    assert found.exact[0] != found.exact[1]


def test_folded_columns() -> None:
    found = columns(chat("What's up?", "Not much."), chat("whats UP", "not much"), chat("What's up?", "A lot."))
    assert found.folded[0] == found.folded[1] != found.folded[2]
    assert found.exact[0] != found.exact[1]
    assert len(set(found.folded_prompt)) == 1
    assert found.folded_answer[0] == found.folded_answer[1] != found.folded_answer[2]


def test_reasoning_is_part_of_the_row_but_not_of_the_folded_answer() -> None:
    one, other = OTHER["reasoning"]
    found = columns(one, other)
    assert found.folded_answer[0] == found.folded_answer[1]
    assert found.folded[0] != found.folded[1]


def test_rows_are_numbered_as_the_records_say() -> None:
    records = [view(chat("a", "b")), view(chat("c", "d"))]
    records[0].row, records[1].row = 3, 7
    assert list(digests(Chunk("openai", records, [], 9)).rows) == [3, 7]


def test_one_record_alone_has_the_same_digest() -> None:
    rows = [row for pair in (*SAME.values(), *OTHER.values()) for row in pair]
    assert list(columns(*rows).exact) == [digest(view(row)) for row in rows]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
MESSAGE = st.fixed_dictionaries(
    {}, optional={"role": st.sampled_from(["user", "assistant", "system", "bot"]) | JSON, "content": JSON,
                  "tool_calls": JSON, "weight": JSON, "name": JSON, "reasoning_content": JSON}
)  # fmt: skip


@given(st.lists(MESSAGE | JSON, max_size=4), JSON, JSON)
def test_never_fails(messages: list[Any], tools: Any, images: Any) -> None:
    raw = {"messages": messages, "tools": tools, "images": images}
    record = get("openai").view(raw)
    found = digests(Chunk("openai", [record], [], 1))
    assert all(len(column) == 1 for column in found[:5])
    assert len(found.beginnings) == len(found.owners)


@given(
    st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), st.text(max_size=5)), max_size=4, min_size=1),
    st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), st.text(max_size=5)), max_size=4, min_size=1),
)
def test_equal_digests_mean_equal_turns(one: Any, other: Any) -> None:  # fmt: skip
    rows = [{"messages": [{"role": r, "content": t} for r, t in turns]} for turns in (one, other)]
    found = columns(*rows)
    assert (found.exact[0] == found.exact[1]) == (one == other)


@given(st.lists(st.lists(st.text(max_size=6), min_size=1, max_size=6), min_size=1, max_size=6))
def test_plain_rows_have_the_digests_of_the_general_way(rows: list[list[str]]) -> None:
    records = [view(chat(*texts)) for texts in rows]
    plain = digests(Chunk("openai", records, [], len(records)))
    general = digests(Chunk("unknown", records, [], len(records)))
    assert plain == general


TOOLS = '[{"name": "f", "description": "d", "parameters": {}}]'


@pytest.mark.parametrize("tools", ["[]", "", TOOLS])
@pytest.mark.parametrize(
    "row",
    [
        {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
        {"instruction": "a", "input": "", "output": "b"},
    ],
    ids=["sharegpt", "alpaca"],
)
def test_rows_of_one_shape_are_told_apart_by_their_tools(row: dict[str, Any], tools: str) -> None:
    rows = [row, {**row, "tools": tools}, {**row, "tools": "[]"}, {**row, "tools": tools}]
    records = [view(one) for one in rows]
    found = Chunk(records[0].format, records, [], len(records)).derived(digests)
    assert list(found.exact) == [digest(view(one)) for one in rows]
    assert found.exact[1] == found.exact[3]
    assert (found.exact[0] == found.exact[1]) == (not records[1].tools)
