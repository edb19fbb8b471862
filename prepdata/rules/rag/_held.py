"""What a context holds: its numbers in every spelling, its units, its words."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from unicodedata import normalize

from prepdata.text.amounts import amounts
from prepdata.text.dates import ERAS
from prepdata.text.quantities import european

MOST = 60
"""Numbers of a context that are reckoned with."""
PREFIX = 5
"""Letters of a word by which it is found again in another form."""
_USUAL = (2.0, 7.0, 12.0, 24.0, 30.0, 60.0, 100.0, 365.0)
"""Numbers that one reckons with and need not name."""
_FACTORS = {
    word: factor
    for factor, words in {
        1e3: ("k", "thousand", "tausend", "tsd", "mille", "mil", "mila", "тысяч", "тыс"),
        1e4: ("万", "萬", "만"),
        1e6: ("m", "mn", "million", "millions", "millionen", "mio", "millones", "milioni", "milhões", "млн"),
        1e8: ("亿", "億", "억"),
        1e9: ("b", "bn", "billion", "billions", "milliarden", "mrd", "milliards", "miliardi", "млрд"),
    }.items()
    for word in words
}
NUMBER = re.compile(r"(?<![A-Za-z0-9_.])(?:\d{1,3}(?:[,.\u00a0\u202f' ]\d{3})+(?!\d)|\d+)(?:[.,]\d+)?")
SPACES = re.compile("[\u00a0\u202f' ]")
DIGITS = re.compile(r"\d+")
UNIT = re.compile(r"[ \u00a0-]?(%|€|\$|£|° ?[CF]?|[^\W\d_]{1,20})")
_COUNTED = re.compile(rf"\d{UNIT.pattern}")
_NO_UNITS = frozenset(("and", "or", "to", "of", "und", "et", "y", "e"))
_SPELLED = re.compile(
    r"\b(?:thir|four|fif|six|seven|eigh|nine)teen|\b(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred"
    r"|thousand|million|dozen)\b|\b(?:quarter|half) (?:past|to)\b"
    r"|\b(?:halb|viertel) |y media\b|y cuarto\b|et demie\b"
    r"|zwanzig|dreißig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig|hundert|tausend|zehn\b"
    r"|\b(?:vingt|trente|quarante|cinquante|soixante|cent|mille)\b|veint|treinta|cuarenta|cincuenta|sesenta|setenta"
    r"|ochenta|noventa|ciento|\bvinte|trinta|quarenta|cinquenta|venti|trenta|quaranta|cinquanta|двадцат|тридцат|сорок"
    r"|десят"
)
_SPELLED_EAST = re.compile(
    r"[一二三四五六七八九十百千万零〇两]{2}|[〇一二三四五六七八九十百千万]+[年月日天个人元]"
    r"|[일이삼사오육칠팔구십백천만억]{2} ?(?:원|명|개|년|월|일)"
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_INITIALS = re.compile(r"\b[A-Z]{2}\b")
_LATIN = re.compile("[À-ɏ]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_ERA = re.compile(rf"({'|'.join(ERAS)})(\d{{1,2}}|元)年")
_SPAN = re.compile(r"[-–/](?<=(?<!\d)\d{4}.)(\d\d)(?!\d)")
_LABEL = re.compile(
    r"^[ \t>*#-]{0,8}(?:[\[【(]\d{1,3}[\]】)]|(?:document|doc|passage|source|context|chunk|dokument|quelle|abschnitt"
    r"|fuente|pasaje|fonte|extrait|документ|источник|文档|资料|文書|資料)"
    r"[ #]{0,2}[\[(]?\d{1,3}[\])]?(?=[ \t]*[:：(\n]))"
    r"|(?<=[.!?。])[ \t]?\[\d{1,3}\]|<(?:document|passage|chunk|doc|source)\b[^<>\n]{0,40}\b(?:index|id|n)=\"?\d{1,3}",
    re.MULTILINE | re.IGNORECASE,
)
"""Numbers that passages go by."""


class Held:
    """What a context holds. What is dear to find is found when it is asked for."""

    def __init__(self, text: str) -> None:
        self.text = text = _LABEL.sub(lambda match: " " * len(match[0]), european(text))
        self.lower = text.lower()
        self.pieces = {bare(piece) for piece in DIGITS.findall(text)}

    @cached_property
    def numbers(self) -> set[str]:
        """The numbers, without separators of thousands, and the digits between other signs."""
        joined = " ".join([SPACES.sub("", match[0]) for match in NUMBER.finditer(self.text)])
        eras = {str(ERAS[match[1]] + int(match[2].replace("元", "1"))) for match in _ERA.finditer(self.text)}
        ends = {
            self.text[one.start() - 4 : one.start() - 2] + one[1] for one in _SPAN.finditer(self.text)
        }  # 1979 of "1974–79"
        return amounts(self.text) | amounts(joined) | self.pieces | eras | ends

    @cached_property
    def digits(self) -> set[str]:
        """The same without zeros at their ends."""
        return {_significant(number) for number in self.numbers}

    @cached_property
    def values(self) -> list[float]:
        """The same as values, in rising order."""
        return sorted(found for number in self.numbers if (found := value(number)) is not None)

    @cached_property
    def results(self) -> list[float]:
        """What comes out of two of its numbers, or of one and a usual one."""
        first = sorted(self.numbers)[:MOST]
        return results([*[found for number in first if (found := value(number)) is not None], *_USUAL])

    @cached_property
    def spelled(self) -> bool:
        """True if some numbers may be written in words."""
        east = not self.lower.isascii() and _SPELLED_EAST.search(self.lower)
        return bool(east) or _SPELLED.search(self.lower) is not None

    @cached_property
    def units(self) -> set[str]:
        """The beginnings of what stands behind numbers."""
        found = {match[1] for match in _COUNTED.finditer(self.lower)}
        return {unit[:PREFIX] for unit in found} | {unit[0] for unit in found if unit >= "\u3040"}

    @cached_property
    def prefixes(self) -> set[str]:
        """The beginnings of all words."""
        return {word[:PREFIX] for word in _WORD.findall(unaccented(self.lower))}

    @cached_property
    def initials(self) -> set[str]:
        """The words of two capitals, such as UK."""
        return set(_INITIALS.findall(self.text))

    def has_word(self, word: str) -> bool:
        """True if a word is there, perhaps in another form."""
        return unaccented(word.lower())[:PREFIX] in self.prefixes

    def has_pieces(self, number: str) -> bool:
        """True if all digits of a number are there: of 5, of 17:30, of 3.11."""
        return all(bare(piece) in self.pieces for piece in DIGITS.findall(number))

    def counts(self, unit: str) -> bool:
        """True if the context counts in a unit, in digits and never in words."""
        if not unit or self.spelled or unit.lower() in _NO_UNITS:
            return False
        return (unit[0] if unit >= "\u3040" else unit[:PREFIX].lower()) in self.units

    def has_number(
        self, number: str, unit: str = "", *, reckons: bool = False, scaled: bool = True, shifted: bool = True
    ) -> bool:
        """True if a number is there: spelled otherwise, rounded, `scaled` or `shifted` by tens, or reckoned."""
        plain = next(iter(amounts(number)), number.lstrip("0"))
        if plain in self.numbers or plain in ("", "1") or (scaled and shifted and _significant(plain) in self.digits):
            return True
        found = value(plain)
        if found is None or (self.spelled and (found < 10_000 or _significant(plain) == "1")):
            return True
        if reckons or len(_significant(plain)) > 1:
            half = 0.5001 * _last_place(plain)
            factors = [_FACTORS.get(unit.lower(), 1.0), *((1000.0, 0.001, 0.01) if scaled else ())]
            if any(near(found * factor, half * factor, self.values) for factor in factors):
                return True  # rounded
        return reckons and reckoned(found, self.results)


def unaccented(text: str) -> str:
    """Return a text without the accents of Latin letters: García as Garcia."""
    if text.isascii():
        return text
    return _ACCENTS.sub("", normalize("NFD", text)) if _LATIN.search(text) else text


def bare(digits: str) -> str:
    """Return digits without zeros before them."""
    return digits.lstrip("0") or "0"


def _significant(number: str) -> str:
    """Return the digits of a number without zeros at its ends: the same for 0.05, 5 % and 500."""
    return "".join(DIGITS.findall(number)).strip("0") or "0"


def _last_place(number: str) -> float:
    """Return what one is worth in the last place of a number that is not an end of zeros: 0.1 of 1.2, 100 of 1200."""
    whole, point, rest = number.partition(".")
    return 10.0 ** -len(rest) if point else 10.0 ** (len(whole) - len(whole.rstrip("0")))


def value(number: str) -> float | None:
    """Return the value of a number, None where it is too long to be one."""
    try:
        return float(number) if len(number) < 20 else None
    except ValueError:
        return None


def near(wanted: float, within: float, values: Sequence[float]) -> bool:
    """True if one of some values, in rising order, is no farther from `wanted` than `within`."""
    place = bisect_left(values, wanted)
    return any(abs(other - wanted) <= within for other in values[max(place - 1, 0) : place + 1])


def results(known: Sequence[float]) -> list[float]:
    """Return the sums, differences, products and quotients of two values each, in rising order."""
    found: set[float] = set()
    for place, one in enumerate(known):
        for other in known[: place + 1]:
            found.update((one + other, one - other, other - one, one * other))
            if one and other:
                found.update((one / other, other / one))
    return sorted(found)


def reckoned(wanted: float, known: Sequence[float]) -> bool:
    """True if a value is one of the `results` of two known ones, or nearly so."""
    return near(wanted, 0.006 * abs(wanted), known)
