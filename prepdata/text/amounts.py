"""Which numbers does a text name, in digits or in words?"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W\d_]+")
WORDS = {
    word: value
    for value, words in {
        2: "two twice double zwei zweimal doppelt deux dos",
        3: "three thrice triple drei dreimal trois tres",
        4: "four vier quatre cuatro",
        5: "five fünf cinq cinco",
        6: "six sechs seis",
        7: "seven sieben sept siete",
        8: "eight acht huit ocho",
        9: "nine neun neuf nueve",
        10: "ten zehn dix diez",
        11: "eleven elf onze once",
        12: "twelve dozen zwölf dutzend douze doce docena",
        15: "fifteen fünfzehn quinze quince",
        20: "twenty score zwanzig vingt veinte",
        30: "thirty dreißig trente treinta",
        40: "forty vierzig quarante cuarenta",
        50: "fifty fünfzig cinquante cincuenta",
        60: "sixty sechzig soixante sesenta",
        100: "hundred hundert cent cien",
        1000: "thousand tausend mille mil",
    }.items()
    for word in words.split()
}
"""Number word -> its value."""
_ALONE = {
    "两": 2,
    "二": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
    "十": 10,
    "百": 100,
    "千": 1000,
}


def amounts(text: str) -> set[str]:
    """Return the numbers of a text, the same for "12", "twelve" and "a dozen"; 1 is left out, since "one" and "a" say
    little, and so is "half", which may be 0.5, 50 % or 30 minutes. Number words of English, German, French, Spanish and
    Chinese, single words only."""
    found = {_plain(match[0]) for match in _NUMBER.finditer(text)}
    found |= {str(WORDS[word]) for match in _WORD.finditer(text.casefold()) if (word := match[0]) in WORDS}
    if not text.isascii():
        found |= {str(_ALONE[char]) for char in set(text) & _ALONE.keys()}
    return found - {"1", ""}


def other_amounts(one: str, other: str) -> tuple[list[str], list[str]] | None:
    """Return the numbers that only one of two texts names, and those that only the other names, where the two speak of
    other numbers: each has one that the other has not, or half of the numbers or fewer are common. Else None, also
    where one of them names no number at all."""
    left, right = amounts(one), amounts(other)
    both, either = len(left & right), len(left | right)
    if not left or not right or (2 * both > either and not (left - right and right - left)):
        return None
    return sorted(left - right, key=_order), sorted(right - left, key=_order)


def _plain(number: str) -> str:
    """Return a number without separators of thousands and ends of zeros: 1,200 is 1200, 2.50 is 2.5."""
    if match := re.fullmatch(r"([1-9]\d{0,2}(?:([.,])\d{3}(?:\2\d{3})*))((?!\2)[.,]\d+)?", number):
        number = re.sub(r"[.,]", "", match[1]) + (match[3] or "")
    number = number.replace(",", ".")
    if number.count(".") == 1:
        number = number.rstrip("0").rstrip(".")
    return number.lstrip("0")


def _order(number: str) -> tuple[int, str]:
    return len(number), number
