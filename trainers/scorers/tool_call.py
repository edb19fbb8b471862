"""Does the answer call the right tools, with the right arguments?"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from trainers.scorers import json_schema
from trainers.scorers.base import Call, Sample, Score, Scorer, rate
from trainers.scorers.json_schema import NotJson, value_of

_TAGGED = re.compile(r"<tool_call>(.*?)(?:</tool_call>|$)", re.DOTALL)
_LISTED = "[TOOL_CALLS]"
_PYTHON_TAG = "<|python_tag|>"


def score(sample: Sample) -> Score:
    """Compare calls with those of the row's own answer: names, arguments as JSON values, number and order.

    `"order": false` in the row's mark `scorer` lets parallel calls come in any order. A row whose mark says
    `"calls": []` expects that no tool is called; one without calls and without that mark is not scored.
    """
    wanted = sample.option("calls", sample.expected.get("calls"))
    if not isinstance(wanted, (list, tuple)):
        return Score(None, "the row expects no calls")
    expected = [_call(call) for call in wanted]
    if None in expected:
        return Score(None, "an expected call has no name")
    made = list(sample.output_calls) if sample.output_calls is not None else calls_in(sample.output)
    if made is None:
        return Score(0.0, "a call that cannot be read")
    left, right = [_canonical(c) for c in expected if c], [_canonical(c) for c in made]
    if sample.option("order") is False:
        left, right = sorted(left), sorted(right)
    return rate(left == right, _said(left, right))


def calls_in(text: str) -> list[Call] | None:
    """Return the tool calls that a text holds, [] for none, None where one is begun and cannot be read.

    Forms: `<tool_call>{...}</tool_call>` (Hermes, Qwen), `[TOOL_CALLS] [...]` (Mistral), `<|python_tag|>{...}` and a
    bare object with `name` and `arguments` or `parameters` (Llama 3), or a list of such objects.
    """
    if "<tool_call>" in text:
        parts = _TAGGED.findall(text)
    elif _LISTED in text:
        parts = [text.partition(_LISTED)[2].removesuffix("</s>")]
    elif _PYTHON_TAG in text:
        parts = [text.partition(_PYTHON_TAG)[2].removesuffix("<|eom_id|>")]
    else:
        return _bare(text)
    found: list[Call] = []
    for part in parts:
        try:
            value = value_of(part)
        except NotJson:
            return None
        calls = [_call(item) for item in (value if isinstance(value, list) else [value])]
        if None in calls:
            return None
        found += [call for call in calls if call]
    return found


def _bare(text: str) -> list[Call]:
    """Return the calls of a text that is nothing but JSON of calls."""
    try:
        value = value_of(text)
    except NotJson:
        return []
    calls = [_call(item) for item in (value if isinstance(value, list) else [value])]
    return [] if None in calls else [call for call in calls if call]


def _call(given: Any) -> Call | None:
    if isinstance(given, Call):
        return given
    if isinstance(given, Mapping) and isinstance(given.get("function"), Mapping):
        given = given["function"]
    if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
        return None
    return Call(given["name"], given.get("arguments", given.get("parameters")))


def _canonical(call: Call) -> tuple[str, str]:
    """Return a call as (name, arguments as JSON text with sorted keys and one way to write a number)."""
    arguments = call.arguments
    if isinstance(arguments, str):
        try:
            arguments = value_of(arguments) if arguments.strip() else {}
        except NotJson:
            return call.name, f"unreadable {arguments}"
    return call.name, json.dumps(_same_numbers(arguments or {}), sort_keys=True, ensure_ascii=False)


def _same_numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _same_numbers(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_same_numbers(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _said(wanted: list[tuple[str, str]], made: list[tuple[str, str]]) -> str:
    if wanted == made:
        return ""
    if len(wanted) != len(made):
        return f"{len(made)} calls for {len(wanted)}"
    if sorted(wanted) == sorted(made):
        return "in another order"
    for (name, arguments), (other, given) in zip(wanted, made):
        if name != other:
            return f"'{other[:60]}' called for '{name[:60]}'"
        if arguments != given:
            return f"arguments of '{name[:60]}': {given[:120]} for {arguments[:120]}"
    return ""


scorer = Scorer(
    name="tool_call",
    version="1",
    summary="the right tools are called, with the right arguments, in order",
    score=score,
    source=__file__,
    uses=(json_schema.__file__,),
)
