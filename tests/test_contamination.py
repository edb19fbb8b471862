"""Training rows held against evaluation files and benchmark indexes: the whole way, by library and command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import prepdata
from prepdata.api import plan_of
from prepdata.engine import Mapper, decode_result, encode_result
from prepdata.errors import InputError, UsageError
from prepdata.reduce import FileRun
from prepdata.references import references
from prepdata.rules.leak._overlap import cover, gather
from prepdata.rules.loader import find
from prepdata.select import Selection
from prepdata.settings import Settings
from prepdata.sources.base import RawChunk

LEAK = ["eval-overlap", "near-eval-overlap", "group-split", "fewshot-from-eval", "benchmark-overlap"]
RIDDLE = (
    "Ida walks along the river every morning before work and counts the herons she meets. On Monday she met three, on "
    "Tuesday twice as many, and on Wednesday none at all. How many herons did she meet in these three days together?"
)


def chat(asked: str, answer: str = "Nine.", **marks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}], **marks}


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


TRAIN = [
    chat("What is the name of the bird that stands on one leg?"),
    chat(RIDDLE),
    chat("Listen: " + RIDDLE.replace("walks along", "strolls by")),
    chat(RIDDLE.replace("three, on", "seven, on").replace("these three days", "these five days")),
    chat("Who wrote the song about the town hall clock of Ansel?"),
]
HELD_OUT = [chat("How do herons sleep when it is cold outside?"), chat(RIDDLE, "Nine herons.")]


def check(paths: Any, **changes: Any) -> prepdata.Report:
    return prepdata.validate(paths, select=LEAK, tokens=False, jobs=1, **{"cache": False, **changes})


def told(report: prepdata.Report) -> list[tuple[str, int | None, str]]:
    return [(f.name, f.line, f.severity) for f in report]


def run(*args: object, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PREPDATA_INDEX_DIR": str(folder / "indexes")}
    return subprocess.run(
        [sys.executable, "-m", "prepdata", *map(str, args)], capture_output=True, text=True, env=environment
    )


def test_what_is_found_and_what_it_comes_to(tmp_path: Path) -> None:
    train, test = write(tmp_path / "train.jsonl", TRAIN), write(tmp_path / "test.jsonl", HELD_OUT)
    report = check(train, eval=[str(test)])
    assert told(report) == [
        ("eval-overlap", 2, "error"),
        ("near-eval-overlap", 3, "error"),
        ("near-eval-overlap", 4, "info"),
    ]
    assert [(p.file, p.line) for f in report for p in f.related] == [(str(test), 2)] * 3
    assert report.measures["contamination"] == [
        {
            "name": str(test),
            "kind": "eval",
            "items": 2,
            "spoilt": 1,
            "share": 0.5,
            "left_out": 0,
            "rows": 2,
            "rows_left": 3,
        }
    ]
    assert "contamination" not in check(train).measures


def test_an_evaluation_file_is_not_held_against_itself(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", TRAIN)
    test = write(tmp_path / "test.jsonl", HELD_OUT)
    report = check(tmp_path, eval=[str(test)])
    assert {Path(f.file).name for f in report} == {"train.jsonl"} and len(report) == 3


def test_several_evaluation_files_and_a_folder_of_them(tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", TRAIN)
    (tmp_path / "held").mkdir()
    write(tmp_path / "held" / "a.jsonl", HELD_OUT[:1])
    b = write(tmp_path / "held" / "b.jsonl", HELD_OUT[1:])
    report = check(train, eval=[str(tmp_path / "held")])
    assert [entry["spoilt"] for entry in report.measures["contamination"]] == [0, 1]
    assert {place.file for f in report for place in f.related} == {str(b)}


def test_the_cache_gives_the_same_and_notices_another_evaluation_file(tmp_path: Path) -> None:
    rows = [
        chat(f"Question {n} of very many that are asked about the town of Ansel and its clocks?") for n in range(40_000)
    ]
    train, test = write(tmp_path / "train.jsonl", TRAIN + rows), write(tmp_path / "test.jsonl", HELD_OUT)
    options: dict[str, Any] = {"eval": [str(test)], "cache": True, "cache_dir": str(tmp_path / "cache")}
    first = check(train, **options)
    assert told(check(train, **options)) == told(first) and len(first) == 3
    write(test, HELD_OUT[:1])
    assert told(check(train, **options)) == []
    assert list((tmp_path / "cache").glob("*.prepidx"))


@pytest.mark.parametrize("changes", [{"eval": ["-"]}, {"index": ["nowhere"]}])
def test_wrong_use(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        check(write(tmp_path / "train.jsonl", TRAIN), **changes)


def test_evaluation_files_that_cannot_be_used(tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", TRAIN)
    with pytest.raises(InputError, match="nowhere"):
        check(train, eval=[str(tmp_path / "nowhere.jsonl")])
    with pytest.raises(InputError, match="asks anything"):
        check(train, eval=[str(write(tmp_path / "odd.jsonl", [{"n": 1}]))])


def test_without_evaluation_files_nothing_runs_and_named_rules_say_so(tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", TRAIN)
    report = prepdata.validate(train, select=["near-eval-overlap"], tokens=False)
    assert [(n.name, "--eval" in n.needs) for n in report.not_run] == [("near-eval-overlap", True)]


def test_command_line(tmp_path: Path) -> None:
    train, test = write(tmp_path / "train.jsonl", TRAIN), write(tmp_path / "test.jsonl", HELD_OUT)
    done = run("validate", train, "--eval", test, "--no-tokens", "--isolated", "-f", "concise", folder=tmp_path)
    assert done.returncode == 1, done.stderr
    assert f"eval {test}: 1 of 2 items (50.0%) is in 2 rows; without these 3 rows are left" in done.stdout


def test_index_of_benchmarks(tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", TRAIN)
    one = write(tmp_path / "herons.jsonl", [{"question": RIDDLE, "answer": "9"}])
    two = write(tmp_path / "code.jsonl", [{"prompt": "def heron_count(days):\n    pass", "task_id": "H/1"}])
    made = run("index", "build", "evals", f"birds={one}", two, "--gram", 8, folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "birds: 1 item\n" in made.stdout and "n-grams of 5, 8 words" in made.stdout
    listed = json.loads(run("index", "list", "-f", "json", folder=tmp_path).stdout)
    assert [b["name"] for b in listed[0]["benchmarks"]] == ["birds", "code"] and listed[0]["grams"] == [5, 8]
    assert "birds" in run("index", "list", folder=tmp_path).stdout
    done = run("validate", train, "--index", "evals", "--select", "LEAK", "--no-tokens", "--isolated", "-f", "concise",
               folder=tmp_path)  # fmt: skip
    assert done.returncode == 1 and done.stdout.count("LEAK004") == 3, done.stdout + done.stderr
    assert "index birds: 1 of 1 item" in done.stdout and "index code: none of 1 item" in done.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("index", "build", "evals", "nowhere.jsonl"), "nowhere.jsonl"),
        (("index", "build", "a/b", "{train}"), ".prepidx"),
        (("index", "build", "", "{train}"), "the text given is empty"),
        (("index", "list", "nowhere"), "no index 'nowhere'"),
        (("validate", "{train}", "--index", "nowhere"), "no index 'nowhere'"),
        (("validate", "{train}", "--index", "{train}.prepidx"), "index build"),
    ],
)
def test_index_wrong_use(tmp_path: Path, args: tuple[str, ...], said: str) -> None:
    train = write(tmp_path / "train.jsonl", TRAIN)
    done = run(*(arg.replace("{train}", str(train)) for arg in args), folder=tmp_path)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
    assert run("index", "list", folder=tmp_path).returncode == 0


def test_a_preset_needs_its_n_grams(tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", TRAIN)
    path = tmp_path / "evals.prepidx"
    one = write(tmp_path / "herons.jsonl", [{"question": RIDDLE, "answer": "9"}])
    assert run("index", "build", path, one, folder=tmp_path).returncode == 0
    report = prepdata.validate(
        train, index=[str(path)], select=["LEAK004"], rules={"LEAK004": {"preset": "gpt3"}}, tokens=False, jobs=1
    )
    assert not len(report) and "--gram 13" in report.not_run[0].needs


def test_fix_drops_the_training_side(tmp_path: Path) -> None:
    train, test = write(tmp_path / "train.jsonl", TRAIN), write(tmp_path / "test.jsonl", HELD_OUT)
    done = run(
        "fix", train, "--unsafe-fixes", "--select", "LEAK", "--eval", test, "--isolated", "--no-tokens", folder=tmp_path
    )
    assert done.returncode in (0, 1), done.stderr
    left = tmp_path / "train.fixed.jsonl"
    assert [json.loads(line) for line in left.read_text().splitlines()] == [TRAIN[0], TRAIN[3], TRAIN[4]]
    assert not [f for f in check(left, eval=[str(test)]) if f.severity == "error"]


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.integers(1, 60), max_size=10))
def test_any_cut_gives_the_same_cover(cuts: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cut")
    test = write(folder / "test.jsonl", HELD_OUT)
    lines = [json.dumps(row).encode() + b"\n" for row in TRAIN * 12]
    rule = find("near-eval-overlap")
    with references(Settings(eval=(str(test),), cache=False)) as known:
        plan = plan_of(Settings(tokens=False), Selection((rule,), frozenset()), (), 0, given=known)
        mapper = Mapper(plan)
        reference = mapper.corpus[0].given[0].path  # type: ignore[attr-defined]

        def covered(borders: list[int]) -> Any:
            results = []
            for start, end in pairwise([0, *sorted(set(borders)), len(lines)]):
                raw = RawChunk(b"".join(lines[start:end]), None, end - start, None, 0)
                results.append(decode_result(encode_result(mapper.map(raw, "openai")) or b""))
            file, row, parts = FileRun("data.jsonl", 0, 0, True, results, []), 0, []
            for result in file.results:
                parts.append((row, result.parts["rule:near-eval-overlap"][0]))
                row += result.rows
            from prepdata.index.reference import open_reference

            gathered = gather(parts)
            found = cover(gathered, open_reference(reference), row)
            return gathered.rows, [column.tolist() for column in found]

        assert covered([cut for cut in cuts if cut < len(lines)]) == covered([])


def test_an_index_is_kept_for_the_same_bytes_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = write(tmp_path / "train.jsonl", TRAIN), write(tmp_path / "test.jsonl", HELD_OUT)
    made: list[str] = []
    read = prepdata.references._read

    def counted(found: Any, settings: Settings) -> Any:
        made.append("")
        return read(found, settings)

    monkeypatch.setattr(prepdata.references, "_read", counted)
    monkeypatch.setattr(prepdata.references, "code_version", lambda: "1")

    def found(**options: Any) -> list[int | None]:
        options = {"cache": True, "cache_dir": str(tmp_path / "cache"), "eval": [str(test)], **options}
        return [f.line for f in prepdata.validate(train, select=["LEAK001"], tokens=False, jobs=1, **options)]

    first = found()
    assert first and found() == first and len(made) == 1
    assert found(columns={"prompt": "elsewhere"}) == first and len(made) == 2, "settings count"
    assert found(cache=False) == first and len(made) == 3
    write(test, [*HELD_OUT[:1], {**HELD_OUT[1], "note": "new"}, *HELD_OUT[2:]])
    assert found() == first and len(made) == 4, "other bytes are another file"
    kept = next((tmp_path / "cache").glob("*.prepidx"))
    for path in (tmp_path / "cache").glob("*.prepidx"):
        path.write_bytes(b"damaged")
    assert found() == first and len(made) == 5 and kept.exists(), "a damaged one is made again"


def test_a_file_that_is_named_on_both_sides_is_refused(tmp_path: Path) -> None:
    """It would be held against nothing, and the report would say that no item is among the rows."""
    write(tmp_path / "train.jsonl", TRAIN)
    (tmp_path / "link.jsonl").symlink_to("train.jsonl")
    for command in ("validate", "fix"):
        for data, evaluation in (("train.jsonl", "train.jsonl"), ("link.jsonl", "train.jsonl")):
            made = run(command, tmp_path / data, "--eval", tmp_path / evaluation, folder=tmp_path)
            assert made.returncode == 2 and f"{data} is to be checked and is named by --eval" in made.stderr
    copy = write(tmp_path / "copy.jsonl", TRAIN)
    assert {f.line for f in check(tmp_path / "train.jsonl", eval=[str(copy)])} == {1, 2, 3, 4, 5}


def test_an_evaluation_file_of_the_configuration_that_is_checked_itself_is_told(tmp_path: Path) -> None:
    """A hook may check all files with one configuration: that is no mistake, and must not look like a clean bill."""
    write(tmp_path / "train.jsonl", TRAIN)
    test = write(tmp_path / "test.jsonl", HELD_OUT)
    (tmp_path / "prepdata.toml").write_text(f"eval = [{str(test)!r}]\n")
    (tmp_path / "link.jsonl").symlink_to("test.jsonl")
    for words, told in (
        (["test.jsonl"], ["test.jsonl"]), (["train.jsonl", "link.jsonl"], ["link.jsonl"]), (["train.jsonl"], []), ([""], []),
    ):  # fmt: skip
        paths = [tmp_path / word for word in words]
        made = run("validate", *paths, "--config", tmp_path / "prepdata.toml", folder=tmp_path)
        notes = [line for line in made.stdout.splitlines() if "were not held against themselves" in line]
        assert notes == [
            f"note: {tmp_path / name} is an evaluation file too (setting eval): its rows were not held against themselves"
            for name in told
        ]
