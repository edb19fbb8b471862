"""Answers as people type them, in flags and on a terminal: 10,000, 200k, yes, names with commas. Pure functions."""

from __future__ import annotations

import re
from typing import Any

from prepdata.advice.answers import MOST, QUESTIONS, SHOWN
from prepdata.errors import ConfigError, nearest

NUMBER = f"a whole number from 0 to {MOST - 1:,}, such as 10000, 10,000 or 200k"

_NUMBER = re.compile(r"(\d+|\d{1,3}(?:[ ,_]\d{3})+|\d+\.\d+(?=\s*[km]))\s*([km]?)", re.IGNORECASE | re.ASCII)
_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}
_UNSURE = {"?", "don't know", "dont know", "do not know", "not sure", "unknown", "dunno", "idk"}


def unsure(text: str) -> bool:
    """Return whether an answer says that somebody does not know."""
    return text.strip().casefold().replace("\u2019", "'").rstrip(".!") in _UNSURE


def number(text: str) -> int | None:
    """Return a whole number from 0 below `MOST`, None where the text is none: 10000, 10,000, 10 000, 200k, 1.5M.

    A point stands only before k or M: alone, 10.000 may be ten or ten thousand.
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None or len(match[1]) > len(f"{MOST:,}"):
        return None
    whole, _, part = re.sub("[ ,_]", "", match[1]).partition(".")
    scaled = int(whole + part) * _FACTORS[match[2].lower()]
    value, rest = divmod(scaled, 10 ** len(part))
    return value if not rest and value < MOST else None


def names(text: str) -> list[str]:
    """Return names that stand between commas or spaces, each once.

    Raises:
        ConfigError: there is none, or none between two commas.
    """
    pieces = re.split(r"\s*,\s*|\s+", text.strip())
    if not all(pieces):
        raise ConfigError("a name is missing" if len(pieces) == 1 else "a name is missing beside a comma")
    return list(dict.fromkeys(pieces))


def value_of(name: str, text: str) -> Any:
    """Return the value that a typed answer to a question stands for.

    Raises:
        ConfigError: it stands for none; the message says what to give.
    """
    question, word = QUESTIONS[name], text.strip().casefold()
    if question.kind == "yes":
        if word in ("y", "yes", "n", "no"):
            return word in ("y", "yes")
        raise ConfigError(f"'{shown(text)}': answer yes or no")
    if question.kind == "number":
        value = number(text)
        if value is None:
            raise ConfigError(f"'{shown(text)}': give {NUMBER}")
        return value
    found = names(word)
    if question.kind == "choice" and len(found) > 1:
        raise ConfigError(f"'{shown(text)}': give one of {', '.join(question.choices)}")
    for piece in found:
        if piece not in question.choices:
            raise ConfigError(
                f"'{shown(piece)}': choose from {', '.join(question.choices)}.{nearest(piece, question.choices)}"
            )
    return found if question.kind == "choices" else found[0]


def shown(value: Any) -> str:
    """Return a value for a message, cut where it is long."""
    text = str(value).strip()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
