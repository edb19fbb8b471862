"""From chunk results to findings: places, scopes, order, fingerprints; the same however files were cut."""

from __future__ import annotations

import json
import random
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import prepdata
from prepdata.chunk import Chunk
from prepdata.engine import ChunkResult, RawHit, crash_hit
from prepdata.findings import Hit, Place
from prepdata.record import Record
from prepdata.reduce import FileRun, Locator, finding_of, findings, fingerprint
from prepdata.report import NotRun
from prepdata.rules.base import CorpusRule, FactRule, Parts, RecordRule, Rule, Untold
from prepdata.sources import finder, open_source
from prepdata.sources.cut import Bounds

CASES = Path(__file__).parent / "rules" / "cases"


class Row(RecordRule):
    code, name, severity = "TST002", "row", "warning"

    def check(self, record: Record) -> Iterator[Hit]:
        yield Hit("row")


class Line(FactRule):
    code, name, severity = "TST001", "line", "info"
    facts = ("blank-line",)


class Corpus(CorpusRule):
    """Speaks of the first and the last row of its scope, which are related to one another."""

    code, name, severity = "TST003", "corpus", "error"

    def see(self, chunk: Chunk) -> Any:
        return None

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        yield None, Hit(f"{parts.rows} rows in {' '.join(f'{f.path}:{f.first_row}+{f.rows}' for f in parts.files)}")
        if parts.rows:
            yield parts.rows - 1, Hit("last", related=(0,))


class OfFile(Corpus):
    scope = "file"


class OfRun(Corpus):
    scope = "run"


def result(
    lines: Sequence[int] | int, *, total: int | None = None, hits: Sequence[RawHit] = (), first: int = 1, **parts: Any
) -> ChunkResult:
    """A chunk whose rows stand in the given lines (a number: in its first lines); digests count up from `first`."""
    rows = list(range(lines)) if isinstance(lines, int) else list(lines)
    packed = b"" if isinstance(lines, int) else array("I", rows).tobytes()
    digests = array("Q", range(first, first + len(rows))).tobytes()
    count = total if total is not None else (rows[-1] + 1 if rows else 0)
    return ChunkResult(len(rows), count, packed, digests, list(hits), parts)


def file(
    path: str, *results: ChunkResult, argument: int = 0, lines: bool = True, hits: Sequence[RawHit] = ()
) -> FileRun:
    return FileRun(path, argument, 100, lines, results, hits)


def hit(rule: str, row: int | None, line: int | None, message: str = "m", **more: Any) -> RawHit:
    return RawHit(rule, row, line, Hit(message, **more))


# --- locator ---------------------------------------------------------------------------------------------------------

THREE = [
    file("a", result(2), result([1, 3], total=5, first=3), result(0, total=2), result(1, first=5)),
    file("b", result(0)),
    file("c", result([2], first=6), result(2, first=7), lines=False),
    file("d", result(1, first=9), argument=1),
]
PLACES = [
    ("a", 1, 0), ("a", 2, 1), ("a", 4, 2), ("a", 6, 3), ("a", 10, 4),
    ("c", None, 0), ("c", None, 1), ("c", None, 2), ("d", 1, 0),
]  # fmt: skip


@pytest.mark.parametrize("row", range(len(PLACES)))
def test_rows_are_found_over_chunks_and_files(row: int) -> None:
    found, line, record, digest = Locator(THREE).find(row)
    assert (found.path, line, record) == PLACES[row]
    assert digest == row + 1
    assert Locator(THREE).place(row) == Place(*PLACES[row][:2])


@pytest.mark.parametrize("row", [-1, len(PLACES), len(PLACES) + 100])
def test_a_row_that_is_not_there(row: int) -> None:
    with pytest.raises(IndexError):
        Locator(THREE).find(row)


def test_nothing_at_all() -> None:
    with pytest.raises(IndexError):
        Locator([]).find(0)
    assert findings([], [Row()]) == []
    assert [f.message for f in findings([file("a")], [Corpus()])] == ["0 rows in a:0+0"]


# --- scopes ----------------------------------------------------------------------------------------------------------


def said(rule: Rule, files: Sequence[FileRun]) -> list[tuple[str, str, int | None, str]]:
    return [(f.message, f.file, f.line, "".join(p.file for p in f.related)) for f in findings(files, [rule])]


TWO_OF_ONE = [file("a", result(2)), file("b", result(3)), file("c", result(1), argument=1)]


def test_a_dataset_is_one_argument() -> None:
    assert said(Corpus(), TWO_OF_ONE) == [
        ("5 rows in a:0+2 b:2+3 (2 files taken together)", "a", None, ""),
        ("last", "b", 3, "a"),
        ("1 rows in c:0+1", "c", None, ""),
        ("last", "c", 1, "c"),
    ]


