"""Numbers of an answer whose unit decides: does the context say so many of something else only?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import combinations

from prepdata.rules.rag._held import MOST, UNIT, Held, reckoned, results, value
from prepdata.text.amounts import amounts
from prepdata.text.dates import Day, days, later
from prepdata.text.quantities import SMALL, Quantities, Quantity

FEW = 6
"""Numbers of one unit in a context up to which a share may be worked out of two of them."""
_HOURS = re.compile(
    r"(?<![\d.,:])(\d{1,2}) (?:to|until|till|bis|à|a|al|às|tot|til|till|do|до) (\d{1,2})(?![\d:]|[.,]\d| ?[^\W\d_])"
)
_INNER = re.compile(r"\d[.,]\d")
_DATED = re.compile(r"\d ?[月日일]\Z")
"""Ends of dates, which are units of time as well."""
_REST = re.compile("[\\w\u0300-\u036f\u064b-\u0655\u0900-\u0903\u093a-\u094f\u0962\u0963\u0e31-\u0e3a\u0e47-\u0e4e]*")
_IMPERIAL = frozenset({"inch", "foot", "yard", "mile", "lb", "oz", "gallon", "acre", "sq ft", "mph", "psi", "hp"})
_CLOSE = 0.05
"""How far a quantity turned into imperial units, or out of them, may be from that of the context."""


class Measured:
    """The quantities of an answer, held against a context.

    Args:
        plain: the answer.
        held: its context.
    """

    def __init__(self, plain: str, held: Held) -> None:
        self.plain, self.held = plain, held
        self.said = Quantities(plain)

    @cached_property
    def given(self) -> Quantities:
        """The quantities of the context."""
        return Quantities(self.held.text)

    @cached_property
    def own(self) -> list[float]:
        """The numbers of the answer that the context has, in digits or words."""
        shared = sorted(amounts(self.plain) & self.held.numbers)[:MOST]
        return [found for one in shared if (found := value(one)) is not None]

    @cached_property
    def reckonable(self) -> list[float]:
        """What comes out of two or three of its own numbers: 18 of 12 + 2 x 3, 36 years of 1815 and 1852."""
        counted = [one for one in self.said.all if one.units]
        there = [one.value for one in self.said.all if one.value in self.given.by_value] if counted else []
        own = list(dict.fromkeys([*self.own, *there]))[:FEW]
        three = [a + b + c for a, b, c in combinations(own, 3)]
        three += [a + b * c for a in own for b, c in combinations(own, 2) if a not in (b, c)]
        of_hundred = [one.value for one in self.given.by_kind.get("share", ())][:FEW] if counted else []
        shares = [a * b / 100 for a in own for b in {*own, *of_hundred} if a != b]
        ages = [abs(a - b) - 1 for a, b in combinations(own, 2) if min(a, b) > 1000 and max(a, b) < 2200]
        return sorted([*results(self.own), *three, *shares, *ages])

    def at(self, match: re.Match[str]) -> Quantity | None:
        """Return the quantity of a number of the answer, None where it has no unit that is known."""
        return self.around(match.start())

    def around(self, start: int) -> Quantity | None:
        """Return the quantity that stands at a place of the answer, None where none with a known unit does."""
        return next((one for one in self.said.all if one.units and one.span[0] <= start < one.span[1]), None)

    @cached_property
    def days(self) -> list[tuple[Day, bool]]:
        """The days of the calendar that the answer names, each with whether the context has it, or has what it is
        reckoned from. Empty where the context names none."""
        said = days(self.plain)
        given = days(self.held.text) if said else []
        times = [one for one in self.given.by_kind.get("time", ()) if one.value <= 1000] if given else []
        moved = (
            [
                new
                for day in given
                for one in times[:FEW]
                if one.units[0].name in ("day", "week", "month", "year")
                for new in later(day, one.value, one.units[0].name)
            ]
            if len(given) <= MOST
            else []
        )
        near = [*given, *moved]
        return [(day, any(day.same(one) for one in near)) for day in said] if given else []

    def day(self, match: re.Match[str], *, year: bool) -> bool | None:
        """Return whether the context has the day that a number of the answer is part of, None where it is of none. A
        `year` may be somewhere else, so it is None as well where the context has not that day."""
        found = [(day, there) for day, there in self.days if day.span[0] <= match.start() < day.span[1]]
        if not found or (year and not any(there for _, there in found)):
            return None
        return any(there for _, there in found)

    def holds(self, match: re.Match[str]) -> bool:
        """True if the context has a quantity in other units or words, or what makes it as a share."""
        said = self.at(match)
        if said is None:
            return False
        return self.given.standing(said) == "held" or ("share" in said.kinds and self._worked_out(said.value))

    def other_version(self, match: re.Match[str]) -> bool:
        """True for the 3.1 of "version 3.1" where the context has 3.10, and no 3.1."""
        number = match[0]
        if "." not in number or not any(one.name and one.span[0] == match.start() for one in self.said.all):
            return False
        return re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", self.held.text) is None and any(
            abs(one - float(number)) < 1e-9 for one in self.given.by_value
        )

    def counts(self, said: Quantity) -> bool:
        """True if the context measures the same thing, so that even a small number has to be there."""
        return (
            (said.value > 1 or self.plain[said.span[0]] == "1")
            and not self.held.spelled
            and any(one.units for one in self.given.alike(said) if "clock" not in one.kinds)
        )

    def clashes(self, match: re.Match[str], *, reckons: bool) -> bool:
        """True if the context has a number of the answer, but with another unit only.

        Args:
            match: the number.
            reckons: True where the answer says that it reckons.
        """
        said = self.at(match)
        if said is None or abs(said.value) <= 1 or self.held.spelled or self._date(said):
            return False
        if "temperature" not in said.kinds and self._written(said):
            return False
        alike = self.given.alike(said)
        standing = self.given.standing(said)
        if said.small and not alike and "points" not in said.kinds:
            return False
        elsewhere = alike and (self._in_codes(match[0]) or "temperature" in said.kinds)
        if standing != "other" and not (standing == "absent" and elsewhere):
            return False
        if reckons and reckoned(said.value, results([one.value for one in alike[:MOST]])):
            return False
        return not any(_converted(said, one) for one in alike)

    def _written(self, said: Quantity) -> bool:
        """True if the context has it letter for letter."""
        text, words = self.held.text, self.plain[slice(*said.span)]
        at = text.find(words)
        while at > 0 and (text[at - 1].isalnum() or _INNER.match(text, max(0, at - 2))):
            at = text.find(words, at + 1)
        return at >= 0

    def _in_codes(self, number: str) -> bool:
        """True if the context has a number within codes or decimals only, such as 25 in X25 or 2.25."""
        alone = rf"(?<![A-Za-z\d])(?<!\d[.,]){number}(?!\d|[.,]\d)"
        return number.isdigit() and re.search(alone, self.held.text) is None

    def hours(self) -> Iterator[tuple[int, int]]:
        """Yield where the answer says "8 to 6" and the context, which has other hours, neither of the two."""
        for match in _HOURS.finditer(self.plain):
            said = {float(match[1]), float(match[2])}
            known = {one for one in self.given.by_value if one <= 24} | {
                one.value // 60 for one in self.given.by_kind.get("clock", ())
            }
            other = {hour % 12 for hour in known}
            if max(said) <= SMALL and len(known) >= 2 and not any(hour % 12 in other for hour in said):
                yield match.span()

    def shown(self, match: re.Match[str]) -> tuple[int, int]:
        """Return where a number and its unit stand, whole words."""
        said = self.at(match)
        if said is not None:
            return min(said.span[0], match.start()), max(said.span[1], match.end())
        unit = UNIT.match(self.plain, match.end())
        if unit is None:
            return match.span()
        rest = _REST.match(self.plain, unit.end())
        dense = unit[1] >= "\u3040"
        return match.start(), unit.start(1) + 1 if dense else rest.end() if rest else unit.end()

    def _date(self, said: Quantity) -> bool:
        return _DATED.search(self.plain[slice(*said.span)]) is not None

    def _worked_out(self, share: float) -> bool:
        """True if two numbers of one unit in the context make a share, as a part or as a change."""
        groups: dict[str, set[float]] = {}
        for one in self.given.all:
            if not one.name and "share" not in one.kinds and "clock" not in one.kinds:
                groups.setdefault(one.units[0].name if one.units else one.word, set()).add(one.value)
        exact = 0.5 if share == int(share) else 0.051
        pairs = (
            (small, large)
            for found in groups.values()
            if len(found) <= FEW
            for small in found
            for large in found
            if small and small != large
        )
        return any(min(abs(part - share), abs(abs(part - 100) - share)) <= exact
                   for part in (100 * large / small for small, large in pairs))  # fmt: skip


def _converted(said: Quantity, one: Quantity) -> bool:
    """True if a quantity is roughly that of the context in imperial units, or out of them."""
    for a in said.units:
        for b in one.units:
            if a.kind == b.kind and a.factor and b.factor and (a.name in _IMPERIAL) != (b.name in _IMPERIAL):
                left, right = said.value * a.factor, one.value * b.factor
                if abs(left - right) <= _CLOSE * max(left, right):
                    return True
    return False
