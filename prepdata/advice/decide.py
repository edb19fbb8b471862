"""Rules held against facts. What is not known is neither true nor false, so nothing is guessed. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from prepdata.advice.facts import Fact
from prepdata.advice.model import Condition, Conflict, Guide, Rule, Way

Facts = dict[str, Fact]


class Decision(NamedTuple):
    """What the rules say.

    Args:
        way: the advice; None where it hangs on a question, or answers exclude each other.
        fired: rules whose conditions all hold.
        open: the ways that are still possible, where the advice hangs on a question.
        missing: the questions it hangs on: those of the first of these ways.
        later: the questions it may hang on besides, should that way fall out. No others are needed for a verdict.
        conflicts: answers that exclude each other.
    """

    way: Way | None
    fired: list[Rule]
    open: list[Way]
    missing: list[str]
    later: list[str]
    conflicts: list[Conflict]


def holds(condition: Condition, facts: Facts) -> bool | None:
    """Return whether a condition holds; None where its field is not known.

    Raises:
        KeyError: there is no such field.
    """
    value, wanted = facts[condition.field].value, condition.value
    return None if value is None else _compare(condition.op, value, wanted)


def _compare(op: str, value: Any, wanted: Any) -> bool:
    if op == "is":
        return bool(value == wanted)
    if op == "in":
        return value in wanted
    if op == "has-any":
        return bool({*value} & {*wanted})
    return bool(
        value > wanted
        if op == "over"
        else value >= wanted
        if op == "at-least"
        else value < wanted
        if op == "below"
        else value <= wanted
    )


def all_hold(conditions: Sequence[Condition], facts: Facts) -> bool | None:
    """Return whether all conditions hold: False as soon as one does not, None where it hangs on what is not known."""
    found = [holds(condition, facts) for condition in conditions]
    return False if False in found else None if None in found else True


def unknown(conditions: Sequence[Condition], facts: Facts) -> list[str]:
    """Return the questions without an answer that conditions hang on."""
    return [
        root
        for condition in conditions
        if holds(condition, facts) is None
        for root in facts[condition.field].roots
        if root in facts and facts[root].value is None
    ]


def decide(guide: Guide, facts: Facts) -> Decision:
    """Return the first way that no rule rules out, or the questions on which that hangs."""
    state = [(rule, all_hold(rule.when, facts)) for rule in guide.rules]
    fired = [rule for rule, true in state if true]
    conflicts = [conflict for conflict in guide.conflicts if all_hold(conflict.when, facts)]
    possible: list[Way] = []
    missing: list[str] = []
    later: dict[str, None] = {}
    for way in guide.ways:
        if any(way in rule.rules_out for rule in fired):
            continue
        possible.append(way)
        maybe = [rule for rule, true in state if true is None and way in rule.rules_out]
        if not maybe:
            break
        asked = dict.fromkeys(name for rule in maybe for name in unknown(rule.when, facts))
        if len(possible) == 1:
            missing = list(asked)
        later.update(asked)
    decided = len(possible) == 1 and not missing and not conflicts
    return Decision(
        way=possible[0] if decided else None,
        fired=fired,
        open=[] if decided else possible,
        missing=missing,
        later=[name for name in later if name not in missing] if not decided else [],
        conflicts=conflicts,
    )
