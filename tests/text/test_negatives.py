"""Negative examples: declines, questions back, "not in the text", and what only sounds like them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prepdata.chunk import Chunk
from prepdata.formats import recognise
from prepdata.text._negative_phrases import ASK_BACK, DECLINE, NOT_THERE
from prepdata.text.columns import column
from prepdata.text.negatives import KINDS, in_column, kind_of_answer, negatives, refusing

LINES = (Path(__file__).parent / "negatives.tsv").read_text(encoding="utf-8").split("\n")
TABLE = [line.split("\t", 1) for line in LINES if line]


def chunk(*rows: dict[str, Any]) -> Chunk:
    records = []
    for number, raw in enumerate(rows):
        form = recognise(raw)
        assert form
        record = form.view(raw)
        record.row = number
        records.append(record)
    return Chunk(records[0].format, records, [], len(records))


def chat(answer: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": answer, **more}]}


@pytest.mark.parametrize(("kind", "text"), TABLE, ids=range(len(TABLE)))
def test_kind_of_answer(kind: str, text: str) -> None:
    assert (kind_of_answer(text.replace("\\n", "\n")) or "-") == kind


def test_rows_of_a_chunk() -> None:
    found = negatives(
        chunk(
            chat("I can't help with that."),
            chat("It costs four euros."),
            chat("Could you tell me your order number?"),
            chat("Wrong.", weight=0),
            {"prompt": "Q", "chosen": "Yes", "rejected": "No"},
            {"prompt": "Q", "completion": "Bad", "label": False},
            {"messages": [{"role": "user", "content": "Fly me"}, {"role": "assistant", "content": None, "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "reject_request", "arguments": "{}"}}]}]},
            chat("Unfortunately, it rains."),
        )
    )  # fmt: skip
    assert found.rows == {
        "decline": [0], "ask-back": [2], "weight-0": [3], "rejected": [4], "disliked": [5], "refusing-call": [6],
    }  # fmt: skip
    assert found.near == [7]
    assert set(found.rows) <= set(KINDS)


def test_a_text_with_a_nul_does_not_shift_rows() -> None:
    found = negatives(chunk(chat("a\0b\0c"), chat("fine"), chat("I'm unable to do that.")))
    assert found.rows == {"decline": [2]}


def test_phrases_are_lower_case_with_plain_apostrophe() -> None:
    for phrase in (*ASK_BACK, *NOT_THERE, *(p for own in DECLINE.values() for p in own)):
        assert phrase == phrase.lower() and "’" not in phrase and phrase == phrase.strip(), phrase


def test_no_phrase_twice_in_a_list() -> None:
    for own in (*DECLINE.values(), ASK_BACK, NOT_THERE):
        assert len(own) == len(set(own)), [phrase for phrase in own if own.count(phrase) > 1]


@pytest.mark.parametrize(("name", "expected"), [
    ("reject_request", True), ("declineOffer", True), ("ask_user", True), ("escalate_to_human", True),
    ("get_weather", False), ("book_table", False), ("", False),
])  # fmt: skip
def test_refusing(name: str, expected: bool) -> None:
    assert refusing(name) is expected


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=8))
def test_rows_do_not_depend_on_their_neighbours(texts: list[str]) -> None:
    together, _ = in_column(column(texts, list(range(len(texts)))))
    alone: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        for kind in in_column(column([text], [row]))[0]:
            alone.setdefault(kind, []).append(row)
    assert together == alone


def test_unseen_sentences() -> None:
    """Written after the phrases and never used to change them: no false alarm, nine of ten found."""
    text = (Path(__file__).parent / "negatives_unseen.tsv").read_text(encoding="utf-8")
    pairs = [line.split("\t", 1) for line in text.split("\n") if line]
    found = [(kind, kind_of_answer(answer) or "-") for kind, answer in pairs]
    assert not [pair for pair in found if pair[1] not in ("-", pair[0])]
    wanted = [pair for pair in found if pair[0] != "-"]
    assert sum(kind == got for kind, got in wanted) >= 0.9 * len(wanted)
