"""Figures and names of an answer that its passages do not hold, told strictly.

The rule `answer-not-in-context` warns, and is silent where it is not sure: it lets small numbers, rounding and results
pass. A row that cites a passage is better left out in doubt, so here a number with a unit must stand there with that
unit or in another one, a day as that day, a version letter for letter. One number may be reckoned, if the answer names
what it comes from and the passages hold that.
"""

from __future__ import annotations

import re
from itertools import combinations

from prepdata.rules.rag._facts import LISTED, plain_text
from prepdata.rules.rag._held import Held, results
from prepdata.rules.rag._namesakes import namesakes
from prepdata.text.dates import Day, days, later
from prepdata.text.quantities import Quantities, Quantity

MOST = 12
"""Numbers of an answer that are reckoned with."""
_POINT = re.compile(r"\d\.\d")
_DECADE = re.compile(r"[12]\d\d0s\b")
_YEAR = re.compile(r"(?<!\d)[12]\d{3}(?!\d)")
_THIRDS = frozenset({100 / 3, 200.0 / 3})
_TIMES = re.compile(r" ?[x×*] ?[^\d\s]?\d")
_VERSION = re.compile(r"\d+(?:\.\d+)+")


def invented(answer: str, passages: str, asked: str) -> str | None:
    """Return the first figure or name of an answer that neither its passages nor its question hold; None if all do.

    Args:
        answer: the text.
        passages: what it is to be held by.
        asked: the turns before it.
    """
    plain = plain_text(answer)
    text = LISTED.sub(lambda match: " " * len(match[0]), passages) + "\n" + asked
    said, given = Quantities(plain), Quantities(text)
    named = days(plain)
    within = [day.span for day in named]
    if wrong := _days(plain, named, text, said, given, days(asked)):
        return wrong
    held = Held(text)
    figures = [one for one in said.all if not any(start <= one.span[0] < stop for start, stop in within)]
    there = [one for one in figures if _there(one, plain, given, held)]
    missing = [one for one in figures if one not in there and not _covered(one, there, figures)]
    if len(missing) > 1 or (missing and not _reckoned(missing[0], there)):
        return plain[slice(*missing[0].span)].strip()
    return next((plain[slice(*span)] for span in namesakes(plain, text)), None)


def _days(plain: str, named: list[Day], text: str, said: Quantities, given: Quantities, asked: list[Day]) -> str | None:
    """Return the first day that is not there, nor as long before or after another one as the answer says; of a day that
    the question names, as the passages say."""
    known = days(text) if named else []
    times = [one for one in said.by_kind.get("time", ()) if given.standing(one, rounded=False) == "held"]
    moved = [new for day in known for one in times[:MOST] for new in later(day, one.value, one.units[0].name)]
    if named and asked:
        spans = given.by_kind.get("time", ())[:MOST]
        moved += [new for day in asked for one in spans for new in later(day, one.value, one.units[0].name)]
    for day in named:
        if not any(other.same(one) for other in named if other.span == day.span for one in (*known, *moved)):
            return plain[slice(*day.span)].strip()
    return None


def _there(one: Quantity, plain: str, given: Quantities, held: Held) -> bool:
    """True if a text has a quantity, or it is nothing that must be there."""
    said = plain[slice(*one.span)]
    if one.kinds == {"clock"}:
        hours = {one.value / 60, one.value / 60 - 12}
        return (
            _POINT.search(said) is not None
            or given.standing(one) == "held"
            or any(not other.units and not other.word for hour in hours for other in given.by_value.get(hour, ()))
        )
    if not any(map(str.isdigit, said)) and (one.value == 1 or one.kinds == {"share"}):  # "a year", "half of them"
        return True
    if _DECADE.match(plain, one.span[0]):
        return any(int(year) // 10 * 10 == one.value for year in _YEAR.findall(given.text))
    if not any(map(str.isdigit, said)) and plain[one.span[1] : one.span[1] + 1] == "-":  # "forty-five"
        return True
    if said.isdigit() and one.small and _TIMES.match(plain, one.span[1]):
        return True
    if one.units:
        thirds = "share" in one.kinds and any(int(value) == one.value for value in _THIRDS & given.by_value.keys())
        return thirds or given.standing(one, rounded=False) in ("held", "open")
    if one.name and (version := _VERSION.match(plain, one.span[0])):
        return re.search(rf"(?<![\d.]){re.escape(version[0])}(?!\d)", given.text) is not None
    return one.small or one.value in given.by_value or said in held.numbers or held.has_pieces(said)


def _covered(one: Quantity, there: list[Quantity], figures: list[Quantity]) -> bool:
    """True for the parts of a sum that is there ("1 h 30 min" of 90 minutes), and for a sum whose parts are."""
    start, stop = one.span
    parts = [other for other in figures if other != one and start <= other.span[0] and other.span[1] <= stop]
    around = any(other.span[0] <= start and stop <= other.span[1] for other in there if other != one)
    return around or (bool(parts) and all(part in there for part in parts))


def _reckoned(one: Quantity, there: list[Quantity]) -> bool:
    """True if a number comes out of two or three others of its answer, which are there."""
    known = [other.value for other in there if "clock" not in other.kinds][:MOST]
    if len(known) < 2:
        return False
    found = {a + b + c for a, b, c in combinations(known, 3)}
    found |= {a + b * c for a in known for b, c in combinations(known, 2)}
    found |= {a * b / 100 for a, b in combinations(known, 2)}
    found |= set(_results(known))
    exact = 0.51 if one.kinds == {"share"} else 1e-6 * max(1.0, abs(one.value))
    scaled = (*found, *(100 * value for value in found)) if one.kinds == {"share"} else found
    return any(abs(value - one.value) <= exact for value in scaled)


def _results(known: list[float]) -> list[float]:
    """Return what comes out of two different numbers of a list each."""
    return [value for pair in combinations(known, 2) for value in results(pair) if value not in (2 * pair[0], 0.0)]
