"""Safe fixes of ROLE and TOOL rules: after them the rule is silent, and nothing else has changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from prepdata.edits import apart, apply
from prepdata.formats.openai import OpenAIChat
from prepdata.rules.base import Context, RecordRule
from prepdata.rules.loader import find
from prepdata.targets import load

CASES = Path(__file__).parent.parent / "cases"
FIXED = {
    "unknown-role": 8,
    "last-turn-not-assistant": 5,
    "repeated-role": 3,
    "misplaced-system": 5,
    "invalid-tool-list": 6,
    "arguments-kind": 5,
    "call-id-format": 3,
    "legacy-function-call": 5,
}
"""Rules with fixes, and in how many of their cases at least one is offered."""


def rule_of(name: str, targets: list[str]) -> Any:
    rule = find(name)
    assert issubclass(rule, RecordRule)
    return rule(None, Context(targets=tuple(load(target) for target in targets)))


def mended(rule: Any, row: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Return a row after all fixes of a rule, applied finding by finding, and how many there were."""
    count = 0
    for _ in range(10):
        hits = [hit for hit in rule.check(OpenAIChat().view(row)) if hit.fix]
        if not hits:
            break
        row = apply(row, apart(hits[0].fix.edits))
        count += 1
    return row, count


@pytest.mark.parametrize("name", FIXED)
def test_fixed_rows_have_no_finding_that_a_fix_would_cure(name: str) -> None:
    offered = 0
    for line in (CASES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if case["case"] != "fail":
            continue
        rule = rule_of(name, case.get("targets", []))
        for row in case["rows"]:
            new, count = mended(rule, row)
            assert not [hit for hit in rule.check(OpenAIChat().view(new)) if hit.fix], case["why"]
            offered += bool(count)
    assert offered >= FIXED[name]


def fix_of(name: str, row: dict[str, Any], *targets: str) -> dict[str, Any]:
    new, count = mended(rule_of(name, list(targets)), row)
    assert count
    return new


USER = {"role": "user", "content": "Hi"}


def test_only_the_role_word_changes() -> None:
    row = {"messages": [USER, {"role": "Bot", "content": "Hello.", "weight": 1}], "id": 7}
    assert fix_of("unknown-role", row) == {
        "messages": [USER, {"role": "assistant", "content": "Hello.", "weight": 1}], "id": 7}  # fmt: skip


def test_call_and_result_are_renamed_together() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    other = {**call, "id": "call_2"}
    row = {"messages": [
        USER, {"role": "assistant", "tool_calls": [call, other]},
        {"role": "tool", "tool_call_id": "call_2", "content": "2"},
        {"role": "tool", "tool_call_id": "call_1", "content": "1"},
        {"role": "assistant", "content": "Done."}]}  # fmt: skip
    new = fix_of("call-id-format", row, "mistral")["messages"]
    ids = [made["id"] for made in new[1]["tool_calls"]]
    assert [new[3]["tool_call_id"], new[2]["tool_call_id"]] == ids
    assert len(set(ids)) == 2 and all(len(id) == 9 and id.isalnum() for id in ids)
    assert fix_of("call-id-format", row, "mistral")["messages"] == new  # the same every time


def test_functions_become_tools() -> None:
    row = {
        "messages": [
            USER,
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"},
            {"role": "assistant", "content": "One."},
        ],
        "functions": [{"name": "f", "parameters": {"type": "object"}}],
        "function_call": {"name": "f"},
    }
    assert fix_of("legacy-function-call", row) == {
        "messages": [
            USER,
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "name": "f", "content": "1", "tool_call_id": "call_1"},
            {"role": "assistant", "content": "One."},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
    }  # fmt: skip


def test_tools_are_put_into_shape() -> None:
    bare = {"name": "f", "description": "d", "input_schema": {"type": "object"}}
    right = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
    assert fix_of("invalid-tool-list", {"messages": [USER], "tools": [bare]})["tools"] == [right]
    assert fix_of("invalid-tool-list", {"messages": [USER], "tools": bare})["tools"] == [right]
    assert fix_of("invalid-tool-list", {"messages": [USER], "tools": json.dumps([right])})["tools"] == [right]


@pytest.mark.parametrize(
    ("targets", "after"), [(["openai"], '{"a":1}'), (["bedrock-nova"], {"a": 1}), ([], '{"a": 1}')]
)
def test_arguments_written_twice(targets: list[str], after: Any) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps('{"a": 1}')}}
    row = {"messages": [USER, {"role": "assistant", "tool_calls": [call]}]}
    new = fix_of("arguments-kind", row, *targets)["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert new == after or json.loads(new) == json.loads(after)


def test_old_and_new_keys_mixed_are_left_alone() -> None:
    row = {"messages": [USER, {"role": "function", "name": "f", "content": "1"}], "functions": [], "tools": []}
    assert mended(rule_of("legacy-function-call", []), row)[1] == 0
