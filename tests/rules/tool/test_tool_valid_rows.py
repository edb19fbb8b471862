"""Right rows of every shape raise nothing in ROLE, TOOL and IMG; the same rows with one slip raise just that."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from prepdata.edits import apply
from prepdata.findings import Edit
from prepdata.formats import recognise
from prepdata.rules.base import Context, RecordRule
from prepdata.rules.loader import rules
from prepdata.targets import load

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city"],
    "additionalProperties": False,
}
FUNCTION = {"name": "forecast", "description": "Weather of the next days", "parameters": SCHEMA}
TOOL = {"type": "function", "function": FUNCTION}
ARGUMENTS = {"city": "Oslo", "days": 2}
TEXT = json.dumps(ARGUMENTS)


def call(id: Any = "aB3dE6gH9", arguments: Any = TEXT, **more: Any) -> dict[str, Any]:
    made = {"type": "function", "function": {"name": "forecast", "arguments": arguments}, **more}
    return made if id is None else {"id": id, **made}


SYSTEM = {"role": "system", "content": "You help travellers."}
USER = {"role": "user", "content": "Will it rain in Oslo?"}
RESULT = {"role": "tool", "tool_call_id": "aB3dE6gH9", "content": '{"rain": true}'}
ANSWER = {"role": "assistant", "content": "Yes, take an umbrella."}
ASKED = {"role": "assistant", "tool_calls": [call()]}


def row(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"messages": list(messages), "tools": [TOOL], **more}


OPENAI: dict[str, dict[str, Any]] = {
    "a call ends the row": row(USER, ASKED),
    "call, result, answer": row(SYSTEM, USER, ASKED, RESULT, ANSWER),
    "null content": row(USER, {**ASKED, "content": None}),
    "empty content": row(USER, {**ASKED, "content": ""}),
    "content beside the call": row(USER, {**ASKED, "content": "Let me see."}, RESULT, ANSWER),
    "parallel calls": row(
        USER,
        {"role": "assistant", "tool_calls": [call(), call("zY8xW7vU6")]},
        RESULT,
        {**RESULT, "tool_call_id": "zY8xW7vU6"},
        ANSWER,
    ),
    "calls one after another": row(
        USER, ASKED, RESULT, {"role": "assistant", "tool_calls": [call("zY8xW7vU6")]},
        {**RESULT, "tool_call_id": "zY8xW7vU6"}, ANSWER),
    "parallel_tool_calls false": row(USER, ASKED, parallel_tool_calls=False),
    "tool_choice": row(USER, ASKED, tool_choice="auto"),
    "tools and no call": row(USER, ANSWER),
    "weights": row(USER, {**ASKED, "weight": 0}, RESULT, {**ANSWER, "weight": 1}),
    "result as parts": row(USER, ASKED, {**RESULT, "content": [{"type": "text", "text": "rain"}]}, ANSWER),
    "result with a name": row(USER, ASKED, {**RESULT, "name": "forecast"}, ANSWER),
    "no arguments needed": {
        "messages": [USER, {"role": "assistant", "tool_calls": [
            {"id": "aB3dE6gH9", "type": "function", "function": {"name": "stop", "arguments": "{}"}}]}],
        "tools": [{"type": "function", "function": {"name": "stop"}}]},
    "many turns": row(SYSTEM, USER, ASKED, RESULT, ANSWER, USER, ANSWER),
    "picture": {"messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}}]}, ANSWER]},
}  # fmt: skip

LOOSE: dict[str, dict[str, Any]] = {
    "arguments as an object": row(USER, {**ASKED, "tool_calls": [call(arguments=ARGUMENTS)]}, RESULT, ANSWER),
    "no ids": row(
        USER,
        {"role": "assistant", "tool_calls": [call(None, ARGUMENTS)]},
        {"role": "tool", "name": "forecast", "content": "rain"},
        ANSWER,
    ),
    "developer": row({"role": "developer", "content": "Be brief."}, USER, ANSWER),
    "one id used in turn": row(USER, ASKED, RESULT, ANSWER, USER, ASKED, RESULT, ANSWER),
    "tools as null": {"messages": [USER, ANSWER], "tools": None},
    "no tools": {"messages": [USER, ANSWER], "tools": []},
}  # fmt: skip


def sharegpt(*turns: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"conversations": [{"from": who, "value": what} for who, what in turns], **more}


CALL_TEXT = json.dumps({"name": "forecast", "arguments": ARGUMENTS})
OTHERS: dict[str, dict[str, Any]] = {
    "sharegpt": sharegpt(("human", "Hi"), ("gpt", "Hello.")),
    "sharegpt, system": sharegpt(("system", "Be brief."), ("human", "Hi"), ("gpt", "Hello.")),
    "sharegpt, call": sharegpt(
        ("human", "Rain?"), ("function_call", CALL_TEXT), ("observation", "rain"), ("gpt", "Yes."),
        tools=json.dumps([FUNCTION])),
    "sharegpt, call ends the row": sharegpt(
        ("human", "Rain?"), ("function_call", CALL_TEXT), tools=json.dumps([FUNCTION])),
    "sharegpt, no tools as text": sharegpt(("human", "Hi"), ("gpt", "Hello."), tools="[]"),
    "alpaca": {"instruction": "Say hello.", "input": "", "output": "Hello."},
    "prompt and completion": {"prompt": "Say hello.", "completion": "Hello."},
    "preference": {"prompt": [USER], "chosen": [ANSWER], "rejected": [{"role": "assistant", "content": "No idea."}]},
    "preference, prompt in both": {"chosen": [USER, ANSWER], "rejected": [USER, {**ANSWER, "content": "No idea."}]},
    "preference, texts": {"prompt": "Rain?", "chosen": "Yes.", "rejected": "No idea."},
    "kto": {"prompt": [USER], "completion": [ANSWER], "label": True},
    "kto, texts": {"prompt": "Rain?", "completion": "Yes.", "label": False},
    "openai dpo": {
        "input": {"messages": [USER], "tools": [TOOL], "parallel_tool_calls": True},
        "preferred_output": [ANSWER],
        "non_preferred_output": [{"role": "assistant", "content": "No idea."}]},
    "gemini": {"contents": [
        {"role": "user", "parts": [{"text": "Hi"}]}, {"role": "model", "parts": [{"text": "Hello."}]}]},
    "gemini, call": {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Rain?"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "forecast", "args": ARGUMENTS}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "forecast", "response": {"rain": True}}}]},
            {"role": "model", "parts": [{"text": "Yes."}]}],
        "tools": [{"functionDeclarations": [FUNCTION]}]},
    "bedrock": {
        "schemaVersion": "bedrock-conversation-2024", "system": [{"text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"text": "Hi"}]}, {"role": "assistant", "content": [{"text": "Hello."}]}]},
    "bedrock, call": {
        "schemaVersion": "bedrock-conversation-2024",
        "messages": [
            {"role": "user", "content": [{"text": "Rain?"}]},
            {"role": "assistant", "content": [
                {"toolUse": {"toolUseId": "t1", "name": "forecast", "input": ARGUMENTS}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "rain"}]}}]},
            {"role": "assistant", "content": [{"text": "Yes."}]}],
        "toolConfig": {"tools": [{"toolSpec": {
            "name": "forecast", "description": "Weather", "inputSchema": {"json": SCHEMA}}}]}},
    "text": {"text": "It rains in Oslo."},
    "typed parts": {
        "messages": [
            {"role": "user", "content": [{"type": "text", "value": "Rain?"}]},
            {"role": "assistant", "content": [
                {"type": "reasoning", "value": "I have to look."}, {"type": "tool_call", "value": CALL_TEXT}]},
            {"role": "tool", "content": [{"type": "text", "value": "rain"}]},
            {"role": "assistant", "content": [{"type": "text", "value": "Yes."}]}],
        "tools": json.dumps([TOOL])},
}  # fmt: skip

RULES: list[Any] = [r for r in rules() if issubclass(r, RecordRule) and r.code[:3] in ("ROL", "TOO", "IMG")]


def found(raw: dict[str, Any], *targets: str) -> list[tuple[str, str | None]]:
    """Return (code, path) of every finding of ROLE, TOOL and IMG in a row."""
    format = recognise(raw)
    assert format is not None, "no format recognises this row"
    record = format.view(copy.deepcopy(raw))
    context = Context(targets=tuple(load(target) for target in targets))
    made = [rule(None, context) for rule in RULES]
    return [(rule.code, hit.path) for rule in made if not rule.missing() for hit in rule.check(record)]


@pytest.mark.parametrize("why", OPENAI)
@pytest.mark.parametrize("targets", [(), ("openai",), ("azure-openai",), ("mistral",), ("openai", "mistral")])
def test_right_rows_for_providers(why: str, targets: tuple[str, ...]) -> None:
    if "mistral" in targets and why == "parallel_tool_calls false":
        targets = ("openai",)
    assert found(OPENAI[why], *targets) == []


@pytest.mark.parametrize("why", LOOSE)
def test_right_rows_for_trainers(why: str) -> None:
    assert found(LOOSE[why]) == []


@pytest.mark.parametrize("why", OTHERS)
def test_right_rows_of_other_formats(why: str) -> None:
    assert found(OTHERS[why]) == []


SLIPS: list[tuple[str, str, Edit, list[str]]] = [
    ("call, result, answer", "role", Edit("set", "/messages/4/role", "Assistant"), ["ROLE002"]),
    ("call, result, answer", "system late", Edit("set", "/messages/0/role", "user"), ["ROLE005"]),
    ("call, result, answer", "result lost", Edit("remove", "/messages/3"), ["TOOL008"]),
    ("call, result, answer", "call lost", Edit("remove", "/messages/2"), ["TOOL007"]),
    ("call, result, answer", "answer lost", Edit("remove", "/messages/4"), ["ROLE004"]),
    ("call, result, answer", "id", Edit("set", "/messages/3/tool_call_id", "other"), ["TOOL007"]),
    ("call, result, answer", "name", Edit("set", "/messages/2/tool_calls/0/function/name", "forcast"), ["TOOL003"]),
    ("call, result, answer", "tools", Edit("remove", "/tools"), ["TOOL012"]),
    ("call, result, answer", "tools text", Edit("set", "/tools", json.dumps([TOOL])), ["TOOL001"]),
    ("call, result, answer", "type", Edit("set", "/tools/0/function/parameters/type", "dict"), ["TOOL002"]),
    ("a call ends the row", "city", Edit("set", "/messages/1/tool_calls/0/function/arguments", "{}"), ["TOOL006"]),
    ("a call ends the row", "cut", Edit("set", "/messages/1/tool_calls/0/function/arguments", TEXT[:-1]), ["TOOL004"]),
    ("a call ends the row", "twice", Edit("set", "/messages/1/tool_calls/0/function/arguments", json.dumps(TEXT)),
     ["TOOL005"]),
    ("weights", "text", Edit("set", "/messages/3/weight", "1"), ["ROLE009"]),
    ("weights", "zero", Edit("set", "/messages/3/weight", 0), ["ROLE008"]),
    ("tools and no call", "no user", Edit("remove", "/messages/0"), ["ROLE010"]),
    ("tools and no call", "no answer", Edit("remove", "/messages/1"), ["ROLE003"]),
    ("tools and no call", "nothing", Edit("set", "/messages", []), ["ROLE001"]),
    ("picture", "empty", Edit("set", "/messages/0/content/1/image_url/url", ""), ["IMG001"]),
]  # fmt: skip


@pytest.mark.parametrize(("start", "slip", "edit", "codes"), SLIPS, ids=[s[1] for s in SLIPS])
def test_one_slip_gives_one_finding(start: str, slip: str, edit: Edit, codes: list[str]) -> None:
    assert sorted({code for code, _ in found(apply(OPENAI[start], [edit]))}) == codes


@pytest.mark.parametrize(
    ("why", "edit", "codes"),
    [
        ("sharegpt, call", Edit("set", "/conversations/1/value", '{"name": "forecast", "arguments": {}}'), ["TOOL006"]),
        ("sharegpt, call", Edit("set", "/conversations/1/value", '{"name": "gone", "arguments": {}}'), ["TOOL003"]),
        ("sharegpt, call", Edit("remove", "/conversations/2"), ["TOOL008"]),
        ("sharegpt, call", Edit("remove", "/conversations/1"), ["TOOL007"]),
        ("sharegpt", Edit("set", "/conversations/1/from", "Gpt"), ["ROLE002"]),
        ("gemini, call", Edit("set", "/contents/1/parts/0/functionCall/args/city", 5), ["TOOL006"]),
        ("gemini, call", Edit("set", "/contents/1/parts/0/functionCall/name", "gone"), ["TOOL003"]),
        ("gemini", Edit("set", "/contents/1/role", "assistant"), ["ROLE002"]),
        ("bedrock, call", Edit("set", "/messages/2/content/0/toolResult/toolUseId", "t9"), ["TOOL007"]),
        ("bedrock, call", Edit("set", "/messages/1/content/0/toolUse/input", {}), ["TOOL006"]),
        ("preference", Edit("set", "/chosen/0/role", "Assistant"), ["ROLE002"]),
        ("preference, texts", Edit("set", "/prompt", "Rain today?"), []),
    ],
)
def test_slips_in_other_formats(why: str, edit: Edit, codes: list[str]) -> None:
    assert sorted({code for code, _ in found(apply(OTHERS[why], [edit]))}) == codes
