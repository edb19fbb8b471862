"""Is the answer JSON that keeps to the row's schema?"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from prepdata.jsontext import json_text
from prepdata.rules.tool import _cost, _flat, _schema
from trainers.scorers.base import Sample, Score, Scorer, rate

_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*)\n```", re.DOTALL | re.IGNORECASE)
_DEEPEST = 200


class NotJson(ValueError):
    """The answer is no JSON; says why."""


def score(sample: Sample) -> Score:
    """Read the whole answer as JSON and check it against the mark `schema` (an object, `true`, or JSON text of one).

    Strict, as a program that reads the answer would be: words around it, `NaN`, two equal keys or a cut end fail. With
    `"fenced": true` in the row's mark `scorer`, one Markdown fence around it is taken off first.
    """
    raw = sample.expected.get("schema")
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError):
            return Score(None, "the schema of the row is no JSON")
    if raw is None:
        return Score(None, "the row has no schema")
    schema = _ready(json_text(raw))
    if schema.faults:
        return Score(None, f"the schema of the row is not valid: {schema.faults[0].text[:120]}")
    try:
        value = value_of(sample.output, fenced=sample.option("fenced") is True)
    except NotJson as error:
        return Score(0.0, str(error))
    try:
        problems = schema.check(value)
    except _schema.TooCostly as error:
        return Score(None, f"not checked: {error.args[0]}")
    said = "; ".join(f"{_schema.shown_path(p.path)}: {p.text[:120]}" for p in problems[:3])
    return rate(not problems, said)


def value_of(text: str, *, fenced: bool = False) -> Any:
    """Return the JSON value that a whole answer is.

    Raises:
        NotJson: it is none.
    """
    bare = text.strip()
    if fenced and (match := _FENCED.fullmatch(bare)):
        bare = match[1]
    if not bare:
        raise NotJson("empty answer")
    try:
        value = json.loads(bare, parse_constant=_refuse, object_pairs_hook=_unique)
    except RecursionError:
        raise NotJson("nested too deep") from None
    except ValueError as error:
        raise NotJson(f"no JSON: {str(error)[:100]}") from None
    if _depth(value) > _DEEPEST:
        raise NotJson("nested too deep")
    return value


def _refuse(word: str) -> Any:
    raise NotJson(f"{word} is no JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJson("two equal keys in one object")
    return found


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        level = [
            part
            for node in level
            if isinstance(node, (dict, list))
            for part in (node.values() if isinstance(node, dict) else node)
        ]
    return depth


@lru_cache(maxsize=64)
def _ready(raw: str) -> _schema.Schema:
    return _schema.Schema(json.loads(raw))


scorer = Scorer(
    name="json_schema",
    version="1",
    summary="the whole answer is JSON that keeps to the row's schema",
    score=score,
    source=__file__,
    uses=(_schema.__file__, _flat.__file__, _cost.__file__),
)
