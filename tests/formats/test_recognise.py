"""Which format a row is taken for, and what the user's column names do."""

from __future__ import annotations

from typing import Any

import pytest

from prepdata import formats
from prepdata.errors import UsageError
from prepdata.formats.unknown import describe, near

U = {"role": "user", "content": "Hi"}
A = {"role": "assistant", "content": "Hello."}
ROWS: list[tuple[str | None, dict[str, Any]]] = [
    ("openai", {"messages": [U, A]}),
    ("openai", {"messages": []}),
    ("openai", {"messages": None}),
    ("openai", {"messages": [{"toy_input": "Hi", "toy_output": "Hello."}]}),
    ("openai", {"messages": [U, A], "label": "greeting"}),
    ("openai", {"messages": [U, A], "text": "rendered"}),
    ("openai", {"messages": [U, A], "prompt": "Hi"}),
    ("openai", {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}, A]}),
    ("openai", {"messages": [U, A], "system": None}),
    ("trl-kto", {"messages": [U, A], "label": False}),
    ("trl-kto", {"prompt": "Hi", "completion": "Hello.", "label": True}),
    ("prompt-completion", {"prompt": "Hi", "completion": "Hello.", "label": "greeting"}),
    ("trl-preference", {"messages": [U], "chosen": A, "rejected": A}),
    ("trl-preference", {"prompt": "Hi", "chosen": "a", "rejected": "b"}),
    ("trl-preference", {"prompt": "Hi", "chosen": "a", "rejected": "b", "label": True}),
    ("trl-prompt-completion", {"prompt": [U], "completion": [A]}),
    ("sharegpt", {"conversations": [], "chosen": A, "rejected": A}),
    ("sharegpt", {"conversation": [{"human": "Hi", "assistant": "Hello."}]}),
    ("alpaca", {"instruction": "Hi", "input": "", "output": "Hello."}),
    ("alpaca", {"instruction": "Hi", "response": "Hello."}),
    ("alpaca", {"instruction": "Hi", "chosen": "a", "rejected": "b"}),
    ("alpaca", {"instruction": "Hi", "input": "", "output": "Hello.", "text": "Hi Hello."}),
    ("prompt-completion", {"prompt": "Hi", "completion": None}),
    ("prompt-completion", {"input": "Hi", "output": "Hello.", "image": "a.png"}),
    ("prompt-completion", {"text": "Add two numbers.", "code": "a + b"}),
    ("text", {"text": "Add two numbers.", "code": 3}),
    ("text", {"text": "Once.", "prompt": "Tell a story."}),
    ("prompt-completion", {"text": "Hi Hello.", "prompt": "Hi", "completion": "Hello."}),
    ("text", {"text": "Once.", "meta": {"source": "book"}}),
    ("gemini", {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}),
    ("bedrock", {"system": "Be brief.", "messages": [U, A]}),
    ("bedrock", {"schemaVersion": "bedrock-conversation-2024", "messages": []}),
    ("bedrock", {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}),
    ("llamafactory-v1", {"messages": [{"role": "user", "content": [{"type": "text", "value": "Hi"}]}]}),
    ("llamafactory-v1", {"chosen_messages": [], "rejected_messages": []}),
    ("openai-dpo", {"input": {"messages": [U]}, "preferred_output": [A], "non_preferred_output": [A]}),
    (None, {}),
    (None, {"prompt": "Hi"}),
    (None, {"text": 3}),
    (None, {"question": ["Hi"], "answer": "Hello."}),
    (None, {"id": "1", "instruction": "Hi", "instances": []}),
    (None, {"prompt": "Hi", "answer1": "a", "answer2": "b"}),
]


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_recognised(name: str | None, row: dict[str, Any]) -> None:
    found = formats.recognise(row)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_only_one_format_claims_a_row(name: str | None, row: dict[str, Any]) -> None:
    """The format of a file is asked first, so it must not claim the rows of another format of the same keys."""
    claims = [f.name for f in formats.formats() if f.recognise(row)]
    assert claims == ([name] if name else [])


def test_detect_takes_the_most_frequent() -> None:
    rows = [{"prompt": "a", "completion": "b"}, {"messages": []}, {"messages": [U, A]}, {}]
    found = formats.detect(rows)
    assert found is not None and found.name == "openai"
    assert formats.detect([{}, {"x": 1}]) is None
    assert formats.detect([]) is None


def test_columns_named_by_the_user() -> None:
    columns = {"prompt": "frage", "completion": "antwort", "system": "rolle"}
    row = {"frage": "Wo?", "antwort": "Hier.", "rolle": "Kurz."}
    assert formats.recognise(row) is None
    found = formats.detect([row], columns)
    assert found is not None and found.name == "prompt-completion" and found.recognise(row)
    record = found.view(row)
    told = [(m.role, m.text, m.field) for m in record.messages]
    assert told == [("system", "Kurz.", "/rolle"), ("user", "Wo?", "/frage"), ("assistant", "Hier.", "/antwort")]
    assert found.write(record) == row
    assert formats.get("prompt-completion", columns).recognise(row)
    assert found.row_keys >= {"frage", "antwort", "rolle"}


def test_columns_can_leave_names_out_and_decide_over_formats() -> None:
    row = {"prompt": "Hi", "sql": "select 1", "completion": "unused"}
    found = formats.detect([row], {"completion": "sql"})
    assert found is not None and [m.text for m in found.view(row).messages] == ["Hi", "select 1"]
    elsewhere = formats.detect([{"messages": [U, A]}], {"completion": "sql"})
    assert elsewhere is not None and elsewhere.name == "openai"


def test_a_column_may_hold_a_slash() -> None:
    found = formats.with_columns({"prompt": "a/b", "completion": "c~d"})
    assert [m.field for m in found.view({"a/b": "x", "c~d": "y"}).messages] == ["/a~1b", "/c~0d"]


@pytest.mark.parametrize("mapping", [{"promt": "a"}, {"prompt": "x", "completion": "x"}, {"prompt": "completion"}])
def test_wrong_columns(mapping: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        formats.with_columns(mapping)


def test_unknown_format_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'sharegpt'"):
        formats.get("sharegtp")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("contnet", "content"), ("Content", "content"), ("toolCalls", "tool_calls"), ("tool-calls", "tool_calls"),
     ("wieght", "weight"), ("colour", ""), ("", ""), ("x" * 100, ""), ("conten", "content")],
)  # fmt: skip
def test_near(word: str, meant: str) -> None:
    assert near(word, frozenset({"content", "tool_calls", "weight", "role"})) == meant


def test_describe() -> None:
    inner = {"prompt": "Hi", "completion": "Hello."}
    assert describe({"row": inner, "row_idx": 3}) == {"keys": ["row", "row_idx"], "wrapped": "row", "beside": []}
    assert describe({"row": inner, "score": 3})["beside"] == ["score"]
    assert describe({"Prompt": "Hi", "completion": "x"})["renames"] == {"Prompt": "prompt"}
    assert describe({"a": 1}) == {"keys": ["a"]}
    assert len(describe({str(i): 1 for i in range(99)})["keys"]) == 20
