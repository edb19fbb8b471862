"""Rows as the converters of LLaMA-Factory read them: `openai`, `sharegpt` and `alpaca`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from prepdata.record import Record
from prepdata.training.base import Change, NotSimulated, RunEnds
from prepdata.training.reading import OWN, place, read

NO_THINKING = "detailed thinking off"
"""What the converter `openai` adds to the system text of rows without tools."""
_THINKING = "detailed thinking on"
_BETWEEN = "\n</tool_response>\n<tool_response>\n"  # between results that follow each other
_ASKING, _ANSWERING = ("user", "observation"), ("assistant", "function")
_OPENAI = {"user": "user", "assistant": "assistant", "tool": "observation", "function_call": "function"}
_SHAREGPT = {"human": "user", "gpt": "assistant", "observation": "observation", "function_call": "function"}
_NAMED = {"user": "user", "assistant": "assistant", "observation": "observation", "function_call": "function"}
_ELSEWHERE = ("text", "trl-preference", "openai-dpo", "trl-kto", "llamafactory-v1")


class Aligned(NamedTuple):
    """A row in turns that alternate.

    Args:
        turns: (speaker, content) each; speakers are user, assistant, observation (results) and function (calls).
        system: the system text, "" if there is none.
        tools: declared tools, as found; falsy where there are none.
        skipped: why the row is left out, "" if it is not.
    """

    turns: list[tuple[str, Any]]
    system: Any = ""
    tools: Any = ""
    skipped: str = ""


Note = Callable[[str, str], None]
"""Takes down a change: JSON pointer, what becomes of it."""


def align(record: Record, formatting: str | None, changes: list[Change]) -> Aligned:
    """Return a row as a converter reads it.

    Args:
        formatting: name of the converter, None for that of the row's format.
        changes: gets what is changed.

    Raises:
        RunEnds: the converter stumbles.
        NotSimulated: the row is not for supervised training, or is read in another way.
        TemplateRefusal: the row cannot be said as chat.
    """

    def note(path: str, what: str) -> None:
        changes.append(Change(path, what))

    raw = record.raw
    if record.format in _ELSEWHERE:
        raise NotSimulated(f"rows of the format {record.format} are not read for supervised training with chats")
    if formatting == "alpaca" or (formatting is None and record.format in ("alpaca", "prompt-completion")):
        return _alpaca(raw)
    if isinstance(raw.get("conversations"), list) and formatting in (None, "sharegpt"):
        named = any(isinstance(turn, dict) and "role" in turn for turn in raw["conversations"][:1])
        keys, speakers = (("role", "content"), _NAMED) if named else (("from", "value"), _SHAREGPT)
        return _sharegpt(raw["conversations"], raw, keys, speakers)
    messages = raw["messages"] if isinstance(raw.get("messages"), list) else read(record).messages
    if messages is None:
        raise NotSimulated("it reads the turns of a chat from one list; the row has none")
    if formatting == "sharegpt":
        return _sharegpt(messages, raw, ("role", "content"), _NAMED)
    tools = raw.get("tools") if record.format in OWN or "messages" in raw else read(record).tools
    return _openai(record, messages, tools, note)


def _alpaca(raw: dict[str, Any]) -> Aligned:
    """Instruction and input in one question, the output its answer, pairs of a history before them."""
    turns: list[tuple[str, Any]] = []
    history = raw.get("history")
    for pair in history if isinstance(history, list) else ():
        if not isinstance(pair, list) or len(pair) != 2:
            raise RunEnds("the history holds what is no pair of question and answer")
        turns += [("user", pair[0]), ("assistant", pair[1])]
    asked = [text for text in (raw.get("instruction", raw.get("prompt")), raw.get("input")) if text]
    if not all(isinstance(text, str) for text in asked):
        raise RunEnds("instruction or input is no text")
    turns.append(("user", "\n".join(asked)))
    answer = raw.get("output", raw.get("completion"))
    if not isinstance(answer, str):
        return Aligned(turns, skipped="the answer is no text")
    return Aligned([*turns, ("assistant", answer)], raw.get("system") or "", raw.get("tools") or "")


def _sharegpt(given: Sequence[Any], raw: dict[str, Any], keys: tuple[str, str], speakers: dict[str, str]) -> Aligned:
    system, turns = _system(given, raw, keys)
    made: list[tuple[str, Any]] = []
    for number, turn in enumerate(turns):
        role = _value(turn, keys[0])
        speaker = speakers.get(role) if isinstance(role, str) else None
        if speaker not in (_ASKING, _ANSWERING)[number % 2]:
            return Aligned([], skipped=_order(number + len(given) - len(turns), role))
        made.append((str(speaker), _value(turn, keys[1])))
    return Aligned(made, system, raw.get("tools") or "", _count(made))


def _openai(record: Record, given: Sequence[Any], tools: Any, note: Note) -> Aligned:
    system, turns = _system(given, record.raw, ("role", "content"))
    before = len(given) - len(turns)
    made: list[tuple[str, Any]] = []
    places: list[tuple[int, Any]] = []
    results: list[Any] = []
    for number, turn in enumerate(turns, before):
        role, content = _value(turn, "role"), _value(turn, "content", absent=None)
        if role in ("assistant", "function_call") and turn.get("tool_calls"):
            content = _called(record, number, turn, note)
            role = "function_call"
        if role == "tool":
            results.append(content)
            continue
        if results:
            made.append(("observation", _results(results)))
            places.append((number - 1, "tool"))
            results = []
        if not isinstance(role, str) or (role not in _OPENAI and role != "system"):
            raise RunEnds(f"turn {number + 1}: it does not know the role {json.dumps(role)}")
        made.append((_OPENAI.get(role, role), content))
        places.append((number, role))
    for number in range(len(given) - len(results), len(given)):
        note(place(record, number), "it is lost: results at the end of a row are not taken over")
    skipped = next(
        (_order(at, role) for number, (at, role) in enumerate(places)
         if made[number][0] not in (_ASKING, _ANSWERING)[number % 2]), _count(made),
    )  # fmt: skip
    tools = json.dumps(tools, ensure_ascii=False) if isinstance(tools, dict | list) else tools
    return Aligned(made, _with_line(record, system, bool(tools), bool(before), note), tools, skipped)


def _with_line(record: Record, system: Any, tools: bool, spoken: bool, note: Note) -> Any:
    """Return the system text with the line about thinking."""
    path = place(record, 0, "content") if spoken else "/system" if system else ""
    if system and not isinstance(system, str):
        raise RunEnds("the system text is no text")
    if tools:
        return system + "\n" if system else system
    if not system:
        note(path, f'a system turn is made: "{NO_THINKING}"')
        return NO_THINKING
    if NO_THINKING in system or _THINKING in system:
        return system
    note(path, f'a line is added: "{NO_THINKING}"')
    return f"{system}\n{NO_THINKING}"


def _called(record: Record, number: int, turn: dict[str, Any], note: Note) -> str:
    """Return the calls of a turn as JSON, which takes the place of its text."""
    calls = turn["tool_calls"]
    if not isinstance(calls, list) or not all(isinstance(call, dict) and "function" in call for call in calls):
        raise RunEnds(f"turn {number + 1}: a call has no function")
    if turn.get("content"):
        note(place(record, number, "content"), "the text is replaced by the call")
    for at, call in enumerate(calls):
        if isinstance(call["function"], dict) and isinstance(call["function"].get("arguments"), str):
            path = f"{place(record, number)}/tool_calls/{at}/function/arguments"
            note(path, "the text is written as a JSON text within JSON: quoted and escaped")
    return json.dumps([call["function"] for call in calls], ensure_ascii=False)


def _results(results: Sequence[Any]) -> str:
    if not all(isinstance(one, str) for one in results):
        raise RunEnds("a tool result is no text")
    return _BETWEEN.join(results)


def _system(given: Sequence[Any], raw: dict[str, Any], keys: tuple[str, str]) -> tuple[Any, Sequence[Any]]:
    """Return the system text and the turns after it."""
    if given and _value(given[0], keys[0]) == "system":
        return _value(given[0], keys[1], absent=None), given[1:]
    return raw.get("system") or "", given


_RAISE = object()


def _value(turn: Any, key: str, absent: Any = _RAISE) -> Any:
    if not isinstance(turn, dict):
        raise RunEnds("a turn is no object")
    found = turn.get(key, absent)
    if found is _RAISE:
        raise RunEnds(f"a turn has no {key}")
    return found


def _order(number: int, role: Any) -> str:
    return f"turn {number + 1} ({role}) is out of turn: question and answer must alternate"


def _count(turns: Sequence[Any]) -> str:
    if turns and len(turns) % 2 == 0:
        return ""
    return "the last turn is no answer" if turns else "the row has no turns"
