"""Generated rows are the same for the same numbers, keep the mix of the samples, and hardly repeat."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import prepdata
from benchmarks import data
from prepdata.text.language import detect


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    file = tmp_path_factory.mktemp("data") / "rows.jsonl"
    data.write(3000, file)
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]


def test_the_samples_come_first(rows: list[dict[str, Any]]) -> None:
    samples = data.sample_rows()
    assert rows[: len(samples)] == samples
    assert len(rows) == 3000


def test_same_numbers_same_bytes(tmp_path: Path) -> None:
    first, second, other = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    data.write(800, first)
    data.write(800, second)
    data.write(800, other, seed=2)
    assert first.read_bytes() == second.read_bytes() != other.read_bytes()


def test_a_longer_file_begins_like_a_shorter_one(tmp_path: Path) -> None:
    short, long = tmp_path / "a", tmp_path / "b"
    data.write(500, short)
    data.write(900, long)
    assert long.read_bytes().startswith(short.read_bytes())


def test_hardly_a_row_repeats(rows: list[dict[str, Any]]) -> None:
    seen = Counter(json.dumps(row) for row in rows)
    assert sum(n - 1 for n in seen.values()) <= 0.005 * len(rows)


def test_the_mix_of_the_samples_is_kept(rows: list[dict[str, Any]]) -> None:
    samples = data.sample_rows()
    assert share(rows, "tools") == pytest.approx(share(samples, "tools"), abs=0.01)
    for role in ("system", "user", "assistant", "tool"):
        assert turns(rows, role) / len(rows) == pytest.approx(turns(samples, role) / len(samples), rel=0.05)


def test_system_prompts_tools_and_results_stay_as_they_are(rows: list[dict[str, Any]]) -> None:
    samples = data.sample_rows()
    kept = {json.dumps(value) for row in samples for value in untouched(row)}
    assert all(json.dumps(value) in kept for row in rows for value in untouched(row))


def test_languages_are_kept(rows: list[dict[str, Any]]) -> None:
    samples = data.sample_rows()
    pairs = [(samples[i % len(samples)], row) for i, row in enumerate(rows)][len(samples) :]
    told = [(detect(last(a)), detect(last(b))) for a, b in pairs]
    told = [pair for pair in told if None not in pair]
    assert len(told) > 1000
    assert sum(a == b for a, b in told) > 0.97 * len(told)


@pytest.mark.parametrize(
    ("word", "replaceable"),
    [("meter", True), ("abc", False), ("Meter", False), ("end.", False), ("W1-2", False), ("größe", True), ("", False)],
)
def test_only_longer_plain_words_are_replaced(word: str, replaceable: bool) -> None:
    assert data._replaceable(word) is replaceable


def test_ends_of_sentences_are_kept() -> None:
    text = "Please open the little panel. Then press the green button twice!"
    varied = {data.vary(text, ["window", "kettle"], random.Random(n)) for n in range(20)}
    assert len(varied) > 5
    assert all(v.split()[4] == "panel." and v.endswith("twice!") and v.startswith("Please") for v in varied)


def test_a_short_text_gets_words_more() -> None:
    assert data.vary("hi", ["window"], random.Random(1)) == "(window window) hi"


def test_a_language_without_words_takes_english_ones() -> None:
    words = data.Words(data.sample_rows())
    assert words.like("这是一个很短的问题吗") == words.by_language["en"]
    assert "" not in words.by_language["en"]


def test_write_size(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = data.write_size(300_000, file)
    content = file.read_bytes()
    assert 300_000 <= len(content) < 320_000
    assert content.count(b"\n") == rows


def share(rows: list[dict[str, Any]], key: str) -> float:
    return sum(key in row for row in rows) / len(rows)


def turns(rows: list[dict[str, Any]], role: str) -> int:
    return sum(message["role"] == role for row in rows for message in row["messages"])


def untouched(row: dict[str, Any]) -> list[Any]:
    found = [message for message in row["messages"] if message["role"] not in data.TURNS]
    return [*found, row.get("tools")]


def last(row: dict[str, Any]) -> str:
    return str(row["messages"][-1].get("content") or "")


@pytest.mark.timeout(120)
def test_the_numbers_of_every_second_answer_are_not_in_its_table(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    data.write_tables(4, first)
    data.write_tables(4, second)
    assert first.read_bytes() == second.read_bytes()
    assert 95_000 < first.stat().st_size / 4 < 125_000
    report = prepdata.validate(first, select=["RAG001"], tokens=False, cache=False, jobs=1)
    assert [finding.record for finding in report] == [1, 3]
