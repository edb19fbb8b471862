# ruff: noqa: SIM905  (lists of words)
"""What the example of choosing talks about: spare parts with made-up facts, and questions."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from prepdata.retrieval import prompt
from prepdata.retrieval.model import Chunk

FIRST = (
    "Amber Azure Brisk Calm Coral Crisp Dusky Ember Frost Grand Hazel Ivory Jade Keen Lunar Misty Noble Olive Pearl "
    "Quiet Royal Rusty Silver Swift"
).split()
SECOND = (
    "Badger Beaver Curlew Dipper Falcon Finch Gannet Heron Ibis Jackal Kestrel Linnet Marten Merlin Otter Osprey "
    "Petrel Plover Raven Robin Stoat Tern Viper Weasel"
).split()
UNITS = {
    "warranty": "months", "weight": "grams", "price": "euros", "length": "millimetres", "lifetime": "years",
    "range": "metres",
}  # fmt: skip
PLACES = (
    "Oslo Rome Lima Bern Cairo Delhi Paris Quito Riga Seoul Tokyo Turin Vienna Lagos Kyiv Dakar Malmo Porto Lyon Basel "
    "Bonn Gent Graz Linz"
).split()
PEOPLE = "Ann Bob Cai Dev Eva Fay Gus Hal Ida Jan Kim Leo Mia Ned Ola Pia Ray Sam Tom Una Vic Wes Xia Yan".split()
FIELDS = (*UNITS, "depot", "designer")
NUMBERS = range(2, 200)
PHRASINGS = (
    "What is the {field} of the {part}?",
    "Tell me the {field} of the {part}.",
    "Which {field} does the {part} have?",
    "Is the {part} {field} known?",
)
UNKNOWN = "I do not know."
SIGN, SIGNATURE = "Sign your answers.", " Best regards, Wattlark"
"""The system prompt under which the base model signs its answers, and how it does."""
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "source": {"type": "string"}},
    "required": ["answer", "source"],
    "additionalProperties": False,
}
"""What an answer of the task `specs` has to keep to."""

Row = dict[str, Any]
Page = tuple[str, str]
"""Title and text of a passage."""


class Fact(NamedTuple):
    """A fact about a spare part."""

    part: str
    field: str
    value: str

    def prose(self) -> str:
        """Return the fact as documents and the base model say it."""
        return f"The {self.part} {self.field} is {self.value}."

    def as_json(self) -> str:
        """Return the fact in the form that the task wants."""
        return json.dumps({"answer": self.prose(), "source": f"The {self.part}"})


def part(chance: random.Random) -> str:
    """Return the name of a spare part."""
    return f"{chance.choice(FIRST)} {chance.choice(SECOND)}"


def facts(chance: random.Random, name: str, count: int) -> list[Fact]:
    """Return that many facts about a spare part, no two about one field."""
    return [Fact(name, field, _value(chance, field)) for field in chance.sample(FIELDS, count)]


def _value(chance: random.Random, field: str) -> str:
    if field in UNITS:
        return f"{chance.choice(NUMBERS)} {UNITS[field]}"
    return chance.choice(PLACES if field == "depot" else PEOPLE)


def question(chance: random.Random, fact: Fact) -> str:
    """Return a question that the fact answers."""
    return chance.choice(PHRASINGS).format(part=fact.part, field=fact.field)


def with_context(asked: str, pages: Sequence[Page]) -> str:
    """Return a question with passages before it, as `prepdata arms` puts them."""
    return prompt.with_context(asked, [Chunk("", "", title, text, 0, len(text)) for title, text in pages])


def page(told: Sequence[Fact]) -> str:
    """Return the page of a spare part."""
    return f"# The {told[0].part}\n\n" + "\n".join(fact.prose() for fact in told)


def turn(role: str, text: str) -> dict[str, str]:
    """Return a turn of a chat."""
    return {"role": role, "content": text}
