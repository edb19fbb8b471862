"""TEXT007: text that was decoded with the wrong encoding."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import ClassVar

from prepdata.findings import Edit, Fix, Hit, Severity, around, clip
from prepdata.record import Record
from prepdata.rules.base import Pattern, RecordRule, Trigger
from prepdata.rules.text._pieces import Span, code_spans, inside, pieces

# Pairs of letters that damage leaves: the first letters, and those that follow them.
_PAIRS = (
    (
        "\xc2-\xf4",
        (
            "\x80-\xbf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013\u2014\u2018-\u201e"
            "\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122\xc0-\xff"
        ),
    ),
    ("\u0413\u0420\u0421\u0432", "\u0080-\u00bf\u0402-\u040f\u0452-\u045f\u2013-\u203a\u20ac\u2122\u2116"),
    (
        "\u251c\u2524\u252c\u0393\u03c0\u00d4\u00d7\u0102\u00c4\u0139\u00e2\u0432\u05d2\u00b3",
        "\u00ae\u00c7\u00f6\u2524\u2510\u2590\u2580-\u259f\u00a0-\u00bf\u0102-\u017f\u20ac\u2122\u2018-\u203a",
    ),
)
_SUSPECT = re.compile(  # it begins with one class, so that it is quick
    f"[\ufffd{''.join(first for first, _ in _PAIRS)}](?:(?<=\ufffd)|"
    + "|".join(f"(?<=[{first}])[{second}]" for first, second in _PAIRS)
    + ")"
)
_ABOUT = re.compile(
    r"mojibake|encoding|encoded|unicode|utf-?8|latin-?1|cp1252|windows-1252|replacement character|u\+fffd|charset"
    r"|zeichensatz|kodierung|encodage|codificaci|кодировк|文字化け|乱码|编码|エンコード",
    re.IGNORECASE,
)
_WORD = re.compile(r"\S+")


class Mojibake(RecordRule):
    """Finds text decoded with the wrong encoding ("cafÃ©"), and replacement characters.

    Why: the model learns to write the damage. Text is taken for damaged where decoding it the other way gives text
    that is clearly better. Rows about encodings and pieces of code are left alone.
    Bad:
        {"messages": [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "At the cafÃ©."}]}
    Good:
        {"messages": [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "At the café."}]}
    Fix: unsafe; the text is decoded anew. A replacement character is left alone: what stood there is lost.
    Source: ftfy 6.3, its measure of badness (2024-10).
    """

    code: ClassVar[str] = "TEXT007"
    name: ClassVar[str] = "mojibake"
    severity: ClassVar[Severity] = "warning"
    fix = "unsafe"
    heuristic: ClassVar[bool] = True
    trigger: ClassVar[Trigger] = Pattern(_SUSPECT, traces=())

    def check(self, record: Record) -> Iterator[Hit]:
        about: bool | None = None
        for message in record.turns:
            for text, path in pieces(message):
                if text.isascii() or not _SUSPECT.search(text):
                    continue
                hit = _judge(text, path)
                if hit is None:
                    continue
                if about is None:
                    about = any(_ABOUT.search(turn.text[:20000]) for turn in record.turns)
                if about:
                    return
                yield hit


def _judge(text: str, path: str) -> Hit | None:
    lines = text.split("\n")
    mended = [_mend(line) if not line.isascii() and _SUSPECT.search(line) else line for line in lines]
    changed = "\n".join(mended)
    code = code_spans(text)
    if changed != text:
        span = _first_change(lines, mended)
        if not inside(code, span[0]):
            wrong, right = text[span[0] : span[1]], _counterpart(lines, mended)
            return Hit(
                f"'{clip(wrong, 30)}' was decoded with the wrong encoding; it should read '{clip(right, 30)}': "
                "read the source again as UTF-8, or use the fix",
                path,
                span=span,
                excerpt=around(text, span),
                fix=Fix("decode the text anew", False, (Edit("set", path, changed),)),
            )
    place = text.find("\ufffd")
    if place >= 0 and not inside(code, place):
        count = text.count("\ufffd")
        return Hit(
            f"{count} replacement character{'s' * (count > 1)} (U+FFFD): the letters that stood here are lost; "
            "read the source again in its own encoding",
            path,
            span=(place, place + 1),
            excerpt=around(text, (place, place + 1)),
        )
    return None


@lru_cache(maxsize=512)
def _mend(line: str) -> str:
    """Return a line decoded anew, or the line itself where that makes it no better."""
    import ftfy
    from ftfy.badness import badness

    if len(line) > 100_000:
        return line
    if not badness(line):
        return line
    mended: str = ftfy.fix_encoding(line)
    if mended == line or badness(mended) >= badness(line):
        return line
    # Decoding may only undo damage: an ordinary character that ftfy drops or a control left over is no cure.
    if any(ord(c) < 32 and c not in "\t\r" for c in mended) and not any(ord(c) < 32 for c in line):
        return line
    return mended


def _first_change(lines: list[str], mended: list[str]) -> Span:
    offset = 0
    for old, new in zip(lines, mended):
        if old != new:
            start = next((i for i, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
            left = old.rfind(" ", 0, start) + 1
            word = _WORD.match(old, left)
            end = word.end() if word else len(old)
            return offset + left, offset + max(end, start + 1)
        offset += len(old) + 1
    return 0, 0


def _counterpart(lines: list[str], mended: list[str]) -> str:
    for old, new in zip(lines, mended):
        if old != new:
            start = next((i for i, (a, b) in enumerate(zip(old, new)) if a != b), 0)
            left = new.rfind(" ", 0, start) + 1
            word = _WORD.match(new, left)
            return word[0] if word else new[left:]
    return ""
