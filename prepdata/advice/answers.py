"""The questions of the interview, and answers read from a TOML file or given as flags."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from prepdata.config import read_toml
from prepdata.errors import ConfigError, nearest

MOST = 10**15
"""No answer that is a number is as large."""

SHOWN = 60
"""Characters of a wrong answer that a message repeats."""

Fails = Literal["nothing", "facts-missing", "facts-stale", "format", "tone", "policy"]


class Answers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the interview found; None where nobody answered.

    Args:
        knowledge_changes: how often what the model has to know changes.
        cite_sources: True where answers must name their sources.
        fails: what is wrong with the answers of today.
        knowledge_tokens: size of the documents that hold the knowledge, in tokens; 0 for none.
        requests_per_day: calls a day.
        latency: how soon an answer has to begin.
        repeated_prompt_tokens: tokens of instructions and examples that every call repeats.
        reviewed_examples: examples that a person has looked at.
        data_may_leave: False where neither data nor weights may leave the house.
        prompting_tried: the best prompt that was tried: none, instructions, or instructions with examples.
        prompting_result: what came of it.
    """

    knowledge_changes: Literal["never", "yearly", "monthly", "weekly", "daily"] | None = None
    cite_sources: bool | None = None
    fails: list[Fails] | None = None
    knowledge_tokens: int | None = None
    requests_per_day: int | None = None
    latency: Literal["relaxed", "seconds", "sub-second"] | None = None
    repeated_prompt_tokens: int | None = None
    reviewed_examples: int | None = None
    data_may_leave: bool | None = None
    prompting_tried: Literal["none", "instructions", "few-shot"] | None = None
    prompting_result: Literal["good-enough", "falls-short"] | None = None


class Question(NamedTuple):
    """A question of the interview.

    Args:
        text: the question.
        help: for the flag.
        kind: "choice", "choices", "yes" or "number".
        choices: what can be answered, for the first two.
    """

    text: str
    help: str
    kind: Literal["choice", "choices", "yes", "number"]
    choices: tuple[str, ...] = ()


QUESTIONS: dict[str, Question] = {
    "fails": Question(
        "What is wrong with the answers of today",
        "What fails today; may repeat, commas allowed: nothing, facts-missing, facts-stale, format, tone, policy.",
        "choices",
        ("nothing", "facts-missing", "facts-stale", "format", "tone", "policy"),
    ),
    "prompting_tried": Question(
        "What is the best prompt that was tried",
        "Best prompt that was tried: none, instructions, few-shot (instructions with examples).",
        "choice",
        ("none", "instructions", "few-shot"),
    ),
    "prompting_result": Question(
        "What came of it", "What came of it: good-enough, falls-short.", "choice", ("good-enough", "falls-short")
    ),
    "cite_sources": Question("Must answers name their sources", "Answers must name their sources, or need not.", "yes"),
    "knowledge_tokens": Question(
        "How many tokens have the documents that hold the knowledge (0: there are none)",
        "Size of the knowledge base in tokens; 0 for none.",
        "number",
    ),
    "knowledge_changes": Question(
        "How often does that knowledge change",
        "How often it changes: never, yearly, monthly, weekly, daily.",
        "choice",
        ("never", "yearly", "monthly", "weekly", "daily"),
    ),
    "requests_per_day": Question("How many requests a day", "Requests a day.", "number"),
    "latency": Question(
        "How soon must an answer begin",
        "How soon an answer must begin: relaxed, seconds, sub-second.",
        "choice",
        ("relaxed", "seconds", "sub-second"),
    ),
    "repeated_prompt_tokens": Question(
        "How many tokens of instructions and examples does every call repeat",
        "Tokens that every call repeats (default: the system prompt of TRAIN).",
        "number",
    ),
    "reviewed_examples": Question(
        "How many examples has a person reviewed",
        "Examples that a person has reviewed (default: rows of TRAIN that are marked so).",
        "number",
    ),
    "data_may_leave": Question(
        "May data and weights leave the house", "Data and weights may leave the house, or must stay.", "yes"
    ),
}


def read_answers(path: Path) -> Answers:
    """Return the answers of a TOML file.

    Raises:
        ConfigError: it cannot be read, is not TOML, or holds what is no answer; the message lists all mistakes.
    """
    values = {key.replace("-", "_"): value for key, value in read_toml(path).items()}
    if isinstance(fails := values.get("fails"), str):  # as in the flag
        values["fails"] = [piece.strip() for piece in fails.split(",")]
    return checked(values, origin=f"{path}: ")


def checked(values: dict[str, Any], *, origin: str = "") -> Answers:
    """Return plain values as answers.

    Args:
        values: answers by name; None where there is none.
        origin: put before every mistake.

    Raises:
        ConfigError: a name or a value is none; the message lists all mistakes.
    """
    given = {key: value for key, value in values.items() if value is not None}
    mistakes = [m for key, value in given.items() if (m := _mistake(key, value))]
    if mistakes:
        raise ConfigError("\n".join(f"{origin}{mistake}" for mistake in mistakes))
    return msgspec.convert(given, Answers)


def _mistake(key: str, value: Any) -> str | None:
    question = QUESTIONS.get(key)
    if question is None:
        return f"'{key}' is not a question of the interview.{nearest(key, QUESTIONS)}"
    if question.kind == "yes":
        return None if isinstance(value, bool) else f"{key} = {_toml(value)}: expected true or false"
    if question.kind == "number":
        number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST
        return None if number else f"{key} = {_toml(value)}: expected a whole number from 0 to {MOST - 1:,}"
    expected = f"expected {'some' if question.kind == 'choices' else 'one'} of {', '.join(question.choices)}"
    if question.kind == "choices":
        if not isinstance(value, list) or not value:
            return f"{key} = {_toml(value)}: {expected}, as a list"
        wrong = [item for item in value if item not in question.choices]
    else:
        wrong = [value] if value not in question.choices else []
    if not wrong:
        return None
    near = nearest(wrong[0], question.choices) if isinstance(wrong[0], str) else ""
    return f"{key}: {_toml(wrong[0])}: {expected}.{near}"


def _toml(value: Any) -> str:
    """Return a value about as the file has it, cut where it is long."""
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def merged(first: Answers, over: Answers) -> Answers:
    """Return the answers of `first`, with those of `over` in their place where there are any."""
    given = {name: value for name in Answers.__struct_fields__ if (value := getattr(over, name)) is not None}
    return msgspec.structs.replace(first, **given)
