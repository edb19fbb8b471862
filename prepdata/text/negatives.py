"""Negative examples: rows that show what not to do, or when not to answer.

Four kinds are read from the words of an answer (`decline`, `ask-back`, `not-in-context`, and `no-label` for an answer
that is just "none" or "other"), one from the name of a tool that is called (`refusing-call`), three from the row itself
(`weight-0`, `rejected`, `disliked`). Words are hand-written phrases in 28 languages, with a place where each counts: a
decline stands at the beginning, an answer that asks back is short. Precision goes before recall: a story in which
somebody says "I can't" is no decline.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from prepdata.chunk import Chunk
from prepdata.text import _negative_phrases as phrases
from prepdata.text.columns import Column, turns
from prepdata.text.search import Search

KINDS = ("decline", "ask-back", "not-in-context", "no-label", "refusing-call", "weight-0", "rejected", "disliked")
"""Kinds of negative examples, in the order in which they are told."""

HEAD = 160
"""Letters of an answer in which a decline has to begin."""
SHORT = 900
"""Longest answer, in letters, that can be an ask-back."""
BRIEF = 160
"""Longest answer, in letters, that is a decline by "I don't know" alone."""

LANGUAGES = len(phrases.DECLINE)


class Negatives(NamedTuple):
    """Rows of a chunk by kind of negative example, and those that only come near (`near`)."""

    rows: dict[str, list[int]]
    near: list[int]


def negatives(chunk: Chunk) -> Negatives:
    """Return the negative examples of a chunk. Use as `chunk.derived(negatives)`."""
    found = chunk.derived(turns)
    rows, near = in_column(found.answers)
    rows["refusing-call"] = sorted({row for row, name in found.called if refusing(name)})
    rows["weight-0"] = found.unweighted
    rows["rejected"] = found.compared
    rows["disliked"] = found.disliked
    return Negatives({kind: rows[kind] for kind in KINDS if rows.get(kind)}, near)


@lru_cache(maxsize=4096)
def refusing(name: str) -> bool:
    """Return whether a tool's name says that an assistant declines, asks back or hands over by calling it."""
    lowered = name.lower()
    return any(piece in lowered for piece in phrases.REFUSING_TOOL)


def kind_of_answer(text: str) -> str | None:
    """Return the kind of negative example that one answer is by its words, or None."""
    from prepdata.text.columns import column

    found, _ = in_column(column([text], [0]))
    return next((kind for kind in KINDS if kind in found), None)


def in_column(column: Column) -> tuple[dict[str, list[int]], list[int]]:
    """Return (kind -> rows, rows that come near) for a column of answers."""
    search, kinds = _search()
    found: dict[str, set[int]] = {}
    folded, ends, texts = column.folded, column.ends, column.texts
    for word, start, end in search.find(folded):
        number = column.at(start)
        kind = kinds[word]
        text = texts[number]
        if start and (folded[start - 1] in _QUOTES or (_WORD_BYTE[folded[start]] and _WORD_BYTE[folded[start - 1]])):
            continue
        before = start - column.start(number)
        if not text.isascii():
            before = len(folded[start - before : start].decode("utf-8", "ignore"))
        if _holds(kind, text, before, folded, end, ends[number]):
            found.setdefault(
                "decline" if kind == "bare" else "not-in-context" if kind == "subject" else kind, set()
            ).add(column.rows[number])
    labels = {
        row
        for text, row in zip(texts, column.rows)
        if len(text) <= 24 and text.strip(" \n.\"'").lower() in phrases.NO_LABEL
    }
    if labels:
        found["no-label"] = labels
    near = found.pop("near", set())
    return {kind: sorted(rows) for kind, rows in found.items()}, sorted(near.difference(*found.values()))


def _holds(kind: str, text: str, before: int, folded: bytes, end: int, stop: int) -> bool:
    """Return whether a phrase of a kind counts where it stands: after `before` letters of the text."""
    if kind == "decline":
        return before <= HEAD and not _LETTER.match(text) and not folded.startswith(b" but", end)
    if kind == "ask-back":
        return len(text) <= SHORT and not _LETTER.match(text) and _asks(text, before)
    if kind == "not-in-context":
        return before <= 3 * HEAD
    if kind == "subject":
        says = _DOES_NOT.match(folded, end, stop)
        return before <= 3 * HEAD and says is not None and says[1].decode() in phrases.SAYS
    if kind == "bare":
        return before == 0 and len(text) <= BRIEF and "\n" not in text and _BARE.match(text) is not None
    return before <= HEAD


def _asks(text: str, before: int) -> bool:
    """Return whether an answer asks its reader: the phrase begins it or ends it, or a question mark ends it."""
    tail = text.rstrip()[-1:]
    return before <= HEAD or tail in _QUESTION or before >= len(text) - HEAD


_QUESTION = frozenset("?？؟;՞")
_LETTER = re.compile(r"\s*(?:subject:|dear |to whom |[\"'“«„*#]|[A-Z][\w ]{0,20}:)", re.IGNORECASE)
"""An e-mail, a quotation, a heading, a dialogue: what it says is not said to the user."""
_DOES_NOT = re.compile(rb" (?:does not|doesn't|do not|don't|doesn\xe2\x80\x99t|don\xe2\x80\x99t) ([a-z]+)")
_BARE = re.compile(
    r"(?:i(?: am|['’]m) sorry[,.]? (?:but )?)?"
    r"(?:i (?:do not|don['’]t) know(?: (?:the answer|that|this)\b.{0,60}|[.!]?$|[.,] )"
    r"|i (?:can['’]t|cannot)[.!]?$|(?:sorry|no), (?:but )?i (?:can['’]t|cannot|can not)\b)",
    re.IGNORECASE,
)
_QUOTES = frozenset(b"'\"`")
"""Before a phrase: it is quoted, not said."""
_WORD_BYTE = bytes(
    1 if 0x30 <= c <= 0x39 or 0x61 <= c <= 0x7A or 0x41 <= c <= 0x5A or c == 0x5F else 0 for c in range(256)
)


@lru_cache(maxsize=1)
def _search() -> tuple[Search, tuple[str, ...]]:
    """Return the search for all phrases, and the kind of each."""
    words: dict[str, str] = {}
    for kind, given in (
        ("decline", [phrase for own in phrases.DECLINE.values() for phrase in own]),
        ("ask-back", phrases.ASK_BACK),
        ("not-in-context", phrases.NOT_THERE),
        ("subject", phrases.SUBJECTS),
        ("bare", phrases.DONT_KNOW),
        ("near", phrases.WEAK),
    ):
        for phrase in given:
            for spelling in _spellings(phrase):
                words.setdefault(spelling, kind)
    return Search([word.encode() for word in words]), tuple(words.values())


def _spellings(phrase: str) -> list[str]:
    """Return a phrase with both apostrophes, and with a capital where only ASCII letters are lowered beforehand."""
    found = [phrase]
    if not phrase[0].isascii():
        found.append(phrase[0].upper() + phrase[1:])
    if "'" in phrase:
        found += [spelling.replace("'", "’") for spelling in found]
    return found
