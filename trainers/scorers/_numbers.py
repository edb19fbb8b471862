"""Numbers in a text, with what each may mean: digits of any script, the separators of several countries, units."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_SPACES = "\u00a0\u2007\u2009\u202f "
_NUMBER = re.compile(
    r"(?<![^\W\u0e00-\u0eff\u3040-\u9fff\uac00-\ud7af])(?<!\.)"  # not inside a word, where words have spaces
    r"([+-]?)([$€£¥₹]?) ?"
    rf"(\d{{1,3}}(?:[{_SPACES}'’]\d{{3}}){{1,8}}(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)*|[.]\d+)"
    r"((?:e|E|[x×]10\^)[+-]?\d{1,3}(?![\w]))?"
)
_UNIT = re.compile(r"[ \u00a0\u202f]?([%‰°$€£¥₹]?[^\W\d_]{0,24}[²³]?)")
_SCALES: dict[str, float] = {"万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8}
for _factor, _words in (
    (1e3, "k thousand tausend mille mil тысяч тыс 千"),
    (1e6, "million millions millionen mio millón millones milhões mln миллион миллионов млн"),
    (1e9, "billion billions bn milliarde milliarden mrd milliard milliards миллиард миллиардов млрд"),
):
    _SCALES.update(dict.fromkeys(_words.split(), _factor))
UNITS: dict[str, tuple[str, float]] = {}
for _dimension, _table in {
    "length": {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "km": 1e3, "meter": 1.0, "meters": 1.0, "metre": 1.0, "metres": 1.0,
               "kilometer": 1e3, "kilometers": 1e3, "kilometre": 1e3, "kilometres": 1e3, "mètres": 1.0, "metros": 1.0},
    "mass": {"mg": 1e-6, "g": 1e-3, "kg": 1.0, "t": 1e3, "gram": 1e-3, "grams": 1e-3, "gramm": 1e-3, "kilo": 1.0,
             "kilogram": 1.0, "kilograms": 1.0, "kilogramm": 1.0},
    "volume": {"ml": 1e-3, "cl": 1e-2, "l": 1.0, "liter": 1.0, "liters": 1.0, "litre": 1.0, "litres": 1.0},
    "time": {"ms": 1e-3, "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "sekunden": 1.0, "min": 60.0,
             "minute": 60.0, "minutes": 60.0, "minuten": 60.0, "h": 3600.0, "hour": 3600.0, "hours": 3600.0,
             "stunde": 3600.0, "stunden": 3600.0, "heures": 3600.0, "horas": 3600.0, "day": 86400.0, "days": 86400.0,
             "tage": 86400.0, "jours": 86400.0, "días": 86400.0},
    "share": {"%": 1.0, "percent": 1.0, "prozent": 1.0, "procent": 1.0, "‰": 0.1},
    "eur": {"€": 1.0, "eur": 1.0, "euro": 1.0, "euros": 1.0},
    "usd": {"$": 1.0, "usd": 1.0, "dollar": 1.0, "dollars": 1.0},
    "gbp": {"£": 1.0, "gbp": 1.0, "pounds": 1.0},
    "jpy": {"¥": 1.0, "jpy": 1.0, "yen": 1.0, "円": 1.0},
    "inr": {"₹": 1.0, "inr": 1.0, "rupees": 1.0},
}.items():  # fmt: skip
    UNITS.update({name: (_dimension, factor) for name, factor in _table.items()})


class Number(NamedTuple):
    """A number as it stands in a text.

    Args:
        readings: values it may have; two where one separator may mark thousands or decimals ("1.234").
        dimension: of its unit ("length"), with `factor` to the base unit; None without a unit that is known.
        start, end: where its digits stand in the text as `plain` gives it.
    """

    readings: tuple[float, ...]
    dimension: str | None
    factor: float
    start: int
    end: int


def plain(text: str) -> str:
    """Return a text with full-width and other forms made plain (NFKC but for powers), digits of all scripts as 0 to 9,
    the Arabic separators as point and comma, and one kind of minus."""
    if text.isascii():
        return text
    return "".join(map(_plain_char, text))


@lru_cache(maxsize=4096)
def _plain_char(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if char in "−–‒﹣－":
        return "-"
    if char in "٫．":
        return "."
    if char in "٬，":
        return ","
    if char in "％٪":
        return "%"
    return char


def numbers(text: str, decimal: str | None = None) -> Iterator[Number]:
    """Yield the numbers of a text, in order; those inside words ("B2B", "v1.2") are left out.

    Args:
        text: as `plain` gives it.
        decimal: "." or ",", which settles what a separator means; else both meanings are kept where both are possible.
    """
    for match in _NUMBER.finditer(text):
        sign, currency, digits, power = match.groups()
        if sign == "-" and match.start() and text[match.start() - 1].isdigit():
            sign = ""
        values = [float(f"{sign}{value}") * _power(power) for value in _readings(digits, decimal)]
        unit, scale = _unit(text, match.end(), currency)
        dimension, factor = UNITS.get(unit, (None, 1.0))
        if values:
            readings = tuple(dict.fromkeys(value * scale for value in values))
            yield Number(readings, dimension, factor, match.start(3), match.end())


def _power(written: str | None) -> float:
    return float("1e" + re.sub(r"^(?:e|E|[x×]10\^)", "", written)) if written else 1.0


def _unit(text: str, end: int, currency: str) -> tuple[str, float]:
    """Return (unit, factor of a word like "million") of what stands after a number."""
    scale = 1.0
    for _ in range(2):
        match = _UNIT.match(text, end)
        word = match[1].lower() if match else ""
        if match and word in _SCALES and scale == 1.0:
            scale, end = _SCALES[word], match.end()
            continue
        if match and word not in UNITS and word[:1] in _SCALES and not word[0].isascii():
            scale, word = _SCALES[word[0]], word[1:]
        return currency or word, scale
    return currency, scale


def _readings(digits: str, decimal: str | None) -> list[str]:
    """Return what digits with separators may mean, as numbers that Python reads."""
    bare = re.sub(rf"[{_SPACES}'’]", "", digits)
    marks = [char for char in bare if char in ".,"]
    if not marks:
        return [bare]
    if decimal in (".", ","):
        thousands = "," if decimal == "." else "."
        return [bare.replace(thousands, "").replace(decimal, ".")] if marks.count(decimal) <= 1 else []
    if len(set(marks)) == 2:  # the last one marks the decimals, if it stands once
        last = marks[-1]
        other = "," if last == "." else "."
        return [bare.replace(other, "").replace(last, ".")] if marks.count(last) == 1 else []
    if len(marks) > 1:  # of one kind: thousands, or no number at all (a version, a date)
        grouped = re.fullmatch(r"\d{1,3}(?:[.,]\d{2,3})*[.,]\d{3}", bare)
        return [bare.replace(marks[0], "")] if grouped else []
    as_decimal = bare.replace(",", ".")
    if bare != digits or not re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", bare):
        return [as_decimal]
    return [as_decimal, bare.replace(marks[0], "")]
