"""What the TEXT rules share: the texts of a message, where code stands in them, quoting around a place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from prepdata.alike import alike
from prepdata.chunk import Chunk
from prepdata.record import Message, Record

Span = tuple[int, int]

_CODE = re.compile(r"^[ \t]{0,3}(```+|~~~+)|`+", re.MULTILINE)
_QUOTES = "\"'“”„«»‘’`「」『』<>"


def pieces(message: Message) -> Iterator[tuple[str, str]]:
    """Yield (text, JSON pointer) of every stretch of content text; reasoning and arguments left out."""
    if message.kind == "text":
        yield message.text, message.field
    elif message.kind == "parts":
        for part in message.parts:
            if part.text and part.kind == "text":
                yield part.text, part.field


def answers(record: Record) -> tuple[Message, ...]:
    """Return the turns that the model is to learn from: those trained on, but not of a row labelled as bad."""
    return () if record.label is False else record.answers


class Answered(NamedTuple):
    """The turns of a chunk that are trained on, as columns; rows that are alike stand together.

    Args:
        records: the row of each.
        messages: the turns.
        texts: their texts, "" where there is none.
        prompts: the text of the last user turn before each, "" if there is none.
    """

    records: list[Record]
    messages: list[Message]
    texts: list[str]
    prompts: list[str]


def answered(chunk: Chunk) -> Answered:
    """Return the answers of a chunk, those of rows labelled as bad too. Use as `chunk.derived(answered)`."""
    found = Answered([], [], [], [])
    for group in chunk.derived(alike):
        before = len(group.first.messages)
        prompts = [""] * len(group.records)
        for place in range(before + len(group.first.chosen)):
            column, texts = group.turns[place], group.texts[place]
            if column[0].role == "user" and place < before:
                prompts = texts
            elif column[0].role == "assistant" and column[0].weight != 0:
                found.records.extend(group.records)
                found.messages.extend(column)
                found.texts.extend(texts)
                found.prompts.extend(prompts)
    return found


def last_user(record: Record, before: Message) -> str:
    """Return the text of the last user turn before a message, "" if there is none."""
    found = ""
    for message in record.messages:
        if message is before:
            break
        if message.role == "user":
            found = message.text
    return found


def prompt_of(record: Record, before: Message) -> list[Message]:
    """Return all turns before a message."""
    found: list[Message] = []
    for message in record.messages:
        if message is before:
            break
        found.append(message)
    return found


def code_spans(text: str) -> list[Span]:
    """Return the stretches inside fences and backticks, in order. A fence that never closes reaches to the end."""
    if "`" not in text and "~~~" not in text:
        return []
    found: list[Span] = []
    opened: re.Match[str] | None = None
    for match in _CODE.finditer(text):
        if opened is None:
            opened = match
        elif opened[1]:
            if match[1] and match[1][0] == opened[1][0] and len(match[1]) >= len(opened[1]):
                found.append((opened.start(), match.end()))
                opened = None
        elif match[0] == opened[0]:
            found.append((opened.start(), match.end()))
            opened = None
        elif match[1] or "\n\n" in text[opened.end() : match.start()]:
            opened = match
    if opened is not None and opened[1]:
        found.append((opened.start(), len(text)))
    return found


def inside(spans: Sequence[Span], position: int) -> bool:
    """True if a position lies in one of the spans."""
    return any(start <= position < end for start, end in spans)


def quoted(text: str, span: Span) -> bool:
    """True if a stretch stands between quotation marks or the like, directly at both ends."""
    start, end = span
    return start > 0 and end < len(text) and text[start - 1] in _QUOTES and text[end] in _QUOTES


def line_of(text: str, position: int) -> str:
    """Return the line that holds a position."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    return text[start : end if end >= 0 else len(text)]
