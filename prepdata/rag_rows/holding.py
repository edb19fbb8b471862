"""Does a passage hold an answer? Told by the answer's facts, and by its telling words.

Facts are what the answer says and the question does not: numbers with their units (in digits or words), days, codes,
and names (capitals within a sentence; not in German, which writes nouns so). A number counts as there as
`prepdata.text.quantities` finds it: with its unit, however that is written. A passage that has half of the facts is
taken to hold the answer, and one that has most of the weight of its words, rare words weighing more, unless it says
another number in the same unit. Both err on the side of holding: a distractor that might answer is worse than one
fewer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from math import log
from typing import NamedTuple

from prepdata.rules.rag._rows import words
from prepdata.text._units import Unit
from prepdata.text._words_of_languages import OWNERS
from prepdata.text.dates import Day, days
from prepdata.text.language import detect
from prepdata.text.quantities import Quantities, Quantity, quantities

FACTS = 0.5
"""Share of an answer's facts from which a passage holds it."""
WORDS = 0.6
"""Share of the weight of an answer's words from which a passage holds it."""
STEM = 5
"""Letters of a word by which it is found again in another form."""
YES_OR_NO = frozenset(
    """yes no ja nein oui non si sì sí sim não nee tak nie ano ne jah ei igen nem da nu evet hayır ya tidak có không
    да нет так ні 是 不是 否 はい いいえ 네 예 아니요 아니오 نعم لا हाँ हां नहीं ναι όχι כן לא true false""".split()  # noqa: SIM905
)
"""Answers that share nothing with a passage and may follow from it."""
_TOKEN = re.compile(r"[^\W_]+(?:[.,:-][^\W_]+)*")
_CITED = re.compile(r"[\[【]\d{1,3}[\]】]")
_POINT = re.compile(r"\d\.\d")
_NAME = re.compile(r"(?<=[^\s.!?:;…])[ \t]+([A-ZÀ-ÖØ-ÞΑ-ΩА-ЯЁЄІЇҐ][^\W\d_]{2,29})\b")


class Fact(NamedTuple):
    """A quantity or a day as the answer writes it, or a code or name in lower case."""

    what: str
    quantity: Quantity | None = None
    day: Day | None = None


class Passage:
    """A text that answers are looked for in. Made once for every chunk."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def quantities(self) -> Quantities:
        """Its numbers and what they count."""
        return Quantities(self.text)

    @cached_property
    def days(self) -> list[Day]:
        """The days of the calendar that it names."""
        return days(self.text)

    @cached_property
    def stems(self) -> set[str]:
        """The beginnings of its words and codes."""
        lowered = self.text.lower()
        return {token[:STEM] for token in _TOKEN.findall(lowered)} | {word[:STEM] for word in words(lowered)}

    @cached_property
    def lower(self) -> str:
        """Its text in lower case."""
        return self.text.lower()

    def has(self, fact: Fact) -> bool:
        """True if a fact stands there, or may: where the passage leaves the unit of a number out."""
        if fact.day is not None:
            return any(fact.day.same(one) for one in self.days)
        if fact.quantity is None:
            return fact.what in self.lower
        return self.quantities.standing(fact.quantity) in ("held", "open")

    def says_another(self, fact: Fact) -> bool:
        """True if it names days, for a day, or has numbers with the unit of a quantity."""
        if fact.day is not None:
            return bool(self.days)
        return fact.quantity is not None and bool(self.quantities.alike(fact.quantity))


class Weights:
    """How telling a word is: the logarithm of passages over passages that have it."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self.having: Counter[str] = Counter()
        self.total = 0
        for passage in passages:
            self.total += 1
            self.having.update(passage.stems)

    def of(self, stem: str) -> float:
        """Return the weight of a word by its beginning; above 0."""
        return log(1 + self.total / (1 + self.having[stem]))


class Answer:
    """What an answer says beyond its question, to be looked for in passages."""

    def __init__(self, text: str, question: str, weights: Weights) -> None:
        text = _CITED.sub(" ", text)
        asked = Passage(question)
        self.weights = weights
        self.facts = [fact for fact in _facts(text) if not asked.has(fact)]
        self.bare = text.strip().lower()
        said = {word[:STEM] for word in words(text)}
        self.words = said - asked.stems or said
        self.total = sum(weights.of(stem) for stem in self.words)
        self.asked = asked.stems

    def facts_in(self, passage: Passage) -> set[Fact]:
        """Return the facts that stand in a passage."""
        return {fact for fact in self.facts if passage.has(fact)}

    def share_of_words(self, passage: Passage) -> float:
        """Return the weight of the answer's words that stand in a passage, as a share of all (0 to 1)."""
        if not self.total:
            return 0.0
        return sum(self.weights.of(stem) for stem in self.words & passage.stems) / self.total

    def held_by(self, passage: Passage) -> bool:
        """True if a passage may hold the answer."""
        found = self.facts_in(passage)
        if self.facts and len(found) >= FACTS * len(self.facts):
            return True
        if not found and any(passage.says_another(one) for one in self.facts):
            return False
        return self.share_of_words(passage) >= WORDS

    def shares_with(self, passage: Passage) -> bool:
        """True if a passage has a fact of the answer, or a word that says something; also if the answer is no more
        than yes or no."""
        if self.facts_in(passage) or self.bare.partition(" ")[0].strip(",.!;:。、，") in YES_OR_NO:
            return True
        telling = {word for word in words(self.bare) if word not in OWNERS}
        if not telling:
            return self.bare.strip(" .!?。") in passage.lower
        return any(word[:STEM] in passage.stems for word in telling)

    def nearness(self, passage: Passage) -> tuple[int, float, float]:
        """Return how near a passage is to the answer: facts, share of words, weight of words of the question."""
        of_question = sum(self.weights.of(stem) for stem in self.asked & passage.stems)
        return len(self.facts_in(passage)), round(self.share_of_words(passage), 9), round(of_question, 9)


def _facts(text: str) -> list[Fact]:
    counted: dict[tuple[float, tuple[Unit, ...], str], Fact] = {}
    found: dict[Fact, None] = {}
    spans = []
    named = days(text)
    found.update({Fact(text[slice(*day.span)].strip(), None, day): None for day in named})
    for one in quantities(text):
        said = text[slice(*one.span)]
        if _within(one.span[0], named):
            continue
        spans.append(one.span)
        if one.units:
            telling = any(map(str.isdigit, said)) or (one.value != 1 and "share" not in one.kinds)
            telling = telling and ("clock" not in one.kinds or not _POINT.search(said))
        else:
            telling = bool(one.word) or not one.small
        if telling:
            counted.setdefault((one.value, one.units, one.word), Fact(said, one))
    for match in _TOKEN.finditer(text):
        token = match[0]
        mixed = any(char.isdigit() for char in token) and any(char.isalpha() for char in token)
        if mixed and not any(start <= match.start() and match.end() <= stop for start, stop in spans):
            found[Fact(token.lower())] = None
    if detect(text) != "de":
        names = (match for match in _NAME.finditer(text) if not _within(match.start(1), named))
        found.update({Fact(match[1].lower()): None for match in names})
    return [*counted.values(), *found]


def _within(place: int, named: list[Day]) -> bool:
    return any(day.span[0] <= place < day.span[1] for day in named)
