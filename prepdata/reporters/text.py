"""Terminal text: columns of wide letters, wrapping, cutting."""

from __future__ import annotations

import re
from unicodedata import combining, east_asian_width

_COLOR = re.compile("\x1b\\[[0-9;]*m")


def columns(text: str) -> int:
    """Return how many terminal columns a text takes: wide letters two, combining marks and colours none."""
    text = _COLOR.sub("", text)
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def wrap(text: str, width: int) -> list[str]:
    """Return the lines of a text cut at spaces; a word longer than a line is cut where the line ends.

    Args:
        text: one line of text.
        width: columns of a line, at least 1.
    """
    lines: list[str] = []
    line, used = "", 0
    for word in text.split(" "):
        need = columns(word)
        if line and used + 1 + need <= width:
            line, used = f"{line} {word}", used + 1 + need
            continue
        if line:
            lines.append(line)
        while need > width and "\x1b" not in word:
            head = cut(word, width)
            lines.append(head)
            word = word[len(head) :]
            need = columns(word)
        line, used = word, need
    return [*lines, line] if line or not lines else lines


def indented(text: str, width: int, indent: int = 2) -> str:
    """Return a line for a terminal: what does not fit goes on below, indented; blanks at its beginning stay. A width
    of 0 leaves it whole."""
    if not width or columns(text) <= width:
        return text
    bare = text.lstrip(" ")
    first, *rest = wrap(bare, max(20, width - max(indent, len(text) - len(bare))))
    return "\n".join([" " * (len(text) - len(bare)) + first, *(" " * indent + line for line in rest)])


def cut(text: str, width: int) -> str:
    """Return the longest beginning of a text that fits into `width` columns, at least one character."""
    if text.isascii():
        return text[: max(1, width)]
    used = 0
    for i, letter in enumerate(text):
        used += columns(letter)
        if used > width:
            return text[: max(1, i)]
    return text


def window(text: str, start: int, end: int, width: int) -> tuple[str, int, int]:
    """Return (text, start, end) cut to about `width` columns around the marked part, `…` where something went.

    Args:
        text: one line.
        start: first marked character.
        end: character after the last marked one; the beginning of a marked part that is too long is kept.
        width: columns there are, at least 20.
    """
    if columns(text) <= width:
        return text, start, end
    head = cut(text[start:], max(1, width - 2))
    end = min(end, start + len(head))
    left = right = 0
    spare = width - 2 - columns(text[start:end])
    while spare > 0 and (start - left > 0 or end + right < len(text)):
        if start - left > 0 and (left <= right or end + right >= len(text)):
            left += 1
            spare -= columns(text[start - left])
        elif end + right < len(text):
            right += 1
            spare -= columns(text[end + right - 1])
    before, after = text[start - left : start], text[end : end + right]
    first = "…" if start - left > 0 else ""
    last = "…" if end + right < len(text) else ""
    shift = len(first) + len(before)
    return f"{first}{before}{text[start:end]}{after}{last}", shift, shift + end - start