class Undecided(Corpus):
    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit] | Untold]:
        yield Untold("more rows")


def test_a_rule_that_cannot_tell_says_what_it_lacks() -> None:
    told: list[NotRun] = []
    assert findings(THREE, [Undecided()], untold=told) == []
    assert told == [NotRun("corpus", "more rows")] * 2  # one for each data set
    assert findings(THREE, [Undecided()]) == []


def test_a_file_is_a_file() -> None:
    assert [m for m, *_ in said(OfFile(), TWO_OF_ONE)] == [
        "2 rows in a:0+2", "last", "3 rows in b:0+3", "last", "1 rows in c:0+1", "last",
    ]  # fmt: skip


def test_a_run_is_everything() -> None:
    assert said(OfRun(), TWO_OF_ONE) == [
        ("6 rows in a:0+2 b:2+3 c:5+1 (3 files taken together)", "a", None, ""),
        ("last", "c", 1, "a"),
    ]


def test_a_folder_is_one_dataset_and_two_arguments_are_two(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.jsonl", *(chat(f"question {name} {i}", f"answer {i}") for i in range(60)))
    run = {"select": ["too-few-examples"], "tokens": False}
    assert not list(prepdata.validate(tmp_path, **run))
    apart = prepdata.validate([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], **run)
    assert [Path(f.file).name for f in apart] == ["a.jsonl", "b.jsonl"]


def test_a_duplicate_in_another_file_names_that_file(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", chat("one?", "first"), chat("two?", "second"))
    write(tmp_path / "b.jsonl", chat("zero?", "none"), chat("two?", "second"))
    found = list(prepdata.validate(tmp_path, select=["exact-duplicate"], tokens=False))
    assert [(Path(f.file).name, f.line, f.record) for f in found] == [("b.jsonl", 2, 1)]
    assert [(Path(p.file).name, p.line) for p in found[0].related] == [("a.jsonl", 2)]


# --- findings --------------------------------------------------------------------------------------------------------


def test_lines_and_records_go_on_over_chunks() -> None:
    first = result([0, 2], total=4, hits=[hit("row", 1, 2), hit("line", None, 1)])
    second = result([1], total=2, first=3, hits=[hit("line", None, 0), hit("row", 0, 1)])
    found = findings([file("a", first, second)], [Row(), Line()])
    assert [(f.code, f.line, f.record, f.digest) for f in found] == [
        ("TST001", 2, None, None),
        ("TST002", 3, 1, f"{2:016x}"),
        ("TST001", 5, None, None),
        ("TST002", 6, 2, f"{3:016x}"),
    ]


def test_without_lines_there_are_records() -> None:
    found = findings([file("a", result(2, hits=[hit("row", 1, 1)]), lines=False)], [Row()])
    assert [(f.line, f.record) for f in found] == [(None, 1)]


def test_findings_of_the_file_as_a_whole() -> None:
    found = findings([file("a", result(2), hits=[hit("line", None, None), hit("line", None, 4)])], [Line()])
    assert [(f.line, f.record, f.digest) for f in found] == [(None, None, None), (5, None, None)]


def test_what_a_hit_says_is_kept() -> None:
    more: dict[str, Any] = {
        "path": "/x", "span": (1, 2), "excerpt": "e", "severity": "error", "targets": ("openai",),
    }  # fmt: skip
    (found,) = findings([file("a", result(1, hits=[hit("row", 0, 0, **more)]))], [Row()])
    assert {key: getattr(found, key) for key in more} == more
    assert (found.code, found.name, found.message, found.waived) == ("TST002", "row", "m", False)


def test_the_order_is_file_line_code_path() -> None:
    hits = [
        hit("row", 1, 1, path="/b"), hit("row", 1, 1, path="/a"), hit("row", 1, 1), hit("line", 1, 1),
        hit("row", 1, 1, path="/a", span=(3, 4)), hit("row", 1, 1, path="/a", span=(1, 2)), hit("row", 0, 0),
    ]  # fmt: skip
    expected = None
    for seed in range(5):
        random.Random(seed).shuffle(hits)
        found = findings([file("z", result(2, hits=hits)), file("a", result(2, hits=hits))], [Row(), Line(), OfRun()])
        seen = [(f.file, f.line, f.code, f.path, f.span) for f in found]
        assert expected in (None, seen)
        expected = seen
    assert expected is not None
    assert [place for place in expected if place[0] == "z"] == [
        ("z", None, "TST003", None, None),
        ("z", 1, "TST002", None, None),
        ("z", 2, "TST001", None, None),
        ("z", 2, "TST002", None, None),
        ("z", 2, "TST002", "/a", None),
        ("z", 2, "TST002", "/a", (1, 2)),
        ("z", 2, "TST002", "/a", (3, 4)),
        ("z", 2, "TST002", "/b", None),
    ]
    assert expected[8][0] == "a", "files keep the order in which they were given"


def test_a_finding_of_a_file() -> None:
    found = finding_of(Row(), Hit("stale", severity="info"), "w.json")
    assert (found.file, found.line, found.record, found.severity) == ("w.json", None, None, "info")


def test_a_crash_in_a_chunk_takes_the_place_of_its_rule() -> None:
    raw = RawHit("row", 0, 0, crash_hit("row", ValueError()), "ValueError: x")
    (found,) = findings([file("a", result(1, hits=[raw]))], [Row()])
    assert (found.code, found.name, found.severity, found.line) == ("RUN001", "rule-crash", "error", 1)


# --- fingerprints ----------------------------------------------------------------------------------------------------


def test_a_fingerprint_depends_on_rule_row_and_path() -> None:
    first = fingerprint("row", 7, "/a")
    assert first == fingerprint("row", 7, "/a")
    assert len(first) == 16 and int(first, 16) >= 0
    others = {
        fingerprint("line", 7, "/a"), fingerprint("row", 8, "/a"), fingerprint("row", 7, "/b"),
        fingerprint("row", 7, None), fingerprint("row", "a.jsonl", None), fingerprint("row", "b.jsonl", None),
    }  # fmt: skip
    assert len(others | {first}) == 7
    assert fingerprint("row", "caf\udce9.jsonl", None)


def chat(question: str, answer: str, role: str = "user", **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": question}, {"role": "assistant", "content": answer}], **more}


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def prints(path: Path) -> dict[tuple[str, str | None], str]:
    """(what the row asks, path) -> fingerprint of every unknown role."""
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    report = prepdata.validate(path, select=["unknown-role"], tokens=False)
    return {(rows[f.record or 0]["messages"][0]["content"], f.path): f.fingerprint for f in report}


BAD = [chat("a?", "1", "human"), chat("b?", "2", "human"), chat("c?", "3", "bot")]
GOOD = [chat(f"good {i}?", "yes") for i in range(5)]


def test_fingerprints_stay_when_rows_move(tmp_path: Path) -> None:
    before = prints(write(tmp_path / "a.jsonl", *BAD, *GOOD))
    assert len(before) == 3 and len(set(before.values())) == 3
    assert prints(write(tmp_path / "a.jsonl", *GOOD[:2], BAD[2], *GOOD[2:], BAD[1], BAD[0])) == before
    assert prints(write(tmp_path / "b.jsonl", *BAD)) == before, "nor does the name of the file matter"


def test_fingerprints_stay_when_other_rows_change(tmp_path: Path) -> None:
    before = prints(write(tmp_path / "a.jsonl", *BAD, *GOOD))
    after = prints(write(tmp_path / "a.jsonl", BAD[0], chat("b?", "another answer", "human"), BAD[2]))
    assert after[("a?", "/messages/0/role")] == before[("a?", "/messages/0/role")]
    assert after[("c?", "/messages/0/role")] == before[("c?", "/messages/0/role")]
    assert after[("b?", "/messages/0/role")] != before[("b?", "/messages/0/role")]


def test_rows_that_cannot_be_read_have_fingerprints_of_their_own(tmp_path: Path) -> None:
    broken = ["{broken", "{broken too", "[1]", "7", '{"unknown": 1}', '{"unknown": 2}', "{broken"]

    def found(name: str, texts: list[str]) -> list[tuple[int | None, str, str | None]]:
        (tmp_path / name).write_text("\n".join([*texts, json.dumps(GOOD[0])]) + "\n")
        report = prepdata.validate(tmp_path / name, select=["FMT001", "FMT002", "FMT016"], tokens=False)
        return [(f.record, f.fingerprint, f.digest) for f in report]

    first = found("a.jsonl", broken)
    assert [row for row, _, _ in first] == list(range(7))
    assert len({key for _, key, _ in first}) == len({digest for _, _, digest in first}) == 6
    assert first[0][1:] == first[6][1:], "equal bytes are one and the same"
    moved = found("b.jsonl", ["", *reversed(broken)])
    assert [f[1:] for f in reversed(moved)] == [f[1:] for f in first]


def test_a_waiver_of_one_broken_row_accepts_no_other(tmp_path: Path) -> None:
    data, waivers = tmp_path / "a.jsonl", tmp_path / "w.json"
    data.write_text("{one\n{two\n")
    run: dict[str, Any] = {"select": ["FMT001"], "tokens": False, "waivers": str(waivers)}
    waivers.write_text('{"schema_version": 1, "waivers": []}')
    first = next(iter(prepdata.validate(data, **run)))
    entry = {"rule": "invalid-json", "record": first.digest, "path": first.path, "reason": "known"}
    waivers.write_text(json.dumps({"schema_version": 1, "waivers": [entry]}))
    assert [(f.line, f.waived) for f in prepdata.validate(data, **run).findings] == [(1, True), (2, False)]


def test_fingerprints_stay_when_only_the_writing_changes(tmp_path: Path) -> None:
    before = prints(write(tmp_path / "a.jsonl", *BAD))
    lines = "\n\n".join(json.dumps(row, indent=None, separators=(" ,", ": "), ensure_ascii=True) for row in BAD)
    (tmp_path / "a.jsonl").write_text(lines + "\n")
    assert prints(tmp_path / "a.jsonl") == before


# --- cutting ---------------------------------------------------------------------------------------------------------


def mixed() -> bytes:
    """Rows good and bad, blank lines, broken lines, duplicates."""
    lines = []
    for i in range(120):
        row = chat(f"question {i % 30}?", f"answer {i % 60}", "human" if i % 7 == 0 else "user")
        lines.append(json.dumps(row))
        if i % 11 == 0:
            lines.append("" if i % 2 else "{broken")
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.parametrize("size", [1, 100, 333, 5000])
def test_the_report_is_the_same_however_the_file_is_cut(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(mixed())
    whole = prepdata.validate(path, select=["ALL"], cache=False)
    small_chunks(monkeypatch, size)
    assert prepdata.validate(path, select=["ALL"], cache=False).to_json() == whole.to_json()
    assert {f.code for f in whole} >= {"FMT001", "FMT006", "ROLE002", "DUP001", "DUP004"}


def small_chunks(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Make chunks of about `size` bytes."""
    monkeypatch.setattr(finder, "Bounds", lambda line: Bounds(size, size, size * 3, line))


def all_cases(folder: Path) -> Path:
    """Write the rows of all cases of all rules: one file for each rule."""
    for path in CASES.glob("*.jsonl"):
        cases = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
        rows = [json.dumps(row) for case in cases for row in case.get("rows", [])]
        texts = [case["text"] for case in cases if case.get("name", "a.jsonl").endswith(".jsonl") and "text" in case]
        text = "\n".join([*rows, *texts]) + "\n"
        (folder / path.name).write_bytes(text.encode("utf-8", "surrogatepass"))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("targets", [[], ["openai", "bedrock-nova", "mistral"]])
def test_all_rules_find_the_same_in_their_own_cases_however_these_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, targets: list[str]
) -> None:
    folder = all_cases(tmp_path)
    run: dict[str, Any] = {"select": ["ALL"], "targets": targets, "cache": False, "jobs": 1, "tokens": False}
    whole = prepdata.validate(folder, **run)
    assert not [f.message for f in whole if f.code == "RUN001"]
    assert len({f.name for f in whole}) > 55
    for size in (1, 4000):
        small_chunks(monkeypatch, size)
        cut = prepdata.validate(folder, **run)
        assert [diff for diff in zip(cut.findings, whole.findings) if diff[0] != diff[1]] == []
        assert cut.to_json() == whole.to_json()


@pytest.mark.slow
@pytest.mark.parametrize("targets", [[], ["openai", "together"]])
def test_all_rules_find_the_same_in_their_own_cases_without_triggers(tmp_path: Path, targets: list[str]) -> None:
    run: dict[str, Any] = {"select": ["ALL"], "targets": targets, "cache": False, "jobs": 1, "tokens": False}
    folder = all_cases(tmp_path)
    quick, slow = prepdata.validate(folder, **run), prepdata.validate(folder, **run, triggers=False)
    assert [diff for diff in zip(quick.findings, slow.findings) if diff[0] != diff[1]] == []
    assert quick.to_json() == slow.to_json()


def test_small_chunks_are_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(mixed())
    assert len(list(open_source(str(path)).chunks())) == 1
    small_chunks(monkeypatch, 1)
    assert len(list(open_source(str(path)).chunks())) > 100


@pytest.mark.slow
def test_all_findings_are_the_same_when_they_come_from_another_process(tmp_path: Path) -> None:
    run: dict[str, Any] = {"select": ["ALL"], "targets": ["openai", "mistral"], "cache": False, "tokens": False}
    folder = all_cases(tmp_path)
    one, two = prepdata.validate(folder, **run, jobs=1), prepdata.validate(folder, **run, jobs=2)
    assert [diff for diff in zip(one.findings, two.findings) if diff[0] != diff[1]] == []
    assert one.to_json() == two.to_json()


def test_what_is_said_of_several_files_says_so(tmp_path: Path) -> None:
    row = '{"messages": [{"role": "user", "content": "%s"}, {"role": "assistant", "content": "Yes."}]}\n'
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text(row % name, encoding="utf-8")
    (alone,) = prepdata.validate(tmp_path / "a.jsonl", select=["COV001"], tokens=False)
    (together,) = prepdata.validate(tmp_path, select=["COV001"], tokens=False)
    assert "together" not in alone.message and together.message.endswith("(2 files taken together)")
