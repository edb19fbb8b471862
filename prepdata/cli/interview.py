"""The questions of `prepdata advise` on a terminal: only those that the verdict hangs on, one after the other."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from prepdata.advice.answers import QUESTIONS, Answers, Question, checked, merged
from prepdata.advice.typed import unsure, value_of
from prepdata.errors import ConfigError
from prepdata.reporters.base import safe

if TYPE_CHECKING:
    from prepdata.advice.report import Advice

HINT = "Only what the verdict hangs on is asked. Type ? where you don't know; Ctrl-D ends the questions."
EMPTY = "Type an answer, or ? where you don't know."


class Interview(NamedTuple):
    """What came of the questions: the advice, the questions whose answer nobody knows, how many were asked."""

    advice: Advice
    unknown: list[str]
    asked: int


def interview(given: Answers, advise: Callable[[Answers], Advice]) -> Interview:
    """Ask until there is a verdict, answers exclude each other, nothing more is known, or Ctrl-D."""
    advice, unknown, asked = advise(given), list[str](), 0
    while not advice.conflicts:
        name = next((item.answer for item in advice.missing if item.answer not in unknown), None)
        if name is None:
            break
        if not asked:
            click.echo(HINT, err=True)
        asked += 1
        try:
            value = _ask(name)
        except EOFError:
            click.echo(err=True)
            break
        if value is None:
            click.echo("  not known", err=True)
            unknown.append(name)
            continue
        given = merged(given, checked({name: value}))
        advice = advise(given)
    return Interview(advice, unknown, asked)


def _ask(name: str) -> Any:
    """Return the value of an answer, None where nobody knows.

    Raises:
        EOFError: the input ends.
    """
    question = QUESTIONS[name]
    while True:
        click.echo(f"{question.text}? ({_expected(question)})\n> ", err=True, nl=False)
        line = sys.stdin.buffer.readline()
        if not line:
            raise EOFError
        text = line.decode("utf-8", "replace").strip()
        if unsure(text):
            return None
        try:
            return value_of(name, text)
        except ConfigError as error:
            click.echo(f"  {safe(str(error)) if text else EMPTY}", err=True)


def _expected(question: Question) -> str:
    if question.kind == "yes":
        return "yes, no"
    if question.kind == "number":
        return "such as 500, 10,000 or 200k"
    return ("one or more of " if question.kind == "choices" else "") + ", ".join(question.choices)


def go_on(train: str | None, answers: Answers) -> str:
    """Return the command that starts from the answers given so far."""
    words = ["prepdata", "advise", *([train] if train is not None else [])]
    for name in QUESTIONS:
        value, flag = getattr(answers, name), f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
        elif value is not None:
            words += [flag, ",".join(value) if isinstance(value, list) else str(value)]
    return shlex.join(words)
