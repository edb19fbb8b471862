"""Days of the calendar in texts, however they are written: 3 June 2022, June 3rd, 2022-06-03, 03.06.2022, 6月3日.

Of `03/05/2024` both readings count. Names of months are known in 16 languages, with their usual short forms. Written
for this project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from typing import NamedTuple

MOST = 500
"""Days of a text that are read."""
ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925}
"""Japanese era -> the year before its first."""
_MONTHS = [
    "january jan januar januari janvier janv enero ene gennaio janeiro stycznia января січня ledna ocak",
    "february feb februar februari février févr febrero febbraio fevereiro lutego февраля лютого února şubat",
    "march märz maart mars marzo março marca марта березня března mart",
    "april apr avril abril aprile kwietnia апреля квітня dubna nisan",
    "may mai mei maj mayo maggio maio maja мая травня května mayıs",
    "june jun juni juin junio giugno junho czerwca июня червня června haziran",
    "july jul juli juillet julio luglio julho lipca июля липня července temmuz",
    "august aug augustus augusti août agosto sierpnia августа серпня srpna ağustos",
    "september sept sep septembre septiembre settembre setembro września сентября вересня září eylül",
    "october oct okt oktober octobre octubre ottobre outubro października октября жовтня října ekim",
    "november nov novembre noviembre novembro listopada ноября listopadu kasım",
    "december dec dez dezember décembre diciembre dicembre dezembro grudnia декабря грудня prosince aralık",
]
MONTHS = {word: number for number, words in enumerate(_MONTHS, 1) for word in words.split()}
"""Name of a month in small letters -> its number."""
_CAPITAL = frozenset({"may", "march", "mart"})
"""Names that are other words in small letters."""
_NAME = "|".join(sorted(map(re.escape, MONTHS), key=len, reverse=True))
_OF = "(?: of| de| do)?"
_YEAR = r"(?:,? (?:de |do )?(\d{4})(?!\d))?"
_DAY_FIRST = re.compile(rf"(?<![\d.,:])(\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?{_OF} ?({_NAME})\b\.?{_YEAR}", re.IGNORECASE)
_MONTH_FIRST = re.compile(rf"\b({_NAME})\.? (\d{{1,2}})(?:st|nd|rd|th)?(?![\d:]|[.,]\d){_YEAR}", re.IGNORECASE)
_ISO = re.compile(r"(?<![\d./-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d-])")
_DIGITS = re.compile(r"(?<![\d./-])(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d\d)(?![\d.-]\d|\d)")
_EAST = re.compile(
    r"(?:(?:(\d{4})|(令和|平成|昭和)(\d{1,2}|元)) ?[年년] ?)?(?<!\d)(\d{1,2}) ?[月월] ?(\d{1,2}) ?[日号號일]"
)
_SEVERAL = re.compile(r"(?<![\d.,:])(\d{1,2})\.? ?(?:[-–—,&/]|to|and|or|bis|und|au|et|al|y|e|a|do|i|по|и|до) ?\Z")
_MORE = re.compile(r" ?(?:[-–—&/]|to|and|or) ?(\d{1,2})(?![\d:]|[.,]\d)")


class Day(NamedTuple):
    """A day. `year` is None where the text leaves it out; `span` is where it stands, in characters."""

    year: int | None
    month: int
    day: int
    span: tuple[int, int]

    def same(self, other: Day) -> bool:
        """True if two are the same day, as far as their years are told."""
        years = {self.year, other.year} - {None}
        return self[1:3] == other[1:3] and len(years) < 2


def days(text: str) -> list[Day]:
    """Return the days of a text; one that may be read in two ways is there twice, with the same span."""
    if not any(char.isdigit() for char in text):
        return []
    found = (one for one in _all(text) if 0 < one.month <= 12 and 0 < one.day <= 31)
    return list(islice(found, MOST))


def later(day: Day, number: float, unit: str) -> Iterator[Day]:
    """Yield the day some days, weeks, months or years after and before one.

    Args:
        day: the day; without a year, one of a usual and of a leap year.
        number: how many.
        unit: `day`, `week`, `month` or `year`.
    """
    if number != int(number) or not 0 < number <= 1000:
        return
    for year in (day.year,) if day.year else (2023, 2024):
        for count in (int(number), -int(number)):
            if unit in ("month", "year"):
                months = 12 * year + day.month - 1 + count * (12 if unit == "year" else 1)
                yield Day(months // 12 if day.year else None, months % 12 + 1, day.day, day.span)
                continue
            try:
                moved = date(year, day.month, day.day) + timedelta(days=count * (7 if unit == "week" else 1))
            except (ValueError, OverflowError):
                continue
            yield Day(moved.year if day.year else None, moved.month, moved.day, day.span)


def _all(text: str) -> Iterator[Day]:
    for match in _DAY_FIRST.finditer(text):
        if _named(match[2]):
            month, year = MONTHS[match[2].lower()], _year(match[3])
            yield Day(year, month, int(match[1]), match.span())
            if before := _SEVERAL.search(text, max(0, match.start() - 8), match.start()):
                yield Day(year, month, int(before[1]), (before.start(), match.end()))
    for match in _MONTH_FIRST.finditer(text):
        if _named(match[1]):
            month, year = MONTHS[match[1].lower()], _year(match[3])
            yield Day(year, month, int(match[2]), match.span())
            if not match[3] and (more := _MORE.match(text, match.end())):
                yield Day(None, month, int(more[1]), (match.start(), more.end()))
    for match in _ISO.finditer(text):
        yield Day(int(match[1]), int(match[3]), int(match[4]), match.span())
    for match in _DIGITS.finditer(text):
        if len(match[4]) == 2 and match[2] == "-":
            continue
        year = int(match[4]) + (2000 if len(match[4]) == 2 else 0)
        yield Day(year, int(match[3]), int(match[1]), match.span())
        if match[2] != ".":
            yield Day(year, int(match[1]), int(match[3]), match.span())
    for match in _EAST.finditer(text):
        era = ERAS[match[2]] + (1 if match[3] == "元" else int(match[3])) if match[2] else _year(match[1])
        yield Day(era, int(match[4]), int(match[5]), match.span())


def _named(word: str) -> bool:
    return word[0].isupper() or word not in _CAPITAL


def _year(digits: str | None) -> int | None:
    return int(digits) if digits else None
