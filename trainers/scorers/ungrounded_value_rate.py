"""Which values in the answer stand nowhere in what the model was given?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prepdata.jsontext import json_text
from prepdata.text import amounts, language
from trainers.scorers import _numbers, _values, contains, json_schema
from trainers.scorers._values import Known, values_of
from trainers.scorers.base import Sample, Score, Scorer

_SHOWN = 5


def score(sample: Sample) -> Score:
    """Return the share of the answer's numbers, dates, names, quotations, URLs (and fields, of JSON) that are in none
    of prompt, mark `facts`, mark `schema`, expected calls and reference. 0 for an answer without any. Less is better.

    What it cannot see: wrong words, and values that are right but worked out (a sum), unless the reference has them.
    """
    if sample.finish_reason == "error":
        return Score(None, "no answer")
    sources = list(_sources(sample))
    found = values_of(sample.output, "\n".join(sources))
    if not found:
        return Score(0.0, "no values")
    known = Known(sources)
    missing = [value for value in found if not known.holds(value)]
    said = ", ".join(f"{value.kind} {value.text[:40]}" for value in missing[:_SHOWN])
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    return Score(len(missing) / len(found), f"{len(missing)} of {len(found)}{': ' if said else ''}{said}{more}")


def _sources(sample: Sample) -> Iterator[str]:
    for message in sample.prompt:
        yield from _texts(message.get("content"))
        yield from _texts(message.get("tool_calls"))
    yield sample.reference
    for name in ("facts", "schema", "label", "calls"):
        yield from _texts(sample.expected.get(name))


def _texts(value: Any) -> Iterator[str]:
    """Yield a text, or every text and number inside lists and objects, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        plain = list(value.items()) if isinstance(value, dict) else value
        for part in plain:
            yield from _texts(part)
    elif value is not None and not isinstance(value, bool):
        yield json_text(value)


scorer = Scorer(
    name="ungrounded_value_rate",
    version="1",
    summary="share of values in the answer that stand nowhere in what the model was given (less is better)",
    score=score,
    source=__file__,
    uses=tuple(str(module.__file__) for module in (_values, _numbers, contains, json_schema, amounts, language)),
    higher_is_better=False,
)
