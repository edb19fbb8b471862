"""Rules on keys and fields: strict targets, repairs, and results that do not depend on how a file was cut."""

from __future__ import annotations

import datetime
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import prepdata
from prepdata import formats
from prepdata.chunk import Chunk
from prepdata.edits import Unfit, apply
from prepdata.findings import Edit, Hit
from prepdata.record import Record
from prepdata.rules.base import Context, FileInfo, Parts
from prepdata.rules.fmt.fmt011_field_type_drift import FieldTypeDrift
from prepdata.rules.fmt.fmt012_optional_field_drift import OptionalFieldDrift
from prepdata.rules.fmt.fmt013_unknown_key import UnknownKey
from prepdata.rules.fmt.fmt014_null_padded_key import NullPaddedKey
from prepdata.targets.model import Accepts, Target, Value

DAY = datetime.date(2026, 11, 21)
U = {"role": "user", "content": "Hi"}
A = {"role": "assistant", "content": "Hello."}


def value(held: Any) -> Value[Any]:
    return Value(value=held, source="s", date=DAY)


def target(name: str = "strict", **accepts: Any) -> Target:
    known = Accepts(**{key: value(held) for key, held in accepts.items()})
    return Target(name=name, title=name, kind="provider", checked=DAY, sources={}, accepts=known)


def view(row: dict[str, Any], number: int = 0) -> Record:
    found = formats.recognise(row)
    assert found is not None
    record = found.view(row)
    record.row = number
    return record


def keys(row: dict[str, Any], *targets: Target) -> list[tuple[str | None, str | None, tuple[str, ...]]]:
    return [(hit.path, hit.severity, hit.targets) for hit in strange(row, *targets)]


def strange(row: dict[str, Any], *targets: Target) -> list[Hit]:
    rule = UnknownKey(context=Context(targets=targets))
    return [hit for _, hit in rule.finish(parts(rule, [row], []))]


def test_a_strict_target_refuses_marks_too() -> None:
    row = {"id": "1", "messages": [U, A]}
    assert keys(row) == []
    assert keys(row, target(unknown_keys="refused")) == [("/id", "error", ("strict",))]


def test_a_strict_target_has_its_own_lists() -> None:
    strict = target(unknown_keys="refused", row_keys=["messages", "id"], message_keys=["role", "content"])
    row = {"id": "1", "tools": [], "messages": [U, {**A, "weight": 1}]}
    assert keys(row, strict) == [("/tools", "error", ("strict",)), ("/messages/1/weight", "error", ("strict",))]


def test_a_lenient_target_makes_it_an_info() -> None:
    row = {"note": "x", "messages": [U, A]}
    assert keys(row, target(unknown_keys="ignored")) == [("/note", "info", ())]
    both = (target(unknown_keys="ignored"), target("b"))
    assert keys(row, *both) == [("/note", None, ())]


def test_a_strict_target_of_other_formats_says_nothing() -> None:
    strict = target(unknown_keys="refused", formats=["gemini"])
    assert keys({"id": "1", "messages": [U, A]}, strict) == []


def test_repairs_of_keys() -> None:
    def edits(row: dict[str, Any], *targets: Target) -> list[Edit]:
        return [edit for hit in strange(row, *targets) if hit.fix for edit in hit.fix.edits]

    assert edits({"tolls": [], "messages": [U, A]}) == [Edit("rename", "/tolls", "tools")]
    assert edits({"tolls": [], "tools": [], "messages": [U, A]}) == []
    assert edits({"note": 1, "messages": [U, A]}) == []
    assert edits({"note": 1, "messages": [U, A]}, target(unknown_keys="refused")) == [Edit("remove", "/note")]


def test_padded_keys_are_taken_out() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "w", "arguments": {"city": "Rome", "isbn": None}}}
    schema = {"type": "object", "properties": {"city": {"type": "string", "enum": None}, "isbn": None}}
    row = {
        "messages": [{**U, "tool_calls": None}, {"role": "assistant", "content": None, "tool_calls": [call]}],
        "tools": [{"type": "function", "function": {"name": "w", "parameters": schema}}],
        "parallel_tool_calls": None,
    }
    hits = list(NullPaddedKey().check(view(row)))
    edits = [edit for hit in hits if hit.fix for edit in hit.fix.edits]
    made = apply(row, edits)
    assert list(NullPaddedKey().check(view(made))) == []
    assert made["messages"][1]["content"] is None
    assert made["tools"][0]["function"]["parameters"]["properties"] == {"city": {"type": "string", "enum": None}}
    assert "parallel_tool_calls" not in made and "tool_calls" not in made["messages"][0]


