"""Edge-case buckets that a user declares: words or a pattern, searched with a time limit."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from prepdata.errors import ConfigError
from prepdata.rules.cov._share import rows_needed

TIME_LIMIT = 0.1
"""Seconds that a user's pattern may take on one text; after that the bucket counts as not measured."""


class Bucket(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A bucket in the configuration.

    Args:
        words: texts of which one has to occur, in any case.
        pattern: a regular expression that has to match, in any case.
        min: rows it needs: a share ("1%") or a number ("20").
        where: the texts that are searched: user turns, answers, or both.
    """

    words: tuple[str, ...] = ()
    pattern: str | None = None
    min: str = "1"
    where: Literal["prompt", "answer", "any"] = "prompt"


class Matcher(NamedTuple):
    """A bucket ready to be searched for."""

    name: str
    bucket: Bucket
    words: tuple[str, ...]
    pattern: Any


class Matched(NamedTuple):
    """Rows of a chunk in a bucket, and the first row on which the pattern ran out of time (None: never)."""

    rows: list[int]
    slow: int | None


def matchers(rule: str, buckets: Mapping[str, Bucket]) -> tuple[Matcher, ...]:
    """Return the matchers of declared buckets.

    Raises:
        ConfigError: a bucket has neither words nor pattern, its pattern is none, or its `min` is no share or number.
    """
    found = []
    for name, bucket in buckets.items():
        where = f"buckets.{name}"
        rows_needed(rule, f"{where}.min", bucket.min, 100)
        if not bucket.words and bucket.pattern is None:
            raise ConfigError(f"rules.{rule}.{where}: give words or a pattern")
        found.append(Matcher(name, bucket, tuple(w.lower() for w in bucket.words), _compiled(rule, where, bucket)))
    return tuple(found)


def _compiled(rule: str, where: str, bucket: Bucket) -> Any:
    if bucket.pattern is None:
        return None
    regex: Any = importlib.import_module("regex")

    try:
        return regex.compile(bucket.pattern, regex.IGNORECASE | regex.VERSION0)
    except regex.error as error:
        raise ConfigError(f"rules.{rule}.{where}.pattern = {bucket.pattern!r}: {error}") from None


def match(matcher: Matcher, texts: Sequence[str], rows: Sequence[int]) -> Matched:
    """Return the rows whose texts are in the bucket. Stops at the first text that takes the pattern too long."""
    found: dict[int, None] = {}
    for text, row in zip(texts, rows):
        if row in found:
            continue
        if matcher.words:
            lowered = text.lower()
            if any(word in lowered for word in matcher.words):
                found[row] = None
                continue
        if matcher.pattern is not None:
            try:
                if matcher.pattern.search(text, timeout=TIME_LIMIT):
                    found[row] = None
            except TimeoutError:
                return Matched(list(found), row)
    return Matched(list(found), None)
