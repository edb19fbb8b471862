"""Arms measured end to end: an endpoint that repeats what it reads, and a model of this machine; what is kept, what
fails, what is asked again."""

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

import msgspec
import pytest
from arms_asked import GATE, Words, arm, asked, config, rows, run, write_rows
from chat_server import served

from prepdata.errors import InputError, UsageError
from prepdata.settings import Settings
from trainers import record_files
from trainers.arms.config import ArmsConfig
from trainers.arms.model import ArmsReport
from trainers.arms.run import measure
from trainers.arms.times import TIMES
from trainers.gate import Gate
from trainers.prompting import Prompting
from trainers.record import differences
from trainers.retrieved import question, retrieve
from trainers.testset import read_rows

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    yield from served("faulty")


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainers.timing.MOST_ROUNDS", 3)


# --- all arms --------------------------------------------------------------------------------------------------------


def test_all_arms_of_an_endpoint(echo: str, tmp_path: Path) -> None:
    given = config(tmp_path, echo, tuned=echo, tuned_name="tuned", price_input=1.0, price_output=2.0)
    found = run(given)
    assert [(one.name, one.status, one.asked) for one in found.arms] == [
        (name, "measured", 8) for name in ("base", "prompted", "few-shot", "rag", "tuned", "hybrid")
    ]
    values = {one.name: one.metrics["test"]["contains"].value for one in found.arms}
    assert values == {"base": 0.0, "prompted": 0.0, "few-shot": 0.0, "rag": 1.0, "tuned": 0.0, "hybrid": 1.0}
    assert (found.verdict.arm, found.exit_code, found.rows, found.primary) == ("rag", 0, 8, "contains")
    rag = arm(found, "rag")
    assert rag.against_base is not None and rag.against_base.change.better == 8
    assert rag.retrieval["recall"].value == pytest.approx(7 / 8) and rag.retrieval["recall"].n == 8
    assert rag.cost is not None and rag.cost.said == "tokens in are not known"  # this endpoint does not say
    assert rag.latency is not None and rag.tokens_out is not None and found.timed_rows == 2
    assert [(one.name, one.arms, one.weight_bytes) for one in found.models] == [
        ("tiny", ("base", "prompted", "few-shot", "rag"), None), ("tuned", ("tuned", "hybrid"), None),
    ]  # fmt: skip
    assert msgspec.json.decode((tmp_path / "arms" / "arms.json").read_bytes(), type=ArmsReport) == found


def test_records_say_what_was_shown_and_compare(echo: str, tmp_path: Path) -> None:
    run(config(tmp_path, echo, arms=("base", "rag")))
    base, rag = (record_files.read(tmp_path / "arms" / f"{name}.json") for name in ("base", "rag"))
    assert (base.kind, base.arm.retrieval, rag.kind) == ("base", None, "prompted")
    assert rag.arm.retrieval is not None
    assert (rag.arm.retrieval.fingerprint, rag.arm.retrieval.k) == ("f" * 64, 2)
    assert differences(base, rag) == []
    sample = record_files.read_samples(tmp_path / "arms" / "rag.json", rag)[0]
    assert sample.messages[-1]["content"] == (
        "Context:\n[1] Returns\nThe returns code is returns7.\n\nQuestion: What is the code of returns?"
    )


def test_a_second_call_asks_nothing_and_keeps_times(echo: str, tmp_path: Path) -> None:
    given = config(tmp_path, echo, tuned=echo, tuned_name="tuned")
    first = run(given)
    before, times = asked(echo), (tmp_path / "arms" / TIMES).read_bytes()
    said: list[str] = []
    again = run(given, said=said)
    assert asked(echo) == before
    assert (tmp_path / "arms" / TIMES).read_bytes() == times
    assert [one.asked for one in again.arms] == [0] * 6
    assert said[0] == "base: kept, all 8 rows were asked before"
    assert (again.verdict, [one.sha256 for one in again.arms]) == (first.verdict, [one.sha256 for one in first.arms])