def test_deeply_nested_arguments_are_let_be() -> None:
    arguments: Any = {"x": None}
    for _ in range(400):
        arguments = {"a": [arguments]}
    call = {"id": "1", "type": "function", "function": {"name": "w", "arguments": arguments}}
    row = {"messages": [U, {"role": "assistant", "content": None, "tool_calls": [call]}]}
    assert list(NullPaddedKey().check(view(row))) == []


def parts(rule: Any, rows: list[dict[str, Any]], cuts: list[int]) -> Parts:
    borders = [0, *sorted({c for c in cuts if 0 < c < len(rows)}), len(rows)]
    seen = []
    for start, end in pairwise(borders):
        chunk = Chunk("openai", [view(row, i) for i, row in enumerate(rows[start:end])], [], end - start)
        seen.append((start, json.loads(json.dumps(rule.see(chunk)))))
    return Parts([FileInfo("f", 1, len(rows), 0)], seen, len(rows))


IDS = st.sampled_from(["a", "7", 1, 2.5, True, None, ["x"], {"y": 1}])
ROWS = st.lists(
    st.fixed_dictionaries({"messages": st.just([U, A])}, optional={"id": IDS, "note": IDS, "system": IDS}),
    min_size=1,
    max_size=30,
)


ODD_ROWS = st.lists(
    st.builds(
        lambda a, extra: {"messages": [U, {**A, **a}], **extra},
        st.sampled_from([{}, {"wieght": 1}, {"loss": 1}, {"weight": 1}]),
        st.sampled_from([{}, {"task": 1}, {"task": 1, "zz": 2}, {"zz": 2, "task": 1}, {"tolls": []}, {"id": "1"}]),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(ODD_ROWS, st.lists(st.integers(1, 29), max_size=5), st.booleans())
def test_unknown_keys_do_not_depend_on_the_cuts(rows: list[dict[str, Any]], cuts: list[int], strict: bool) -> None:
    rule = UnknownKey(context=Context(targets=(target(unknown_keys="refused"),) if strict else ()))

    def found(where: list[int]) -> list[str]:
        return sorted(f"{row} {hit}" for row, hit in rule.finish(parts(rule, rows, where)))

    assert found(cuts) == found([])


def test_refused_keys_are_told_of_in_every_row() -> None:
    rule = UnknownKey(context=Context(targets=(target(unknown_keys="refused"),)))
    rows = [{"task": 1, "messages": [U, A]}] * 3
    found = list(rule.finish(parts(rule, rows, [1])))
    assert [(row, hit.path, hit.severity) for row, hit in found] == [(row, "/task", "error") for row in range(3)]


def test_rows_with_one_strange_key_are_kept_as_runs() -> None:
    rule = UnknownKey()
    rows = [{"messages": [U, A], **({"task": 1} if i != 500 else {})} for i in range(1000)]
    seen = parts(rule, rows, []).parts[0][1]
    assert seen == [[[["openai", "messages", "task"], [[0, 500], [501, 1000]]]], []]
    ((row, hit),) = rule.finish(parts(rule, rows, [10, 700]))
    assert row == 0 and "999 of 1,000 rows" in hit.message and hit.path == "/task"


def test_keys_of_messages_are_looked_at_in_rows_of_one_outline() -> None:
    rule = UnknownKey()
    call = {"id": "1", "type": "function", "function": {"name": "w", "arguments": "{}"}}
    rows = [
        {"messages": [U, {"role": "assistant", "content": None, "tool_calls": [call], **extra}], "tools": []}
        for extra in ({}, {"wieght": 1}, {}, {"wieght": 1})
    ]
    found = list(rule.finish(parts(rule, rows, [])))
    assert [(row, hit.path) for row, hit in found] == [(1, "/messages/1/wieght"), (3, "/messages/1/wieght")]


@settings(max_examples=60, deadline=None)
@given(ROWS, st.lists(st.integers(1, 29), max_size=5))
def test_drift_does_not_depend_on_the_cuts(rows: list[dict[str, Any]], cuts: list[int]) -> None:
    rule = FieldTypeDrift()
    assert list(rule.finish(parts(rule, rows, cuts))) == list(rule.finish(parts(rule, rows, [])))
    drift = OptionalFieldDrift(context=Context(targets=(target(optional_keys_all_or_none=["note"]),)))
    assert list(drift.finish(parts(drift, rows, cuts))) == list(drift.finish(parts(drift, rows, [])))


def test_many_odd_rows_are_counted_and_the_first_shown() -> None:
    rows = [
        {"messages": [U, A], "id": 1 if i % 3 == 0 else "a", **({"tools": []} if i % 2 else {})} for i in range(600)
    ]
    rule = FieldTypeDrift()
    found: list[tuple[int | None, Hit]] = list(rule.finish(parts(rule, rows, [100, 101, 350])))
    assert [row for row, _ in found] == list(range(0, 150, 3))
    assert "200 rows are like this one" in found[0][1].message


@pytest.mark.parametrize(
    ("values", "edit"),
    [
        (["a", "b", 3], "3"), (["a", "b", 2.5], "2.5"), (["a", "b", True], "true"),
        ([1, 2, "3"], 3), ([1, 2, "3.5"], 3.5), ([1, 2, "x"], None), ([1, 2, "007"], None), ([1, 2, "1_0"], None),
        ([1, 2, "1.0e400"], None), ([1, 2, "1e400"], None), ([["a"], ["b"], "c"], None), ([1, 2, "9" * 40], None),
    ],
)  # fmt: skip
def test_repairs_of_types(values: list[Any], edit: Any) -> None:
    rule = FieldTypeDrift()
    rows = [{"messages": [U, A], "id": item} for item in values]
    ((row, hit),) = rule.finish(parts(rule, rows, [1]))
    assert row == 2
    assert (hit.fix.edits[0].value if hit.fix else None) == edit


def test_without_a_target_optional_fields_may_drift() -> None:
    assert "bedrock-nova" in (OptionalFieldDrift().missing() or "")
    rule = OptionalFieldDrift(context=Context(targets=(target(optional_keys_all_or_none=["system"]),)))
    assert rule.missing() is None


def test_lifting_a_row() -> None:
    row = {"row": {"prompt": "Hi", "completion": "Hello."}, "row_idx": 3}
    assert apply(row, [Edit("lift", "/row")]) == {"prompt": "Hi", "completion": "Hello."}
    for path in ("/row_idx", "/none", "/row/prompt"):
        with pytest.raises(Unfit):
            apply(row, [Edit("lift", path)])


def test_wrapped_and_misspelt_rows_are_repaired(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from prepdata.cli.fix import command

    data = tmp_path / "train.jsonl"
    rows = [{"row_idx": 0, "row": {"prompt": "Hi", "completion": "Hello."}}, {"prompt": "Hi", "Completion": "Hello."}]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = CliRunner().invoke(command, [str(data), "--isolated", "--select", "FMT016"], standalone_mode=False)
    assert result.exception is None
    made = (tmp_path / "train.fixed.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in made] == [{"prompt": "Hi", "completion": "Hello."}] * 2
    assert not list(prepdata.validate(tmp_path / "train.fixed.jsonl", select=["FMT"], cache=False, tokens=False))


@pytest.mark.parametrize(
    ("row", "safe"),
    [
        ({"mesages": [U, A]}, True),
        ({"mesages": [U, A], "id": 7}, True),
        ({"mesages": [U, A], "my_own": 7}, False),
        ({"schema_version": 1, "tool": {"name": "prepdata"}, "files": [], "summary": {}}, False),
    ],
)
def test_keys_are_renamed_safely_only_where_all_others_are_known(
    tmp_path: Path, row: dict[str, Any], safe: bool
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    (found,) = prepdata.validate(path, select=["FMT016"], tokens=False)
    assert found.fix is not None and found.fix.safe is safe
