"""COV012: which rows are looked at, what the finding says, and what it comes to however the file is cut."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import sys
import threading
from collections.abc import Collection, Iterator
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
from prepdata.rules.base import FileInfo, Parts, Untold
from prepdata.rules.cov.cov012_knowledge_heavy import MOST, KnowledgeHeavy, measure

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


def outcome(rule: KnowledgeHeavy, made: list[Record], cuts: list[int]) -> list[tuple[int | None, Hit] | Untold]:
    def fetch(wanted: Collection[int]) -> Iterator[tuple[int, Record]]:
        return ((row, made[row]) for row in sorted(wanted))

    parts = []
    for start, end in pairwise([0, *sorted(cuts), len(made)]):
        chunk = Chunk("openai", made[start:end], [], end - start)
        for number, record in enumerate(chunk.records):
            record.row = number
        parts.append((start, msgspec.msgpack.decode(msgspec.msgpack.encode(rule.see(chunk)), strict=False)))
    return list(rule.finish(Parts([FileInfo("x.jsonl", 0, len(made), 0)], parts, len(made), fetch)))


def written(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def report_of(path: Path | str, jobs: int = 1, **options: Any) -> prepdata.Report:
    rules = {"knowledge-heavy": options} if options else {}
    return prepdata.validate(path, select=["knowledge-heavy"], tokens=False, cache=False, jobs=jobs, rules=rules)


def spoken(path: Path | str, jobs: int = 1, **options: Any) -> list[prepdata.Finding]:
    return [finding for finding in report_of(path, jobs, **options) if finding.name == "knowledge-heavy"]


def untold(path: Path | str, **options: Any) -> list[str]:
    report = report_of(path, **options)
    assert not list(report)
    return [item.needs for item in report.not_run]


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
    def again(number: int, kinds: int) -> dict[str, Any]:
        row = fact(number % kinds)
        return {"messages": [{"role": "user", "content": f"Again, for the {number}th time?"}, row["messages"][1]]}

    assert not spoken(written(tmp_path, [again(number, 10) for number in range(100)]))  # each name in 10% of them
    assert spoken(written(tmp_path, [again(number, 25) for number in range(100)]))  # and in 4%


def test_equal_rows_count_once(tmp_path: Path) -> None:
    rows = [fact(number % 60) for number in range(600)]
    (finding,) = spoken(written(tmp_path, rows))
    assert finding.message.startswith("100% of 60 answers (in 60 of 600 rows) are made of facts")
    assert [place.line for place in finding.related] == [1, 2, 3]


def test_examples_are_masked_like_all_that_is_shown(tmp_path: Path) -> None:
    rows = [
        {"messages": [{"role": "user", "content": f"Where is {name}?"},
                      {"role": "assistant", "content": f"ask {name}@hallam-ltd.co.uk"}]}
        for name in [f"anna{number}" for number in range(60)]
    ]  # fmt: skip
    (finding,) = spoken(written(tmp_path, rows))
    assert "@hallam-ltd.co.uk" not in finding.message


def test_a_sample_says_so_and_is_near_the_whole(tmp_path: Path) -> None:
    rows = [fact(number) if number % 10 < 7 else advice(number) for number in range(4000)]
    path = written(tmp_path, rows)
    (whole,) = spoken(path, most=5000)
    (part,) = spoken(path)
    assert whole.message.startswith("70% of 4,000 answers are made")
    assert f"% of {MOST:,} answers (in {MOST:,} of 4,000 rows) are made" in part.message
    assert 65 <= int(part.message.split("%")[0]) <= 75


@pytest.fixture
def large(tmp_path: Path) -> Path:
    rows = [fact(number) if number % 10 < 7 else advice(number) for number in range(14_000)]
    return written(tmp_path, rows)


def test_packed_files_and_standard_input_are_judged_as_files_are(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (plain,) = spoken(large)
    packed = large.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(large.read_bytes()))
    (unpacked,) = spoken(packed)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(large.read_bytes())))
    (piped,) = spoken("-")
    places = [[place.line for place in found.related] for found in (plain, unpacked, piped)]
    assert plain.message == unpacked.message == piped.message
    assert places[0] == places[1] == places[2]


def test_standard_input_of_few_rows_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, [fact(number) for number in range(300)])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    (finding,) = spoken("-")
    assert finding.message.startswith("100% of 300 answers are made")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
@pytest.mark.timeout(120)
def test_a_pipe_is_judged_as_a_file_is(large: Path, tmp_path: Path) -> None:
    (plain,) = spoken(large)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(large.read_bytes()), daemon=True)
    writer.start()
    (piped,) = spoken(pipe)
    writer.join()
    assert piped.message == plain.message


def test_a_folder_of_pieces_and_more_processes_give_the_same(large: Path, tmp_path: Path) -> None:
    (plain,) = spoken(large)
    (spread,) = spoken(large, jobs=2)
    assert spread.message == plain.message
    lines = large.read_bytes().splitlines(keepends=True)
    pieces = tmp_path / "pieces"
    pieces.mkdir()
    for number, start in enumerate(range(0, len(lines), 5000)):
        (pieces / f"{number}.jsonl").write_bytes(b"".join(lines[start : start + 5000]))
    (cut,) = spoken(pieces)
    assert cut.message == f"{plain.message} (3 files taken together)"


def test_where_it_cannot_tell_the_report_says_so(tmp_path: Path) -> None:
    assert untold(written(tmp_path, [fact(number) for number in range(49)])) == [
        "50 different rows with an answer; there are 49 different rows"
    ]
    german = [
        {"messages": [{"role": "user", "content": f"Was weißt du über die Stadt Nummer {number}, bitte?"},
                      {"role": "assistant", "content": f"Das ist die Stadt von Herrn Klaus Möller{number}."}]}
        for number in range(100)
    ]  # fmt: skip
    assert untold(written(tmp_path, german)) == ["more answers that it can look into; of 100 these are 0"]
    chinese = [
        {"messages": [{"role": "user", "content": f"请介绍一下{number}。"}, {"role": "assistant", "content": "在河北。"}]}
        for number in range(60)
    ]  # fmt: skip
    assert untold(written(tmp_path, chinese)) == ["more answers that it can look into; of 60 these are 0"]


def test_what_it_cannot_look_into_leaves_it_sure_where_the_rest_decides(tmp_path: Path) -> None:
    plain = [{"messages": [{"role": "user", "content": f"Print {n}"}, {"role": "assistant", "content": '{"a": 1}'}]}
             for n in range(100)]  # fmt: skip
    path = written(tmp_path, plain[:40] + [advice(number) for number in range(60)])
    assert untold(path) == [] and not spoken(path)  # 40% at most
    path = written(tmp_path, plain[:50] + [advice(number) for number in range(50)])
    assert untold(path) == ["more answers that it can look into; of 100 these are 50"]
    assert spoken(written(tmp_path, plain[:50] + [fact(number) for number in range(50)]))  # 50% at least


def test_nothing_is_said_of_what_it_cannot_tell_unless_it_was_named(tmp_path: Path) -> None:
    path = written(tmp_path, [fact(number) for number in range(10)])
    assert prepdata.validate(path, tokens=False, cache=False, jobs=1).not_run == ()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    count=st.integers(0, 120),
    places=st.lists(st.floats(0, 1), max_size=6),
    most=st.sampled_from([0, 1, 7, 30, MOST]),
)
def test_any_cut_gives_the_same_finding(seed: int, count: int, places: list[float], most: int) -> None:
    pick = random.Random(seed)
    made = records([pick.choice([fact, fact, advice])(pick.randrange(60)) for _ in range(count)])
    rule = KnowledgeHeavy(KnowledgeHeavy.Options(least=3, share="20%", most=most))
    whole = outcome(rule, made, [])
    assert outcome(rule, made, [int(place * count) for place in places]) == whole


def test_a_sample_is_the_same_in_any_order() -> None:
    rows = [fact(number) for number in range(300)]
    rule = KnowledgeHeavy(KnowledgeHeavy.Options(least=3, most=50))
    drawn = []
    for listed in (rows, rows[::-1]):
        made = records(listed)
        for number, record in enumerate(made):
            record.row = number
        parts = Parts([], [(0, rule.see(Chunk("openai", made, [], 300)))], 300)
        drawn.append({listed[row]["messages"][0]["content"] for row in rule.drawn(parts)})
    assert drawn[0] == drawn[1] and len(drawn[0]) == 50


@pytest.mark.timeout(120)
def test_what_is_kept_of_a_chunk_is_bounded() -> None:
    made = records([fact(number) for number in range(30_000)])
    for number, record in enumerate(made):
        record.row = number
    part = KnowledgeHeavy().see(Chunk("openai", made, [], len(made)))
    assert [len(column) for column in part] == [8 * MOST, 4 * MOST]
    assert not KnowledgeHeavy().rows_of(part)  # of no row a digest has to be made


def test_measure_by_hand() -> None:
    kept = [
        (0, 10, ["Oslo", "1871"], []),  # made of facts
        (1, 60, ["Lima", "1922"], []),  # too few for its length: one in 30 words
        (2, 10, ["Rome"], ["Bern", "Kyiv"]),  # most was given
        (3, 10, ["Acme"], []), (4, 10, ["Acme"], []), (5, 10, [], ["Acme"]),  # three answers name it: the file's own
        (6, 10, ["Nara"], ["Bern"]),  # half is enough
    ]  # fmt: skip
    found = measure(8, 8, kept)
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
