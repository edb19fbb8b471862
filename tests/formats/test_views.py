"""Every format gives the hand-written views of `views/<format>.jsonl`, and writes rows that say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from prepdata import formats
from prepdata.convert import convert_record, turns
from prepdata.models import MODELS, schema
from prepdata.record import Message, Record

VIEWS = Path(__file__).parent / "views"


def load(name: str) -> list[dict[str, Any]]:
    text = (VIEWS / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


EXAMPLES = [pytest.param(name, item, id=f"{name}:{item['why']}") for name in formats.names() for item in load(name)]


def told(message: Message) -> list[Any]:
    return [message.role, message.text, message.kind, message.path, message.field]


def resolve(row: Any, pointer: str) -> Any:
    for key in pointer.split("/")[1:]:
        key = key.replace("~1", "/").replace("~0", "~")
        row = row[int(key)] if isinstance(row, list) else row[key]
    return row


def count_strings(value: Any) -> int:
    if isinstance(value, str):
        return 1
    if isinstance(value, dict):
        return len(value) + sum(count_strings(item) for item in value.values())
    return sum(count_strings(item) for item in value) if isinstance(value, list) else 0


def recognised(name: str, row: dict[str, Any]) -> Record:
    found = formats.recognise(row)
    assert found is not None and found.name == name
    return found.view(row)


@pytest.mark.parametrize(("name", "item"), EXAMPLES)
def test_view_is_as_written_by_hand(name: str, item: dict[str, Any]) -> None:
    record = recognised(name, item["row"])
    assert record.format == name
    assert [told(m) for m in record.messages] == item["messages"]
    assert [told(m) for m in record.chosen] == item.get("chosen", [])
    assert [told(m) for m in record.rejected] == item.get("rejected", [])
    assert record.label is item.get("label")
    calls = [[c.name, c.arguments, c.id, c.arguments_path] for m in record.turns for c in m.calls]
    assert calls == item.get("calls", [])
    assert [[t.name, t.parameters_path] for t in record.tools] == item.get("tools", [])
    if "parts" in item:
        assert [[p.kind, p.text, p.field] for m in record.turns for p in m.parts] == item["parts"]
    if "weights" in item:
        assert [m.weight for m in record.messages] == item["weights"]


@pytest.mark.parametrize(("name", "item"), EXAMPLES)
def test_plain_rows_have_a_shape_and_a_count_of_keys(name: str, item: dict[str, Any]) -> None:
    record = recognised(name, item["row"])
    assert (record.shape is not None) is item["shape"]
    if record.shape is not None:
        hash(record.shape)
        assert record.strings == count_strings(item["row"])


@pytest.mark.parametrize(("name", "item"), EXAMPLES)
def test_paths_lead_back_to_the_text(name: str, item: dict[str, Any]) -> None:
    row = item["row"]
    record = recognised(name, row)
    for message in record.turns:
        assert resolve(row, message.path) == message.raw
        if message.kind in ("text", "blank"):
            assert resolve(row, message.field) == message.text
        elif message.kind == "null":
            assert resolve(row, message.field) is None
        for part in message.parts:
            assert resolve(row, part.path) == part.raw
            if part.text and part.kind != "tool_result":
                assert resolve(row, part.field) == part.text
        for call in message.calls:
            found = resolve(row, call.arguments_path)
            assert found == call.arguments or json.loads(found)["arguments"] == call.arguments
    if record.tools and not isinstance(record.tools_raw, str):
        assert resolve(row, record.tools_path) == record.tools_raw
        for tool in record.tools:
            assert resolve(row, tool.path) == tool.raw
            assert resolve(row, tool.parameters_path) == tool.parameters


@pytest.mark.parametrize(("name", "item"), EXAMPLES)
def test_writing_and_viewing_again_says_the_same(name: str, item: dict[str, Any]) -> None:
    record = recognised(name, item["row"])
    to = formats.get(name)
    if item.get("writes") is False or "one side" in item["why"]:
        return
    written = to.write(record)
    if item["same"]:
        assert written == item["row"]
    again = to.view(written)
    for side in ("messages", "chosen", "rejected"):
        before = [t._replace(path="") for t in turns(getattr(record, side), name)]
        assert before == [t._replace(path="") for t in turns(getattr(again, side), name)]
    assert record.label == again.label
    assert convert_record(record, to, to).losses == ()


@pytest.mark.parametrize(("name", "item"), EXAMPLES)
def test_right_rows_fit_the_published_schema(name: str, item: dict[str, Any]) -> None:
    if not item["same"]:
        return
    import jsonschema

    jsonschema.Draft202012Validator(schema(name)).validate(item["row"])
    MODELS[name].model_validate(item["row"])


def test_every_format_has_views() -> None:
    assert sorted(path.stem for path in VIEWS.glob("*.jsonl")) == sorted(formats.names())
