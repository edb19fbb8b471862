"""TEXT015: an answer that should be JSON and is not, or breaks its schema."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import lru_cache
from operator import itemgetter
from typing import Any, ClassVar

import msgspec

from prepdata.alike import alike
from prepdata.chunk import Chunk
from prepdata.errors import ConfigError
from prepdata.files import read_bounded
from prepdata.findings import Hit, Severity, around, clip
from prepdata.jsontext import json_text
from prepdata.record import Message, Record
from prepdata.rules.base import CorpusRule, Options, Parts, Share
from prepdata.rules.tool._schema import Schema, TooCostly

SHARE = 0.9
"""Share of answers that must be JSON for a file to count as a file of JSON answers."""
MOST_BYTES = 1 << 24
"""Size of a schema file beyond which it is not read (bytes)."""
FEWEST = 10
"""Answers below which a file's habits are not judged."""
_FENCED = re.compile(r"```(?:json|JSON)?\s*\n(.*?)\n?\s*```", re.DOTALL)
_PROSE, _BROKEN, _LOOSE = 0, 1, 2
_decode = msgspec.json.Decoder().decode


class StructuredOptions(Options, frozen=True, kw_only=True):
    """Options of invalid-structured-answer.

    Args:
        schema: JSON Schema of every answer: the schema itself, or the path of a JSON file that holds it.
        share: share of JSON answers, 0 to 1, from which a file counts as a file of JSON answers.
    """

    schema: dict[str, Any] | str | None = None
    share: Share = SHARE


