"""The advice as one document: verdict, reasons, what would change it, next steps; and as text for people."""

from __future__ import annotations

import datetime
from typing import Any, Literal

import msgspec

from prepdata.advice.answers import QUESTIONS, Answers
from prepdata.advice.decide import Decision, Facts, decide
from prepdata.advice.facts import Measured, facts_of
from prepdata.advice.model import Condition, Guide, Rule, Way, guide
from prepdata.advice.steps import Step, given, steps

SCHEMA_VERSION = 1

SUMMARY: dict[str, str] = {
    "prompt-first": "Better prompts first: instructions and examples, measured on held-out rows.",
    "long-context": "The documents whole in the prompt of each call; from the cache where calls are many.",
    "rag": "Retrieval: passages of the documents are looked up for each call.",
    "fine-tuning": "Fine-tuning on reviewed examples.",
    "hybrid": "Both: documents or passages of them in each call, and a model tuned to use them in the wanted way.",
    "not-enough-data": "Not enough data to tune, and nothing else mends what fails: go on prompting, collect examples.",
    "undecided": "No verdict yet.",
}


class Trace(msgspec.Struct, frozen=True):
    """What a reason goes back to: an answer or a measurement, and its value."""

    name: str
    value: bool | int | float | str | list[str] | None
    kind: Literal["answer", "measurement"]


class Reason(msgspec.Struct, frozen=True):
    """Why: the rule, its words, what it goes back to, and who says so."""

    rule: str
    because: str
    traced_to: list[Trace]
    source: str
    date: datetime.date
    url: str


class Excluded(msgspec.Struct, frozen=True):
    """A way that is ruled out, and why."""

    way: Way
    reasons: list[Reason]


class Missing(msgspec.Struct, frozen=True):
    """A question that the verdict hangs on, and the flag that answers it."""

    answer: str
    question: str
    flag: str


class Clash(msgspec.Struct, frozen=True):
    """Answers that exclude each other, and what to ask."""

    between: list[Trace]
    ask: str


