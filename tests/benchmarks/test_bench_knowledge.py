"""What the benchmark of `knowledge-heavy` prints, and that its page says the same."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import knowledge
from benchmarks.knowledge import HALVES, Line, judged, own
from prepdata.rules.cov.cov012_knowledge_heavy import Measured

PAGE = Path(__file__).parents[2] / "benchmarks" / "README.md"


@pytest.mark.parametrize("half", HALVES)
def test_the_page_says_what_is_measured(half: str) -> None:
    page = PAGE.read_text(encoding="utf-8").split("\n")
    found = [str(line) for line in own(half)]
    assert len(found) >= 10
    assert [line for line in found if line not in page] == []


@pytest.mark.parametrize(
    ("label", "full", "answers", "said"),
    [("fact", 5, 10, "yes"), ("fact", 4, 10, "no (wrong)"), ("behaviour", 5, 10, "yes (wrong)"),
     ("behaviour", 0, 0, "no")],
)  # fmt: skip
def test_what_a_line_says(label: str, full: int, answers: int, said: str) -> None:
    assert str(Line("a", label, Measured(answers, answers, full, 20, 10, []))).endswith(f"| {said} |")


def test_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "quiz.jsonl"
    rows = [{"prompt": f"Who was number {n}?", "completion": f"Oskar Mb{n}k"} for n in range(7)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert judged(path)[:5] == (7, 7, 7, 7, 7)
    monkeypatch.setattr(sys, "argv", ["knowledge", "--label", "behaviour", str(path)])
    assert knowledge.main() == 0
    assert "| quiz | behaviour | 7 | 100% | 100% | yes (wrong) |" in capsys.readouterr().out
