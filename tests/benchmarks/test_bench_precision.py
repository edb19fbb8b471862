"""`docs/precision.md` says what is measured now, and what is on by default is right often enough."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.precision import LABELLED, PAGE, REAL_TITLE, judge, lines, own_table
from prepdata.rules.loader import rules

OWN, REAL = PAGE.read_text(encoding="utf-8").split(REAL_TITLE)
LEAST = 0.9


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.heuristic], ids=lambda rule: rule.name)
def test_the_page_says_what_is_measured(rule: Any) -> None:
    tally, _ = judge(rule, lines(LABELLED / f"{rule.name}.jsonl"))
    assert tally.right + tally.missed >= 20 and tally.false + tally.silent >= 20
    assert own_table([(rule, tally)])[-1] in OWN.split("\n")
    assert not rule.default or (tally.precision or 0) >= LEAST


def test_rules_that_are_often_wrong_on_real_rows_are_off() -> None:
    on = {f"{rule.code} {rule.name}" for rule in rules() if rule.default}
    told = [[cell.strip() for cell in line.split("|")] for line in REAL.split("\n") if line.startswith("| ")][1:]
    assert len(told) == len(list((LABELLED / "real").glob("*.jsonl")))
    for name, precision in ((cells[1], cells[-2]) for cells in told):
        assert precision == "-" or float(precision) >= LEAST or name not in on
