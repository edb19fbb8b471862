"""Conversations: the published figures, worked-out counts of tools and calls, models and encodings."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from prepdata.tokens import conversation_tokens, encoding_for, overhead_for, tool_tokens
from prepdata.tokens.conversation import CONTENT_ONLY, OPENAI_CHAT, OPENAI_CHAT_OLD, message_texts, tool_pieces

PUBLISHED = Path(os.environ.get("PREPDATA_COOKBOOK_DATA", "")) / "toy_chat_fine_tuning.jsonl"
"""The toy file of OpenAI's cookbook, which is not ours to copy: name its folder to run the test on it."""

TOY = [
    [
        {"role": "system", "content": "You answer in one short line."},
        {"role": "user", "content": "Is the shop open today?"},
        {"role": "assistant", "content": "Yes, until six."},
    ],
    [
        {"role": "user", "content": "hello", "name": "anna"},
        {"role": "assistant", "content": "hello"},
    ],
]


def test_a_conversation_worked_out_by_hand(words):
    # 3 a message, 1 for each role word, the words, 3 at the end; a name costs its word and 1 more.
    first = 3 * (3 + 1) + 6 + 5 + 3 + 3
    second = 2 * (3 + 1) + 1 + 1 + (1 + 1) + 3
    counts = [conversation_tokens(row, counter=words, overhead=OPENAI_CHAT) for row in TOY]
    assert counts == [first, second] == [29, 15]


def test_content_only_adds_nothing(words):
    assert conversation_tokens(TOY[0], counter=words, overhead=CONTENT_ONLY) == 14
    assert overhead_for(None) == CONTENT_ONLY


def test_toy_rows_with_the_real_encoding(tiktoken_counter):
    counter = tiktoken_counter("cl100k_base")
    plain = [sum(counter.count([m["content"] for m in row])) for row in TOY]
    counts = [conversation_tokens(row, counter=counter, overhead=overhead_for("cl100k_base")) for row in TOY]
    assert counts == [plain[0] + 3 * 4 + 3, plain[1] + 2 * 4 + 3 + 1 + counter.count(["anna"])[0]]
    assert counter.count(["system", "user", "assistant", "tool", "function", "developer"]) == [1] * 6


def test_the_published_figures(tiktoken_counter):
    if not PUBLISHED.exists():
        pytest.skip("PREPDATA_COOKBOOK_DATA does not name the folder of the cookbook's toy file")
    rows = [json.loads(line)["messages"] for line in PUBLISHED.read_text("utf-8").splitlines()]
    overhead = overhead_for("cl100k_base")
    counts = [conversation_tokens(row, counter=tiktoken_counter("cl100k_base"), overhead=overhead) for row in rows]
    assert sum(counts) == 8242
    assert (min(counts), max(counts)) == (26, 8032)
    assert sum(min(4096, count) for count in counts) == 4306


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "name of it."},
                "unit": {"type": "string", "description": "scale", "enum": ["c", "f"]},
            },
        },
    },
}


def test_tools_worked_out_by_hand(words):
    # get_weather:Weather in a city -> 4 words; city:string:name of it -> 3; unit:string:scale -> 1; c, f -> 2.
    spoken = 4 + 3 + 1 + 2
    new = 7 + 3 + 2 * 3 + (-3 + 2 * 3) + 12
    assert tool_tokens([WEATHER], counter=words, overhead=OPENAI_CHAT) == spoken + new == 41
    assert tool_tokens([WEATHER], counter=words, overhead=OPENAI_CHAT_OLD) == spoken + new + 3
    assert tool_tokens([WEATHER, WEATHER], counter=words, overhead=OPENAI_CHAT) == 2 * (spoken + new - 12) + 12


def test_the_final_full_stop_is_not_counted():
    _, texts = tool_pieces([WEATHER], OPENAI_CHAT)
    assert texts[0] == "get_weather:Weather in a city"
    assert texts[1] == "city:string:name of it"


def test_nested_properties_cost_what_flat_ones_do():
    inner = {"type": "object", "properties": {"a": {"type": "string"}}}
    nested = {"name": "f", "parameters": {"properties": {"list": {"type": "array", "items": inner}}}}
    fixed, texts = tool_pieces([nested], OPENAI_CHAT)
    assert fixed == 12 + 7 + (3 + 3) + (3 + 3)
    assert texts == ["f:", "list:array:", "a:string:"]


@pytest.mark.parametrize("tools", [None, [], {}, ""])
def test_no_tools_cost_nothing(words, tools):
    assert tool_tokens(tools, counter=words, overhead=OPENAI_CHAT) == 0


@pytest.mark.parametrize(
    "tools",
    ["[{\"name\": \"f\"}]", {"name": "f"}, [1, None, "x"], [{"function": 3}], [{"name": None}],
     [{"name": "f", "parameters": []}], [{"name": "f", "parameters": {"properties": {"p": None}}}],
     [{"name": "f", "parameters": {"properties": {"p": {"enum": [1, {"a": 2}], "type": ["string", "null"]}}}}]],
)  # fmt: skip
def test_odd_tools_are_counted_somehow(words, tools):
    assert tool_tokens(tools, counter=words, overhead=OPENAI_CHAT) >= 1


def test_a_schema_without_end_ends():
    loop: dict = {"type": "object"}
    loop["properties"] = {"again": loop}
    with pytest.raises(ValueError):
        json.dumps(loop)
    fixed, texts = tool_pieces([{"name": "f", "parameters": loop}], OPENAI_CHAT)
    assert 30 < len(texts) < 50
    assert fixed > 100


def test_what_a_message_says():
    message = {
        "role": "assistant",
        "content": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "x"}}, "plain", 3],
        "reasoning_content": "think",
        "refusal": "no",
        "tool_calls": [
            {"id": "call_1", "function": {"name": "f", "arguments": '{"a": 1}'}},
            {"function": {"name": "g", "arguments": {"b": 2}}},
            None,
        ],
        "function_call": {"name": "h", "arguments": None},
    }
    found = list(message_texts(message))
    assert found == ["see", "plain", "think", "no", "f", '{"a": 1}', "g", '{"b":2}', "h", ""]


@pytest.mark.parametrize("message", [{}, {"content": None}, {"content": 5}, {"content": {}, "tool_calls": "x"}])
def test_odd_messages_say_nothing(message):
    assert list(message_texts(message)) == []


def test_tools_are_part_of_a_conversation(words):
    alone = conversation_tokens(TOY[1], counter=words, overhead=OPENAI_CHAT)
    with_tools = conversation_tokens(TOY[1], counter=words, overhead=OPENAI_CHAT, tools=[WEATHER])
    assert with_tools == alone + 41


@pytest.mark.parametrize(
    ("model", "encoding"),
    [("gpt-4o-mini-2024-07-18", "o200k_base"), ("gpt-4.1-mini", "o200k_base"), ("gpt-4", "cl100k_base"),
     ("gpt-3.5-turbo-0125", "cl100k_base"), ("ft:gpt-4o-mini:org::abc", "o200k_base"),
     ("ft:gpt-4.1-2025-04-14:org:name:id", "o200k_base"), ("gpt-oss-20b", "o200k_harmony"),
     ("Qwen/Qwen2.5-7B-Instruct", None), ("", None)],
)  # fmt: skip
def test_models_and_their_encodings(model, encoding):
    assert encoding_for(model) == encoding


def test_overheads_by_encoding():
    assert overhead_for("o200k_base") is OPENAI_CHAT
    assert overhead_for("o200k_harmony") is OPENAI_CHAT
    assert overhead_for("cl100k_base") is OPENAI_CHAT_OLD
