"""Results find their calls: by id, by name, by order; and the tools of a row are judged once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prepdata.formats.openai import OpenAIChat
from prepdata.record import Message, Part, Record, ToolCall
from prepdata.rules.base import Context
from prepdata.rules.tool._pairing import pair, settled
from prepdata.rules.tool._tools import arguments_of, declares, tool_set
from prepdata.rules.tool.tool002_invalid_tool_schema import InvalidToolSchema
from prepdata.rules.tool.tool006_arguments_mismatch import ArgumentsMismatch


def view(*messages: Any, **more: Any) -> Record:
    return OpenAIChat().view({"messages": list(messages), **more})


def calls(*pairs: tuple[Any, Any]) -> dict[str, Any]:
    listed = [{"id": i, "type": "function", "function": {"name": n, "arguments": "{}"}} for n, i in pairs]
    return {"role": "assistant", "tool_calls": listed}


def result(id: Any = None, name: Any = None) -> dict[str, Any]:
    keys = {"tool_call_id": id, "name": name}
    return {"role": "tool", "content": "1", **{k: v for k, v in keys.items() if v is not None}}


def links(record: Record) -> list[tuple[Any, str]]:
    return [(call.name, found.path) for call, found in pair(record).links]


def test_by_id_in_any_order() -> None:
    record = view(calls(("f", "a"), ("g", "b")), result("b"), result("a"))
    assert links(record) == [("g", "/messages/1/tool_call_id"), ("f", "/messages/2/tool_call_id")]
    assert not pair(record).issues and not pair(record).unanswered


def test_by_name_then_order_without_ids() -> None:
    record = view(calls(("f", None), ("g", None)), result(name="g"), result())
    assert [name for name, _ in links(record)] == ["g", "f"]


def test_calls_in_turns_of_their_own_without_ids() -> None:
    record = view(calls(("f", None)), calls(("g", None)), result(), result())
    assert [name for name, _ in links(record)] == ["f", "g"]
    assert not pair(record).unanswered


def test_without_ids_one_result_may_answer_several_calls() -> None:
    answer = {"role": "assistant", "content": "Done."}
    assert not pair(view(calls(("f", None), ("g", None)), result(), answer)).unanswered
    assert len(pair(view(calls(("f", "a"), ("g", "b")), result("a"), answer)).unanswered) == 1
    assert len(pair(view(calls(("f", None), ("g", None)), answer)).unanswered) == 2


def test_a_preference_row_is_two_rows() -> None:
    both = calls(("f", "a"))
    shared = OpenAIChat().view({"messages": [{"role": "user", "content": "Hi"}, both]}).messages
    chosen = OpenAIChat().view({"messages": [result("a"), {"role": "assistant", "content": "x"}]}).messages
    rejected = OpenAIChat().view({"messages": [{"role": "assistant", "content": "y"}]}).messages
    record = Record("trl-preference", {}, shared, chosen, rejected)
    found = pair(record)
    assert len(found.links) == 1 and not found.issues
    assert [call.name for call in found.unanswered] == ["f"]


def test_results_carried_by_parts_of_a_user_turn() -> None:
    call = ToolCall("f", {}, "t1", "/messages/0/content/0/toolUse", "/messages/0/content/0/toolUse/input")
    part = Part("tool_result", "", {"toolResult": {"toolUseId": "t1", "content": []}}, "/messages/1/content/0", "")
    other = Part("tool_result", "", {"toolResult": {"toolUseId": "t2", "content": []}}, "/messages/1/content/1", "")
    turns = (
        Message("assistant", "", "parts", "/messages/0", "/messages/0/content", {}, "assistant", calls=(call,)),
        Message("user", "", "parts", "/messages/1", "/messages/1/content", {}, "user", parts=(part, other)),
    )
    found = pair(Record("bedrock", {}, turns))
    assert [r.path for _, r in found.links] == ["/messages/1/content/0/toolResult/toolUseId"]
    assert [issue.path for issue in found.issues] == ["/messages/1/content/1/toolResult/toolUseId"]


ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)
ROLES = st.sampled_from(["user", "assistant", "tool", "function", "system", "other"])
FUNCTION = st.fixed_dictionaries({}, optional={"name": ANY, "arguments": ANY})
CALL = st.one_of(
    ANY, st.fixed_dictionaries({}, optional={"id": ANY, "type": ANY, "function": st.one_of(ANY, FUNCTION)})
)
KEYS = {
    "content": ANY,
    "tool_calls": st.one_of(ANY, st.lists(CALL, max_size=3)),
    "tool_call_id": ANY,
    "name": ANY,
    "function_call": CALL,
}
MESSAGE = st.one_of(ANY, st.fixed_dictionaries({"role": ROLES}, optional=KEYS))


@settings(max_examples=200, deadline=None)
@given(st.lists(MESSAGE, max_size=6))
def test_nothing_odd_crashes(messages: list[Any]) -> None:
    record = view(*messages)
    found = pair(record)
    count = sum(len(m.calls) for m in record.messages)
    assert len(found.links) + len(found.unanswered) <= count


TOOL = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {"n": {"type": "float"}}}},
}


def test_equal_tools_are_judged_once() -> None:
    rows = [json.loads(json.dumps({"messages": [], "tools": [TOOL] * 3})) for _ in range(3)]
    records = [OpenAIChat().view(row) for row in rows]
    assert tool_set(records[0]) is tool_set(records[1]) is tool_set(records[2])
    rule = InvalidToolSchema()
    first, second = list(rule.check(records[0])), list(rule.check(records[1]))
    assert first and all(a is b for a, b in zip(first, second, strict=True))


def test_what_was_judged_for_one_run_is_not_told_to_another() -> None:
    record = view(tools=[{"type": "function", "function": {"name": "a.b"}}])
    first, second = InvalidToolSchema(None, Context()), InvalidToolSchema(None, Context())
    assert list(first.check(record)) == list(second.check(record))
    assert len([key for key in tool_set(record).memo if key[0] is second]) == 1


def test_other_tools_are_told_apart() -> None:
    narrow = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "required": ["z"]}}}
    call = calls(("f", "a"))
    rule = ArgumentsMismatch()
    assert not list(rule.check(view(call, tools=[{"type": "function", "function": {"name": "f"}}])))
    assert len(list(rule.check(view(call, tools=[narrow])))) == 1


def test_declares() -> None:
    nothing: dict[str, Any]
    for nothing in ({}, {"tools": None}, {"tools": []}, {"tools": ""}, {"tools": "[]"}, {"tools": " null "}):
        assert not declares(view(**nothing))
    for something in ({"tools": [TOOL]}, {"tools": {"f": 1}}, {"tools": "x"}, {"functions": [{"name": "f"}]}):
        assert declares(view(**something))


def test_arguments_of() -> None:
    assert arguments_of('{"a": 1}') == arguments_of({"a": 1}) == arguments_of(json.dumps('{"a": 1}')) == {"a": 1}
    assert arguments_of(None) == {}
    for unreadable in ("[1]", "{", 5, [1], '"x"', "[" * 100_000):
        assert type(arguments_of(unreadable)) is not dict


@pytest.mark.timeout(120)
def test_many_calls_in_one_row_are_paired_in_linear_time() -> None:
    count = 60_000
    listed = calls(*((f"f{i % 7}", f"c{i}") for i in range(count)))
    plain = calls(*((f"f{i % 7}", None) for i in range(count)))
    for record in (
        view(listed, *(result(f"c{i}") for i in reversed(range(count)))),
        view(plain, *(result() for _ in range(count))),
        view(plain, *(result(name=f"f{i % 7}") for i in range(count))),
    ):
        assert len(pair(record).links) == count and not pair(record).issues


def test_tools_nested_too_deep_are_not_remembered() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = [deep]
    record = view(tools=[{"type": "function", "function": {"name": "f", "parameters": {"items": deep}}}])
    first = tool_set(record)
    assert first.by_name.keys() == {"f"}
    assert [hit.severity for hit in InvalidToolSchema().check(record)] == ["warning"]
    while deep:  # taken apart by hand: freeing it in one go would recurse
        deep = deep.pop()


IDS = st.sampled_from(["a", "b", "c", None, 5])
TURNS = st.one_of(
    st.lists(st.tuples(st.sampled_from(["f", "g"]), IDS), min_size=1, max_size=3).map(lambda p: calls(*p)),
    st.builds(result, IDS, st.sampled_from(["f", "g", None])),
    st.sampled_from(["user", "assistant", "system", "function", "bot"]).map(lambda r: {"role": r, "content": "1"}),
    st.sampled_from(["a", "b"]).map(lambda id: {"role": "user", "tool_calls": calls(("f", id))["tool_calls"]}),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(TURNS, max_size=8))
def test_what_a_quick_look_finds_settled_has_no_issues(turns: list[Any]) -> None:
    record = view(*turns)
    found = pair(record)
    if settled(record):
        assert not found.issues and not found.unanswered


def test_usual_rows_are_settled_at_a_quick_look() -> None:
    assert settled(view(calls(("f", "a")), result("a"), {"role": "assistant", "content": "1"}))
    assert settled(view(calls(("f", "a")), result("a"), calls(("f", "a")), result("a")))
    assert settled(view({"role": "user", "content": "1"}))
    assert not settled(view(calls(("f", "a"), ("g", "a"))))
    assert not settled(view(calls(("f", "a"), ("g", "b")), result("a")))
