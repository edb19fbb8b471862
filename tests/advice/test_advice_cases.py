"""The written cases: what an experienced engineer would say; the rules are held to them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from advice_cases import CASES, read

from prepdata.advice.answers import checked
from prepdata.advice.decide import decide
from prepdata.advice.facts import facts_of
from prepdata.advice.model import guide
from prepdata.advice.report import advise


def traced(rules, facts):
    """Return the answers and measurements that fired rules go back to."""
    return {root for rule in rules for condition in rule.when for root in facts[condition.field].roots}


def test_there_are_thirty_and_more():
    assert len(CASES) >= 32


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_case(path):
    case, facts = read(path)
    decision = decide(guide(), facts)
    assert (decision.way or "undecided") == case["verdict"]
    ruled_out = {way for rule in decision.fired for way in rule.rules_out}
    assert set(case.get("out", [])) <= ruled_out
    assert set(case.get("because", [])) <= traced(decision.fired, facts)
    assert set(case.get("missing", [])) <= set(decision.missing)
    if "open" in case:
        assert decision.open == case["open"]
    assert [c.between for c in decision.conflicts] == case.get("conflicts", [])
    told = advise(checked(case["answers"]))
    assert case.get("summary", "") in told.summary
    assert "reason" not in case or any(case["reason"] in reason.because for reason in told.reasons)
    assert any(case.get("step", "") in step.purpose for step in told.steps) or "step" not in case


PUBLISHED = tomllib.loads((Path(__file__).parent / "published.toml").read_text())["cases"]


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["where"].split(",")[0])
def test_published_advice(case):
    """Texts of others, found after the rules were written."""
    decision = decide(guide(), facts_of(checked(case["answers"]), None))
    assert decision.way == case["verdict"]