class InvalidStructuredAnswer(CorpusRule):
    """Finds answers that should be JSON and do not parse, or that break the declared JSON Schema.

    What should be JSON is declared (option `schema`, or a row mark `schema`), or found: where at least nine in ten
    final answers of a file are JSON objects or lists, the others are reported. Where nearly all look like JSON and
    hardly any of them parses, that is one warning for the file. Keeps 4 bytes for each answer that is no JSON.
    Why: whoever calls the model parses its answer. Each answer that does not parse teaches it to fail there.
    Bad:
        {"messages": [{"role": "user", "content": "Anna, 31"}, {"role": "assistant", "content": "{\\"name\\":
         \\"Anna\\","}],
         "schema": {"type": "object"}}
    Good:
        {"messages": [{"role": "user", "content": "Anna, 31"}, {"role": "assistant", "content": "{\\"name\\":
         \\"Anna\\"}"}],
         "schema": {"type": "object"}}
    Fix: none; correct the answer by hand.
    Source: RFC 8259 for JSON (2017-12); JSON Schema 2020-12.
    """

    code: ClassVar[str] = "TEXT015"
    name: ClassVar[str] = "invalid-structured-answer"
    severity: ClassVar[Severity] = "error"
    heuristic: ClassVar[bool] = True
    scope = "file"
    Options = StructuredOptions

    @classmethod
    def resolve(cls, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options with the schema itself in place of its path."""
        given = options.get("schema")
        return {**options, "schema": _load(given)} if type(given) is str else options

    def setup(self) -> None:
        given = self.options.schema
        self.schema = Schema(_load(given) if type(given) is str else given) if given is not None else None

    def see(self, chunk: Chunk) -> dict[str, Any]:
        """Return counts, the broken answers with their reason, and the rows of the rest by path."""
        seen: dict[str, Any] = {"answers": 0, "good": 0, "declared": [], "broken": [], "plain": {}}
        plain: dict[str, list[int]] = {}
        mark = self.context.marks.get("schema", "schema")
        for group in chunk.derived(alike):
            place = _final(group.first)
            if place is None:
                continue
            field, declared = group.turns[place][0].field, self.schema
            marked = not group.first.raw.keys().isdisjoint((mark, "metadata", "meta"))
            for record, message, text in zip(group.records, group.turns[place], group.texts[place]):
                if marked:
                    declared = self._declared(record)
                if declared is not None:
                    seen["declared"].extend([record.row, *found] for found in _against(declared, message))
                    continue
                seen["answers"] += 1
                if text[0].isalnum():  # the usual case, told here to save a call
                    plain.setdefault(field, []).append(record.row)
                    continue
                kind, span, why = _judge(text)
                if kind is None:
                    seen["good"] += 1
                elif kind == _PROSE:
                    plain.setdefault(field, []).append(record.row)
                else:
                    seen["broken"].append([record.row, field, kind, span, why])
        for kept in (seen["declared"], seen["broken"]):
            kept.sort(key=itemgetter(0))
        seen["plain"] = {path: struct.pack(f"<{len(rows)}I", *sorted(rows)) for path, rows in plain.items()}
        return seen

    def _declared(self, record: Record) -> Schema | None:
        own = self.context.mark("schema", record.raw)
        if own is not None and record.tools_raw is not own and type(own) in (dict, str, bool):
            schema = _row_schema(own if type(own) is str else json_text(own))
            if schema is not None:
                return schema
        return self.schema

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        answers = good = looking = 0
        for first, part in parts.parts:
            for row, path, text, place, shown in part["declared"]:
                yield first + row, Hit(text, path, span=tuple(place) if place else None, excerpt=shown)
            answers += part["answers"]
            good += part["good"]
            looking += sum(1 for item in part["broken"] if item[2] == _BROKEN)
        if answers < FEWEST:
            return
        if good >= self.options.share * answers:
            if good < answers:
                yield from _leavers(parts, good, answers)
        elif good + looking >= self.options.share * answers and looking * 2 > answers:
            yield None, _all_broken(parts, looking, answers)


def _leavers(parts: Parts, good: int, answers: int) -> Iterator[tuple[int, Hit]]:
    """Yield the answers that leave the file's habit, in row order within a part."""
    habit = f"{good:,} of {answers:,} answers in this file are JSON"
    for first, part in parts.parts:
        found: list[tuple[int, Hit]] = []
        for row, path, kind, place, text in part["broken"]:
            what = f"this answer does not parse: {text}" if kind == _BROKEN else f"in this one {text}"
            found.append((first + row, Hit(f"{habit}; {what}", path, span=tuple(place) if place else None)))
        for path, rows in part["plain"].items():
            for i in range(0, len(rows), 4):
                row = int.from_bytes(rows[i : i + 4], "little")
                found.append(
                    (first + row, Hit(f"{habit}; this one is not: write it as JSON, or move it elsewhere", path))
                )
        yield from sorted(found, key=lambda item: item[0])


def _all_broken(parts: Parts, looking: int, answers: int) -> Hit:
    first, example = next(
        (first + item[0], item[4]) for first, part in parts.parts for item in part["broken"] if item[2] == _BROKEN
    )
    return Hit(
        f"{looking:,} of {answers:,} answers look like JSON and do not parse, the first: {example}. "
        "If they are meant as JSON, write them with a JSON library",
        severity="warning",
        related=(first,),
    )


def _final(record: Record) -> int | None:
    """Return which turn of a row is its final answer, if that is trained on, is text, and calls nothing."""
    answer = record.split()[1]
    if not answer:
        return None
    message = answer[-1]
    if message.role != "assistant" or message.calls or message.kind != "text" or message.weight == 0:
        return None
    return next(place for place, turn in enumerate(record.turns) if turn is message)


def _judge(text: str) -> tuple[int | None, tuple[int, int] | None, str]:
    """Return (what it is, place, why): None for JSON, else `_PROSE`, `_BROKEN` or `_LOOSE` (JSON within other text)."""
    if text[:1].isalnum():
        return _PROSE, None, ""
    body = text.strip()
    if body[:3] == "```":
        match = _FENCED.fullmatch(body)
        if match:
            body = match[1].strip()
    if body[:1] not in "{[" or (body[0] == "[" and body[-1] not in "]}"):
        return _PROSE, None, ""
    if body[0] == "{" and body[-1] not in "]}" and not any(c in "\"':" for c in body[1:80]):
        return _PROSE, None, ""
    try:
        _decode(body)
    except (msgspec.DecodeError, RecursionError):
        pass
    else:
        return None, None, ""
    return _explain(text, body)


def _explain(text: str, body: str) -> tuple[int, tuple[int, int] | None, str]:
    import json

    try:
        value, end = json.JSONDecoder().raw_decode(body)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", "nested too deeply")
        at = min(text.find(body[:40]) + getattr(error, "pos", 0), len(text) - 1)
        return _BROKEN, (at, at + 1), f"{reason[0].lower()}{reason[1:]} at character {at + 1}, near '{_near(text, at)}'"
    if end < len(body):
        at = text.find(body[:40]) + end
        return _LOOSE, (at, len(text)), f"text follows the JSON: '{clip(body[end:].strip(), 30)}'"
    del value
    return _LOOSE, None, "a value is no JSON in strict parsers (NaN or Infinity)"


def _near(text: str, at: int) -> str:
    return clip(text[max(0, at - 15) : at + 15], 30)


def _against(schema: Schema, message: Message) -> Iterator[tuple[str, str, Any, str | None]]:
    """Yield (path, message, span, excerpt) for what is wrong with an answer under a declared schema."""
    kind, place, why = _judge(message.text)
    if kind is not None:
        try:
            value = _decode(message.text)
        except (msgspec.DecodeError, RecursionError):
            what = (
                f"this answer does not parse: {why}"
                if kind
                else "this answer is not JSON, and a schema is declared for it"
            )
            yield message.field, what, place, around(message.text, place) if place else None
            return
    else:
        body = message.text.strip()
        fenced = _FENCED.fullmatch(body)
        value = _decode(fenced[1] if fenced else body)
        if fenced:
            yield (
                message.field,
                "this answer wraps its JSON in a code fence; whoever parses it stumbles: remove the fence",
                None,
                None,
            )
    try:
        problems = schema.check(value)
    except TooCostly:
        return
    for problem in problems:
        inner = "".join(f"/{key}" for key in problem.path)
        yield message.field, f"the answer breaks its schema at '{inner or '/'}': {clip(problem.text, 160)}", None, None


def _load(path: str) -> Any:
    """Return the schema that a path names, or that the text itself is.

    Raises:
        ConfigError: it cannot be read or is no JSON.
    """
    try:
        return msgspec.json.decode(path if path.lstrip()[:1] == "{" else read_bounded(path, MOST_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"rules.invalid-structured-answer.schema: cannot read '{clip(path)}': {error}") from None


@lru_cache(maxsize=256)
def _row_schema(text: str) -> Schema | None:
    """Return the schema that a row brings along, None where the mark holds something else (a name, a path)."""
    try:
        raw = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return Schema(raw) if type(raw) is dict else None
