"""Near-equal prompts with different answers (option `near` of conflicting-answers)."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from prepdata.findings import Hit, clip
from prepdata.index.exact import Joined, repeated
from prepdata.index.near import sides
from prepdata.record import Record
from prepdata.rules.base import Parts
from prepdata.rules.dup._answers import BAD, OPEN, PLAIN, SHORT
from prepdata.rules.dup._near import CHARS, WORTH, Pair, columns_of, halved, pairs
from prepdata.rules.dup._variants import content, exchanges
from prepdata.spread import spread
from prepdata.text.differences import Difference, compare, shown, tokens

CANDIDATE = 0.3  # similarity of prompts from which they are looked at
ALIKE = 0.8  # share of words in common, in the same order, from which prompts are nearly equal
ANSWERS = 0.6  # up to this share of words in common, answers are different ones
COMMON = 0.1  # n-grams in more than this share of the prompts count as template text


class Said(NamedTuple):
    """What a row asks and answers, and all that has to be equal beside that: system prompt and tools."""

    asked: list[str]
    answered: list[str]
    around: tuple[str, bytes | None]


def near_conflicts(
    parts: Parts, joined: Joined, answers: array[int], at: int, *, short_only: bool, open_prompts: bool
) -> Iterator[tuple[int, Hit]]:
    """Yield the rows whose prompt nearly equals an earlier one's and whose answer is another.

    Args:
        parts: of the scope, the n-grams of prompts at `at` and after that.
        joined: the columns folded prompt, folded answer, marks.
        answers: the folded answers.
        at: see above.
        short_only: True to leave longer answers alone.
        open_prompts: True to report prompts that ask for something made up as well.
    """
    marks = joined.columns[2]
    left = {place for group in repeated(joined.columns[0]) for place in group[1:]}
    left.update(place for place, mark in enumerate(marks) if not mark & PLAIN or mark & BAD)
    if not open_prompts:
        left.update(place for place, mark in enumerate(marks) if mark & OPEN)
    found = [
        pair
        for pair in (pairs(columns_of(parts.parts, at), left, CANDIDATE, COMMON) if marks else ())
        if answers[pair.first] != answers[pair.second]
        and (marks[pair.first] & marks[pair.second] & SHORT or not short_only)
    ]

    def work(some: Sequence[Pair]) -> list[tuple[int, Hit]] | None:
        rows = [(joined.row(pair.first), joined.row(pair.second)) for pair in some]
        said = _read(parts, {row for both in rows for row in both})
        if said is None:
            return None
        shorts = [bool(marks[pair.first] & marks[pair.second] & SHORT) for pair in some]
        return [
            (later, Hit(message, related=(first,)))
            for (first, later), short in zip(rows, shorts)
            if first in said and later in said and (message := _conflict(said[first], said[later], short))
        ]

    told: set[int] = set()
    for row, hit in spread(partial(halved, work), found, parts.jobs, WORTH):
        if row not in told:
            told.add(row)
            yield row, hit


def _read(parts: Parts, rows: set[int]) -> dict[int, Said] | None:
    """Return what rows say; None if that is more than memory is to hold, but for two rows."""
    held, bound = {}, CHARS // parts.jobs
    for row, record in parts.fetch(rows):
        asked, answered = sides(record)
        bound -= 10 * (len(asked) + len(answered))
        if bound < 0 and len(rows) > 2:
            return None
        held[row] = Said(tokens(asked), tokens(answered), _around(record))
    return held


def _conflict(one: Said, other: Said, short: bool) -> str:
    """Return what is wrong with two rows, "" if nothing is."""
    if one.around != other.around:
        return ""
    asked = compare(one.asked, other.asked)
    if not _same_question(asked) or not _other_answer(compare(one.answered, other.answered), short):
        return ""
    return _message(asked, one, other)


def _around(record: Record) -> tuple[str, bytes | None]:
    return "\n".join(m.text for m in record.messages if m.role in ("system", "developer")), record.tools_key


def _same_question(how: Difference) -> bool:
    """True if prompts differ in little words only, or in the forms of words: one other word makes another question."""
    if how.meant or how.ratio < ALIKE or any(exchanges(change) for change in how.changes):
        return False
    return all(not content(change.before) or content(change.after) for change in how.changes) and all(
        not content(change.after) or content(change.before) for change in how.changes
    )


def _other_answer(how: Difference, short: bool) -> bool:
    """True if answers say something else."""
    if short:
        return how.meant or any(content(side) for change in how.changes for side in change) or how.shared < ANSWERS
    return how.shared <= ANSWERS


def _message(asked: Difference, one: Said, other: Said) -> str:
    return (
        f"nearly the same prompt as in an earlier row (but for {shown(asked.changes) or 'case and white space'}), with "
        f"another answer: '{clip(' '.join(one.answered), 40)}' there, '{clip(' '.join(other.answered), 40)}' here; "
        "correct or drop the wrong row"
    )
