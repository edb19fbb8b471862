"""Bytes that are not UTF-8: which encoding they most likely are in, and their text under that guess. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_UTF8_PIECE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf](?![\x80-\xbf])|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_SAMPLE = 20_000  # high bytes looked at, in bytes of text


class Guess(NamedTuple):
    """A guess at the encoding of some bytes.

    Args:
        encoding: Python's name of the encoding, or "utf-8" where single bytes in UTF-8 text are damaged.
        text: the text under the guess; bytes that fit nowhere are U+FFFD.
        offset: 0-based offset of the first byte that is not UTF-8, in bytes.
        note: what was seen, in a few words.
    """

    encoding: str
    text: str
    offset: int
    note: str


def guess(data: bytes) -> Guess | None:
    """Return the best guess at bytes that are not UTF-8, or None where they are UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        offset = error.start
    else:
        return None
    if _SURROGATE.match(data, offset):
        return Guess("cesu-8", _join_surrogates(data), offset, "surrogate halves written as if they were characters")
    sample = data[max(0, offset - _SAMPLE // 2) : offset + _SAMPLE]
    high = len(sample) - len(_HIGH_RUN.sub(b"", sample))
    if sum(len(piece) for piece in _UTF8_PIECE.findall(sample)) * 2 >= high:
        damaged = data.decode("utf-8", "replace")
        return Guess("utf-8", damaged, offset, "UTF-8 with damaged bytes")
    encoding, note = _legacy(sample)
    try:
        return Guess(encoding, data.decode(encoding), offset, note)
    except UnicodeDecodeError:
        return Guess("latin-1", data.decode("latin-1"), offset, "single bytes for accented letters")


def _join_surrogates(data: bytes) -> str:
    """Decode UTF-8 that holds surrogate halves: pairs become one character, lone halves U+FFFD."""
    pieces, last = [], 0
    for match in re.finditer(rb"(?:\xed[\xa0-\xbf][\x80-\xbf])+", data):
        pieces.append(data[last : match.start()].decode("utf-8", "replace"))
        units = match.group().decode("utf-8", "surrogatepass")
        pieces.append(units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
        last = match.end()
    pieces.append(data[last:].decode("utf-8", "replace"))
    return "".join(pieces)


def _legacy(sample: bytes) -> tuple[str, str]:
    """Return (encoding, note) of bytes in some older encoding, judged by how their high bytes cluster."""
    runs = _HIGH_RUN.findall(sample)
    high = b"".join(runs)
    if _fits(sample, "shift_jis", _kana, 0.3):
        return "shift_jis", "East Asian letters as double bytes"
    if len(high) >= 3 * len(runs):
        letters = sum(1 for b in high if b >= 0xC0 or b in (0xA8, 0xB8))
        leads = [run[i] for run in runs for i in range(0, len(run) - 1, 2)]
        paired = all(len(run) % 2 == 0 for run in runs)
        if letters >= 0.95 * len(high) and not (paired and _fits(sample, "euc_kr", _hangul, 0.95)):
            lower_1251 = sum(1 for b in high if b >= 0xE0)
            return ("cp1251" if lower_1251 * 2 >= len(high) else "koi8-r"), "Cyrillic letters as single bytes"
        for encoding, test, share in _ASIAN:
            if encoding == "gb18030" and sum(1 for b in leads if b <= 0xD7) < 0.9 * len(leads):
                continue
            if _fits(sample, encoding, test, share):
                return encoding, "East Asian letters as double bytes"
    if any(0x80 <= b <= 0x9F for b in high):
        return "cp1252", "Windows single bytes for quotes, dashes or accented letters"
    return "cp1252", "single bytes for accented letters, Latin-1 or Windows"


def _fits(sample: bytes, encoding: str, test: Callable[[str], bool], share: float) -> bool:
    """True if the bytes decode and at least `share` of the letters beyond ASCII pass the test."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    wide = [c for c in text if ord(c) > 0x7F]
    return bool(wide) and sum(map(test, wide)) >= share * len(wide)


def _kana(c: str) -> bool:
    return "\u3040" <= c <= "\u30ff"


def _hangul(c: str) -> bool:
    return "\uac00" <= c <= "\ud7a3"


def _han(c: str) -> bool:
    return "\u4e00" <= c <= "\u9fff"


_ASIAN = (("euc_jp", _kana, 0.4), ("euc_kr", _hangul, 0.9), ("gb18030", _han, 0.5), ("big5", _han, 0.5))


_MARKS = (
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


def wide_encoding(head: bytes) -> tuple[str, int] | None:
    """Return (encoding, bytes of the byte order mark) of text in UTF-16 or UTF-32, None for anything else.

    Text without a mark is recognised by the NUL bytes around its first character, which in JSON is ASCII.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    first = head[:4]
    if len(first) < 4 or not any(first):
        return None
    ascii_at = [9 <= b < 127 for b in first]
    zero_at = [b == 0 for b in first]
    if zero_at == [False, True, True, True] and ascii_at[0]:
        return "utf-32-le", 0
    if zero_at == [True, True, True, False] and ascii_at[3]:
        return "utf-32-be", 0
    if zero_at[1] and ascii_at[0] and not zero_at[2]:
        return "utf-16-le", 0
    if zero_at[0] and ascii_at[1] and not zero_at[3]:
        return "utf-16-be", 0
    return None
