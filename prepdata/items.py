"""Items of evaluation sets: what each row asks and what it expects, whatever names its fields have.

Chat rows are read as everywhere; rows of benchmarks (question and choices, task and tests, turns) by the names that
benchmarks use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from prepdata.formats import recognise
from prepdata.formats.prompt_completion import with_columns
from prepdata.index.asking import media_beside, media_of, stem
from prepdata.index.reference import Item
from prepdata.jsontext import json_text
from prepdata.parse import split
from prepdata.record import Record
from prepdata.sources import Input, open_source

ASKING = ("question", "prompt", "problem", "instruction", "task", "text", "query", "input", "goal", "sentence", "stem")
"""Names under which benchmarks keep what is asked, in the order in which they are tried."""
CHOICES = ("choices", "options", "endings", "candidates")
ANSWERING = (
    "answer", "answers", "canonical_solution", "solution", "code", "completion", "output", "response", "target",
    "expected_output", "reference", "label", "sql", "best_answer",
)  # fmt: skip
NAMES = ("id", "task_id", "question_id", "doc_id", "uid", "qid")

_LETTER = re.compile(r"\(?([A-Za-z])[).:]?")
_NUMBER = re.compile(r"[0-9]{1,2}")


def items(source: Input, settings: Any) -> Iterator[Item | None]:
    """Yield the items of an evaluation file, None for each row that asks nothing or cannot be read.

    Args:
        source: the file.
        settings: `columns` and `max_line_bytes` are taken from it.

    Raises:
        InputError: it cannot be read.
    """
    opened = open_source(source, settings, hashed=False)
    line = 0
    for chunk in opened.chunks():
        for number, text in split(chunk.load(), chunk.rows):
            if not text.strip():
                continue
            raw = _decoded(text)
            item = _item(raw, line + number + 1, settings.columns) if type(raw) is dict else None
            yield item if item is not None and any(turn.strip() for turn in item.turns) else None
        line += chunk.lines


def _decoded(text: bytes) -> Any:
    """Return the JSON value of a line, None where it has none; odd Unicode and numbers are taken as they come."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        try:
            return json.loads(text.decode("utf-8", "replace"), parse_int=_number)
        except (ValueError, RecursionError):
            return None


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) < 100 else digits


def _item(raw: dict[str, Any], line: int, columns: dict[str, str]) -> Item | None:
    name = next((str(raw[key]) for key in NAMES if type(raw.get(key)) in (str, int)), "")
    if columns and (mapped := with_columns(columns)).recognise(raw):
        return _of_record(mapped.view(raw), line, name)
    found = recognise(raw)
    if found is not None and found.name not in ("text", "prompt-completion", "alpaca"):
        return _of_record(found.view(raw), line, name)
    turns = _asked(raw)
    if turns is None:
        return None
    answer = next((_text(raw[key]) for key in ANSWERING if key in raw and raw[key] not in (None, "", [])), "")
    shown = media_beside(raw)
    media = (shown,) * len(turns) if shown else ()
    return Item(line, name, turns, _chosen(raw, answer), found.view(raw) if found else None, raw, media)


def _of_record(record: Record, line: int, name: str) -> Item:
    prompt, answer = record.split()
    shown = media_of(record)
    turns = tuple(stem(message.text) for message in prompt if message.role == "user")
    media = tuple(shown.get(number, 0) for number, m in enumerate(prompt) if m.role == "user") if shown else ()
    return Item(line, name, turns, "\n".join(message.text for message in answer), record, record.raw, media)


def _asked(raw: dict[str, Any]) -> tuple[str, ...] | None:
    turns = raw.get("turns")
    if type(turns) is list and turns:
        return tuple(turn if type(turn) is str else _text(turn) for turn in turns)
    key = next((key for key in ASKING if type(raw.get(key)) is str and raw[key].strip()), None)
    if key is None:
        return None
    asked = raw[key]
    instances = raw.get("instances")
    given = raw.get("input") if key == "instruction" else None
    if key == "instruction" and type(instances) is list and instances and type(instances[0]) is dict:
        given = instances[0].get("input")
    if type(given) is str and given.strip():
        asked = f"{asked}\n{given}"
    return (stem(asked),)


def _chosen(raw: dict[str, Any], answer: str) -> str:
    """Return the text of the right choice where the answer is its letter or number."""
    choices = next((raw[key] for key in CHOICES if key in raw), None)
    if type(choices) is dict and type(choices.get("text")) is list:
        labels = choices.get("label")
        if type(labels) is list and answer in labels and len(labels) == len(choices["text"]):
            return _text(choices["text"][labels.index(answer)])
        choices = choices["text"]
    if type(choices) is list and choices:
        letter = _LETTER.fullmatch(answer)
        number = int(answer) if _NUMBER.fullmatch(answer) else ord(letter[1].upper()) - ord("A") if letter else -1
        if 0 <= number < len(choices):
            return _text(choices[number])
    return answer


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) is list and value and all(type(item) is str for item in value):
        return str(value[0])
    return json_text(value)
