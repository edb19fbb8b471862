"""How numbers and gates of a comparison are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from records_made import measured, samples

from trainers.compare import compare
from trainers.gate import Gate
from trainers.latency import LatencyChange
from trainers.reporters.words import gate_line, timed


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.00722, "0.00722"), (0.01, "0.0100"), (0.1, "0.100"), (1.0, "1.00"), (12.34, "12.3"), (100.0, "100"),
        (999.7, "1,000"), (1234.5, "1,234"),
    ],
)  # fmt: skip
def test_times_have_three_significant_digits(seconds: float, shown: str) -> None:
    change = LatencyChange(name="seconds_p50", baseline=seconds, run=None, reason="no reason")
    assert timed(change) == f"seconds_p50: {shown} s -> ?, not compared: no reason"


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        (Gate(), "exact_match improved; margins: retention/exact_match 10"),
        (Gate(forgetting=0.5), "exact_match improved; margins: retention/exact_match 50"),
        (Gate(require="not-worse", margin=0.05, alpha=0.1),
         "exact_match not worse by 5 (alpha 0.1); margins: retention/exact_match 10"),
        (Gate(guards={"stop_rate": 0.02}, latency=0.2),
         "exact_match improved; margins: retention/exact_match 10, stop_rate 2, times 20 %"),
    ],
)  # fmt: skip
def test_a_gate_in_one_line(tmp_path: Path, gate: Gate, said: str) -> None:
    rows = [*samples({"exact_match": [1.0] * 20, "stop_rate": [1.0] * 20}),
            *samples({"exact_match": [1.0] * 20}, set="retention")]  # fmt: skip
    sides = measured(tmp_path / "baseline.json", rows), measured(tmp_path / "run.json", rows, kind="tuned")
    assert gate_line(compare(*sides, gate)) == said
