"""Fixing duplicates: the best row of each cluster stays, what goes names its twin, and nothing is left to find."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import prepdata
from prepdata.fix import fix_file, keep
from prepdata.settings import Settings

ASKED = "How can I send back a parcel that arrived broken last week?"
ANSWER = "Print the return label from your account and take it to the post office nearby."


def row(asked: str = ASKED, answer: str = ANSWER, **marks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}], **marks}


LOUD = row(ASKED.upper(), ANSWER.upper())
OTHER = row("Who pays for sending back what does not fit me?", "We do, once a month; after that it is up to you.")
NEAR = row(ASKED.replace("a parcel", "the parcel"))
LONGER = row(answer=ANSWER + " Keep the receipt.")


def run(folder: Path, rows: list[dict[str, Any]], **options: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    path, result = folder / "in.jsonl", folder / "out.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    rules = dict.fromkeys(("exact-duplicate", "folded-duplicate", "near-duplicate"), options)
    settings = Settings(select=("DUP",), rules=rules)
    keep(fix_file(path, settings, unsafe=True, folder=folder), result)
    left = prepdata.validate(result, settings, tokens=False, cache=False)
    assert not [f for f in left if f.fix], "a second validation finds nothing left"
    beside = folder / "out.jsonl.dropped.jsonl"
    dropped = [json.loads(text) for text in beside.read_text().splitlines()] if beside.exists() else []
    return [json.loads(text) for text in result.read_text().splitlines()], dropped


@pytest.mark.parametrize(
    ("rows", "stays"),
    [
        ([row(), row(), OTHER], row()),
        ([row(), row(reviewed_by="maria"), OTHER], row(reviewed_by="maria")),
        ([row(), row(reviewed_by="gpt-4o"), OTHER], row()),
        ([row(), LOUD, OTHER], row()),
        ([LOUD, row(meta={"reviewed_by": "maria"}), row(), OTHER], row(meta={"reviewed_by": "maria"})),
        ([row(), NEAR, OTHER], row()),
        ([row(), {**NEAR, "reviewed_by": "maria"}, LONGER, OTHER], {**NEAR, "reviewed_by": "maria"}),
        ([row(), NEAR, LONGER, LOUD, row(), OTHER], LONGER),
        ([{**row(), "reviewed_by": "a"}, {**LONGER, "reviewed_by": "b"}, NEAR, OTHER], {**LONGER, "reviewed_by": "b"}),
    ],
)
def test_the_best_row_stays(tmp_path: Path, rows: list[dict[str, Any]], stays: dict[str, Any]) -> None:
    kept, dropped = run(tmp_path, rows)
    assert [r for r in kept if r != OTHER] == [stays] and OTHER in kept
    assert len(dropped) == len(rows) - 2
    twins = {entry["line"]: entry["twin"] for entry in dropped}
    place = rows.index(stays) + 1
    file = str(tmp_path / "in.jsonl")
    for line, twin in twins.items():
        while twin["line"] in twins:  # a copy of a copy
            assert twin["line"] != line
            twin = twins[twin["line"]]
        assert twin == {"file": file, "line": place}


def test_or_the_first(tmp_path: Path) -> None:
    rows = [row(), {**NEAR, "reviewed_by": "maria"}, LONGER, LOUD, row(reviewed_by="maria"), OTHER]
    kept, dropped = run(tmp_path, rows, keep="first")
    assert kept == [row(), OTHER]
    assert [entry["twin"]["line"] for entry in dropped] == [1] * 4


def test_variants_stay(tmp_path: Path) -> None:
    rows = [row(), row(ASKED.replace("parcel", "kettle"), ANSWER.replace("post office", "kettle shop")), OTHER]
    assert run(tmp_path, rows) == (rows, [])
