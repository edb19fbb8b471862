"""How long a regular expression of a stranger may take on a text, before it is run.

Python's matcher goes back over its choices, so a short pattern can take for ever. The number of choices a pattern has
on a text of n characters bounds the work: a repeat that may stop anywhere has n choices, an alternative has as many
as branches, choices in a row multiply. A pattern is run only where that product stays small; else it is not checked.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

MAX_PATTERN = 1_000
"""Longest pattern looked at, in characters."""
MAX_STEPS = 300_000
"""Most choices a pattern may have on a text; about 10 ms of matching in the worst case measured."""
_DEPTH = 40


class Refused(Exception):
    """A pattern that is not run. `args[0]` says why."""


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> tuple[re.Pattern[str], Any]:
    """Return a pattern, compiled, with its parse tree.

    Raises:
        Refused: it is too long, no valid pattern of Python, or nested too deep.
    """
    if len(pattern) > MAX_PATTERN:
        raise Refused(f"the pattern is longer than {MAX_PATTERN} characters")
    import warnings
    from re import _parser  # type: ignore[attr-defined]

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(pattern), _parser.parse(pattern)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        raise Refused(f"the pattern cannot be read ({error})") from None


def search(pattern: str, text: str) -> bool:
    """Return whether a pattern occurs in a text.

    Raises:
        Refused: the pattern may take too long on a text of this length, or cannot be read.
    """
    expression, tree = compiled(pattern)
    if steps(pattern, len(text)) > MAX_STEPS:
        raise Refused(f"the pattern may take too long on {len(text):,} characters")
    del tree
    return expression.search(text) is not None


@lru_cache(maxsize=4096)
def steps(pattern: str, length: int) -> float:
    """Return a bound on the choices of a pattern on a text of so many characters (times the places to start at)."""
    _, tree = compiled(pattern)
    ways = _ways(tree, length, 0)
    first = str(tree[0][0]) if len(tree) else ""
    return ways if first == "AT" and "BEGINNING" in str(tree[0][1]) else ways * (length + 1)


def _ways(tree: Any, length: int, depth: int) -> float:
    """Return the product of the choices of a sequence."""
    if depth > _DEPTH:
        return float("inf")
    total = 1.0
    for op, value in tree:
        total *= _choice(str(op), value, length, depth + 1)
        if total > 1e12:
            return float("inf")
    return total


def _choice(op: str, value: Any, length: int, depth: int) -> float:
    """Return the choices of one element of a pattern."""
    if op in ("LITERAL", "NOT_LITERAL", "ANY", "IN", "AT", "CATEGORY", "RANGE", "FAILURE"):
        return 1.0
    if op in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        low, high, body = value
        return _repeats(int(low), min(int(high), length), _ways(body, length, depth))
    if op == "BRANCH":
        return sum(_ways(branch, length, depth) for branch in value[1])
    if op == "SUBPATTERN":
        return _ways(value[3], length, depth)
    if op == "ATOMIC_GROUP":
        return _ways(value, length, depth)
    if op in ("ASSERT", "ASSERT_NOT"):
        return _ways(value[1], length, depth)
    return float("inf")  # back references, conditions: not bounded here


def _repeats(low: int, high: int, ways: float) -> float:
    """Return the choices of a body repeated between `low` and `high` times."""
    if high < low:
        return max(ways, 1.0)
    if ways <= 1.0:
        return float(high - low + 1)
    if ways > 1e6 or high * 0.3 > 40:
        return float("inf") if high > 1 else ways + 1
    return float(ways ** (high + 1))