def test_only_what_has_changed_is_asked_again(echo: str, tmp_path: Path) -> None:
    given = config(tmp_path, echo, arms=("prompted", "rag"))
    run(given)
    (tmp_path / "prompt.txt").write_text("Be long.")
    said: list[str] = []
    changed = msgspec.structs.replace(given, k=3)
    found = measure(changed, GATE, say=said.append, opened=lambda _: Words())
    assert [(one.name, one.asked) for one in found.arms if one.status == "measured"] == [
        ("base", 0), ("prompted", 8), ("rag", 8),
    ]  # fmt: skip
    assert "prompted: asked again, since other than before: arm" in said
    assert "rag: asked again, since other than before: arm" in said


# --- arms that fail --------------------------------------------------------------------------------------------------


def test_an_arm_that_fails_says_why_and_the_others_go_on(echo: str, tmp_path: Path) -> None:
    given = config(tmp_path, echo, tuned="http://127.0.0.1:9/v1", tuned_name="x")
    found = run(given, Words(until=3))
    status = {one.name: (one.status, one.reason) for one in found.arms}
    assert status["base"] == status["prompted"] == status["few-shot"] == ("measured", "")
    assert status["rag"][0] == status["hybrid"][0] == "failed"
    assert status["rag"][1].endswith("t.jsonl:4: no passages were found for it: the store is gone")
    assert status["tuned"][0] == "failed" and "no connection" in status["tuned"][1]
    assert (found.verdict.reached, found.exit_code) == (None, 2)
    mended = run(given)  # the store is there again
    assert [one.asked for one in mended.arms if one.status == "measured"] == [0, 0, 0, 8]
    assert mended.verdict.arm == "rag"
    assert mended.verdict.said[-1] == "rag needs no training: it is the best untuned arm as well"


def test_a_store_that_goes_away_while_times_are_taken(echo: str, tmp_path: Path) -> None:
    found = run(config(tmp_path, echo, arms=("rag",)), Words(until=9))
    assert arm(found, "rag").status == "measured" and arm(found, "rag").latency is None
    assert found.notes == ("no times: the store is gone",)
    assert found.verdict.arm == "rag"
    late = run(config(tmp_path, echo, arms=("rag",)), Words(until=9), gate=Gate(primary="contains", latency=0.5))
    assert (late.verdict.reached, late.exit_code) == (None, 2)


def test_nothing_can_be_asked(tmp_path: Path) -> None:
    found = run(config(tmp_path, "http://127.0.0.1:9/v1"))
    assert found.exit_code == 2 and found.rows == 0 and found.models == ()
    with pytest.raises(InputError, match="nothing to ask"):
        run(config(tmp_path, "http://127.0.0.1:9/v1", test=write_rows(tmp_path / "e.jsonl", [])))
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="no folder for the records"):
        run(config(tmp_path, "http://127.0.0.1:9/v1", output=str(tmp_path / "file")))


def test_latency_of_the_gate_is_that_in_turns(echo: str, tmp_path: Path) -> None:
    given = config(tmp_path, echo, tuned=echo, tuned_name="tuned-40", arms=("rag", "tuned", "hybrid"))
    found = run(given, gate=Gate(primary="contains", latency=2.0))
    hybrid = arm(found, "hybrid")
    assert hybrid.passed is False and any(why.startswith("seconds_p95:") for why in hybrid.reasons)
    assert hybrid.seconds is not None and hybrid.seconds > 0.04
    rag = arm(found, "rag")
    assert rag.seconds is not None and rag.seconds < hybrid.seconds


# --- an end by force -------------------------------------------------------------------------------------------------


