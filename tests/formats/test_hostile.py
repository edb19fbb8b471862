"""Whatever JSON a row holds, recognising, viewing and writing it never raises anything but `Lossy`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_views import EXAMPLES, count_strings, resolve

from prepdata import formats
from prepdata.convert import convert
from prepdata.formats.unknown import describe

FORMATS = formats.formats()
INNER = {"type", "text", "value", "from", "name", "arguments", "id", "function", "functionCall", "functionResponse",
         "response", "args", "toolUse", "toolResult", "toolUseId", "toolSpec", "inputSchema", "json", "input", "source",
         "parameters", "functionDeclarations", "inlineData", "image_url", "url", "human", "reasoningContent", "row",
         "reasoningText", "a/b", "a~b"}  # fmt: skip
KEYS = sorted({key for f in FORMATS for key in f.row_keys | f.message_keys} | INNER)
WORDS = ["user", "assistant", "system", "human", "gpt", "model", "tool", "function_call", "text", "tool_call", "", " ",
         '{"name": "a", "arguments": {}}', "[1]", "tool_use"]  # fmt: skip
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(WORDS)
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)
ROW = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=5)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, (*path, key))
    return found


@st.composite
def spoilt(draw: Any) -> dict[str, Any]:
    """A right row in which one to three places hold something else."""
    row = json.loads(json.dumps(draw(st.sampled_from([p.values[1]["row"] for p in EXAMPLES]))))
    for _ in range(draw(st.integers(1, 3))):
        *holder, last = draw(st.sampled_from([p for p in places(row) if p]))
        inner = row
        for key in holder:
            inner = inner[key]
        if isinstance(inner, dict) and draw(st.booleans()):
            inner[draw(st.sampled_from(KEYS))] = draw(JSON)
        else:
            inner[last] = draw(JSON)
    return row


def look_at(row: dict[str, Any]) -> None:
    describe(row)
    for format in FORMATS:
        format.recognise(row)
        record = format.view(row)
        hash(record.shape)
        if record.shape is not None:
            assert record.strings == count_strings(row)
        for message in record.turns:
            if message.kind in ("text", "blank"):
                assert resolve(row, message.field) == message.text
            for part in message.parts:
                if part.kind == "text" and part.text:
                    assert resolve(row, part.field) == part.text
        try:
            format.write(record)
        except formats.Lossy as lossy:
            assert lossy.args[0]


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(ROW)
def test_any_object(row: dict[str, Any]) -> None:
    look_at(row)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(spoilt())
def test_spoilt_rows(row: dict[str, Any]) -> None:
    look_at(row)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(spoilt(), st.sampled_from(FORMATS))
def test_converting_spoilt_rows(row: dict[str, Any], to: Any) -> None:
    before = json.dumps(row, sort_keys=True)
    (made,) = convert([row], to)
    assert made.row is not None or made.losses
    assert json.dumps(row, sort_keys=True) == before, "the row given was changed"


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(spoilt(), st.data())
def test_shape_tells_all_but_the_texts(row: dict[str, Any], data: Any) -> None:
    """Other texts in the same places give the same shape, unless they are blank or name a role."""
    found = formats.recognise(row)
    record = found.view(row) if found else None
    if not found or record is None or record.shape is None:
        return
    texts = {m.field for m in record.turns if m.kind == "text"}
    other = json.loads(json.dumps(row))
    for field in texts:
        holder = resolve(other, field.rpartition("/")[0])
        last = field.rpartition("/")[2]
        holder[int(last) if isinstance(holder, list) else last] = "other words " + str(len(field))
    again = found.view(other)
    if found.name != "trl-preference":
        assert again.shape == record.shape


@pytest.mark.parametrize("depth", [50, 600])
def test_deep_nesting(depth: int) -> None:
    value: Any = "x"
    for _ in range(depth):
        value = {"content": [value]}
    for format in FORMATS:
        for key in sorted(format.row_keys):
            format.view({key: value})
            format.view({key: [value]})
