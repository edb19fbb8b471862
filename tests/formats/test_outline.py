"""Outlines: rows of one outline differ only in what calls and tools hold, and their keys are counted exactly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prepdata.chunk import Chunk
from prepdata.findings import Hit
from prepdata.formats import get
from prepdata.parse import parse
from prepdata.record import Record
from prepdata.rules.base import CALLS, SHAPE, Context, RecordRule
from prepdata.rules.loader import build, rules
from prepdata.scan import Scanner
from prepdata.targets import load

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]


def row(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Hi"}, *messages], **more}


def records(given_rows: list[dict[str, Any]]) -> list[Record]:
    data = b"".join(json.dumps(r).encode() + b"\n" for r in given_rows)
    return parse(data, None, len(given_rows), get("openai")).chunk.records


def said(call: Any = CALL, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": [call], **more}


RESULT = {"role": "tool", "tool_call_id": "c1", "content": "5"}

HAVE = {
    "calls and tools": row(said(), RESULT, tools=TOOLS),
    "calls alone": row(said()),
    "no content": row({"role": "assistant", "tool_calls": [CALL]}, tools=TOOLS),
    "arguments as object": row(said({**CALL, "function": {"name": "f", "arguments": {"a": {"b": [{"c": 1}]}}}})),
    "plain turns, tools": row({"role": "assistant", "content": "Hello."}, tools=TOOLS),
    "weights": row(said(weight=0), tools=TOOLS),
    "a named result": row(said(), {**RESULT, "name": "f"}),
    "padded": row(said(name=None, function_call=None)),
    "with marks": row(said(), id="7", metadata={"source": "a"}, parallel_tool_calls=False),
    "no calls in the list": row({"role": "assistant", "content": "Hello.", "tool_calls": []}),
    "key with a backslash": row(said({"a\\": 1, "\\": '\\"'})),
    "mark with a backslash": row(said(), metadata={"a\\": 1}),
    "odd calls": row(said(5), said({"name": "f", "arguments": 3})),
}
LACK = {
    "parts": row({"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "you"}]}),
    "older call": row({"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}),
    "older tools": row({"role": "assistant", "content": "Hello."}, functions=[{"name": "f"}]),
    "reasoning": row(said(reasoning_content="Hm.")),
    "a named user": row({"role": "user", "content": "Hi", "name": "Ann"}),
    "unknown role": row(said(), {"role": "bot", "content": "5"}),
    "no object": row(said(), 5),  # type: ignore[arg-type]
    "number as content": row(said(), {"role": "user", "content": 5}),
    "float weight": row(said(weight=0.5)),
    "tools as text": row(said(), tools=json.dumps(TOOLS)),
    "empty tools": row(said(), tools=[]),
    "odd tools": row(said(), tools=[5]),
    "list of media": row(said(), images=["a.png"]),
    "odd setting": row(said(), parallel_tool_calls="no"),
    "huge number": row(said({"a": 2**60})),
    "nested too deep": row(said(json.loads('{"a":' * 40 + "{}" + "}" * 40))),
    "nothing": {"messages": []},
}


@pytest.mark.parametrize("name", HAVE)
def test_rows_with_an_outline(name: str) -> None:
    record = records([HAVE[name]])[0]
    assert record.shape is None
    assert record.outline is not None
    hash(record.outline)


@pytest.mark.parametrize("name", LACK)
def test_rows_without_one(name: str) -> None:
    assert records([LACK[name]])[0].outline is None


def count_strings(value: Any) -> int:
    if isinstance(value, str):
        return 1
    if isinstance(value, dict):
        return len(value) + sum(count_strings(item) for item in value.values())
    return sum(count_strings(item) for item in value) if isinstance(value, list) else 0


@pytest.mark.parametrize("name", HAVE)
def test_strings_are_counted(name: str) -> None:
    given_row = HAVE[name]
    assert records([given_row])[0].strings == count_strings(
        {**given_row, "tools": 0} if "tools" in given_row else given_row
    )


@pytest.mark.parametrize("where", ['"id": "c1"', '"role": "tool"', '"arguments": ', '"type": "object"', '"tools": '])
def test_a_repeated_key_is_noticed(where: str) -> None:
    text = json.dumps(HAVE["calls and tools"])
    key = where[: where.index(":")]
    assert where in text
    broken = text.replace(where, f"{key}: 1, {where}", 1).encode()
    facts = parse(broken.replace(b'": ', b'":') + b"\n", None, 1, get("openai")).chunk.facts
    assert [fact.kind for fact in facts] == ["duplicate-key"]
    assert not parse(text.encode() + b"\n", None, 1, get("openai")).chunk.facts


CONTENTS = st.sampled_from(["Hi", " ", "", None])
CALL_LISTS: st.SearchStrategy[Any] = st.lists(
    st.sampled_from(
        [
            CALL,
            {**CALL, "id": "c2"},
            {**CALL, "id": None},
            {**CALL, "function": {"name": "g", "arguments": "no"}},
            {**CALL, "function": {"name": "f", "arguments": {"a": None}}},
            5,
        ]
    ),
    max_size=2,
)
MESSAGES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool", "assistant", "function"])},
    optional={
        "content": CONTENTS,
        "tool_calls": CALL_LISTS,
        "tool_call_id": st.sampled_from(["c1", "c2", None]),
        "name": st.sampled_from(["f", "g"]),
        "weight": st.sampled_from([0, 1, 2, None, True]),
        "wieght": st.just(1),
    },
)
ROWS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGES, min_size=1, max_size=4)},
    optional={
        "tools": st.sampled_from([TOOLS, TOOLS * 2, [{"name": "f"}], [], None, "[]"]),
        "parallel_tool_calls": st.sampled_from([True, False, None]),
        "id": st.sampled_from(["1", 2]),
        "tolls": st.just(TOOLS),
    },
)


def built(*targets: str) -> list[Any]:
    """Return all rules that are asked by shape or outline, for these targets."""
    context = Context(targets=tuple(load(target) for target in targets))
    made = [build(r, {}, context) for r in rules() if issubclass(r, RecordRule) and r.trigger in (SHAPE, CALLS)]
    return [rule for rule in made if rule.missing() is None]


RULES = [built(), built("openai"), built("trl", "mistral")]


def hits(given_records: list[Record], scanner: Scanner) -> list[str]:
    chunk = Chunk("openai", given_records, [], len(given_records))
    return sorted(f"{rule.code} {record.row} {hit!r}" for rule, record, hit in scanner.run(chunk) if _is_hit(hit))


def _is_hit(found: Any) -> bool:
    assert isinstance(found, Hit), found
    return True


@settings(max_examples=150, deadline=None)
@given(st.lists(ROWS, min_size=2, max_size=12), st.sampled_from(RULES))
def test_rules_say_the_same_with_outlines(given_rows: list[dict[str, Any]], some: list[Any]) -> None:
    found = records(given_rows)
    scanner = Scanner(some)
    expected = hits(found, Scanner(some, triggers=False))
    assert hits(found, scanner) == expected
    assert hits(found, scanner) == expected  # what is remembered of outlines changes nothing


def test_rules_of_structure_meet_an_outline_once() -> None:
    class Asked(RecordRule):
        code, name, severity = "TST001", "asked", "warning"
        trigger = SHAPE
        times = 0

        def check(self, record: Record) -> Any:
            self.times += 1
            return iter(())

    rule = Asked()
    other = json.loads(json.dumps(HAVE["calls and tools"]).replace("Hi", "Hello").replace("c1", "c9"))
    hits(records([HAVE["calls and tools"], other]), Scanner([rule]))
    assert rule.times == 1
