"""What rows of equal shape or outline have in common is worked out once: it may only spare work."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from prepdata.chunk import Chunk
from prepdata.formats.openai import OpenAIChat
from prepdata.meters.base import MeterContext
from prepdata.meters.roles import Roles
from prepdata.rules.loader import find

call = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", 1]), "type": st.just("function")},
    optional={
        "function": st.fixed_dictionaries(
            {"name": st.sampled_from(["f", "g", 7]), "arguments": st.sampled_from(["{}", {}, None])}
        )
    },
)
message = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "developer", "user", "assistant", "tool"])},
    optional={
        "content": st.sampled_from(["one", "two", "", None, [{"type": "text", "text": "three"}]]),
        "tool_calls": st.one_of(st.none(), st.lists(call, max_size=2)),
        "tool_call_id": st.sampled_from(["a", None, 1]),
        "name": st.sampled_from(["f", None]),
        "weight": st.sampled_from([0, 1, True, None, 0.5]),
    },
)
tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
row = st.fixed_dictionaries(
    {"messages": st.lists(message, max_size=4)},
    optional={
        "tools": st.sampled_from([[tool], [tool, tool], [], None]),
        "id": st.sampled_from(["7", 7]),
        "metadata": st.sampled_from([{}, {"k": 1}, {"k": "1"}]),
    },
)


def chunk_of(rows: list[dict[str, Any]], *, alike: bool) -> Chunk:
    records = [OpenAIChat().view(given_row) for given_row in rows]
    for number, record in enumerate(records):
        record.row = number
        if not alike:
            record.shape = record.outline = None
    return Chunk("openai", records, [], len(records))


def test_rows_of_one_shape_may_declare_tools() -> None:
    row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    records = [OpenAIChat().view(row), OpenAIChat().view({**row, "tools": [tool]})]
    records[1].shape = records[0].shape
    assert records[0].shape is not None
    for number, record in enumerate(records):
        record.row = number
    plain = [msgspec.structs.replace(record, shape=None) for record in records]
    see = Roles(MeterContext()).see
    found = see(Chunk("openai", records, [], 2))
    assert found == see(Chunk("openai", plain, [], 2))
    assert found["declared"] == {"f": 1} and found["rows"]["tools"] == 1


@given(st.lists(st.sampled_from([0, 1, 2]), max_size=6), st.tuples(row, row, row))
def test_equal_rows_are_looked_at_once(order: list[int], some: tuple[Any, ...]) -> None:
    rows = [some[number] for number in order]
    for see in (Roles(MeterContext()).see, find("field-type-drift")().see):
        assert see(chunk_of(rows, alike=True)) == see(chunk_of(rows, alike=False))