def test_after_a_kill_no_finished_row_is_asked_again(echo: str, tmp_path: Path) -> None:
    held = rows()
    for number, row in enumerate(held):
        row["messages"][0]["content"] = f"slow killed {number}"
    write_rows(tmp_path / "t.jsonl", held)
    (tmp_path / "prompt.txt").write_text("Be brief.")
    (tmp_path / "arms.toml").write_text(
        f'model = "{echo}"\nmodel-name = "tiny"\ntest = "t.jsonl"\noutput = "arms"\nbatch-size = 1\n'
        'latency-rows = 0\nsystem-prompt = "prompt.txt"\n'
    )
    command = [sys.executable, "-m", "prepdata", "arms", "arms.toml"]
    paths = os.pathsep.join([str(ROOT), *sys.path])
    started = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": paths}, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **started)  # type: ignore[call-overload]
    journal = tmp_path / "arms" / "prompted.unfinished.jsonl"
    until = time.monotonic() + 60
    while time.monotonic() < until and not (journal.exists() and journal.read_bytes().count(b"\n") > 3):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (tmp_path / "arms" / "base.json").exists() and not (tmp_path / "arms" / "prompted.json").exists()
    ended = subprocess.run(command, stdout=subprocess.PIPE, **started)  # type: ignore[call-overload]
    assert ended.returncode == 1, ended.stderr
    assert b"base: kept, all 8 rows were asked before" in ended.stderr
    assert b"prompted: 8 rows asked" not in ended.stderr
    with urllib.request.urlopen(echo + "/asked") as answer:
        counts = json.loads(answer.read())
    times = [counts[f"slow killed {number}"] for number in range(8)]
    assert min(times) == 2 and sum(times) <= 2 * 8 + 1  # the one in flight


# --- a model of this machine -----------------------------------------------------------------------------------------


def test_models_are_loaded_once_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peft = pytest.importorskip("peft")
    transformers = pytest.importorskip("transformers")
    from random_lm import write_random_model

    from trainers.arms import ways

    folder = write_random_model(tmp_path / "model", context=600)
    lora = peft.LoraConfig(r=4, target_modules=["q_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    base = transformers.AutoModelForCausalLM.from_pretrained(folder)
    peft.get_peft_model(base, lora).save_pretrained(tmp_path / "adapter")
    opened = []
    real = ways.open_backend
    monkeypatch.setattr(ways, "open_backend", lambda *given: opened.append(given[0]) or real(*given))
    given = config(
        tmp_path, str(folder), adapter=str(tmp_path / "adapter"), model_name=None, max_new_tokens=8, threads=1,
        price_hour=3.6, latency_rows=2,
    )  # fmt: skip
    found = run(given)
    assert [one.status for one in found.arms] == ["measured"] * 6
    assert len(opened) == 2
    assert [(one.name, len(one.arms)) for one in found.models] == [("model", 4), ("model with its adapter", 2)]
    parameters = sum(p.numel() for p in transformers.AutoModelForCausalLM.from_pretrained(folder).parameters())
    assert [one.weight_bytes for one in found.models] == [4 * parameters] * 2
    tokens = {one.name: one.tokens_in or 0 for one in found.arms}
    assert tokens["base"] < tokens["prompted"] < tokens["few-shot"] and tokens["base"] < tokens["rag"]
    assert tokens["rag"] == tokens["hybrid"]
    for one in found.arms:
        assert one.cost is not None and one.seconds is not None
        assert one.cost.usd_per_thousand == pytest.approx(one.seconds)  # 3.6 USD an hour: 0.001 a second
    assert found.exit_code == 1 and found.rounds >= 3
    records = [record_files.read(tmp_path / "arms" / f"{name}.json") for name in ("base", "rag", "tuned", "hybrid")]
    assert all(record.loss == {} for record in records)  # nothing here reads it, and it takes a pass over every row
    assert [record.kind for record in records] == ["base", "prompted", "tuned", "tuned"]
    assert records[3].arm == records[1].arm and records[3].model.adapter == records[2].model.adapter is not None


def test_without_times_only_one_model_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, echo: str) -> None:
    given = config(tmp_path, echo, tuned=echo, tuned_name="tuned", latency_rows=0)
    held = ways_of(given)
    held.backend("rag")
    held.backend("hybrid")
    assert list(held.backends) == ["tuned"]
    both = ways_of(msgspec.structs.replace(given, latency_rows=2))
    both.backend("rag")
    both.backend("hybrid")
    assert list(both.backends) == ["base", "tuned"]


def ways_of(given: ArmsConfig) -> Any:
    from trainers.arms.ways import Ways

    return Ways(given, (), Settings(), lambda _: Words())


# --- passages in prompts ---------------------------------------------------------------------------------------------


def test_passages_go_into_the_last_turn_of_the_user(tmp_path: Path) -> None:
    turns = [
        {"role": "system", "content": "old"}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "gifts?"}, {"role": "assistant", "content": "gifts7"},
    ]  # fmt: skip
    (row,) = read_rows(write_rows(tmp_path / "t.jsonl", [{"messages": turns}])).rows
    found = retrieve(Words(), [row], 1)
    put = Prompting(retrieved=found).prompt(row).messages
    assert [turn["content"] for turn in put] == [
        "old", "Hi", "Yes?", "Context:\n[1] Gifts\nThe gifts code is gifts7.\n\nQuestion: gifts?",
    ]  # fmt: skip
    with_system = Prompting(system="new", retrieved=found).prompt(row).messages
    assert [turn["role"] for turn in with_system] == ["system", "user", "assistant", "user"]
    assert with_system[0]["content"] == "new"
    assert found.measured([row]) == {}  # it marks no source


