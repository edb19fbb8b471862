"""Quantities in texts, numbers with their units, and whether another text holds them.

The one notion of "the context holds this number" that `prepdata rag-rows` and the RAG rules share. A number and its
unit belong together: "36 mm" does not hold "36 hours", and the 25 of "Version 25" is no length. What is the same in
another spelling is the same: 12bar and 12 bars, 2 weeks and 14 days, 9.00 and 9:00, half and 50 %. Where a text leaves
the unit out (tables, "45 minutes by train and 60 by bus"), nothing is held against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple
from unicodedata import combining, normalize

from prepdata.text._units import CASED, FIRST, LABELS, LONGEST, ONES, SCALES, SHARES, SPELLINGS, STEMS, TIMES, Unit
from prepdata.text._words_of_languages import OWNERS
from prepdata.text.amounts import WORDS, amounts

Standing = Literal["held", "open", "other", "absent"]
"""How a quantity stands in a text: it is there; its number is, and the unit is left open; its number is there for
something else only; its number is not there."""

SMALL = 12
"""Whole numbers up to this stand everywhere: without a unit they say little."""
MOST = 2000
"""Quantities of a text that are read."""
STEM = 5
"""Letters of a word by which it is found again in another form."""
_SIGNS = "\u0300-\u036f\u064b-\u0655\u0900-\u0903\u093a-\u094f\u0962\u0963\u0e31-\u0e3a\u0e47-\u0e4e"
_LETTER = rf"(?:[^\W\d_]|[{_SIGNS}])"  # with the signs that belong to the letter before them
_WORD = re.compile(rf"{_LETTER}+")
_DIGIT = re.compile(r"\d")
_SPACES = re.compile("[\u00a0\u202f' ]")
_ARABIC = re.compile("[\u064b-\u0655]")
_SPOKEN = [re.escape(word) for word in sorted({*WORDS, *SHARES, *TIMES, *ONES}, key=len, reverse=True)]
_DENSE = [word for word in _SPOKEN if word >= "\u3040"]  # of scripts without spaces
_APART = "|".join(word for word in _SPOKEN if word < "\u3040")
_NUMBER = re.compile(
    r"(?<![a-z0-9_.])((?:\d{1,3}(?:[,.\u00a0\u202f' ]\d{3})+(?!\d)|\d+)(?:[.,]\d+)?)"
    rf"|(?<![\w{_SIGNS}])(?:{_APART})(?![\w{_SIGNS}])"
    rf"|{'|'.join(_DENSE)}|[两二三四五六七八九十](?![一二三四五六七八九十百千])"
)
_CLOCK = re.compile(
    r"(?<![\d.,:])(?:(上午|早上|午前|오전|下午|晚上|傍晚|夜里|午後|夕方|夜|오후) ?)?"
    r"(?:([01]?\d|2[0-3])[:.hH时時点點시] ?([0-5]\d|半|반)(?!\d|[.:]\d)(?: ?([ap])\.?m\b)?"
    r"|([1-9]|1[0-2]) ?([ap])\.?m\b"
    r"|([01]?\d|2[0-3])[点點时時시](?![\d间間])|(1[3-9]|2[0-3])(?= (?:Uhr|heures)\b))",
)
_LATE = frozenset({"p", "下午", "晚上", "傍晚", "夜里", "午後", "夕方", "夜", "오후"})
_GAP = re.compile("[ \u00a0\u202f-]?")
_UNIT = re.compile(rf"(?:US)?[%€$£¥₽₹₩]|° ?[CFK]?\b|°|{_LETTER}+[²³23]?(?:/{_LETTER}+)?")
_NEXT = re.compile(rf"[ \u00a0\u202f-]({_LETTER}+)")
_MONEY_BEFORE = re.compile(r"(US\$|[€$£¥₹₩]|\b(?:EUR|USD|GBP|CHF|JPY|CNY|INR|Rs\.?)) ?$")
_MONEY_ENDS = frozenset(" $€£¥₹₩RDPFYs.")
_FOLLOWED = re.compile(r" [^\W\d_]")
_JOINED = re.compile(
    r"[ \u00a0]?(?:[,/x×*–、至到和或~～-]|から"
    r"|-?[ \u00a0](?:to|and|or|by|x|bis|und|oder|mal|à|et|ou|y|o|a|e|ed|do|i|lub|до|и|или|ve|ile|tot|en|of|och|og"
    r"|eller|til|till))(?:[ \u00a0](?:and|or|und|oder|et|ou|y|e|и))?[ \u00a0]?"
)
_ADDED = re.compile(r"[ \u00a0,]{0,2}(?:(?:and|und|et|y|e|и) )?")
_OPEN_BEFORE = frozenset("|:=\t;([：｜、\n")
_OPEN_BEHIND = frozenset("|\t\n;)]｜")
_LARGE = re.compile(rf"[ \u00a0]?({_LETTER}+)")
_SHORT = {"k": 1e3, "m": 1e6, "b": 1e9}
_EAST = re.compile(r"(\d+(?:\.\d+)?)[万萬만] ?(\d{1,4})([千천百백]?)")
_EASTERN = {"": 1.0, "百": 100.0, "백": 100.0, "千": 1000.0, "천": 1000.0}
_MINUS = re.compile(r"(?:(?:^|[\s(])[-−–]|\b(?:minus|moins|menos|meno|минус) )\Z", re.IGNORECASE)
_YEARS = (1000, 3000)  # "2019年", "2019 г."
_NOT_SEVERAL = frozenset({"unless", "across", "besides", "gross", "minus", "extras", "always", "sometimes"})
_DERIVED = frozenset({"time", "share", "volume", "clock"})  # 36 months make 36 payments
_ROUNDED = 0.04
"""How far a whole number may be from what it is rounded from: 20 for 19.90, not 2 for 2.5."""
_DEGREE = 0.6
"""How far a temperature may be from one of the other scale."""
_ROUGH = 0.02
"""Months and years are not all of one length: that much days and weeks may differ from them."""


class Quantity(NamedTuple):
    """A number with what it counts.

    Args:
        value: the number; of a time of the day, minutes after midnight.
        units: what its unit may be; empty without one that is known.
        word: the word behind it, in lower case; "" for none, or for one that is not counted ("25 is").
        span: where number and unit stand, in characters.
        name: True where the number is part of a name ("Version 25").
        bare: True where a text leaves units out: in tables, behind colons, at ends of lines.
    """

    value: float
    units: tuple[Unit, ...]
    word: str
    span: tuple[int, int]
    name: bool = False
    bare: bool = False

    @property
    def kinds(self) -> frozenset[str]:
        """What it may measure."""
        return frozenset(unit.kind for unit in self.units)

    @property
    def small(self) -> bool:
        """True for a whole number up to `SMALL`."""
        return abs(self.value) <= SMALL and self.value == int(self.value)

    def equals(self, other: Quantity, *, rounded: bool = True) -> bool:
        """True if two quantities are the same, perhaps in other units, and this one perhaps `rounded`."""
        pairs = [(a, b) for a in self.units for b in other.units if a.kind == b.kind]
        if len(pairs) > 1:  # pounds, degrees: what they stand for is the same in both
            pairs = [(a, b) for a, b in pairs if a.factor or a.name == b.name]
        return any(_equal(self.value, a, other.value, b, rounded=rounded) for a, b in pairs)


class Quantities:
    """The quantities of a text."""

    def __init__(self, text: str) -> None:
        self.text = european(text)

    @cached_property
    def all(self) -> list[Quantity]:
        """In their order; times of the day and sums ("1 h 30 min") come last."""
        clocks = list(_clocks(self.text))
        within = {at for one in clocks if ":" in self.text[slice(*one.span)] for at in range(*one.span)}
        found = [one for one in _read(self.text) if one.span[0] not in within]
        _share_units(self.text, found)
        return [*found, *_sums(self.text, found), *clocks]

    @cached_property
    def by_value(self) -> dict[float, list[Quantity]]:
        """The same by their numbers."""
        found: dict[float, list[Quantity]] = {}
        for one in self.all:
            found.setdefault(one.value, []).append(one)
        return found

    @cached_property
    def by_kind(self) -> dict[str, list[Quantity]]:
        """The same by what they measure."""
        found: dict[str, list[Quantity]] = {}
        for one in self.all:
            for kind in one.kinds:
                found.setdefault(kind, []).append(one)
        return found

    @cached_property
    def stems(self) -> set[str]:
        """The beginnings of all words."""
        return {word[:STEM] for word in _WORD.findall(self.text.casefold())}

    def alike(self, asked: Quantity) -> list[Quantity]:
        """Return the quantities that measure the same as another one."""
        return [one for kind in asked.kinds for one in self.by_kind.get(kind, ())]

    def standing(self, asked: Quantity, *, rounded: bool = True) -> Standing:
        """Return how a quantity of another text stands in this one.

        Args:
            asked: the quantity.
            rounded: True where it may be rounded.
        """
        if any(asked.equals(one, rounded=rounded) for one in self.alike(asked)):
            return "held"
        if asked.kinds == {"clock"}:
            hours = {asked.value / 60, asked.value / 60 - 12}
            return "open" if any(hour in self.by_value for hour in hours) else "absent"
        there = self.by_value.get(asked.value, [])
        if not there:
            return "absent"
        if not asked.units:
            return "other" if self._of_other_things(asked, there) else "held"
        return "open" if any(self._may_be(asked, one) for one in there) else "other"

    def _of_other_things(self, asked: Quantity, there: list[Quantity]) -> bool:
        """True if a number counts what is not named here ("29 plugs"), and is a small one here or has a unit."""
        if not asked.word or asked.word[:STEM] in self.stems:
            return False
        several = (
            asked.word.isascii() and len(asked.word) > 4 and asked.word[-1] == "s" and asked.word not in _NOT_SEVERAL
        )
        return asked.small or (several and all(one.units and not one.kinds & _DERIVED for one in there))

    def _may_be(self, asked: Quantity, one: Quantity) -> bool:
        """True if the unit of a number was left out, and may be the one asked for."""
        if one.units:
            return False
        if one.word and _beginning(one.word) == _beginning(asked.word):
            return True
        if one.name:
            return False
        if not one.word or one.bare:
            return True
        return not asked.small and "money" in asked.kinds and "money" not in self.by_kind  # "29 net"


def _beginning(word: str) -> str:
    """Return the first two letters of a word, without accents: of "tägig" as of "Tage", of "daagse" as of "dagen"."""
    return "".join(char for char in normalize("NFD", word) if not combining(char))[:2]


def quantities(text: str) -> list[Quantity]:
    """Return the quantities of a text: numbers in digits, and in words where `amounts` knows these."""
    return Quantities(text).all


def european(text: str) -> str:
    """Return a text with the digits of all scripts as 0 to 9."""
    return text if text.isascii() else _DIGIT.sub(lambda match: str(int(match[0])), text)


def _equal(one: float, a: Unit, other: float, b: Unit, *, rounded: bool) -> bool:
    """True if two numbers with units of one kind are the same, the second one perhaps not rounded."""
    if a.name == b.name:
        whole = rounded and one == int(one) and other != int(other) and round(other) == one
        return abs(one - other) <= max(1e-9, _ROUNDED * whole) * abs(one)
    if {a.name, b.name} == {"celsius", "fahrenheit"}:
        return abs((one * 1.8 + 32 if a.name == "celsius" else (one - 32) / 1.8) - other) <= _DEGREE
    if not a.factor or not b.factor:
        return False
    left, right = one * a.factor, other * b.factor
    rough = a.kind == "time" and (a.factor > 2e6) != (b.factor > 2e6)
    return abs(left - right) <= (_ROUGH if rough else 1e-6) * max(left, right)


def _read(text: str) -> Iterator[Quantity]:
    """Yield the numbers of a text with their units."""
    read = 0
    lowered = text.lower()
    for match in _NUMBER.finditer(lowered if len(lowered) == len(text) else text):
        one = _in_digits(text, match) if match[1] else _in_words(text, match)
        if one is not None:
            yield one
            read += 1
            if read == MOST:
                return


def _in_digits(text: str, match: re.Match[str]) -> Quantity | None:
    value = _value(match[1])
    if value is None:
        return None
    start = match.start()
    if start and text[start - 1] in _MONEY_ENDS and (before := _MONEY_BEFORE.search(text, max(0, start - 5), start)):
        large = _LARGE.match(text, match.end())
        factor = SCALES.get(large[1].casefold(), _SHORT.get(large[1].casefold(), 1.0)) if large else 1.0
        span = (before.start(), large.end() if large and factor > 1 else match.end())
        return Quantity(value * factor, SPELLINGS[before[1].rstrip(".")], "", span)
    scale, units, word, end = _behind(text, match.end())
    if east := _EAST.match(text, start):
        value = float(east[1]) * 1e4 + float(east[2]) * _EASTERN[east[3]]
        scale, units, word, end = _behind(text, east.end())
    if units and units[0].kind == "temperature" and _MINUS.search(text, max(0, start - 8), start):
        value, start = -value, start - (text[start - 1] in "-−–")
    if units and not (_YEARS[0] <= value * scale < _YEARS[1] and (units[0].name == "year" or word == "г")):
        return Quantity(value * scale, units, word, (start, end))
    name = _named(text, start, match.end())
    return Quantity(value * scale, (), word, (start, match.end()), name, _bare(text, start, match.end()))


def _in_words(text: str, match: re.Match[str]) -> Quantity | None:
    """Return the quantity of a number in words: "two weeks", "half of them", "a year"."""
    word = match[0].casefold()
    if word in TIMES:
        value, unit = TIMES[word]
        return Quantity(value, SPELLINGS[unit], "", match.span())
    if word in SHARES:
        return Quantity(SHARES[word], SPELLINGS["%"], "", match.span())
    if word in ONES and not ((follows := _NEXT.match(text, match.end())) and _units_of(follows[1])):
        return None
    scale, units, behind, end = _behind(text, match.end())
    if units:
        value = 1.0 if word in ONES else float(next(iter(amounts(word)), 0))
        return Quantity(value * scale, units, behind, (match.start(), end))
    return Quantity(float(next(iter(amounts(word)), 0)), (), behind, match.span())


def _behind(text: str, at: int) -> tuple[float, tuple[Unit, ...], str, int]:
    """Return what stands behind a number: (what it is multiplied with, its units, the word, where they end)."""
    found = _UNIT.match(text, _after_gap(text, at))
    if found is None:
        return 1.0, (), "", at
    scale, size = _scale(found[0])
    if size:
        at = found.start() + size
        at += text[at : at + 1] == "."
        found = _UNIT.match(text, _after_gap(text, at))
        if found is None:
            return scale, (), "", at
    units, end = _unit_at(text, found)
    if units:
        return scale, units, found[0].casefold(), end
    if found[0] >= "\u3040" or found[0].casefold() in OWNERS or _is_stop(text, found):
        return scale, (), "", at
    place = found.end()
    for _ in range(2):  # "5 full working days"
        follows = _NEXT.match(text, place)
        if follows is None or follows[1].casefold() in OWNERS:
            break
        if len(follows[1]) > 2 and (units := _units_of(follows[1])):
            return scale, units, follows[1].casefold(), follows.end()
        place = follows.end()
    return scale, (), found[0].casefold(), found.end()


def _after_gap(text: str, at: int) -> int:
    gap = _GAP.match(text, at)
    return gap.end() if gap else at


def _is_stop(text: str, found: re.Match[str]) -> bool:
    """True for a short word that says nothing: "am", "pm", "p."."""
    return len(found[0]) < 3 and found[0].isascii()


def _scale(word: str) -> tuple[float, int]:
    """Return what a word such as "million" multiplies with and its length, (1, 0) for other words."""
    folded = word.casefold()
    size = 1 if folded >= "\u3040" else len(folded)
    scale = SCALES.get(folded[:size])
    return (scale, size) if scale else (1.0, 0)


def _unit_at(text: str, found: re.Match[str]) -> tuple[tuple[Unit, ...], int]:
    """Return the units that stand where a word was found, those of most words, and where they end."""
    if found[0].casefold() in FIRST:
        ends = [found.end()]
        while len(ends) < 3 and (follows := _NEXT.match(text, ends[-1])):
            ends.append(follows.end())
        for end in reversed(ends[1:]):
            if units := _units_of(text[found.start() : end]):
                return units, end
    if units := _units_of(found[0]):
        return units, found.end()
    if found[0] >= "\u3040":
        for size in range(min(LONGEST, len(found[0])), 0, -1):
            if units := SPELLINGS.get(found[0][:size], ()):
                return units, found.start() + size
    return (), found.end()


@lru_cache(maxsize=4096)
def _units_of(words: str) -> tuple[Unit, ...]:
    bare = _ARABIC.sub("", words).replace("\u00a0", " ")
    folded = bare.casefold()
    found = SPELLINGS.get(bare) or (() if folded in CASED else SPELLINGS.get(folded, ()))
    return found or (() if folded.isascii() or folded >= "\u3040" or " " in folded else STEMS.get(folded[:5], ()))


def _named(text: str, start: int, end: int) -> bool:
    """True if a number without a unit is part of a name: "Version 25 has", "Box 7 weighs"."""
    if text[max(0, start - 1) : start] in ("第", "#", "№", "§"):
        return True
    word = _word_before(text, start)
    if not word.isalpha():
        return False
    if word.casefold() in LABELS:
        return True
    return word[0].isupper() and word.casefold() not in OWNERS and _FOLLOWED.match(text, end) is not None


def _word_before(text: str, start: int) -> str:
    before = text[max(0, start - 24) : start]
    return before[:-1].rpartition(" ")[2].rpartition("\n")[2].rstrip(".") if before.endswith(" ") else ""


def _labelled(text: str, start: int) -> bool:
    return _word_before(text, start).casefold() in LABELS


def _bare(text: str, start: int, end: int) -> bool:
    """True if a number stands by itself, as in a table or behind a colon."""
    before = text[max(0, start - 4) : start].rstrip(" ")[-1:]
    behind = text[end : end + 4].lstrip(" ")[:1]
    return not before or before in _OPEN_BEFORE or not behind or behind in _OPEN_BEHIND


def _share_units(text: str, found: list[Quantity]) -> None:
    """Give the numbers of a list or a range the unit of the last one: "10, 15 or 25 metres"; they are no names, as in
    "Norway 3 to 6", unless a label stands before them."""
    for place in range(len(found) - 2, -1, -1):
        one, last = found[place], found[place + 1]
        if one.units or not _JOINED.fullmatch(text, one.span[1], last.span[0]):
            continue
        if last.units:
            found[place] = one._replace(units=last.units, name=False, word=last.word)
        elif one.name and not last.name and not _labelled(text, one.span[0]):
            found[place] = one._replace(name=False)


def _sums(text: str, found: list[Quantity]) -> Iterator[Quantity]:
    """Yield the sums of quantities that stand together: "1 h 30 min"."""
    for one, other in pairwise(found):
        if not one.units or not other.units or not _ADDED.fullmatch(text, one.span[1], other.span[0]):
            continue
        for a in one.units:
            for b in other.units:
                if a.kind == b.kind and 0 < b.factor < a.factor:
                    value = one.value + other.value * b.factor / a.factor
                    yield Quantity(value, (a,), "", (one.span[0], other.span[1]))


_MINUTES = Unit("clock", "minutes after midnight", 1.0)


def _clocks(text: str) -> Iterator[Quantity]:
    """Yield the times of the day."""
    for match in _CLOCK.finditer(text):
        said = int(match[2] or match[5] or match[7] or match[8])
        late = (match[1] or match[4] or match[6]) in _LATE
        hour = said % 12 + 12 if late and said <= 12 else said % 12 if match[4] or match[6] else said
        minutes = 30 if match[3] in ("半", "반") else int(match[3] or 0)
        yield Quantity(float(60 * hour + minutes), (_MINUTES,), "", match.span())


def _value(number: str) -> float | None:
    """Return the value of a number as `amounts` reads it, None where it is too long to be one."""
    if not number.isdigit():
        number = next(iter(amounts(_SPACES.sub("", number))), "1")
    return float(number) if len(number) < 20 and number.count(".") < 2 else None
