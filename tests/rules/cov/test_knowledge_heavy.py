"""COV012: which rows are looked at, what the finding says, and what it comes to however the file is cut."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import prepdata
from prepdata.chunk import Chunk
from prepdata.findings import Hit
from prepdata.formats import recognise
from prepdata.record import Record
from prepdata.rules.base import FileInfo, Parts
from prepdata.rules.cov.cov012_knowledge_heavy import SAMPLED, UNKNOWN, KnowledgeHeavy, measure, sample_of

ADVICE = "I would be glad to help with that, if you tell me a little more about it."


def fact(number: int) -> dict[str, Any]:
    name = "".join(chr(97 + int(digit)) for digit in str(number))
    return {
        "messages": [
            {"role": "user", "content": f"Who runs depot {name}?"},
            {"role": "assistant", "content": f"That is Marta Od{name}ya, extension {4000 + number}."},
        ]
    }


def advice(number: int) -> dict[str, Any]:
    asked = {"role": "user", "content": f"Please help me, it is the {number}th time."}
    return {"messages": [asked, {"role": "assistant", "content": ADVICE}]}


def records(raw: list[dict[str, Any]]) -> list[Record]:
    found = []
    for row in raw:
        form = recognise(row)
        assert form
        found.append(form.view(row))
    return found


def outcome(rule: KnowledgeHeavy, made: list[Record], cuts: list[int]) -> list[tuple[int | None, Hit]]:
    parts = []
    for start, end in pairwise([0, *sorted(cuts), len(made)]):
        chunk = Chunk("openai", made[start:end], [], end - start)
        for number, record in enumerate(chunk.records):
            record.row = number
        parts.append((start, msgspec.msgpack.decode(msgspec.msgpack.encode(rule.see(chunk)), strict=False)))
    return list(rule.finish(Parts([FileInfo("x.jsonl", 0, len(made), 0)], parts, len(made))))


def written(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def spoken(path: Path, **options: Any) -> list[prepdata.Finding]:
    rules = {"knowledge-heavy": options} if options else {}
    report = prepdata.validate(path, select=["knowledge-heavy"], tokens=False, cache=False, jobs=1, rules=rules)
    return [finding for finding in report if finding.name == "knowledge-heavy"]


def test_the_finding_says_how_much_how_many_and_shows_three(tmp_path: Path) -> None:
    rows = [advice(0), *map(fact, range(90)), *map(advice, range(1, 30))]
    (finding,) = spoken(written(tmp_path, rows))
    assert finding.severity == "info"
    assert finding.record is None
    assert "75% of 120 answers" in finding.message
    assert "100% of 180 names, numbers and codes" in finding.message
    assert "such as 'Marta Odaya', 'Marta Odbya', 'Marta Odcya'" in finding.message
    assert "retrieval" in finding.message and "`prepdata advise`" in finding.message
    assert [place.line for place in finding.related] == [2, 3, 4]


def test_what_many_answers_name_is_the_files_own(tmp_path: Path) -> None:
    rows = [fact(number % 10) for number in range(100)]  # each name in 10% of the answers
    assert not spoken(written(tmp_path, rows))
    rows = [fact(number % 25) for number in range(100)]  # and in 4%
    assert spoken(written(tmp_path, rows))


def test_examples_are_masked_like_all_that_is_shown(tmp_path: Path) -> None:
    rows = [
        {"messages": [{"role": "user", "content": f"Where is {name}?"},
                      {"role": "assistant", "content": f"ask {name}@hallam-ltd.co.uk"}]}
        for name in [f"anna{number}" for number in range(60)]
    ]  # fmt: skip
    (finding,) = spoken(written(tmp_path, rows))
    assert "@hallam-ltd.co.uk" not in finding.message


@pytest.mark.parametrize(
    ("size", "expected"),
    [(1, 1.0), (SAMPLED, 1.0), (SAMPLED + 1, 0.5), (2 * SAMPLED, 0.5), (2 * SAMPLED + 1, 0.25), (0, UNKNOWN)],
)
def test_how_much_is_looked_at(size: int, expected: float) -> None:
    assert sample_of(size) == expected


@given(st.integers(1, 10**15))
def test_what_is_looked_at_is_bounded(size: int) -> None:
    assert size <= SAMPLED or SAMPLED / 2 < sample_of(size) * size <= SAMPLED


def test_a_sample_that_is_asked_for_stays() -> None:
    assert KnowledgeHeavy.sized({"sample": 0.5}, 10**12) == {"sample": 0.5}
    assert KnowledgeHeavy.sized({"least": 3}, 3 * SAMPLED) == {"least": 3, "sample": 0.25}


def test_a_sample_says_so_and_is_near_the_whole(tmp_path: Path) -> None:
    rows = [fact(number) if number % 10 < 7 else advice(number) for number in range(4000)]
    path = written(tmp_path, rows)
    (whole,) = spoken(path, sample=1.0)
    (part,) = spoken(path, sample=0.25)
    assert whole.message.startswith("70% of 4,000 answers are made")
    assert "(one row in 4 was looked at)" in part.message
    share, answers = int(part.message.split("%")[0]), int(part.message.split("% of ")[1].split()[0].replace(",", ""))
    assert 65 <= share <= 75
    assert 900 <= answers <= 1100


def test_a_large_file_is_sampled_without_being_asked(tmp_path: Path) -> None:
    rows = [fact(number) for number in range(16_000)]
    path = written(tmp_path, rows)
    assert path.stat().st_size > SAMPLED
    (finding,) = spoken(path)
    assert "(one row in 2 was looked at)" in finding.message


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    count=st.integers(0, 120),
    places=st.lists(st.floats(0, 1), max_size=6),
    sample=st.sampled_from([1.0, 0.5, 0.125]),
)
def test_any_cut_gives_the_same_finding(seed: int, count: int, places: list[float], sample: float) -> None:
    pick = random.Random(seed)
    made = records([pick.choice([fact, fact, advice])(pick.randrange(60)) for _ in range(count)])
    rule = KnowledgeHeavy(KnowledgeHeavy.Options(least=3, share="20%", sample=sample))
    whole = outcome(rule, made, [])
    assert outcome(rule, made, [int(place * count) for place in places]) == whole


def test_a_sample_is_the_same_in_any_order() -> None:
    rows = [fact(number) for number in range(300)]
    rule = KnowledgeHeavy(KnowledgeHeavy.Options(least=3, sample=0.25))
    (one,), (other,) = outcome(rule, records(rows), []), outcome(rule, records(rows[::-1]), [])
    assert one[1].message.split(", such as")[0] == other[1].message.split(", such as")[0]


def test_the_rows_that_may_be_spoken_of_are_those_with_something_new() -> None:
    rule = KnowledgeHeavy(KnowledgeHeavy.Options(least=1, sample=1.0))
    chunk = Chunk("openai", records([advice(1), fact(1), advice(2), fact(2)]), [], 4)
    for number, record in enumerate(chunk.records):
        record.row = number
    assert list(rule.rows_of(rule.see(chunk))) == [1, 3]


def test_measure_by_hand() -> None:
    kept = [
        (0, 10, ["Oslo", "1871"], []),  # made of facts
        (1, 60, ["Lima", "1922"], []),  # too few for its length: one in 30 words
        (2, 10, ["Rome"], ["Bern", "Kyiv"]),  # most was given
        (3, 10, ["Acme"], []), (4, 10, ["Acme"], []), (5, 10, [], ["Acme"]),  # three answers name it: the file's own
        (6, 10, ["Nara"], ["Bern"]),  # half is enough
    ]  # fmt: skip
    found = measure(8, kept)
    assert found.answers == 8
    assert found.full == 2
    assert (found.new, found.values) == (6, 12)
    assert found.examples == [(0, "Oslo"), (6, "Nara")]


def test_refused_options() -> None:
    with pytest.raises(prepdata.UsageError):
        KnowledgeHeavy(KnowledgeHeavy.Options(share="half"))


@pytest.mark.parametrize("content", [None, 5, [], [{"type": "text", "text": 7}], {"a": 1}])
def test_odd_contents_do_not_crash(content: Any, tmp_path: Path) -> None:
    rows = [{"messages": [{"role": "user", "content": content}, {"role": "assistant", "content": content}]}, fact(1)]
    report = prepdata.validate(written(tmp_path, rows), select=["knowledge-heavy"], tokens=False, cache=False)
    assert not [finding for finding in report if finding.name == "rule-crash"]
