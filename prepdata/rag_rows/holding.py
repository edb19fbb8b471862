"""Does a passage hold an answer? Told by the answer's facts, and by its telling words.

Facts are what the answer says and the question does not: numbers with their units (in digits or words), codes, and
names (capitals within a sentence; not in German, which writes nouns so). A passage that has half of them is taken to
hold the answer, and one that has most of the weight of its words, rare words weighing more. Both err on the side of
holding: a distractor that might answer is worse than one fewer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from math import log
from typing import NamedTuple

from prepdata.rules.rag._rows import words
from prepdata.text.amounts import amounts
from prepdata.text.language import detect

FACTS = 0.5
"""Share of an answer's facts from which a passage holds it."""
WORDS = 0.6
"""Share of the weight of an answer's words from which a passage holds it."""
SMALL = 12.0
"""Numbers up to this stand everywhere; they count with their unit only."""
STEM = 5
"""Letters of a word by which it is found again in another form."""
_TOKEN = re.compile(r"[^\W_]+(?:[.,:-][^\W_]+)*")
_CITED = re.compile(r"[\[【]\d{1,3}[\]】]")
_NAME = re.compile(r"(?<=[^\s.!?:;…])[ \t]+([A-ZÀ-ÖØ-ÞΑ-ΩА-ЯЁЄІЇҐ][^\W\d_]{2,29})\b")


class Fact(NamedTuple):
    """A number with the beginning of its unit, or a code or name in lower case (`unit` is "")."""

    what: str
    unit: str = ""


class Passage:
    """A text that answers are looked for in. Made once for every chunk."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def numbers(self) -> set[str]:
        """Its numbers."""
        return amounts(self.text)

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
        """True if a fact stands there."""
        if not fact.what[0].isdigit() or not _is_number(fact.what):
            return fact.what in self.lower
        return fact.what in self.numbers and (not fact.unit or fact.unit in self.stems)


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
        if self.facts and len(self.facts_in(passage)) >= FACTS * len(self.facts):
            return True
        return self.share_of_words(passage) >= WORDS

    def nearness(self, passage: Passage) -> tuple[int, float, float]:
        """Return how near a passage is to the answer: facts, share of words, weight of words of the question."""
        of_question = sum(self.weights.of(stem) for stem in self.asked & passage.stems)
        return len(self.facts_in(passage)), round(self.share_of_words(passage), 9), round(of_question, 9)


def _facts(text: str) -> list[Fact]:
    found: dict[Fact, None] = {}
    tokens = list(_TOKEN.finditer(text))
    for place, match in enumerate(tokens):
        token = match[0]
        for number in sorted(amounts(token)):
            after = tokens[place + 1] if place + 1 < len(tokens) else None
            near = after is not None and after.start() - match.end() <= 1 and not after[0][0].isdigit()
            unit = after[0].lower()[:STEM] if after is not None and near else ""
            small = float(number) <= SMALL if _is_number(number) else False
            if _is_number(number) and (unit or not small):
                found[Fact(number, unit if small else "")] = None
        if any(char.isdigit() for char in token) and any(char.isalpha() for char in token):
            found[Fact(token.lower())] = None
    if detect(text) != "de":
        found.update({Fact(match[1].lower()): None for match in _NAME.finditer(text)})
    return list(found)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal() and text.isascii() and len(text) < 20