def test_a_question_without_passages_stays_as_it_is(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Hm?"}, {"role": "assistant", "content": "?"}]
    (row,) = read_rows(write_rows(tmp_path / "t.jsonl", [{"messages": turns}])).rows
    assert Prompting(retrieved=retrieve(Words(), [row], 3)).prompt(row).messages == row.messages


def test_a_question_that_is_no_text_cannot_be_searched(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "gifts?"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    turns = [{"role": "user", "content": parts}, {"role": "assistant", "content": "gifts7"}]
    (row,) = read_rows(write_rows(tmp_path / "t.jsonl", [{"messages": turns}])).rows
    with pytest.raises(InputError, match=r"t.jsonl:1: its question is no plain text"):
        question(row)


@pytest.mark.parametrize(
    ("marks", "gold"),
    [
        ({"gold": ["a.md", "b.md#2"]}, (("a.md", ""), ("b.md#2", ""))),
        ({"source": "a.md"}, (("a.md", ""),)),
        ({"gold": [], "source": "a.md"}, ()),
        ({"gold": ["1"], "passages": [{"id": "1", "source": "a.md", "text": "x"}]}, (("a.md", ""),)),
        ({"gold": [{"source": "a.md", "text": "two\n words"}]}, (("a.md", "two words"),)),
        ({"meta": {"gold": "a.md"}}, (("a.md", ""),)),
        ({"gold": [None, 3.5, ""]}, ()),
        ({}, ()),
    ],
)
def test_marks_of_sources(tmp_path: Path, marks: dict[str, Any], gold: Any) -> None:
    turns = [{"role": "user", "content": "gifts?"}, {"role": "assistant", "content": "gifts7"}]
    (row,) = read_rows(write_rows(tmp_path / "t.jsonl", [{"messages": turns, **marks}])).rows
    (plain,) = read_rows(write_rows(tmp_path / "t.jsonl", [{"messages": turns}])).rows
    assert row.gold == gold
    assert row.doc_hash == plain.doc_hash  # the marks are no part of what is asked


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_times_that_are_damaged_or_of_other_records_are_taken_anew(echo: str, tmp_path: Path) -> None:
    given = config(tmp_path, echo, arms=("prompted",))
    run(given)
    file = tmp_path / "arms" / TIMES
    whole = file.read_bytes()
    file.write_bytes(whole[:-30])
    assert run(given).timed_rows == 2 and file.read_bytes() != whole[:-30]
    more = run(msgspec.structs.replace(given, latency_rows=3))
    assert more.timed_rows == 3
    held = json.loads(file.read_bytes())
    assert list(held["arms"]) == ["base", "prompted"] and [len(rows) for rows in held["arms"].values()] == [3, 3]


def test_a_record_that_was_changed_is_an_arm_that_failed(echo: str, tmp_path: Path) -> None:
    given = config(tmp_path, echo, arms=("prompted",))
    run(given)
    file = tmp_path / "arms" / "prompted.json"
    text = file.read_text()
    file.write_text(text.replace('"tiny"', '"tina"'))
    found = arm(run(given), "prompted")
    assert found.status == "failed" and "its hash does not fit what it holds" in found.reason
    file.write_text(text)
    assert (arm(run(given), "prompted").status, arm(run(given), "prompted").asked) == ("measured", 0)


def test_answers_of_an_unfinished_run_with_other_settings_are_not_mixed_in(echo: str, tmp_path: Path) -> None:
    held = rows(" mixed")
    held[-1]["messages"][0]["content"] = "500"
    given = config(tmp_path, echo, arms=("prompted",), batch_size=1, test=write_rows(tmp_path / "m.jsonl", held))
    first = run(given)
    assert first.exit_code == 2 and "7 answers are kept" in arm(first, "prompted").reason
    (tmp_path / "prompt.txt").write_text("Be long.")
    again = arm(run(given), "prompted")
    assert again.status == "failed" and "holds 7 answers of a run that was not finished" in again.reason
    (tmp_path / "arms" / "prompted.unfinished.jsonl").unlink()
    assert "7 answers are kept" in arm(run(given), "prompted").reason


def test_examples_that_are_asked_are_refused(echo: str, tmp_path: Path) -> None:
    given = config(tmp_path, echo, arms=("few-shot",), few_shot=write_rows(tmp_path / "s.jsonl", rows()))
    with pytest.raises(UsageError, match="an example must not be a held-out row"):
        run(given)
    assert not [*(tmp_path / "arms").iterdir()]


def test_models_are_looked_at_first_where_an_arm_asks_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="nosuch: no folder of a model"):
        run(config(tmp_path, str(tmp_path / "nosuch")))
    looked: list[str] = []
    monkeypatch.setattr("trainers.arms.check.check_model", lambda path: looked.append(Path(path).name))
    given = config(tmp_path, str(tmp_path / "base"), adapter=str(tmp_path / "gone"), arms=("tuned",))
    with pytest.raises(UsageError, match="gone: no folder of an adapter"):
        run(given)
    assert run(msgspec.structs.replace(given, arms=("base",))).exit_code == 2  # the adapter is not asked for
    run(msgspec.structs.replace(given, adapter=None, tuned=str(tmp_path / "other")))
    assert looked == ["base", "base", "base", "other"]


def test_a_run_without_an_answer_does_not_block_the_next(echo: str, tmp_path: Path) -> None:
    found = run(config(tmp_path, "http://127.0.0.1:9/v1", arms=("base",), latency_rows=0))
    assert arm(found, "base").status == "failed"
    begun = tmp_path / "arms" / "base.unfinished.jsonl"
    begun.write_text('{"layout":1,"run":"another"}\n')  # a head, and no answers
    found = run(config(tmp_path, echo, arms=("base",), latency_rows=0))
    assert (arm(found, "base").status, arm(found, "base").asked) == ("measured", 8) and not begun.exists()


def test_rag_may_have_a_system_prompt_of_its_own(echo: str, tmp_path: Path) -> None:
    (tmp_path / "rag.txt").write_text("Answer from the context.")
    run(config(tmp_path, echo, arms=("rag",), rag_system_prompt=str(tmp_path / "rag.txt")))
    record = record_files.read(tmp_path / "arms" / "rag.json")
    sample = record_files.read_samples(tmp_path / "arms" / "rag.json", record)[0]
    assert [turn["role"] for turn in sample.messages] == ["system", "user"]
    assert sample.messages[0]["content"] == "Answer from the context." and record.arm.system_prompt is not None


def test_the_retention_set_is_a_guard_of_every_arm(echo: str, tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Say gifts"}, {"role": "assistant", "content": "Say gifts"}]
    kept = write_rows(tmp_path / "kept.jsonl", [{"messages": turns, "id": str(n)} for n in range(40)])
    given = config(tmp_path, echo, arms=("rag",), retention=kept, scorers=("contains", "exact_match"))
    gate = Gate(primary="contains", forgetting_metric="exact_match")
    found = arm(run(given, gate=gate), "rag")
    assert found.asked == 48 and found.metrics["retention"]["exact_match"].value == 0.0
    assert found.passed is False and found.reasons[0].startswith("retention/exact_match: worse by 100.0 points")
