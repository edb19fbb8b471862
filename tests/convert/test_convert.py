"""Converting rows: what is carried over, what is lost, and that losses name their place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from prepdata import formats
from prepdata.convert import Converted, Loss, convert

VIEWS = Path(__file__).parents[1] / "formats" / "views"
U = {"role": "user", "content": "Weather in Rome?"}
A = {"role": "assistant", "content": "18 degrees."}
TOOL = {"type": "function", "function": {"name": "w", "description": "Weather", "parameters": {"type": "object"}}}
CALL = {"role": "assistant", "content": None, "tool_calls": [
    {"id": "c1", "type": "function", "function": {"name": "w", "arguments": "{\"city\":\"Rome\"}"}}]}  # fmt: skip
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "18 C"}
CHAT = {"messages": [{"role": "system", "content": "Be brief."}, U, A]}
TOOLS = {"messages": [U, CALL, RESULT, A], "tools": [TOOL]}
IMAGE = {"messages": [{"role": "user", "content": [
    {"type": "text", "text": "What?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}, A]}  # fmt: skip
PAIR = {"prompt": [U], "chosen": [A], "rejected": [{"role": "assistant", "content": "No."}]}


def one(row: dict[str, Any], to: str) -> Converted:
    (made,) = convert([row], formats.get(to))
    return made


def lossless(row: dict[str, Any], to: str) -> dict[str, Any]:
    made = one(row, to)
    assert made.losses == ()
    assert made.row is not None
    return made.row


EXPECTED: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    (CHAT, "sharegpt", {"conversations": [{"from": "human", "value": "Weather in Rome?"},
                                          {"from": "gpt", "value": "18 degrees."}], "system": "Be brief."}),
    (CHAT, "alpaca", {"instruction": "Weather in Rome?", "input": "", "output": "18 degrees.", "system": "Be brief."}),
    (CHAT, "prompt-completion", {"prompt": "Weather in Rome?", "completion": "18 degrees.", "system": "Be brief."}),
    (CHAT, "trl-prompt-completion", {"prompt": CHAT["messages"][:2], "completion": [A]}),
    (CHAT, "gemini", {"systemInstruction": {"parts": [{"text": "Be brief."}]}, "contents": [
        {"role": "user", "parts": [{"text": "Weather in Rome?"}]},
        {"role": "model", "parts": [{"text": "18 degrees."}]}]}),
    (CHAT, "bedrock", {"schemaVersion": "bedrock-conversation-2024", "system": [{"text": "Be brief."}], "messages": [
        {"role": "user", "content": [{"text": "Weather in Rome?"}]},
        {"role": "assistant", "content": [{"text": "18 degrees."}]}]}),
    (CHAT, "llamafactory-v1", {"messages": [
        {"role": "system", "content": [{"type": "text", "value": "Be brief."}]},
        {"role": "user", "content": [{"type": "text", "value": "Weather in Rome?"}]},
        {"role": "assistant", "content": [{"type": "text", "value": "18 degrees."}]}]}),
    ({"question": "1+1?", "answer": "2"}, "openai", {"messages": [{"role": "user", "content": "1+1?"},
                                                                  {"role": "assistant", "content": "2"}]}),
    ({"instruction": "Translate.", "input": "Hallo", "output": "Hello"}, "openai", {"messages": [
        {"role": "user", "content": "Translate.\nHallo"}, {"role": "assistant", "content": "Hello"}]}),
    ({"instruction": "Say hi.", "response": "Hi."}, "alpaca", {"instruction": "Say hi.", "input": "", "output": "Hi."}),
    ({"text": "Once."}, "openai", {"messages": [{"role": "assistant", "content": "Once."}]}),
    (PAIR, "openai-dpo", {"input": {"messages": [U]}, "preferred_output": [A],
                          "non_preferred_output": [{"role": "assistant", "content": "No."}]}),
    ({"prompt": "Hi", "chosen": "a", "rejected": "b"}, "openai-dpo", {
        "input": {"messages": [{"role": "user", "content": "Hi"}]},
        "preferred_output": [{"role": "assistant", "content": "a"}],
        "non_preferred_output": [{"role": "assistant", "content": "b"}]}),
    ({"messages": [U, A], "label": True}, "trl-kto", {"prompt": [U], "completion": [A], "label": True}),
    (TOOLS, "sharegpt", {"conversations": [
        {"from": "human", "value": "Weather in Rome?"},
        {"from": "function_call", "value": "{\"name\":\"w\",\"arguments\":{\"city\":\"Rome\"}}"},
        {"from": "observation", "value": "18 C"}, {"from": "gpt", "value": "18 degrees."}],
        "tools": "[{\"name\":\"w\",\"description\":\"Weather\",\"parameters\":{\"type\":\"object\"}}]"}),
    (TOOLS, "gemini", {"contents": [
        {"role": "user", "parts": [{"text": "Weather in Rome?"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "w", "args": {"city": "Rome"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "w", "response": {"result": "18 C"}}}]},
        {"role": "model", "parts": [{"text": "18 degrees."}]}],
        "tools": [{"functionDeclarations": [TOOL["function"]]}]}),
    (TOOLS, "bedrock", {"schemaVersion": "bedrock-conversation-2024", "messages": [
        {"role": "user", "content": [{"text": "Weather in Rome?"}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c1", "name": "w", "input": {"city": "Rome"}}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "c1", "content": [{"text": "18 C"}]}}]},
        {"role": "assistant", "content": [{"text": "18 degrees."}]}],
        "toolConfig": {"tools": [{"toolSpec": {"name": "w", "description": "Weather",
                                               "inputSchema": {"json": {"type": "object"}}}}]}}),
    (IMAGE, "gemini", {"contents": [
        {"role": "user", "parts": [{"text": "What?"},
                                   {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]},
        {"role": "model", "parts": [{"text": "18 degrees."}]}]}),
    (IMAGE, "bedrock", {"schemaVersion": "bedrock-conversation-2024", "messages": [
        {"role": "user", "content": [{"text": "What?"},
                                     {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}]},
        {"role": "assistant", "content": [{"text": "18 degrees."}]}]}),
]  # fmt: skip


@pytest.mark.parametrize(("row", "to", "expected"), EXPECTED)
def test_written_as(row: dict[str, Any], to: str, expected: dict[str, Any]) -> None:
    assert lossless(row, to) == expected


LOST: list[tuple[dict[str, Any], str, str, str]] = [
    (TOOLS, "alpaca", "/tools", "tools"),
    ({**CHAT, "parallel_tool_calls": False}, "sharegpt", "/parallel_tool_calls", "no 'parallel_tool_calls'"),
    ({"messages": [U, {**A, "weight": 0}]}, "alpaca", "/messages/1", "weight"),
    ({"messages": [U, {**A, "weight": 0}]}, "bedrock", "/messages/1", "weight"),
    ({"messages": [U, {**A, "train": False}]}, "sharegpt", "/messages/1/train", "'train'"),
    ({"messages": [{**U, "name": "ana"}, A]}, "gemini", "/messages/0", "name"),
    ({"messages": [U, {"role": "system", "content": "x"}, A]}, "bedrock", "/messages/1", "not the first"),
    ({"messages": [U, A, U, A]}, "trl-prompt-completion", "/messages/1", "earlier answer"),
    ({"messages": [U, U, A]}, "alpaca", "/messages/0", "without an answer"),
    ({"messages": [U]}, "prompt-completion", "", "does not end"),
    ({"messages": [U, A], "label": True}, "openai", "/label", "label"),
    (PAIR, "openai", "", "chosen"),
    (CHAT, "trl-preference", "", "no chosen"),
    (CHAT, "trl-kto", "", "no good-or-bad label"),
    ({"input": {"messages": [U], "parallel_tool_calls": False}, "preferred_output": [A], "non_preferred_output": [U]},
     "trl-preference", "/input/parallel_tool_calls", "lost"),
    (CHAT, "text", "", "single text"),
    (IMAGE, "sharegpt", "/messages/0/content/1", "image"),
    ({**CHAT, "images": ["a.png"]}, "gemini", "/images", "no 'images'"),
    ({"messages": [U, {**A, "reasoning_content": "so"}]}, "sharegpt", "/messages/1", "reasoning"),
    ({"messages": [U, {**A, "reasoning_content": "so"}]}, "prompt-completion", "/messages/1", "reasoning"),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, A]},
     "sharegpt", "/messages/0", "content"),
    ({"messages": [U, {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "w", "arguments": "{city"}}]}]},
     "gemini", "/messages/1/tool_calls/0/function/arguments", "not a JSON object"),
    ({"nothing": 1}, "openai", "", "no known format"),
    ({"messages": [{"toy_input": "Hi"}]}, "openai", "/messages/0/toy_input", "lost"),
    ({**CHAT, "tools": "not json"}, "openai", "/tools", "cannot be read"),
    ({"messages": [U, RESULT, A]}, "gemini", "/messages/1", "name of the tool"),
    ({"messages": [U, A], "prompt": "x"}, "trl-prompt-completion", "/prompt", "another meaning"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "to", "path", "reason"), LOST)
def test_lost(row: dict[str, Any], to: str, path: str, reason: str) -> None:
    losses = one(row, to).losses
    assert any(loss.path == path and reason in loss.reason for loss in losses), losses


def test_other_keys_are_carried() -> None:
    row = {"id": "7", **CHAT, "metadata": {"a": 1}, "note": "x"}
    for to in ("sharegpt", "alpaca", "gemini", "bedrock", "openai", "prompt-completion"):
        made = lossless(row, to)
        assert (made["id"], made["metadata"], made["note"]) == ("7", {"a": 1}, "x")


def test_calls_get_ids_and_results_find_them() -> None:
    row = {"conversations": [
        {"from": "human", "value": "x"}, {"from": "function_call", "value": "{\"name\":\"f\",\"arguments\":{}}"},
        {"from": "observation", "value": "1"}, {"from": "function_call", "value": "{\"name\":\"g\",\"arguments\":{}}"},
        {"from": "observation", "value": "2"}, {"from": "gpt", "value": "done"}]}  # fmt: skip
    messages = lossless(row, "openai")["messages"]
    assert [c["id"] for m in messages for c in m.get("tool_calls", ())] == ["call_1", "call_2"]
    assert [m["tool_call_id"] for m in messages if m["role"] == "tool"] == ["call_1", "call_2"]


def test_parallel_results_share_a_bedrock_turn() -> None:
    second = {**CALL["tool_calls"][0], "id": "c2"}  # type: ignore[index]
    call = {**CALL, "tool_calls": [CALL["tool_calls"][0], second]}  # type: ignore[index]
    row = {"messages": [U, call, RESULT, {**RESULT, "tool_call_id": "c2", "content": "19 C"}, A], "tools": [TOOL]}
    made = lossless(row, "bedrock")
    assert [m["role"] for m in made["messages"]] == ["user", "assistant", "user", "assistant"]
    assert len(made["messages"][2]["content"]) == 2
    assert lossless(made, "openai")["messages"][2]["tool_call_id"] == "c1"


def there_and_back() -> list[Any]:
    rows = {"chat": CHAT, "tools": TOOLS, "image": IMAGE}
    ways = {"chat": ("sharegpt", "gemini", "bedrock", "llamafactory-v1", "trl-prompt-completion"),
            "tools": ("gemini", "bedrock", "llamafactory-v1", "sharegpt"),
            "image": ("gemini", "bedrock", "llamafactory-v1")}  # fmt: skip
    return [pytest.param(rows[name], to, id=f"{name}-{to}") for name, targets in ways.items() for to in targets]


@pytest.mark.parametrize(("row", "to"), there_and_back())
def test_there_and_back(row: dict[str, Any], to: str) -> None:
    """Nothing is lost on either way; ids of calls, names of results and text objects may be spelt anew."""
    back = lossless(lossless(row, to), "openai")
    assert [m["role"] for m in back["messages"]] == [m["role"] for m in row["messages"]]
    assert back["messages"][0] == row["messages"][0]
    assert back["messages"][-1] == row["messages"][-1]
    assert back.get("tools") == row.get("tools")


@pytest.mark.parametrize("name", formats.names())
@pytest.mark.parametrize("to", formats.names())
def test_a_lossless_row_is_of_the_format_asked_for(name: str, to: str) -> None:
    text = (VIEWS / f"{name}.jsonl").read_text(encoding="utf-8")
    for line in text.split("\n"):
        if not line:
            continue
        row = json.loads(line)["row"]
        made = one(row, to)
        assert made.row is not None or made.losses
        if made.row is not None and not made.losses:
            found = formats.recognise(made.row)
            assert found is not None and found.name == to
            assert one(made.row, to) == Converted(made.row), "a second time changes nothing"


def test_losses_are_plain_values() -> None:
    loss = Loss("/a", "b")
    assert loss == Loss("/a", "b") and hash(loss) == hash(Loss("/a", "b"))


def test_the_source_format_can_be_given() -> None:
    mapped = formats.with_columns({"prompt": "frage", "completion": "antwort"})
    (made,) = convert([{"frage": "Wo?", "antwort": "Hier."}], formats.get("openai"), mapped)
    assert made.row == {"messages": [{"role": "user", "content": "Wo?"}, {"role": "assistant", "content": "Hier."}]}
