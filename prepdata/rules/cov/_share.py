"""Shares and examples, as the COV rules count and word them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from prepdata.errors import ConfigError
from prepdata.findings import Hit, clip

EXAMPLES = 5
"""Rows shown as examples."""


def share(rule: str, option: str, text: str) -> float:
    """Return a share given as "80%" as a number from 0 to 1.

    Raises:
        ConfigError: the text is no share; names rule and option.
    """
    stripped = text.strip()
    try:
        found = float(stripped[:-1]) / 100 if stripped.endswith("%") else -1.0
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise ConfigError(f'rules.{rule}.{option} = {text!r}: expected a share from "0%" to "100%"')
    return found


def rows_needed(rule: str, option: str, text: str, rows: int) -> int:
    """Return how many rows a share ("5%") or a number ("20") of rows is, rounded up.

    Raises:
        ConfigError: the text is neither.
    """
    if text.strip().endswith("%"):
        return math.ceil(round(share(rule, option, text) * rows, 6))
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise ConfigError(
            f'rules.{rule}.{option} = {text!r}: expected a share such as "5%" or a number of rows such as "20"'
        )
    return number


def percent(part: int, whole: int) -> str:
    """Return a share as people read it: "0%", "0.04%", "2.5%", "63%"; never "0%" or "100%" by rounding."""
    if not whole or part <= 0:
        return "0%"
    value = 100 * part / whole
    if value >= 10:
        return (
            f"{100 if part >= whole else min(value, 99.9):.0f}%"
            if value < 99 or part >= whole
            else f"{min(value, 99.9):.1f}%"
        )
    return f"{value:.2g}%"


def first(rows: Iterable[int], start: int, kept: Sequence[int], count: int = EXAMPLES) -> list[int]:
    """Return `kept` followed by rows of the next chunk (counted from `start`), `count` at most."""
    found = list(kept)
    for row in rows:
        if len(found) >= count:
            break
        found.append(start + row)
    return found


def counted(counts: Mapping[str, int], most: int = 6) -> str:
    """Return counts in words, the biggest first: "decline 12, ask-back 3"."""
    ranked = sorted(((n, name) for name, n in counts.items() if n), key=lambda item: (-item[0], item[1]))
    words = [f"{name} {n:,}" for n, name in ranked[:most]]
    return ", ".join(words + (["…"] if len(ranked) > most else []))


def quoted(names: Sequence[str], most: int = 5) -> str:
    """Return names in quotes, `most` at most, and how many more there are."""
    words = [f"'{clip(name, 40)}'" for name in names[:most]]
    more = len(names) - most
    return ", ".join(words) + (f" and {more:,} more" if more > 0 else "")


def whole(hits: Iterable[Hit]) -> Iterator[tuple[None, Hit]]:
    """Return hits as findings of the whole data set."""
    return ((None, hit) for hit in hits)
