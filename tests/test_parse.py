"""Nothing that vanishes in parsing goes unnoticed, and nothing raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.formats import get
from prepdata.parse import parse, split

TOOL = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}},
}
CHAT = {"messages": [{"role": "user", "content": 'say "a": b'}, {"role": "assistant", "content": 'ok\\":'}]}
TOOLS = {**CHAT, "tools": [TOOL], "parallel_tool_calls": False}


def facts(text: str | bytes) -> list[tuple[str, int | None, Any]]:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    chunk, _ = parse(data, None, data.count(b"\n") + 1, get("openai"))
    return [(fact.kind, fact.line, fact.data.get("path")) for fact in chunk.facts]


def kinds(text: str | bytes) -> list[str]:
    return [kind for kind, _, _ in facts(text)]


@pytest.mark.parametrize("row", [CHAT, TOOLS])
@pytest.mark.parametrize(
    "style", [{}, {"separators": (",", ":")}, {"separators": (" , ", " : ")}, {"ensure_ascii": False}]
)
def test_good_rows_give_no_facts(row: dict[str, Any], style: dict[str, Any]) -> None:
    assert facts(json.dumps(row, **style)) == []


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ('"role": "user"', '"role": "user", "role": "user"', "duplicate-key"),
        ('"messages":', '"messages": [], "messages":', "duplicate-key"),
        ('"name": "f"', '"name": "f", "name": "g"', "duplicate-key"),
        ('"parallel_tool_calls": false', '"parallel_tool_calls": NaN', "non-finite-number"),
        ('"parallel_tool_calls": false', '"parallel_tool_calls": 123456789012345678901234567890', "lossy-integer"),
        ("say ", "say \\ud800", "lone-surrogate"),
        ("say ", "say \\u0000", "nul-character"),
    ],
)
def test_what_vanishes_is_noticed(before: str, after: str, kind: str) -> None:
    line = json.dumps(TOOLS)
    assert before in line
    assert kind in kinds(line.replace(before, after, 1))


def test_plain_rows_notice_repeated_keys_too() -> None:
    line = json.dumps(CHAT)
    assert kinds(line.replace('"role": "user"', '"role":"bot","role" : "user"')) == ["duplicate-key"]


ODD_TEXTS = st.text(alphabet='a":\\ \n\u00e9{', max_size=12)
CALL = st.fixed_dictionaries(
    {"id": ODD_TEXTS, "function": st.dictionaries(ODD_TEXTS, ODD_TEXTS | st.integers(-(2**63), 2**63), max_size=2)}
)
MESSAGE: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool"]), "content": ODD_TEXTS},
    optional={"weight": st.sampled_from([0, 1]), "tool_calls": st.lists(CALL, max_size=2), "name": ODD_TEXTS},
)
MARKS = st.dictionaries(ODD_TEXTS.filter(bool), ODD_TEXTS | st.lists(ODD_TEXTS, max_size=2), max_size=2)
BRANCHES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGE, min_size=1, max_size=3)}, optional={"tools": st.just([TOOL]), "metadata": MARKS}
)


def written(value: Any, colon: str, places: list[bool]) -> str:
    """Return JSON text in which those objects say their first key twice whose place in the text is marked."""
    if isinstance(value, list):
        return "[" + ", ".join(written(item, colon, places) for item in value) + "]"
    if not isinstance(value, dict):
        return json.dumps(value)
    twice = bool(value) and places.pop()
    members = [json.dumps(key) + colon + written(item, colon, places) for key, item in value.items()]
    return "{" + ", ".join(members[:1] * twice + members) + "}"


@given(BRANCHES, st.sampled_from([":", ": ", " :", "\t: "]), st.integers(0, 40))
def test_a_repeated_key_is_noticed_whatever_stands_around_it(row: dict[str, Any], colon: str, place: int) -> None:
    clean = written(row, colon, [False] * 100)
    assert kinds("\n".join([clean] * 3)) == []
    broken = written(row, colon, [i == place for i in range(100)][::-1])
    assert kinds("\n".join([clean, broken, clean])) == ["duplicate-key"] * (broken != clean)


def test_lines_and_rows_are_numbered() -> None:
    data = b'\n{"messages": []}\n\n  \n[1]\nnope\n{"messages": []}'
    chunk, row_lines = parse(data, None, 7, get("openai"))
    assert list(row_lines) == [1, 4, 5, 6]
    assert [(r.row, r.line) for r in chunk.records] == [(0, 1), (3, 6)]
    assert [(f.kind, f.line, f.row) for f in chunk.facts] == [
        ("blank-line", 0, None),
        ("blank-line", 2, None),
        ("blank-line", 3, None),
        ("not-an-object", 4, 1),
        ("invalid-json", 5, 2),
    ]


@pytest.mark.parametrize(("depth", "kept"), [(3, 1), (100, 1), (600, 0), (100_000, 0)])
def test_deep_nesting_is_a_fact(depth: int, kept: int) -> None:
    data = b'{"messages": [], "metadata": ' + b"[" * depth + b"]" * depth + b"}"
    chunk, _ = parse(data, None, 1, get("openai"))
    assert len(chunk.records) == kept
    assert [fact.kind for fact in chunk.facts] == ["invalid-json"] * (1 - kept)


def test_rows_of_an_array() -> None:
    data = b'[{"messages": []},\n {"messages": []}]'
    chunk, row_lines = parse(data, ((1, 17, 0), (20, 36, 1)), 2, get("openai"))
    assert len(chunk.records) == 2 and list(row_lines) == [0, 1]


def test_only_newlines_split() -> None:
    data = '{"a": "x\u2028y\x0bz\x85"}\r\n{}\n'.encode()
    assert [line for _, line in split(data, None)] == data.rstrip(b"\n").split(b"\n")


@given(st.binary(max_size=300))
def test_bytes_never_raise(data: bytes) -> None:
    parse(data, None, data.count(b"\n") + 1, get("openai"))
    parse(data, None, data.count(b"\n") + 1, None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["messages", "tools", "prompt", "x"]), json_values, max_size=4))
def test_json_objects_never_raise(row: dict[str, Any]) -> None:
    chunk, _ = parse(json.dumps(row).encode("utf-8", "surrogatepass"), None, 1, get("openai"))
    assert len(chunk.records) <= 1
