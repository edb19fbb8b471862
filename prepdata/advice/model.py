"""The model of `rules.toml`: ways, rules, conflicts, and where each comes from."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from prepdata.prices.model import Source

Way = Literal["prompt-first", "long-context", "rag", "fine-tuning", "hybrid", "not-enough-data"]
"""What can be advised, the cheapest to build and to undo first."""

Op = Literal["is", "in", "has-any", "over", "at-least", "below", "at-most"]
Value = bool | int | str | list[str]


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One condition: a field held against a value. `has-any` is for fields that hold a list."""

    field: str
    op: Op
    value: Value


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What follows if all conditions hold.

    Args:
        id: its name, in kebab case.
        when: the conditions.
        rules_out, favours: ways it speaks against for good, or for.
        because: the reason, for people.
        source: key of the source.
        summary: the advice in words where this rule speaks for it; empty for the words of the way.
    """

    id: str
    when: list[Condition]
    because: str
    source: str
    summary: str = ""
    rules_out: list[Way] = []
    favours: list[Way] = []


class Conflict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Answers that exclude each other: the questions concerned, when they do, and what to ask."""

    between: list[str]
    when: list[Condition]
    ask: str


class Guide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    ways: list[Way]
    sources: dict[str, Source]
    rules: list[Rule]
    conflicts: list[Conflict]


@cache
def guide() -> Guide:
    """Return the rules that come with prepdata."""
    return msgspec.toml.decode((resources.files("prepdata.advice") / "rules.toml").read_bytes(), type=Guide)
