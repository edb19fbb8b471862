"""The benchmarks of training and scoring: what they make, what they print. No figure of speed is judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import scoring, training
from benchmarks.training_models import SPECIAL, Shape, write_model, write_rows

MIB = 2**20
PLAN = {"memory": {"low": 80 * MIB, "likely": 100 * MIB, "high": 120 * MIB}, "libraries": 500 * MIB}


def turn(peak: int, seconds: float, plain: float) -> training.Measured:
    times = {"low": 5.0, "likely": 10.0, "high": 20.0}
    outcome = {"peak_memory": peak * MIB, "seconds": seconds, "tokens_per_second": 50.0}
    return training.Measured({**PLAN, "seconds": times}, outcome, {"tokens_per_second": plain, "peak": 700 * MIB})


def test_a_line_has_medians_and_ratios_of_each_turn() -> None:
    found = training.line("run", [turn(610, 9.0, 50), turn(600, 12.0, 25), turn(590, 10.0, 100)])
    assert found == (
        "| run | 100 (80 to 120) | 100 | 1.00 (0.90 to 1.10) | 500 | 10.0 | 10.0 | 1.00 (0.90 to 1.20) "
        "| 50 | 50 | 1.00 (0.50 to 2.00) | 700 |"
    )
    alone = turn(600, 12.0, 1)._replace(plain={}, plan={**PLAN, "seconds": None})
    assert training.line("run", [alone]) == "| run | 100 (80 to 120) | 100 | 1.00 | 500 | - | 12.0 | - | 50 |  |  |  |"
    assert training.HEAD.count("|", 0, training.HEAD.index("\n")) == found.count("|")


def test_models_and_rows_are_what_was_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = write_model(tmp_path / "model", Shape(64, 128, 2, 300, 4, 2))
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    assert sum(one.numel() for one in model.parameters()) == 300 * 64 + 2 * (64 * 64 * 3 + 64 * 128 * 3 + 128) + 64
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert tokenizer.convert_tokens_to_ids(list(SPECIAL)) == [256, 257, 258]
    rows = [json.loads(line) for line in write_rows(tmp_path / "rows.jsonl", 50, (60, 120), 1).open()]
    lengths = [len(tokenizer.apply_chat_template(row["messages"], return_dict=False)) for row in rows]
    assert min(lengths) < 75 and max(lengths) > 105 and all(45 < length < 135 for length in lengths)


def test_cases_have_several_sizes_and_methods() -> None:
    cases = list(training.CASES.values())
    assert len(cases) >= 5 and len({case.shape for case in cases}) >= 5
    assert {case.settings.get("quantization", "none") for case in cases} == {"none", "nf4"}
    assert {case.settings.get("gradient_checkpointing", True) for case in cases} == {True, False}
    gpu = training.gpu_cases(training.LLAMA_8B)
    assert len(gpu) == 2 and all(case.settings["dtype"] == "bfloat16" for case in gpu.values())


def test_steps_of_scoring_are_timed(tmp_path: Path) -> None:
    found = scoring.timed(40, ["exact_match", "ungrounded_value_rate"], 1, tmp_path, grouped=True)
    assert [one.name for one in found if one.name.startswith("score")] == [
        "score: exact_match", "score: ungrounded_value_rate"
    ]  # fmt: skip
    assert {one.rows for one in found} == {40} and all(one.peak > 0 for one in found)
    held = json.loads((tmp_path / "run.json").read_text())["results"]["test"]["exact_match"]
    assert 0.6 < held["value"] < 1
