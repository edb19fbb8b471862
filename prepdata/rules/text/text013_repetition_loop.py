"""TEXT013: an answer stuck repeating the same words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, around, clip
from prepdata.record import Message, Record
from prepdata.rules.base import LOOK, RecordRule, Trigger
from prepdata.rules.text._pieces import answered, answers, code_spans, inside, prompt_of

PROBE = 16
"""Characters of the piece that is looked for again."""
REACH = 600
"""Longest period looked for, in characters."""
SHORTEST = 60
"""Shortest stretch that counts as a loop, in characters (East Asian letters count three times)."""
_ASKED = re.compile(
    r"\brepeat|\b(?:\d{2,}|hundred|thousand|many|fifty|twenty|ten|several) times\b|over and over"
    r"|again and again|forever"
    r"|as long as possible|\bspam\b|\bchant\b|\blyrics?\b|\bsong\b|\bmantra\b|\bpoem\b|\bwiederhol"
    r"|\bmal\b|\brépèt|\bfois\b"
    r"|\brepit|\brepet|\bveces\b|\bvezes\b|\bvolte\b|повтор|\bраз\b|重复|重複|\d+ ?[次遍]|繰り返|\d+ ?回|반복|번\b",
    re.IGNORECASE,
)

_LAUGH = re.compile(r"[hxjkхлшђ][aeiouаеио]|la|na|lol|[aeiou]h|zz", re.IGNORECASE)


class RepetitionLoop(RecordRule):
    """Finds answers that repeat the same words again and again.

    Why: it is how a generation fails that nobody looked at; the model learns to loop. What repeats must come at least
    four times without a break, and more often the shorter it is, at the end of the answer or over a good part of it.
    Rules of dashes, tables, rows of digits, code, laughter, songs and what the prompt asks to repeat are left alone.
    Bad:
        {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because it is so because it
         is so because it is so because it is so because it is so because it is so because it is so"}]}
    Good:
        {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because it is so."}]}
    Fix: none; cut the loop off by hand, or drop the row.
    Source: thresholds of the project, set on a labelled set (2026-11).
    """

    code: ClassVar[str] = "TEXT013"
    name: ClassVar[str] = "repetition-loop"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True
    trigger: ClassVar[Trigger] = LOOK

    def wanted(self, chunk: Chunk) -> list[Record]:
        found = chunk.derived(answered)
        return [
            record for record, text in zip(found.records, found.texts)
            if len(text) >= 24 and (text.find(text[-PROBE - 2 : -2], -REACH - PROBE, -3) >= 0
                                    or (len(text) > 400 and _comes_again(text)))
        ]  # fmt: skip

    def check(self, record: Record) -> Iterator[Hit]:
        for message in answers(record):
            text = message.text
            size = len(text)
            if size < 24:
                continue
            probe = text[-PROBE - 2 : -2]
            at = text.rfind(probe, max(0, size - REACH - PROBE), size - 3)
            if at >= 0 and at != size - PROBE - 2:
                hit = _judge(record, message, at, size - PROBE - 2 - at)
                if hit:
                    yield hit
                    continue
            if size > 400:
                for place in _places(size):
                    at = _again(text, place)
                    if at >= 0:
                        hit = _judge(record, message, place, at - place)
                        if hit:
                            yield hit
                            break


def _places(size: int) -> tuple[int, int, int]:
    """Return where in a longer text it is looked for a piece that comes again."""
    return size // 4, size // 2, 3 * size // 4


def _again(text: str, place: int) -> int:
    """Return where the piece at a place comes again soon after, -1 if it does not."""
    return text.find(text[place : place + PROBE], place + 1, place + REACH + PROBE)


def _comes_again(text: str) -> bool:
    return any(_again(text, place) >= 0 for place in _places(len(text)))


def _judge(record: Record, message: Message, at: int, period: int) -> Hit | None:
    """Return a finding if the text around a place repeats with that period for long enough."""
    text = message.text
    start, end = _run(text, at, period)
    unit = text[start : start + period]
    period, unit = _smallest(unit)
    times = (end - start) // period
    letters = sum(c.isalpha() or "\u0300" <= c <= "\u1fff" for c in unit)
    wide = sum("\u3040" <= c <= "\ud7ff" for c in unit)
    width = (end - start) * (3 if wide * 2 > letters else 1)
    if period == 1 and end - start >= 200 and unit.isalnum():
        return _hit(message, unit, times, (start, end))
    if not letters or letters * 2 < len(unit.strip()) or times < _needed(letters + 2 * wide) or width < SHORTEST:
        return None
    if len(set(unit.lower())) < (3 if wide else 4) and (" " not in unit or times < 20 or _LAUGH.search(unit)):
        return None
    if (end - start) * 4 < len(text) and end < len(text) - 3 * period:
        return None
    if "|" in unit or inside(code_spans(text), start) or _looks_like_code(unit):
        return None
    if message.kind != "text" or any(_ASKED.search(turn.text) for turn in prompt_of(record, message)):
        return None
    return _hit(message, unit, times, (start, end))


def _hit(message: Message, unit: str, times: int, span: tuple[int, int]) -> Hit:
    return Hit(
        f"'{clip(unit.strip(), 40)}' comes {times} times in a row: cut the loop off, or drop the row",
        message.field,
        span=span,
        excerpt=around(message.text, span),
    )


def _run(text: str, at: int, period: int) -> tuple[int, int]:
    """Return the longest stretch around `at` in which every character equals the one a period later."""
    start = at
    while start > 0 and text[start - 1] == text[start - 1 + period]:
        start -= 1
    end, size = at + period, len(text)
    while end + period <= size and text[end : end + period] == text[end - period : end]:
        end += period
    while end < size and text[end] == text[end - period]:
        end += 1
    return start, end


def _smallest(unit: str) -> tuple[int, str]:
    """Return the smallest period of a unit and the unit cut to it."""
    period = (unit + unit).find(unit, 1)
    return period, unit[:period]


def _needed(letters: int) -> int:
    """Return how often a unit with so many letters must come to be a loop."""
    if letters >= 40:
        return 4
    if letters >= 20:
        return 5
    return 6 if letters >= 10 else 10


def _looks_like_code(unit: str) -> bool:
    return any(mark in unit for mark in ("();", "{", "}", "=", "</", "\\", "\t", "#include", ";", "<br", "&nbsp", "//"))
