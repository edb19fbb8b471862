"""Any conversation in any format: nothing that is called lossless lost a text, losses name places that are there, and
what comes back says what went out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prepdata import formats
from prepdata.convert import convert, turns
from prepdata.pointer import value_at

NAMES = sorted(formats.names())
WORDS = st.text(alphabet="abc é日\n{}[]<>\"'\\_.", min_size=1, max_size=12).filter(lambda text: text.strip() != "")
KEYS = st.sampled_from(["city", "unit", "n/m", "a~b", ""])
VALUES = st.recursive(
    WORDS | st.integers(-9, 9) | st.booleans() | st.none() | st.floats(-9, 9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)
IMAGE = "data:image/png;base64,iVBORw0KGgo="
PARTS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, WORDS),
    st.just({"type": "image_url", "image_url": {"url": IMAGE}}),
    st.just({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}),
    st.just({"type": "image_url", "image_url": {"url": "s3://bucket/a.jpg"}}),
    st.just({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}),
)
SIDE = {"weight": st.sampled_from([0, 1]), "reasoning_content": WORDS, "name": st.sampled_from(["Ida", "Bo"])}


def _extras(role: str) -> st.SearchStrategy[dict[str, Any]]:
    allowed = SIDE if role == "assistant" else {"name": SIDE["name"]}
    return st.one_of(st.just({}), st.fixed_dictionaries({}, optional=allowed))


@st.composite
def tool_turns(draw: st.DrawFn, number: int) -> list[dict[str, Any]]:
    names = draw(st.lists(st.sampled_from(["weather", "time", "search"]), min_size=1, max_size=2))
    calls = [
        {
            "id": f"call_{number}_{i}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(draw(st.dictionaries(KEYS, VALUES, max_size=2)))},
        }
        for i, name in enumerate(names)
    ]
    asked = {"role": "assistant", "content": draw(st.none() | WORDS), "tool_calls": calls}
    return [asked, *({"role": "tool", "tool_call_id": call["id"], "content": draw(WORDS)} for call in calls)]


@st.composite
def conversations(draw: st.DrawFn) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    if draw(st.booleans()):
        messages.append({"role": "system", "content": draw(WORDS)})
    used = False
    for number in range(draw(st.integers(1, 3))):
        content = draw(st.one_of(WORDS, WORDS, st.lists(PARTS, min_size=1, max_size=3)))
        messages.append({"role": "user", "content": content, **draw(_extras("user"))})
        if draw(st.integers(0, 3)) == 0:
            messages += draw(tool_turns(number))
            used = True
        messages.append({"role": "assistant", "content": draw(WORDS), **draw(_extras("assistant"))})
    row: dict[str, Any] = {"messages": messages}
    if used:
        row["tools"] = [
            {"type": "function", "function": {"name": name, "description": "d", "parameters": {"type": "object"}}}
            for name in ("weather", "time", "search")
        ]
    return row


def texts(row: dict[str, Any]) -> Iterator[str]:
    """Yield what a chat row says: texts, names and arguments of calls, results, addresses of media."""
    for message in row["messages"]:
        content = message["content"]
        if isinstance(content, str):
            yield content
        for part in content if isinstance(content, list) else ():
            if part["type"] == "text":
                yield part["text"]
            elif part["type"] == "image_url":
                yield part["image_url"]["url"].rpartition(",")[2]
            else:
                yield part["input_audio"]["data"]
        yield from (message[key] for key in ("reasoning_content", "name") if key in message)
        for call in message.get("tool_calls", ()):
            yield call["function"]["name"]
            yield from leaves(json.loads(call["function"]["arguments"]))


def leaves(value: Any) -> Iterator[str]:
    """Yield all strings of a value, keys too, at any depth; JSON inside a string is looked into."""
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, str):
        yield value
        if value[:1] in ("{", "["):
            try:
                inner = json.loads(value)
            except ValueError:
                return
            yield from leaves(inner)


def converted(row: dict[str, Any], to: str) -> Any:
    (made,) = convert([row], formats.get(to))
    return made


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(row=conversations())
def test_nothing_said_is_lost_without_a_word(name: str, row: dict[str, Any]) -> None:
    before = json.dumps(row)
    made = converted(row, name)
    assert json.dumps(row) == before
    if made.row is None:
        assert made.losses
    elif not made.losses:
        there = list(leaves(made.row))
        whole = "\x00".join(there)
        assert [text for text in texts(row) if text not in there and text not in whole] == []


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(row=conversations())
def test_what_comes_back_says_what_went_out(name: str, row: dict[str, Any]) -> None:
    there = converted(row, name)
    if there.losses or there.row is None:
        return
    back = converted(there.row, "openai")
    assert back.row is not None
    if not back.losses:
        chat = formats.get("openai")
        first, last = (turns(chat.view(item).messages, "openai") for item in (row, back.row))
        assert [turn._replace(path="") for turn in first] == [turn._replace(path="") for turn in last]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(row=conversations())
def test_a_loss_names_a_place_of_the_row_and_a_reason(name: str, row: dict[str, Any]) -> None:
    for loss in converted(row, name).losses:
        assert loss.reason
        assert loss.path == "" or value_at(row, loss.path) is not None
