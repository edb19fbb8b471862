"""Facts of an answer that its context does not hold: numbers, identifiers, names, quotations, and what it says at all.

Made to be silent where it is not sure. A number counts as held if the context has it in another spelling (1,200 and
1200, twelve and 12, 0.5 and 50 %), rounded, as part of a date, or, where the answer reckons, as the sum, difference,
product or quotient of two of its numbers. Names are looked at in scripts with capitals only, and not in languages that
write nouns with them; single words only where answer and context are in one language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from prepdata.rules.rag._citations import without_code
from prepdata.text.amounts import amounts
from prepdata.text.language import detect, script

READ = 100_000
"""Characters of a context that are read."""
SMALL = 12
"""Whole numbers up to this count things that no text has to name; looked at where the context counts in their unit."""
MOST = 60
"""Numbers of a context that are reckoned with."""
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
FACTS = 200
"""Numbers, and identifiers, of an answer that are looked at."""
PREFIX = 5
"""Letters of a word by which it is found again in another form."""
BRIEF = 25
"""Words up to which one name that is nowhere in the context counts, and words in all that are not there."""

_THOUGHT = ("</think>", "</thinking>", "</reasoning>")
_URL = re.compile(r"https?://\S{1,300}|www\.\S{1,300}|\S{1,80}@\S{1,80}")
_CITED = re.compile(r"[\[【][^\[\]【】\n]{1,80}[\]】](?:\([^()\n]{1,300}\))?|</?co:? ?[\d, ]{0,30}>")
_LISTED = re.compile(r"^[ \t>*#-]{0,8}\(?(?:\d{1,3}|[a-z])[.):、．]", re.MULTILINE)
_STEP = re.compile(
    r"\b(?:step|option|example|part|point|section|chapter|figure|table|page|document|passage|source|context|schritt"
    r"|punkt|beispiel|dokument|quelle|étape|paso|passo|шаг)s?[ #]{0,2}\d{1,3}|[第文资][档料]? ?\d{1,3}|24/7|\b100 ?%"
    r"|\b\d{1,2}(?:st|nd|rd|th|\.|e|er|ème)? ?(?:century|jahrhundert|siècle|siglo|secolo|век)|\d{1,2} ?世[纪紀]",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![A-Za-z0-9_.])(?:\d{1,3}(?:[,.\u00a0\u202f' ]\d{3})+(?!\d)|\d+)(?:[.,]\d+)?")
_SPACES = re.compile("[\u00a0\u202f' ]")
_IDENTIFIER = re.compile(r"(?<![\w-])[A-Za-z0-9][A-Za-z0-9-]{2,39}(?![\w-])")
_DIGIT = re.compile(r"\d")
_DIGITS = re.compile(r"\d+")
_UNIT = re.compile(r"[ \u00a0-]?(%|€|\$|£|° ?[CF]?|[^\W\d_]{1,20})")
_SPELLED = re.compile(
    r"\b(?:thir|four|fif|six|seven|eigh|nine)teen|\b(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred"
    r"|thousand|million|dozen)\b|\b(?:quarter|half) (?:past|to)\b"
    r"|\b(?:halb|viertel) |y media\b|y cuarto\b|et demie\b"
    r"|zwanzig|dreißig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig|hundert|tausend|zehn\b"
    r"|\b(?:vingt|trente|quarante|cinquante|soixante|cent|mille)\b|veint|treinta|cuarenta|cincuenta|sesenta|setenta"
    r"|ochenta|noventa|ciento|\bvinte|trinta|quarenta|cinquenta|venti|trenta|quaranta|cinquanta|двадцат|тридцат|сорок"
    r"|десят|[一二三四五六七八九十百千万零〇两]{2}|[〇一二三四五六七八九十百千万]+[年月日天个人元]",
    re.IGNORECASE,
)
_RECKONS = re.compile(
    r"[=×÷≈]|\d ?[+*/] ?\d|\b(?:total|sum|altogether|combined|difference|average|mean|per cent|percent|ratio|twice"
    r"|half|double|triple|more than|less than|fewer|longer|older|younger|between|remaining|left over|approximately"
    r"|about|around|roughly|nearly|almost|insgesamt|zusammen|durchschnitt|differenz|ungefähr|etwa|rund|au total|environ"
    r"|en total|promedio|diferencia|in totale|circa|всего|примерно|около)\b|共|合计|总计|平均|约|合計|約",
    re.IGNORECASE,
)
_NAME = re.compile(r"\b[A-ZÀ-ÖØ-ÞΑ-ΩА-ЯЁЄІЇҐ][^\W\d_]{2,29}\b")
_BEGINS = re.compile(r"(?:^|[.!?:;…\n\"“”„«»(\[*#>•–—|/-])[ \t\"“„«(\[*#>•_-]{0,6}$")
_TITLED = re.compile(r"^[ \t]*(?:#{1,6} .*|\*\*[^*\n]{1,100}\*\*:?.{0,3}|.{1,60}:)$", re.MULTILINE)
_NO_NAMES = frozenset(
    """january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday janvier février mars avril mai juin juillet août septembre octobre novembre décembre
    enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre lunes martes miércoles
    jueves viernes sábado domingo yes no the this these that those there their they what when where which who why how
    english french german spanish italian chinese japanese russian based according context answer question note please
    however therefore thus also and but for from with you your our its his her she not""".split()  # noqa: SIM905
)
_NOUNS = frozenset({"de", "lb"})
"""Languages that write every noun with a capital."""
_LETTER_LIKE = re.compile(r"\s*(?:dear |hi |hello |subject:|hallo |sehr geehrte|bonjour|estimad|caro )", re.IGNORECASE)
_IMPERIAL = frozenset(("miles", "mile", "feet", "foot", "ft", "inches", "inch", "lb", "lbs", "pounds", "oz", "ounces",
                       "gallons", "mph", "acres", "°f", "° f"))  # fmt: skip
"""Units into which an answer may turn what its context has in others."""
_CLOCK = re.compile(r"[:.]\d\d(?!\d)| ?[hH时時시]| Uhr")
_QUOTED = re.compile(r"[\"“„«「]([^\"“”„«»「」\n]{20,400})[\"”“»」]")
_BETWEEN = re.compile(r"[\"“„«][^\"“”„«»\n]{1,80}[\"”“»]")
_WORD = re.compile(r"[^\W\d_]{2,}")
_LONG = re.compile(r"[^\W\d_]{4,}")
_SPACED = frozenset({"Latin", "Cyrillic", "Greek"})


class Missing(NamedTuple):
    """Something that an answer says and its context does not.

    Args:
        kind: `number`, `identifier`, `name`, `quotation`, `words`.
        text: as the answer has it.
        span: where, in characters.
    """

    kind: str
    text: str
    span: tuple[int, int]


def missing(answer: str, context: str) -> list[Missing]:
    """Return the facts of an answer that are not in its context, the surest kind only; empty if all are there."""
    answer, context = answer[:READ], context[:READ]
    plain = _plain(answer)
    if not _said(plain):
        return []
    held = _Held(context)
    found = [*_numbers(plain, held), *_identifiers(plain, held)]
    if found:
        return sorted(found, key=lambda one: one.span)
    written = script(plain)
    if written not in _SPACED or script(context) != written:
        return []
    said, given = detect(plain), detect(context)
    if said and given and said != given:
        return []
    return _quotations(answer, held) or _names(plain, held, given) or (_words(plain, held) if given else [])


def _plain(answer: str) -> str:
    """Return an answer with spaces where it has code, thoughts, addresses, citations and numbers of lists."""
    thought = max([answer.rfind(end) + len(end) for end in _THOUGHT if end in answer], default=0)
    text = without_code(" " * thought + answer[thought:])
    for pattern in (_URL, _CITED, _LISTED, _STEP):
        text = pattern.sub(lambda match: " " * len(match[0]), text)
    return text


def _said(text: str) -> bool:
    return any(char.isalnum() for char in text)


class _Held:
    """What a context holds, made ready to be asked."""

    def __init__(self, text: str) -> None:
        text = _european(text)
        self.lower = text.lower()
        joined = " ".join([_SPACES.sub("", match[0]) for match in _NUMBER.finditer(text)])
        pieces = {piece.lstrip("0") or "0" for piece in _DIGITS.findall(text)}
        self.numbers = amounts(text) | amounts(joined) | pieces
        self.digits = {_significant(number) for number in self.numbers}
        self.spelled = _SPELLED.search(text) is not None
        self.floats = [value for number in sorted(self.numbers) if (value := _value(number)) is not None]
        self._prefixes: set[str] | None = None

    @property
    def prefixes(self) -> set[str]:
        """The first letters of all words."""
        if self._prefixes is None:
            self._prefixes = {word[:PREFIX] for word in _WORD.findall(self.lower)}
        return self._prefixes

    def has_word(self, word: str) -> bool:
        """True if a word is there, perhaps in another form."""
        return word[:PREFIX].lower() in self.prefixes

    def has_number(self, number: str, unit: str = "", *, reckons: bool = False, scaled: bool = True) -> bool:
        """True if a number is there: spelled otherwise, rounded, `scaled` by tens, or reckoned from others."""
        plain = next(iter(amounts(number)), number.lstrip("0"))
        if plain in self.numbers or plain in ("", "1") or (scaled and _significant(plain) in self.digits):
            return True
        pieces = [piece.lstrip("0") or "0" for piece in _DIGITS.findall(number)]
        if len(pieces) > 1 and all(piece in self.numbers for piece in pieces):
            return True  # a time, a date, a version
        value = _value(plain)
        if value is None or (self.spelled and value < 10_000):
            return True
        if reckons or len(_significant(plain)) > 1:
            half = 0.5001 * _last_place(plain)
            factors = [_FACTORS.get(unit.lower(), 1.0), *((1000.0, 0.001, 0.01) if scaled else ())]
            if any(abs(other - value * factor) <= half * factor for factor in factors for other in self.floats):
                return True  # rounded
        return reckons and _reckoned(value, [*self.floats[:MOST], *_USUAL])


def _european(text: str) -> str:
    """Return a text with the digits of all scripts as 0 to 9."""
    return text if text.isascii() else _DIGIT.sub(lambda match: str(int(match[0])), text)


def _significant(number: str) -> str:
    """Return the digits of a number without zeros at its ends: the same for 0.05, 5 % and 500."""
    return "".join(_DIGITS.findall(number)).strip("0") or "0"


def _last_place(number: str) -> float:
    """Return what one is worth in the last place of a number that is not an end of zeros: 0.1 of 1.2, 100 of 1200."""
    whole, point, rest = number.partition(".")
    return 10.0 ** -len(rest) if point else 10.0 ** (len(whole) - len(whole.rstrip("0")))


def _value(number: str) -> float | None:
    try:
        return float(number) if len(number) < 20 else None
    except ValueError:
        return None


def _reckoned(value: float, known: list[float]) -> bool:
    """True if a value is the sum, difference, product or quotient of two known ones."""
    for place, one in enumerate(known):
        for other in known[: place + 1]:
            results = [one + other, one - other, other - one, one * other]
            results += [one / other, other / one] if one and other else []
            if any(abs(value - result) <= 0.006 * abs(value) for result in results):
                return True
    return False


def _numbers(plain: str, held: _Held) -> Iterator[Missing]:
    reckons = _RECKONS.search(plain) is not None
    own = [value for number in sorted(amounts(plain) & held.numbers)[:MOST] if (value := _value(number)) is not None]
    for match in islice(_NUMBER.finditer(plain), FACTS):
        start, end = match.span()
        number = _SPACES.sub("", _european(match[0]))
        value = _value(number)
        unit = _UNIT.match(plain, end)
        if value is not None and value <= SMALL and value == int(value):
            if not (unit and value > 1 and _counts(unit[1], held)):
                continue
        elif unit and unit[0][0].isalpha() and unit[0].isascii() and len(unit[0]) > 4:
            continue
        if value is not None and value <= 24 and _CLOCK.match(plain, end) and _other_clock(value) & held.numbers:
            continue  # 17:00 is five in the afternoon
        scaled = unit is None or not _counts(unit[1], held)
        if unit and scaled and own and unit[1].lower() in _IMPERIAL:
            continue
        there = held.has_number(number, unit[1] if unit else "", reckons=reckons, scaled=scaled)
        if not there and not (value and _reckoned(value, own)):
            stop = unit.end() if unit else end
            yield Missing("number", plain[start:stop].strip(), (start, end))


def _other_clock(hour: float) -> set[str]:
    return {str(int(hour) - 12), str(int(hour) + 12)}


def _counts(unit: str, held: _Held) -> bool:
    """True if the context counts in this unit, in digits and never spelled."""
    if held.spelled or unit.lower() in ("and", "or", "to", "of", "und", "et", "y", "e"):
        return False
    if unit >= "\u3040":
        unit = unit[0]
    return re.search(rf"\d[ \u00a0-]?{re.escape(unit[:PREFIX].lower())}", held.lower) is not None


def _identifiers(plain: str, held: _Held) -> Iterator[Missing]:
    for match in islice(_IDENTIFIER.finditer(plain), FACTS):
        word = match[0]
        digits = _DIGITS.findall(word)
        if not any(len(piece) > 1 for piece in digits) or not any(char.isalpha() for char in word):
            continue
        if word.lower() in held.lower or all(held.has_number(piece) for piece in digits):
            continue
        yield Missing("identifier", word, match.span())


def _quotations(answer: str, held: _Held) -> list[Missing]:
    found = []
    for match in _QUOTED.finditer(answer):
        words = _LONG.findall(match[1])
        if len(words) >= 5 and sum(held.has_word(word) for word in words) < 0.5 * len(words):
            found.append(Missing("quotation", match[1], match.span(1)))
    return found


def _names(plain: str, held: _Held, language: str | None) -> list[Missing]:
    if language in _NOUNS or _LETTER_LIKE.match(plain):
        return []
    text = plain
    for pattern in (_TITLED, _BETWEEN):
        text = pattern.sub(lambda match: " " * len(match[0]), text)
    found: dict[str, Missing] = {}
    there: set[str] = set()
    for match in _NAME.finditer(text):
        word = match[0]
        if word.lower() in _NO_NAMES or word.isupper():
            continue
        if held.has_word(word):
            there.add(word)
        elif not _BEGINS.search(text[max(0, match.start() - 8) : match.start()]):
            found.setdefault(word, Missing("name", word, match.span()))
    few = len(_WORD.findall(plain)) <= BRIEF
    if (len(found) >= 2 and len(found) > len(there)) or (found and few and not there):
        return list(found.values())
    return []


def _words(plain: str, held: _Held) -> list[Missing]:
    """Return the whole answer where hardly a word of it is in the context."""
    words = {word.lower() for word in _LONG.findall(plain)}
    if len(words) < 4 or (len(words) < 8 and len(_WORD.findall(plain)) > BRIEF):
        return []
    share = sum(held.has_word(word) for word in words) / len(words)
    if share <= (0.1 if len(words) >= 8 else 0.0):
        start = len(plain) - len(plain.lstrip())
        return [Missing("words", plain.strip(), (start, len(plain.rstrip())))]
    return []
