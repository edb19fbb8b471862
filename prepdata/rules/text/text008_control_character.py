"""TEXT008: characters that nobody sees: controls, zero-width characters, marks of direction."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.record import Record
from prepdata.rules.base import Pattern, RecordRule, Trigger
from prepdata.rules.text._pieces import pieces
from prepdata.text.lazy import lazily

_HIDDEN = re.compile(
    "[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u180e"
    "\U000e0000-\U000e007f]"
)
_RTL = lazily("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_JOINING = lazily(
    "[\u0600-\u07ff\u0840-\u085f\u08a0-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc]"
)
_NO_SPACES = lazily("[\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u19e0-\u19ff\u3040-\u30ff\u4e00-\u9fff]")
_NAMES = {0x200B: "zero-width space", 0x200C: "zero-width non-joiner", 0x200D: "zero-width joiner",
          0xFEFF: "byte order mark", 0x1B: "escape", 0x08: "backspace", 0x0C: "form feed", 0x7F: "delete",
          0x0B: "vertical tab", 0x07: "bell", 0x85: "next line"}  # fmt: skip


class ControlCharacter(RecordRule):
    """Finds control characters, zero-width characters and marks of direction.

    Why: nobody sees them, the tokenizer does: the same word becomes other tokens, and marks of direction can hide
    what a text says. Joiners inside emoji and in scripts that need them, direction marks in text written right to
    left, and word breaks in scripts without spaces are as they should be.
    Bad:
        {"messages": [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "On its\\u200b way."}]}
    Good:
        {"messages": [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "On its way."}]}
    Fix: unsafe; the characters are removed. In a sample of terminal output they may be meant.
    Source: Unicode 16.0, chapter 23, and Unicode Technical Report 36 on hidden text (2024-09).
    """

    code: ClassVar[str] = "TEXT008"
    name: ClassVar[str] = "control-character"
    severity: ClassVar[Severity] = "warning"
    fix = "unsafe"
    heuristic: ClassVar[bool] = True
    trigger: ClassVar[Trigger] = Pattern(_HIDDEN, (re.compile(rb"\x01"),))

    def check(self, record: Record) -> Iterator[Hit]:
        for message in record.turns:
            for text, path in pieces(message):
                found = [m.start() for m in _HIDDEN.finditer(text) if not _belongs(text, m.start())]
                if found:
                    yield _hit(text, path, found)
            if message.reasoning:
                found = [
                    m.start() for m in _HIDDEN.finditer(message.reasoning) if not _belongs(message.reasoning, m.start())
                ]
                if found:
                    yield _hit(message.reasoning, message.path, found, fixable=False)


def _belongs(text: str, at: int) -> bool:
    """True if a hidden character has work to do where it stands."""
    code = ord(text[at])
    if code < 0xA0:
        return (code >= 0x80 and "\xc2" <= text[at - 1 : at] <= "\xf4") or _in_damage(text, at)
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    near = text[max(0, at - 40) : at + 41]
    if code == 0x200D and _is_symbol(before) and _is_symbol(after):
        return True
    if code in (0x200C, 0x200D):
        return bool(_JOINING.match(before) or _JOINING.match(after))
    if code == 0x200B:
        return bool(_NO_SPACES.match(before) and _NO_SPACES.match(after)) and not _is_han(before)
    if code in (0x200E, 0x200F, 0x061C) or 0x202A <= code <= 0x202C or 0x2066 <= code <= 0x2069:
        return bool(_RTL.search(near))
    if 0xE0020 <= code <= 0xE007F:
        return "\U0001f3f4" in text[max(0, at - 8) : at]
    if code == 0x180E:
        return bool(_JOINING.match(before))
    if code == 0x2060:
        return bool(before.strip() and after.strip())
    return False


def _in_damage(text: str, at: int) -> bool:
    """True for a later byte of a damaged letter ("â" and two controls): mojibake speaks of it."""
    return (
        at >= 2
        and "\x80" <= text[at] <= "\xbf"
        and "\x80" <= text[at - 1] <= "\xbf"
        and "\xe0" <= text[at - 2] <= "\xf4"
    )


def _is_symbol(char: str) -> bool:
    return bool(char) and (unicodedata.category(char) in ("So", "Sk", "Mn") or char in "\ufe0f♀♂⚕⚖✈❤→↔↕")


def _is_han(char: str) -> bool:
    return "\u3040" <= char <= "\u9fff"


def _hit(text: str, path: str, found: list[int], fixable: bool = True) -> Hit:
    first = found[0]
    code = ord(text[first])
    name = _NAMES.get(code) or unicodedata.name(text[first], "control character").lower()
    more = f", the first of {len(found)} hidden characters" if len(found) > 1 else ""
    left, right = text[max(0, first - 30) : first], text[first + 1 : first + 31]
    excerpt = "".join(_seen(c) for c in left) + f"⟪U+{code:04X}⟫" + "".join(_seen(c) for c in right)
    gone = set(found)
    clean = "".join(c for i, c in enumerate(text) if i not in gone)
    return Hit(
        f"U+{code:04X} ({name}) is hidden in the text{more}: remove it",
        path,
        span=(first, first + 1),
        excerpt=excerpt,
        fix=Fix("remove the hidden characters", False, (Edit("set", path, clean),)) if fixable else None,
    )


def _seen(char: str) -> str:
    return f"⟨{ord(char):X}⟩" if _HIDDEN.match(char) else " " if char in "\n\r\t" else char
