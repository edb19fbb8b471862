"""Evaluation: every row asked once, whatever ends the run; results from answers; prompts that are put before."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from chat_server import served

from prepdata.errors import InputError, UsageError
from trainers import record_files as records
from trainers.baseline import held_against
from trainers.evaluate import Asked, aggregate, evaluate, usual_scorers
from trainers.generate import Options, open_backend
from trainers.latency import latency_of
from trainers.notes import notes
from trainers.prompting import Prompting, read_prompting
from trainers.record import Evaluation, SampleResult, differences
from trainers.scorers import Score, find_all
from trainers.testset import read_rows

ROOT = Path(__file__).parent.parent.parent


def row(question: str, answer: str = "", **marks: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer or question}]
    return {"messages": turns, **marks}


def write_rows(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def faulty() -> Iterator[str]:
    yield from served("faulty")


def asked(
    folder: Path, rows: list[dict[str, Any]], *, prompting: Prompting | None = None, scorers: Any = None
) -> Asked:
    held = read_rows(write_rows(folder / "test.jsonl", rows))
    return Asked(held, None, prompting or Prompting(), find_all(scorers or usual_scorers(held.rows)))


def run(url: str, what: Asked, output: Path, **changes: Any) -> Evaluation:
    options = {"retries": 0, "timeout": 10.0, "model_name": "tiny", "batch_size": 1}
    allow = changes.pop("allow_errors", False)
    backend = open_backend(url, Options(**{**options, **changes}))
    return evaluate(backend, what, output, kind="base", allow_errors=allow)


def counts(url: str) -> dict[str, int]:
    with urllib.request.urlopen(url + "/asked") as answer:
        return dict(json.loads(answer.read()))


def test_results_are_worked_out_from_the_answers(faulty: str, tmp_path: Path) -> None:
    rows = [row("same", id="a"), row("other", "not that", id="b"), row("400", id="c"), row("long", id="d")]
    record = run(faulty, asked(tmp_path, rows), tmp_path / "base.json")
    found = record.results["test"]
    assert found["exact_match"].value == 0.5 and found["exact_match"].n in (3, 4)
    assert found["error_rate"].value == 0.25
    assert found["stop_rate"].value == pytest.approx(2 / 3)
    assert found["stop_rate"].not_applicable == 1
    assert found["error_rate"].method == "wilson"
    assert record.higher_is_better["error_rate"] is False
    assert record.n_samples == {"test": {"original": 4, "effective": 4}}
    read = records.read(tmp_path / "base.json")
    assert read == record
    samples = records.read_samples(tmp_path / "base.json", read)
    assert [(s.doc_id, s.output, s.finish_reason) for s in samples] == [
        ("a", "same", "stopped"), ("b", "other", "stopped"), ("c", "", "error"), ("d", "long", "cut"),
    ]  # fmt: skip
    assert samples[0].scores["exact_match"].value == 1.0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["base.json", "base.samples.jsonl", "test.jsonl"]


def test_the_files_are_as_their_schemas_say(faulty: str, tmp_path: Path) -> None:
    run(faulty, asked(tmp_path, [row("same"), row("calls", "x")]), tmp_path / "base.json")
    schema = json.loads((ROOT / "schemas" / "evaluation.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads((tmp_path / "base.json").read_text()))
    schema = json.loads((ROOT / "schemas" / "sample.schema.json").read_text())
    for line in (tmp_path / "base.samples.jsonl").read_text().splitlines():
        jsonschema.Draft202012Validator(schema).validate(json.loads(line))


def test_rows_without_an_answer_are_left_for_another_start(faulty: str, tmp_path: Path) -> None:
    what = asked(tmp_path, [row("first of two"), row("once 500 again"), row("last of two")])
    what_again = asked(tmp_path, [row("first of two"), row("once 503"), row("last of two")])
    assert what.data != what_again.data
    with pytest.raises(InputError, match=r"1 of 3 rows got no answer .*HTTP 503.*2 answers are kept"):
        run(faulty, what_again, tmp_path / "base.json")
    assert not (tmp_path / "base.json").exists()
    with pytest.raises(UsageError, match="holds 2 answers of a run that was not finished"):
        run(faulty, what, tmp_path / "base.json")
    record = run(faulty, what_again, tmp_path / "base.json")
    assert record.results["test"]["error_rate"].value == 0.0
    assert {text: counts(faulty)[text] for text in ("first of two", "once 503", "last of two")} == {
        "first of two": 1, "once 503": 2, "last of two": 1,
    }  # fmt: skip


def test_errors_are_recorded_where_they_are_allowed(faulty: str, tmp_path: Path) -> None:
    record = run(faulty, asked(tmp_path, [row("fine"), row("500")]), tmp_path / "base.json", allow_errors=True)
    assert record.results["test"]["error_rate"].value == 0.5


def test_a_record_without_any_answer_is_none(faulty: str, tmp_path: Path) -> None:
    what = asked(tmp_path, [row("400"), row("400", id="other")])
    with pytest.raises(InputError, match=r"none of 2 rows got an answer .*HTTP 400"):
        run(faulty, what, tmp_path / "base.json")
    assert [p.name for p in tmp_path.iterdir()] == ["test.jsonl"]


def test_a_dead_endpoint_is_left_after_three_rows(faulty: str, tmp_path: Path) -> None:
    rows = [row("well"), *(row("500", id=str(n)) for n in range(3)), row("never asked")]
    with pytest.raises(InputError, match="3 of 5 rows got no answer"):
        run(faulty, asked(tmp_path, rows), tmp_path / "base.json", allow_errors=True)
    assert "never asked" not in counts(faulty)


def start(folder: Path, model: str, *more: str) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([str(ROOT), *sys.path])
    command = [sys.executable, "-m", "prepdata", "baseline", "--model", model, "--test", "test.jsonl", "--output"]
    return subprocess.Popen([*command, "base.json", *more], cwd=folder, env={**os.environ, "PYTHONPATH": paths},
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip


def killed(folder: Path, model: str, *more: str) -> list[str]:
    """Start a baseline, end it by SIGKILL when some rows are done; return the ids of these."""
    process = start(folder, model, *more)
    journal = folder / "base.unfinished.jsonl"
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        if journal.exists() and journal.read_bytes().count(b"\n") > 3:
            break
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = [json.loads(line)["doc_id"] for line in journal.read_bytes().split(b"\n")[1:-1]]
    assert done
    assert not (folder / "base.json").exists()
    return done


def test_after_a_kill_no_finished_row_is_asked_again(faulty: str, tmp_path: Path) -> None:
    rows = [row(f"slow question {n}", id=f"row {n}") for n in range(8)]
    write_rows(tmp_path / "test.jsonl", rows)
    more = ("--model-name", "tiny", "--batch-size", "1")
    done = killed(tmp_path, faulty, *more)
    assert len(done) < len(rows)
    assert start(tmp_path, faulty, *more).communicate()[1].startswith(b"written: base.json")
    found = counts(faulty)
    assert all(found[f"slow question {name.split()[1]}"] == 1 for name in done)
    assert sum(found[row["messages"][0]["content"]] for row in rows) <= len(rows) + 1  # the one in flight
    record = records.read(tmp_path / "base.json")
    samples = records.read_samples(tmp_path / "base.json", record)
    assert [sample.doc_id for sample in samples] == [row["id"] for row in rows]
    assert record.results["test"]["exact_match"].value == 1.0
    assert not (tmp_path / "base.unfinished.jsonl").exists()


def test_after_a_kill_a_local_model_gives_what_it_would_have_given(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from random_lm import write_random_model

    folder = write_random_model(tmp_path / "tiny", context=600)
    rows = [row(f"Question {n}?", "x", id=str(n)) for n in range(24)]
    for name in ("once", "twice"):
        (tmp_path / name).mkdir()
        write_rows(tmp_path / name / "test.jsonl", rows)
    more = ("--batch-size", "1", "--max-new-tokens", "300", "--threads", "1")
    process = start(tmp_path / "once", str(folder), *more)
    assert process.communicate() and process.returncode == 0
    killed(tmp_path / "twice", str(folder), *more)
    process = start(tmp_path / "twice", str(folder), *more)
    assert process.communicate() and process.returncode == 0
    found = []
    for name in ("once", "twice"):
        record = records.read(tmp_path / name / "base.json")
        samples = records.read_samples(tmp_path / name / "base.json", record)
        found.append(
            ([(s.doc_id, s.resps, s.tokens, s.scores) for s in samples], record.results, record.loss, record.model)
        )
    assert found[0] == found[1]


def test_a_line_that_was_not_finished_counts_as_not_there(faulty: str, tmp_path: Path) -> None:
    what = asked(tmp_path, [row("torn one"), row("500")])
    with pytest.raises(InputError):
        run(faulty, what, tmp_path / "base.json")
    journal = tmp_path / "base.unfinished.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-20])
    record = run(faulty, what, tmp_path / "base.json", allow_errors=True)
    assert record.n_samples["test"]["effective"] == 2
    assert counts(faulty)["torn one"] == 2
    journal.write_bytes(whole[:40] + b"\n" + whole[40:])
    with pytest.raises(InputError, match="damaged"):
        run(faulty, what, tmp_path / "base.json")


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    from trainers.journal import Journal

    with (
        Journal(tmp_path / "x.unfinished.jsonl", "key"),
        pytest.raises(UsageError, match="another process"),
    ):
        Journal(tmp_path / "x.unfinished.jsonl", "key")


def test_a_better_prompt_is_an_arm_of_its_own(faulty: str, tmp_path: Path) -> None:
    (tmp_path / "system.txt").write_text("Be brief.\n")
    write_rows(tmp_path / "shots.jsonl", [row("2+2?", "4"), row("3+3?", "6"), row("4+4?", "8")])
    rows = [{"messages": [{"role": "system", "content": "old"}, *row("5+5?", "10")["messages"]]}]
    held = asked(tmp_path, rows).test
    system, shots = str(tmp_path / "system.txt"), str(tmp_path / "shots.jsonl")
    prompting = read_prompting(system, shots, 2, held.rows, _settings())
    turns = [(turn["role"], turn["content"]) for turn in prompting.prompt(held.rows[0]).messages]
    assert turns == [
        ("system", "Be brief."), ("user", "2+2?"), ("assistant", "4"), ("user", "3+3?"), ("assistant", "6"),
        ("user", "5+5?"),
    ]  # fmt: skip
    without = read_prompting(None, shots, 1, held.rows, _settings())
    assert [turn["content"] for turn in without.prompt(held.rows[0]).messages] == ["old", "2+2?", "4", "5+5?"]
    record = run(faulty, asked(tmp_path, rows, prompting=prompting), tmp_path / "prompted.json")
    assert record.arm.few_shot == 2 and record.arm.system_prompt
    base = run(faulty, asked(tmp_path, rows), tmp_path / "base.json")
    assert differences(base, record) == []
    assert record.arm != base.arm


def _settings() -> Any:
    from prepdata.settings import Settings

    return Settings()


def test_examples_are_no_held_out_rows(tmp_path: Path) -> None:
    held = asked(tmp_path, [row("5+5?", "10")]).test
    shots = str(write_rows(tmp_path / "shots.jsonl", [row("2+2?", "4"), row("5+5?", "ten")]))
    with pytest.raises(UsageError, match="must not be a held-out row"):
        read_prompting(None, shots, None, held.rows, _settings())
    assert len(read_prompting(None, shots, 1, held.rows, _settings()).examples) == 1
    with pytest.raises(UsageError, match="only 2 rows"):
        read_prompting(None, shots, 3, held.rows, _settings())
    with pytest.raises(UsageError, match="give that file"):
        read_prompting(None, None, 3, held.rows, _settings())
    (tmp_path / "blank.txt").write_text(" \n")
    with pytest.raises(UsageError, match="is empty"):
        read_prompting(str(tmp_path / "blank.txt"), None, None, held.rows, _settings())


def test_nothing_is_asked_that_could_not_be_compared(faulty: str, tmp_path: Path) -> None:
    run(faulty, asked(tmp_path, [row("compared")]), tmp_path / "base.json")
    _, check = held_against(tmp_path / "base.json")
    backend = open_backend(faulty, Options(model_name="tiny", batch_size=1, max_new_tokens=7))
    what = asked(tmp_path, [row("not compared")])
    with pytest.raises(UsageError) as caught:
        evaluate(backend, what, tmp_path / "tuned.json", kind="tuned", check=check)
    assert "data.test.hash" in str(caught.value)
    assert "decoding.max_new_tokens: 512 there, 7 here" in str(caught.value)
    assert "not compared" not in counts(faulty)


def test_scorers_follow_what_rows_expect(tmp_path: Path) -> None:
    plain = asked(tmp_path, [row("a")]).test.rows
    assert usual_scorers(plain) == ("exact_match", "normalized_match", "stop_rate")
    marked = asked(tmp_path, [row("a", scorer={"name": "regex", "pattern": "a"}, schema={}, facts=["x"])]).test.rows
    assert usual_scorers([*marked, *plain]) == (
        "exact_match", "normalized_match", "regex", "json_schema", "ungrounded_value_rate", "stop_rate",
    )  # fmt: skip
    assert usual_scorers(marked) == ("regex", "json_schema", "ungrounded_value_rate", "stop_rate")


def noted(folder: Path, **changes: Any) -> list[str]:
    record = records.read(folder / "base.json")
    return list(notes(msgspec.structs.replace(record, **changes), records.read_samples(folder / "base.json", record)))


def test_a_row_whose_mark_cannot_be_used_is_told_and_the_others_are_scored(faulty: str, tmp_path: Path) -> None:
    rows = [
        row("fine", id="a", scorer={"name": "regex", "pattern": "^f"}),
        row("slow", id="b", scorer={"name": "regex", "pattern": "(a+)+$" * 9}),
        row("schema", id="c", schema="none"),
        row("plain", id="d"),
    ]
    record = run(faulty, asked(tmp_path, rows), tmp_path / "base.json")
    assert record.scorers[0].name == "exact_match" and record.results["test"]["exact_match"].n == 4
    of_pattern, of_schema = noted(tmp_path)
    assert of_pattern.startswith("regex: 1 row asked for it and got no score (row b: ")
    assert of_schema.startswith("json_schema: 1 row asked for it and got no score (row c: the schema of the row is no")


def test_answers_that_tell_nothing_are_noted(faulty: str, tmp_path: Path) -> None:
    run(faulty, asked(tmp_path, [row("long", id="a"), row("long", id="b"), row("x")]), tmp_path / "base.json")
    (cut,) = noted(tmp_path)
    assert cut.startswith("2 of 3 answers were cut at --max-new-tokens 512: scores tell of that limit")
    (tuned, _) = noted(tmp_path, kind="tuned")
    assert tuned.startswith("no adapter and no run is named: nothing tells that this model was tuned")
    (tmp_path / "empty").mkdir()
    run(faulty, asked(tmp_path / "empty", [row("empty"), row("empty", id="b")]), tmp_path / "empty" / "base.json")
    assert noted(tmp_path / "empty") == [
        "all 2 answers are empty: look at the model, its chat template or the endpoint"
    ]


def test_rows_that_were_not_asked_are_counted(faulty: str, tmp_path: Path) -> None:
    rows = [row("ask first"), *(row("500", id=f"r{n}") for n in range(5))]
    with pytest.raises(InputError, match=r"3 of 6 rows got no answer .*\), and 2 were not asked\. 1 answers are kept"):
        run(faulty, asked(tmp_path, rows), tmp_path / "base.json")


def test_a_damaged_line_of_answers_is_named(faulty: str, tmp_path: Path) -> None:
    what = asked(tmp_path, [row("kept one"), row("kept two"), row("500")])
    with pytest.raises(InputError, match="2 answers are kept"):
        run(faulty, what, tmp_path / "base.json")
    journal = tmp_path / "base.unfinished.jsonl"
    lines = journal.read_text().splitlines()
    journal.write_text("\n".join([*lines[:2], "{oops", ""]))
    with pytest.raises(InputError, match=r"base\.unfinished\.jsonl:3: damaged \((?!.*line 1)"):
        run(faulty, what, tmp_path / "base.json")


def test_intervals() -> None:
    passed = [Score(1.0)] * 3 + [Score(0.0)] * 7 + [Score(None)]
    found = aggregate(passed, [""] * 11)
    assert (found.n, found.not_applicable, found.method) == (10, 1, "wilson")
    assert (found.value, round(found.low or 0, 3), round(found.high or 0, 3)) == (0.3, 0.108, 0.603)  # Wilson 1927
    together = aggregate(passed, ["g"] * 5 + ["h"] * 5 + [""])
    assert together.method == "bootstrap" and together.low is not None and together.high is not None
    assert together.high - together.low > 0.2
    assert aggregate([Score(None)], [""]).value is None
    assert aggregate([Score(0.25), Score(0.75)], ["", ""]).method == "bootstrap"


def test_latency_of_single_answers_and_batches() -> None:
    def sample(seconds: float, tokens: int | None, batch: int = 1, reason: str = "stopped") -> SampleResult:
        return SampleResult(
            doc_id="x", set="test", doc_hash="0" * 64, prompt_hash="0" * 64, target_hash="0" * 64, messages=(), target="",
            resps=(("x",),), tokens=tokens, finish_reason=reason, seconds=seconds, batch=batch,
        )  # type: ignore[arg-type]  # fmt: skip

    found = latency_of([sample(n / 10, 9) for n in range(1, 21)])
    assert found is not None and found.ms_per_token is not None
    assert (found.p50, found.p95, found.n) == (1.0, 1.9, 20)
    assert found.ms_per_token == pytest.approx(1000 * 21.0 / 200)
    batch = latency_of([sample(1.0, 4, 2, "cut"), sample(1.0, 6, 2, "cut")])
    assert batch is not None and batch.ms_per_token == pytest.approx(100.0)
    unknown = latency_of([sample(1.0, None)])
    assert unknown is not None and unknown.ms_per_token is None
    assert latency_of([sample(1.0, 0, reason="error")]) is None
