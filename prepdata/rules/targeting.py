"""How a rule reads the targets of a run: which of them refuse something, which say nothing about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from prepdata.findings import Severity
from prepdata.targets.model import Target, Value

T = TypeVar("T")


class Verdict(NamedTuple):
    """What the targets make of something: the severity to report, and the targets for which it holds.

    Args:
        severity: None where nothing is to be reported.
        targets: names; empty where no target was asked for.
    """

    severity: Severity | None
    targets: tuple[str, ...] = ()


def value(found: Value[T] | None) -> T | None:
    """Return what a target says, None where it says nothing."""
    return None if found is None else found.value


def names(targets: Iterable[Target], test: Callable[[Target], bool]) -> tuple[str, ...]:
    """Return the names of the targets that pass a test."""
    return tuple(target.name for target in targets if test(target))


_ALIKE = ({"openai", "bedrock"},)
"""Formats that are easily taken for one another: what a target of one says of the other's rows is worth saying."""


def concerns(target: Target, format: str) -> bool:
    """Return False for rows of a format that the target does not take anyway; they have to be converted first."""
    known = value(target.accepts.formats)
    if known is None or format in known:
        return True
    return any(format in pair and not pair.isdisjoint(known) for pair in _ALIKE)


def judge(targets: tuple[Target, ...], accepts: Callable[[Target], bool | None], default: Severity | None) -> Verdict:
    """Return the worst verdict of all targets on one thing.

    A target that refuses it makes it an error; one that accepts it, nothing; where a target says nothing, and where no
    target was asked for, the default holds.

    Args:
        accepts: True, False, or None where the target does not say.
        default: the severity without a word of a target; None for silence.
    """
    if not targets:
        return Verdict(default)
    refusing = names(targets, lambda target: accepts(target) is False)
    if refusing:
        return Verdict("error", refusing)
    unsure = names(targets, lambda target: accepts(target) is None)
    return Verdict(default, unsure) if unsure and default else Verdict(None)


def listed(targets: tuple[str, ...]) -> str:
    """Return the names of targets as words of a message."""
    return ", ".join(targets)
