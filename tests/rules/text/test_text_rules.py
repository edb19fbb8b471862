"""TEXT rules beyond their case files: documentation, fixes, odd values, hostile text, chunks, triggers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import prepdata
from prepdata.chunk import Chunk
from prepdata.edits import apply
from prepdata.findings import Hit
from prepdata.formats.openai import OpenAIChat
from prepdata.rules.base import CorpusRule, FileInfo, Parts, RecordRule
from prepdata.rules.docs import read_doc
from prepdata.rules.loader import find, rules

TEXT = [rule for rule in rules() if rule.code.startswith("TEXT")]
RECORD = [rule for rule in TEXT if issubclass(rule, RecordRule)]
CASES = Path(__file__).parents[1] / "cases"
OPENAI = OpenAIChat()


def chat(*turns: Any, **more: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[i % 2], "content": text} for i, text in enumerate(turns)], **more}


def check(name: str, row: dict[str, Any], **options: Any) -> list[Hit]:
    rule = find(name)
    built = rule(rule.Options(**options))
    assert isinstance(built, RecordRule)
    return list(built.check(OPENAI.view(row)))


def run_corpus(name: str, rows: list[dict[str, Any]], cuts: list[int], **options: Any) -> list[tuple[int | None, str]]:
    rule = find(name)
    built = rule(rule.Options(**options))
    assert isinstance(built, CorpusRule)
    parts, first = [], 0
    for end in [*cuts, len(rows)]:
        records = [OPENAI.view(row) for row in rows[first:end]]
        for number, record in enumerate(records):
            record.row = record.line = number
        parts.append((first, built.see(Chunk("openai", records, [], len(records)))))
        first = end
    found = built.finish(Parts([FileInfo("a.jsonl", 1, len(rows), 0)], parts, len(rows)))
    return [(row, hit.message) for row, hit in found]


def cases(name: str, kind: str) -> list[dict[str, Any]]:
    lines = (CASES / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")
    return [case for case in map(json.loads, filter(None, lines)) if case["case"] == kind]


def example(rule: Any, heading: str) -> dict[str, Any]:
    text = " ".join(line.strip() for line in read_doc(rule).sections[heading].split("\n"))
    row = json.loads(text)
    assert isinstance(row, dict)
    return row


TARGETS = {"reserved-word": ["bedrock-nova"]}
"""Rules that need a target to run."""


@pytest.mark.parametrize("rule", TEXT, ids=lambda rule: rule.name)
def test_examples_of_the_docs_are_judged_as_they_say(rule: Any, tmp_path: Path) -> None:
    for heading, expected in (("Bad", True), ("Good", False)):
        path = tmp_path / f"{heading}.jsonl"
        path.write_text(json.dumps(example(rule, heading), ensure_ascii=False) + "\n", encoding="utf-8")
        targets = TARGETS.get(rule.name, [])
        report = prepdata.validate(path, select=[rule.name], targets=targets, tokens=False, cache=False, jobs=1)
        assert any(f.name == rule.name for f in report) is expected, heading


@pytest.mark.parametrize("rule", [r for r in RECORD if r.fix != "none"], ids=lambda rule: rule.name)
def test_a_fixed_row_has_no_such_finding_left(rule: Any) -> None:
    fixed = 0
    for case in cases(rule.name, "fail"):
        row = case["rows"][0]
        if "messages" not in row or "schemaVersion" in row or case.get("targets"):
            continue
        hits = check(rule.name, row)
        edits = [edit for hit in hits if hit.fix for edit in hit.fix.edits]
        if not edits or not all(hit.fix for hit in hits):
            continue
        for hit in hits:
            assert hit.fix and hit.fix.safe is (rule.fix == "safe")
        after = apply(row, edits)
        assert after != row
        assert not check(rule.name, after), (case["why"], after)
        fixed += 1
    assert fixed >= 3


@pytest.mark.parametrize("rule", RECORD, ids=lambda rule: rule.name)
def test_spans_lie_inside_the_text_and_excerpts_are_one_line(rule: Any) -> None:
    for case in cases(rule.name, "fail"):
        row = case["rows"][0]
        if "messages" not in row or case.get("options") or case.get("targets"):
            continue
        for hit in check(rule.name, row):
            assert hit.message and "\n" not in hit.message
            if hit.span and hit.path:
                value: Any = row
                for key in hit.path.split("/")[1:]:
                    value = value[int(key)] if isinstance(value, list) else value[key]
                if isinstance(value, str):
                    assert 0 <= hit.span[0] < hit.span[1] <= len(value)


ODD = [None, 0, 1.5, True, [], {}, [None], [[]], [{}], [{"type": "text"}], [{"type": "text", "text": None}], "", " ",
       "\ufeff", "\ud800", "{", "[", "```", "((((", "<think>", "{{", "\u200d", "�", "ends in the",
       "…", "\\", "'"]  # fmt: skip


@pytest.mark.parametrize("rule", RECORD, ids=lambda rule: rule.name)
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_odd_values_raise_nothing(rule: Any, value: Any) -> None:
    built = rule()
    for row in (chat(value, value), chat("Hi", value), chat(value, "Hi"), {"messages": value}, {"messages": [value]},
                {"messages": [{"role": value, "content": value, "reasoning_content": value,
                               "tool_calls": value}]}):  # fmt: skip
        list(built.check(OPENAI.view(row)))


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_odd_values_raise_nothing_in_structured_answers(value: Any) -> None:
    rows = [chat("q", '{"a": 1}') for _ in range(12)] + [chat("q", value), {"messages": value, "schema": value}]
    run_corpus("invalid-structured-answer", rows, [3, 9])


HOSTILE = ["(" * 200_000, "a " * 100_000, "<" * 200_000, "`" * 100_000, "{{a" * 60_000, "[" * 100_000 + "a",
           "the " * 50_000 + "the", "as an ai" * 20_000, "\u200b" * 20_000, "Ã©" * 5_000, "a\n" * 60_000,
           "<think>" * 20_000, "```\n" * 40_000, "according to the " * 10_000, "\n" * 100_000 + "x",
           "x" + " " * 200_000,
           '{"a":' * 20_000, "TODO" * 30_000, "<s>" * 40_000, '"' * 100_000]  # fmt: skip


@pytest.mark.timeout(120)
@pytest.mark.parametrize("rule", RECORD, ids=lambda rule: rule.name)
def test_hostile_text_takes_no_longer_than_its_length(rule: Any) -> None:
    built = rule()
    for text in HOSTILE:
        for row in (chat("Why?", text), chat(text, text), chat(text, "Because.")):
            list(built.check(OPENAI.view(row)))


def test_structured_answers_do_not_depend_on_chunks() -> None:
    rows = [chat(f"q{i}", json.dumps({"a": i}) if i % 11 else "Sorry, no.") for i in range(60)]
    whole = run_corpus("invalid-structured-answer", rows, [])
    assert [row for row, _ in whole] == [0, 11, 22, 33, 44, 55]
    for cuts in ([1], [10, 20, 30], [59], list(range(1, 60))):
        assert run_corpus("invalid-structured-answer", rows, cuts) == whole


def test_the_share_that_makes_a_habit_is_an_option() -> None:
    rows = [chat(f"q{i}", '{"a": 1}' if i % 4 else "No.") for i in range(40)]
    assert not run_corpus("invalid-structured-answer", rows, [])
    assert len(run_corpus("invalid-structured-answer", rows, [], share=0.7)) == 10


def test_a_schema_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text('{"type": "object", "required": ["id"]}', encoding="utf-8")
    found = run_corpus(
        "invalid-structured-answer", [chat("q", '{"id": 1}'), chat("q", '{"no": 1}')], [], schema=str(path)
    )
    assert [row for row, _ in found] == [1]


@pytest.mark.parametrize("schema", ["missing.json", "{broken"])
def test_a_schema_that_cannot_be_read_is_an_error_of_the_settings(schema: str) -> None:
    rule = find("invalid-structured-answer")
    with pytest.raises(prepdata.UsageError, match="cannot read"):
        rule(rule.Options(schema=schema))


@pytest.mark.parametrize("rule", RECORD, ids=lambda rule: rule.name)
def test_triggers_change_nothing(rule: Any, tmp_path: Path) -> None:
    rows = [
        case["rows"][0] for kind in ("fail", "pass") for case in cases(rule.name, kind) if "messages" in case["rows"][0]
    ]
    path = tmp_path / "data.jsonl"
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_bytes(("\n".join(lines) + "\n").encode("utf-8", "surrogatepass"))
    seen = [
        [
            (f.line, f.path, f.message)
            for f in prepdata.validate(
                path,
                select=[rule.name],
                targets=TARGETS.get(rule.name, []),
                tokens=False,
                cache=False,
                jobs=1,
                format="openai",
                triggers=triggers,
            )
        ]
        for triggers in (True, False)
    ]
    assert seen[0] == seen[1]
    assert seen[0]
