"""What only all rows of a file together tell: the same however the file is cut into chunks and processes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import record, renderer, write_folder

import prepdata
from prepdata.training.columns import Columns, Seen
from prepdata.training.trl import Trl
from prepdata.training.unsloth import Unsloth, UnslothSettings

CHAT = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}


def called(arguments: Any) -> dict[str, Any]:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    return {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "", "tool_calls": [call]}]}


def conversed(role: str, content: str) -> dict[str, Any]:
    return {"conversations": [{role: "human", content: "Hi"}, {role: "gpt", content: "Hello. " * 20}]}


def said(trainer: Any, rows: list[dict[str, Any]], *ends: int) -> list[Any]:
    """What is told of a file that is cut after some rows; each piece goes through msgpack, as in a run."""
    glances = []
    for start, end in zip((0, *ends), (*ends, len(rows)), strict=True):
        records = [msgspec.structs.replace(record(row), row=number) for number, row in enumerate(rows[start:end])]
        packed = msgspec.msgpack.encode(trainer.glance(records))
        if (glance := msgspec.msgpack.decode(packed)) is not None:
            glances.append((start, glance))
    return sorted(trainer.of_file(glances, len(rows)), key=str)


KINDS = [CHAT, {"text": "a"}, conversed("from", "value"), conversed("speaker", "said"), {"prompt": "a", "completion": "b"},
         {"conversations": [{"from": "bot", "value": "a", "x": "y"}]}]  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=30), st.data())
def test_facts_of_a_file_do_not_depend_on_cuts(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    made = renderer(tmp_path_factory.mktemp("model"))
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(rows) - 1)), max_size=4)) - {len(rows)})
    for trainer in (Trl(made), Unsloth(made)):
        assert said(trainer, rows, *cuts) == said(trainer, rows)


def test_unsloth_looks_at_the_first_ten_rows_only(tmp_path: Path) -> None:
    rows = [conversed("from", "value")] * 10 + [conversed("speaker", "said")]
    made = renderer(tmp_path)
    assert [(fact.row, fact.severity) for fact in said(Unsloth(made), rows)] == [(10, "error")]
    assert [fact.row for fact in said(Unsloth(made), rows[1:])] == [None]  # now the other keys are among the ten
    assert said(Unsloth(made, UnslothSettings(role_key="from", content_key="value")), rows) == []
    assert said(Unsloth(made), rows[:10]) == []


def test_trl_decides_by_the_first_row(tmp_path: Path) -> None:
    made = Trl(renderer(tmp_path))
    text, other = {"text": "a"}, conversed("from", "value")
    assert [(f.row, f.severity) for f in said(made, [text, CHAT, text])] == [(1, "error")]
    assert [(f.row, f.severity) for f in said(made, [CHAT, CHAT, text])] == [(2, "warning")]
    assert [(f.row, f.severity) for f in said(made, [other, CHAT])] == [(1, "error")]
    assert said(made, [CHAT, CHAT]) == []
    assert said(made, [CHAT, {"messages": []}]) == []  # neither a text nor a conversation


def test_what_is_no_number_is_no_change() -> None:
    rows = [{"tools": [{"a": float("nan")}, {"b": 1}]}]
    assert Columns.of(rows).loaded(rows[0], "json")[1] == ()


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 1 << 70), st.floats(-9, 9), st.sampled_from(["a", "2024-05-05", "7"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=8,
)  # fmt: skip


@given(st.lists(st.dictionaries(st.sampled_from(["tools", "messages"]), VALUES), min_size=1, max_size=5))
def test_what_may_change_is_all_that_changes(rows: list[dict[str, Any]]) -> None:
    columns = Columns.of(rows)
    packed = msgspec.msgpack.decode(msgspec.msgpack.encode(columns.root.packed()))
    other = Columns()
    other.root.merge(Seen.unpacked(packed))
    changed = [columns.loaded(row, "json") for row in rows]
    assert [other.loaded(row, "json") for row in rows] == changed
    if any(changes for _, changes in changed):
        assert columns.may_change({"tools", "messages"})


def found(path: Path, model: Path, **more: Any) -> list[tuple[Any, ...]]:
    report = prepdata.validate(path, tokenizer=str(model), select=["TOK"], cache=False, tokens=False, **more)
    return sorted(((f.name, f.record, f.path, f.message, f.severity) for f in report), key=str)


def test_the_report_is_the_same_in_one_process_and_two(tmp_path: Path) -> None:
    model = write_folder(tmp_path / "model", "tools")
    rows = [called({"a": number / 10}) for number in range(300)] + [
        called({"b": "x"}),
        {"text": "a"},
        conversed("who", "what"),
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    one = found(path, model, targets=["trl", "unsloth"], jobs=1)
    assert one == found(path, model, targets=["trl", "unsloth"], jobs=2)
    assert any("0.30000000000000004" in message for _, _, _, message, _ in one)
    assert any("puts no end of text" in message for _, _, _, message, _ in one)


def test_standard_input_is_read_again_for_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_folder(tmp_path / "model", "tools")
    data = "".join(json.dumps(row) + "\n" for row in (called({"a": 0.3}), called({"b": 1}))).encode()

    class Stdin:
        buffer = io.BytesIO(data)

    monkeypatch.setattr("sys.stdin", Stdin)
    report = prepdata.validate("-", tokenizer=str(model), select=["TOK008"], targets=["trl"], cache=False, tokens=False)
    assert [f.record for f in report if "0.3 becomes" in f.message] == [0]


def test_too_many_keys_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prepdata.rules.tok.tok008_template_rewrites.PLACES", 20)
    model = write_folder(tmp_path / "model", "tools")
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(called({f"k{number}": 1 for number in range(30)})) + "\n", encoding="utf-8")
    report = prepdata.validate(
        path, tokenizer=str(model), select=["TOK008"], targets=["trl"], cache=False, tokens=False
    )
    assert [(f.record, f.path) for f in report if f.severity == "info"] == [(None, None)]
