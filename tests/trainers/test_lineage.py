"""Baselines that are older than the training, unchanged, and the ones it was started with; test files that were
checked for leaks; what is said of forgetting and of answers learnt by heart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from records_made import measured, samples, sha

from prepdata.errors import UsageError
from trainers.compare import Comparison, Measured, compare
from trainers.gate import Gate
from trainers.lineage import check_held_out
from trainers.record import Copied, Data, DataInfo, Memorised, Training

FILES = {"train": sha("train"), "test": sha("test")}
BEGAN = "2026-11-29T11:00:00+00:00"


@pytest.fixture
def sides(tmp_path: Path) -> Any:
    """Return a function that writes a baseline of 10:00 and a run of 12:00 whose training says what is given."""

    def made(*, named: bool = True, base: dict[str, Any] | None = None, **training: Any) -> tuple[Measured, Measured]:
        held = samples({"exact_match": [1.0] * 30 + [0.0] * 70}) + samples({"exact_match": [1.0] * 60}, "retention")
        better = samples({"exact_match": [1.0] * 60 + [0.0] * 40}) + samples(
            {"exact_match": [1.0] * training.pop("kept", 60) + [0.0] * training.pop("lost", 0)}, "retention"
        )
        baseline = measured(tmp_path / "baseline.json", held, **(base or {}))
        more = {name: training.pop(name) for name in ("memorised", "kind") if name in training}
        told = {"run": sha("run"), "created": BEGAN, "baseline": baseline.record.sha256, "files": FILES, **training}
        given = {"kind": "tuned", "created": "2026-11-29T12:00:00Z", "training": Training(**told) if named else None}
        return baseline, measured(tmp_path / "run.json", better, **{**given, **more})

    return made


def compared(sides: tuple[Measured, Measured], **more: Any) -> Comparison:
    return compare(*sides, Gate(primary="exact_match"), **more)


USUAL = (
    "ungrounded values were not looked at: the scorer ungrounded_value_rate was not used",
    (
        "times: each model was timed by itself, so load on the machine may tell here; evaluate the run with "
        "--latency-rows, which times both in turns"
    ),
)


def test_a_baseline_that_the_run_was_started_with_needs_no_word(sides: Any) -> None:
    assert compared(sides()).notes == USUAL


def test_another_baseline_is_refused(sides: Any) -> None:
    with pytest.raises(
        UsageError, match=f"started with the baseline {sha('other')[:12]} at .*--other-baseline"
    ) as told:
        compared(sides(baseline=sha("other")))
    assert "recorded at 2026-11-29T10:00:00Z" in str(told.value)
    found = compared(sides(baseline=sha("other")), other_baseline=True)
    assert found.passed and found.notes[0].startswith("another baseline than the run was started with")


def test_a_baseline_that_was_recorded_anew_is_said_to_be_younger(sides: Any) -> None:
    anew = sides(baseline=sha("other"), base={"created": "2026-11-29T11:30:00Z"})
    with pytest.raises(UsageError):
        compared(anew)
    assert "recorded after the training began" in compared(anew, other_baseline=True).notes[1]


@pytest.mark.parametrize("kind", ["prompted", "tuned"])
def test_other_arms_are_no_baseline_of_the_run(sides: Any, kind: str) -> None:
    assert compared(sides(baseline=sha("other"), base={"kind": kind})).notes == USUAL


@pytest.mark.parametrize(
    ("recorded", "first", "said"),
    [
        ("2026-11-29T10:00:00Z", None, "older than its first step by the clock alone"),
        ("2026-11-29T11:30:00Z", None, "the baseline was recorded after the training began"),
        ("2026-11-29T11:00:30Z", "2026-11-29T11:01:00+00:00", "by the clock alone"),
        ("2026-11-29T12:00:30+01:00", "2026-11-29T11:00:00+00:00", "after the training began"),
        ("2026-11-29T11:30:00+01:00", "2026-11-29T11:00:00+00:00", "by the clock alone"),
    ],
)
def test_a_run_without_a_baseline(sides: Any, recorded: str, first: str | None, said: str) -> None:
    found = compared(sides(baseline=None, first_step=first, base={"created": recorded}))
    assert said in found.notes[0] and found.passed


def test_a_record_that_names_no_training(sides: Any) -> None:
    assert "names no training" in compared(sides(named=False)).notes[0]
    assert compared(sides(named=False, kind="prompted")).notes == USUAL


@pytest.mark.parametrize(
    ("files", "what"),
    [({}, "no test file"), ({"test": sha("x")}, "another test file"), ({"test": None}, "no test file")],
)
def test_a_test_file_that_was_not_checked(sides: Any, files: dict[str, Any], what: str) -> None:
    (note, *_) = compared(sides(files=files)).notes
    assert note.startswith(f"leaks not checked: the training data was held against {what} and not against test.jsonl")


@pytest.mark.parametrize("role", ["train", "replay", "validation"])
def test_a_test_file_that_was_trained_on_is_refused(sides: Any, role: str) -> None:
    with pytest.raises(UsageError, match=f"test.jsonl: this test file is the {role} file of the training"):
        compared(sides(files={**FILES, role: sha("test")}))
    retention = Data(test=info("test.jsonl", "test"), retention=info("kept.jsonl", "kept"))
    with pytest.raises(UsageError, match=f"kept.jsonl: this retention file is the {role} file"):
        check_held_out(retention, training(files={**FILES, role: sha("kept")}))
    check_held_out(retention, training(files={"train": None, "test": sha("test")}))
    check_held_out(retention, None)


def info(name: str, content: str | None) -> DataInfo:
    return DataInfo(path=name, sha256=sha(content) if content else None, rows=1, hash=sha("rows"))


def training(**more: Any) -> Training:
    return Training(run=sha("run"), created=BEGAN, **more)


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "--replay FILE --replay-share 0.25"), (0.25, "try --replay-share 0.5")]
)
def test_more_replay_is_advised_where_something_was_forgotten(sides: Any, share: float, said: str) -> None:
    lost = compared(sides(replay_share=share, kept=30, lost=30))
    assert not lost.passed and said in lost.notes[0]
    assert compared(sides(replay_share=share)).notes == USUAL
    assert "--replay FILE" in compared(sides(named=False, kept=30, lost=30)).notes[0]
    prompted = compared(sides(named=False, kept=30, lost=30, kind="prompted"))
    assert not prompted.passed and prompted.notes == USUAL


def test_answers_learnt_by_heart_are_told(sides: Any) -> None:
    worst = Copied(doc_id="row-7", set="test", row=12, words=21, text="the quick brown fox")
    told = Memorised(answers=160, copied=3, worst=(worst,))
    note = compared(sides(memorised=told)).notes[0]
    assert note.startswith("memorised answers: 3 of 160 repeat a training row where neither")
    assert note.endswith("'row-7' repeats 21 words of row 12: the quick brown fox")
    assert compared(sides(memorised=Memorised(answers=160, copied=0))).notes == USUAL
