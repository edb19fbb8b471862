"""What the rules look at: the answers, what was measured in the file, and what follows from both."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from prepdata.advice.answers import Answers

KNOWLEDGE = frozenset({"facts-missing", "facts-stale"})
BEHAVIOUR = frozenset({"format", "tone", "policy"})
KNOWLEDGE_HEAVY, KNOWLEDGE_NAME = "COV012", "knowledge-heavy"
"""The rule that tells a file whose answers are mostly facts found nowhere else."""
TOLD = 50
"""Answers from which that rule speaks."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured in a training file.

    Args:
        rows: rows that could be read.
        unread_rows: rows that could not; nothing is known of them.
        reviewed_rows: rows marked as reviewed by a person; None where no row has such a mark.
        negative_rows: rows that decline, ask back or show what not to do.
        system_tokens, prompt_tokens, answer_tokens: mean tokens a row: of the system prompt, of the whole prompt (the
            system prompt among it), of the trained answers; None where tokens were not counted.
        tokens_exact: False where tokens are estimates.
        knowledge_heavy: whether the answers are mostly facts found nowhere else; None where no rule looked, or could
            tell.
        knowledge_found, knowledge_needs: what that rule said, or what it needs to tell.
    """

    rows: int = 0
    unread_rows: int = 0
    reviewed_rows: int | None = None
    negative_rows: int = 0
    system_tokens: float | None = None
    prompt_tokens: float | None = None
    answer_tokens: float | None = None
    tokens_exact: bool = False
    knowledge_heavy: bool | None = None
    knowledge_found: str | None = None
    knowledge_needs: str | None = None


class Fact(NamedTuple):
    """A value, None where it is not known, and the answers and measurements it comes from."""

    value: Any
    roots: tuple[str, ...]


def facts_of(answers: Answers, measured: Measured | None) -> dict[str, Fact]:
    """Return every field that rules may ask for, by name."""
    seen = measured or Measured()
    facts = {name: Fact(getattr(answers, name), (name,)) for name in Answers.__struct_fields__}
    # what no rule looked for is not counted as found; a measurement that is lacking asks nobody anything
    facts["knowledge_heavy"] = Fact(bool(seen.knowledge_heavy), ("knowledge_heavy",))
    facts["knowledge_gap"] = _knowledge_gap(answers, bool(seen.knowledge_heavy))
    facts["behaviour_gap"] = Fact(None if answers.fails is None else bool(BEHAVIOUR & {*answers.fails}), ("fails",))
    facts["prompt_falls_short"] = _falls_short(answers)
    facts["examples"] = _either(answers.reviewed_examples, "reviewed_examples", seen.reviewed_rows, "reviewed_rows")
    repeated = _either(
        answers.repeated_prompt_tokens,
        "repeated_prompt_tokens",
        round(seen.system_tokens) if seen.system_tokens is not None else None,
        "system_tokens",
    )
    calls = facts["requests_per_day"]
    facts["repeated_tokens"] = repeated
    facts["prompt_tokens_per_day"] = _product(repeated, calls)
    facts["context_tokens_per_day"] = _product(facts["knowledge_tokens"], calls)
    more = measured is not None and (answers.reviewed_examples or 0) > seen.rows
    facts["more_reviewed_than_rows"] = Fact(more, ("reviewed_examples", "rows"))
    return facts


def _knowledge_gap(answers: Answers, heavy: bool) -> Fact:
    """Return whether answers lack knowledge that documents hold: known as soon as one sign of it is."""
    signs = {
        "fails": None if answers.fails is None else bool(KNOWLEDGE & {*answers.fails}),
        "cite_sources": answers.cite_sources,
        "knowledge_heavy": heavy,
    }
    found = next((name for name, sign in signs.items() if sign), None)  # one is enough
    if found:
        return Fact(True, (found,))
    return Fact(None if None in signs.values() else False, ("fails", "cite_sources"))


def _falls_short(answers: Answers) -> Fact:
    """Return whether the prompt falls short: as answered, else not where nothing fails."""
    if answers.prompting_result is None and answers.fails == ["nothing"]:
        return Fact(False, ("fails",))
    result = answers.prompting_result
    return Fact(None if result is None else result == "falls-short", ("prompting_result",))


def _either(answer: int | None, asked: str, measured: int | None, seen: str) -> Fact:
    """Return what was answered, else what was measured, else that nobody knows."""
    if answer is None and measured is not None:
        return Fact(measured, (seen,))
    return Fact(answer, (asked,))


def _product(one: Fact, other: Fact) -> Fact:
    roots = one.roots + other.roots
    if one.value == 0 or other.value == 0:
        return Fact(0, roots)
    return Fact(None if one.value is None or other.value is None else one.value * other.value, roots)


def measured_of(report: Any, ran: bool) -> Measured:
    """Return what was measured, from the report of a run with the meters `tokens` and `choosing`.

    Args:
        report: a `prepdata.report.Report`.
        ran: whether the rule about knowledge was among those of the run. That it is silent says something only where it
            could tell.
    """
    choosing = report.measures["choosing"]
    tokens = report.measures.get("tokens")
    rows = choosing["rows"]
    heavy = [finding.message for finding in report if finding.code == KNOWLEDGE_HEAVY]
    needs = next((item.needs for item in report.not_run if item.name == KNOWLEDGE_NAME), None)
    if needs is None and rows < TOLD:
        needs = f"{TOLD} answers; there are {rows}"
    counted = tokens is not None and rows > 0
    return Measured(
        rows=rows,
        unread_rows=max(0, report.examples - rows),
        reviewed_rows=choosing["reviewed_rows"] if choosing["marked_rows"] else None,
        negative_rows=choosing["negative_rows"],
        system_tokens=choosing["system_tokens"] / rows if counted else None,
        prompt_tokens=tokens["prompt"] / rows if counted else None,
        answer_tokens=tokens["trained"] / rows if counted else None,
        tokens_exact=bool(counted and tokens["exact"]),
        knowledge_heavy=bool(heavy) if heavy or (ran and needs is None) else None,
        knowledge_found=heavy[0] if heavy else None,
        knowledge_needs=needs if ran and not heavy else None,
    )
