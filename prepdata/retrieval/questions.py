"""Questions with known sources: JSONL of chat rows, the last user turn being the question.

The mark `gold` lists what holds the answer: paths of documents, ids of chunks, or passages as {"source", "text"}, which
stay right whatever the size of chunks. Where it is absent, `source` counts. Ids of the mark `passages` stand for their
sources.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from prepdata.errors import InputError
from prepdata.files import read_bounded
from prepdata.retrieval.model import Chunk

_MOST_BYTES = 256 << 20
_CHUNK = re.compile(r"#\d+\Z")
_ASKED = "\n\nQuestion: "


class Gold(NamedTuple):
    """What holds an answer: a document, a chunk, or the passage `text` ("" for all of it) of a document."""

    name: str
    text: str = ""

    def key(self) -> str:
        """Return what stands for it in rankings."""
        return f"{self.name} {self.text}" if self.text else self.name


class Question(NamedTuple):
    """A question of a file.

    Args:
        place: `FILE:LINE`.
        text: the last user turn.
        gold: what holds the answer; () where the row does not say.
    """

    place: str
    text: str
    gold: tuple[Gold, ...]


def read_questions(path: str | os.PathLike[str]) -> list[Question]:
    """Return the questions of a file, those without a known source too.

    Raises:
        InputError: it cannot be read, holds no question, or a line is no JSON object with a question.
    """
    try:
        raw = read_bounded(path, _MOST_BYTES)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    found = []
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            place = f"{path}:{number}"
            try:
                row = msgspec.json.decode(line)
            except (msgspec.DecodeError, RecursionError, ValueError):
                raise InputError(f"{place}: no JSON object; a question file has one row a line") from None
            text = _asked(row) if isinstance(row, dict) else ""
            if not text.strip():
                raise InputError(f'{place}: no question; give "messages" that end in a user turn, or "question"')
            if text.startswith("Context:\n"):  # a row with its passages: docs/rag.md
                text = text.rpartition(_ASKED)[2]
            found.append(Question(place, text, _gold(row)))
    if not found:
        raise InputError(f"{path}: no questions there")
    return found


def _asked(row: dict[str, Any]) -> str:
    turns = row.get("messages")
    if not isinstance(turns, list):
        plain = row.get("question", row.get("prompt"))
        return plain if isinstance(plain, str) else ""
    for turn in reversed(turns):
        if isinstance(turn, dict) and turn.get("role") == "user":
            content = turn.get("content")
            if isinstance(content, list):
                parts = [part.get("text") for part in content if isinstance(part, dict)]
                return "\n".join(part for part in parts if isinstance(part, str))
            return content if isinstance(content, str) else ""
    return ""


def _gold(row: dict[str, Any]) -> tuple[Gold, ...]:
    given, listed = row.get("gold", row.get("source")), row.get("passages")
    passages = {
        passage["id"]: {**passage, "text": ""}
        for passage in (listed if isinstance(listed, list) else [])
        if isinstance(passage, dict) and isinstance(passage.get("id"), str)
    }
    found: list[Gold] = []
    for item in given if isinstance(given, list) else [given]:
        item = passages.get(item, item) if isinstance(item, str) else item
        if isinstance(item, str) and item:
            found.append(Gold(item))
        elif isinstance(item, dict) and isinstance(item.get("source"), str):
            text = item.get("text")
            found.append(Gold(item["source"], " ".join(text.split()) if isinstance(text, str) else ""))
    return tuple(dict.fromkeys(found))


def unknown(question: Question, texts: Mapping[str, str]) -> str:
    """Return why a question cannot be measured on these documents; "" where it can.

    Args:
        question: what is asked.
        texts: the text of each document, its white space as single spaces.
    """
    if not question.gold:
        return "names no source"
    for gold in question.gold:
        source = gold.name if gold.name in texts else _CHUNK.sub("", gold.name)
        if source not in texts:
            return f"names {gold.name}, which is not among the documents"
        if gold.text not in texts[source]:
            return f"names a passage that {gold.name} does not hold"
    return ""


def right(chunk: Chunk, gold: Sequence[Gold]) -> list[str]:
    """Return the keys of what a chunk holds of the gold. A passage is held where it stands in the chunk as a whole."""
    flat = " ".join(chunk.text.split())
    return [g.key() for g in gold if g.name == chunk.id or (g.name == chunk.source and (not g.text or g.text in flat))]