class Change(msgspec.Struct, frozen=True):
    """Another answer that would change the verdict, all else as it is."""

    answer: str
    instead: str
    verdict: Way


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What `prepdata advise --json` writes.

    Args:
        verdict: the way advised, or `undecided`.
        summary: the verdict in words.
        reasons: what speaks for it.
        ruled_out: the other ways that are ruled out, each with its reasons.
        open, missing, conflicts: of `undecided`: what is still possible, and what has to be answered.
        later: questions that may have to be answered after those; with both answered there is a verdict.
        changes: other answers that would change the verdict.
        fallback: what stays in use until the way advised has shown that it is better.
        local_only: True where neither data nor weights may leave the house.
        steps: what to do next.
        answers, measured: what it all rests on.
    """

    schema_version: int
    verdict: Way | Literal["undecided"]
    summary: str
    reasons: list[Reason]
    ruled_out: list[Excluded]
    open: list[Way]
    missing: list[Missing]
    later: list[Missing]
    conflicts: list[Clash]
    changes: list[Change]
    fallback: Way | None
    local_only: bool
    steps: list[Step]
    answers: Answers
    measured: Measured | None


def advise(answers: Answers, measured: Measured | None = None, *, train: str | None = None) -> Advice:
    """Return the advice that follows from answers and what was measured.

    Args:
        answers: of the interview.
        measured: of the training file, if there is one.
        train: its path, for the next steps.
    """
    rules = guide()
    facts = facts_of(answers, measured)
    decision = decide(rules, facts)
    verdict = decision.way or "undecided"
    local = answers.data_may_leave is False
    filled = given(train, answers, facts["repeated_tokens"].value or 0, facts["examples"].value)
    return Advice(
        schema_version=SCHEMA_VERSION,
        verdict=verdict,
        summary=next((r.summary for r in decision.fired if r.summary and verdict in r.favours), SUMMARY[verdict]),
        reasons=[_reason(rules, r, facts, measured) for r in decision.fired if decision.way in r.favours],
        ruled_out=_excluded(rules, decision, facts, measured),
        open=decision.open,
        missing=_asked(decision.missing),
        later=_asked(decision.later),
        conflicts=[Clash([_trace(n, facts, measured) for n in c.between], c.ask) for c in decision.conflicts],
        changes=changes(rules, answers, measured, decision.way) if decision.way else [],
        fallback=_fallback(rules, answers, measured, decision.way),
        local_only=local,
        steps=steps(decision.way, filled) if decision.way else [],
        answers=answers,
        measured=measured,
    )


def _asked(names: list[str]) -> list[Missing]:
    """Return questions in the order of the interview."""
    listed = sorted(names, key=list(QUESTIONS).index)
    return [Missing(name, QUESTIONS[name].text + "?", flag_of(name)) for name in listed]


def _fallback(rules: Guide, answers: Answers, measured: Measured | None, way: Way | None) -> Way | None:
    """Return what stays in use until a way has shown that it is better: for tuning the best way without it."""
    if way is None or way == "prompt-first":
        return None
    untuned = decide(rules, facts_of(msgspec.structs.replace(answers, reviewed_examples=0), measured)).way
    return untuned if way in ("fine-tuning", "hybrid") and untuned in ("long-context", "rag") else "prompt-first"


def flag_of(name: str) -> str:
    """Return the flag that answers a question."""
    flag = f"--{name.replace('_', '-')}"
    return f"{flag}/--no-{flag[2:]}" if QUESTIONS[name].kind == "yes" else flag


def _reason(rules: Guide, rule: Rule, facts: Facts, measured: Measured | None) -> Reason:
    roots = dict.fromkeys(root for c in rule.when for root in facts[c.field].roots)
    source = rules.sources[rule.source]
    traced = [t for root in roots if (t := _trace(root, facts, measured)).value is not None]
    return Reason(rule.id, rule.because, traced, source.title, source.date, source.url)


def _trace(root: str, facts: Facts, measured: Measured | None) -> Trace:
    if root in QUESTIONS:
        return Trace(root, facts[root].value, "answer")
    return Trace(root, getattr(measured, root, None), "measurement")


def _excluded(rules: Guide, decision: Decision, facts: Facts, measured: Measured | None) -> list[Excluded]:
    found = []
    for way in rules.ways:
        reasons = [_reason(rules, rule, facts, measured) for rule in decision.fired if way in rule.rules_out]
        if reasons:
            found.append(Excluded(way, reasons))
    return found


def changes(rules: Guide, answers: Answers, measured: Measured | None, way: Way) -> list[Change]:
    """Return the nearest other answer to each question that leads to another verdict: decided again, not guessed."""
    found: dict[tuple[str, Way], Change] = {}
    facts = facts_of(answers, measured)
    for name in QUESTIONS:
        for value, said in _others(rules, name, facts):
            other = msgspec.structs.replace(answers, **{name: value})
            verdict = decide(rules, facts_of(other, measured)).way
            if verdict is not None and verdict != way:
                found.setdefault((name, verdict), Change(name, said, verdict))
    return list(found.values())


FACT = {"reviewed_examples": "examples", "repeated_prompt_tokens": "repeated_tokens"}
"""Questions that the file answers where nobody else does, and the facts that hold either."""


def _others(rules: Guide, name: str, facts: Facts) -> list[tuple[Any, str]]:
    """Return other answers to a question, in words: choices, and for numbers both sides of what rules ask for."""
    now, question = facts[FACT.get(name, name)].value, QUESTIONS[name]
    if now is None:
        return []
    if question.kind == "number":
        return _numbers(rules, name, facts, now)
    if question.kind == "yes":
        return [(not now, "no" if now else "yes")]
    if question.kind == "choice":
        return [(choice, choice) for choice in question.choices if choice != now]
    fewer = [([c for c in now if c != gone], f"without {gone}") for gone in now if len(now) > 1]
    kept = [c for c in now if c != "nothing"]
    more = [([*kept, new], f"also {new}" if kept else new) for new in question.choices[1:] if new not in now]
    return [*fewer, *more]


def _numbers(rules: Guide, name: str, facts: Facts, now: int) -> list[tuple[int, str]]:
    """Return the numbers on the other side of every limit of the rules, the nearest first."""
    limits = {limit for rule in rules.rules for c in rule.when for limit in _limits(c, name, facts)}
    up = [(n, f"{n:,} or more") for n in sorted(limits) if n > now]
    down = [(n - 1, f"fewer than {n:,}") for n in sorted(limits, reverse=True) if 0 < n <= now]
    return [*up, *down]


def _limits(condition: Condition, name: str, facts: Facts) -> list[int]:
    """Return the least number at which a condition on a question, or on what follows from it, turns over."""
    if isinstance(condition.value, (bool, str, list)):
        return []
    least = condition.value + (condition.op in ("over", "at-most"))
    if condition.field in (name, FACT.get(name)):
        return [least]
    factor = {"context_tokens_per_day": "knowledge_tokens", "prompt_tokens_per_day": "repeated_prompt_tokens"}
    tokens = factor.get(condition.field)
    if tokens is None or name not in (tokens, "requests_per_day"):
        return []
    other = facts["requests_per_day" if name == tokens else FACT.get(tokens, tokens)].value
    return [-(-least // other)] if other else []
