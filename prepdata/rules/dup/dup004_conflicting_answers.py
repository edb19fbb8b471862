"""DUP004: the same prompt with different answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any, ClassVar, Literal

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, plural
from prepdata.index.columns import digests
from prepdata.index.exact import Joined, low_half, pack_rows, repeated, whole
from prepdata.index.near import prompts, signatures
from prepdata.rules.base import CorpusRule, Options, Parts
from prepdata.rules.dup._answers import BAD, OPEN, PLAIN, SHORT, flags
from prepdata.rules.dup._conflicts import near_conflicts

SHOWN = 10  # rows named beside the first two
SAMPLED_SHARE = 0.5  # a set is taken as sampled where this share of its prompts has the same number of answers
SAMPLED_PROMPTS = 5
POOL_SHARE = 0.5  # a set is taken as written with a pool of answers where more of these prompts than this share ...
POOL_PROMPTS = 3  # ... have two answers that stand together under at least so many prompts
POOL_ANSWERS = 20  # answers of one prompt that are looked at for that


class ConflictingOptions(Options, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of conflicting-answers.

    Args:
        diversity: `auto` says no more than one info of a set with variety on purpose: most prompts have the same
            number of answers (they were sampled), or the same answers stand together under several prompts (wordings
            out of one pool). `allow` keeps quiet about all but short answers; `report` reports all.
        open_prompts: True to report prompts that ask for something made up as well ("Tell me a joke").
        near: True to hold nearly equal prompts against each other as well: those that differ in little words, not in
            a number, a name or any word with a meaning of its own. Keeps 4 bytes more for each word of a prompt.
    """

    diversity: Literal["auto", "allow", "report"] = "auto"
    open_prompts: bool = False
    near: bool = False


class ConflictingAnswers(CorpusRule):
    """Finds prompts that are answered in different ways in different rows.

    The whole prompt is compared: system prompt, tools, media, and all turns before the last answer, folded. One
    finding per prompt, at the first row with a second answer. Good and bad answers (KTO labels, chosen and rejected)
    are not held against each other; of a preference row the chosen answer counts. Prompts that ask for something made
    up, and sets with variety on purpose (`diversity`) are left alone, but for short answers; of such a set one info
    says so. Keeps 13 bytes a row.

    Why: the model learns to be unsure where you want it to be sure. For labels it is a plain contradiction: one of the
    rows is wrong.
    Bad:
        {"messages": [{"role": "user", "content": "Refund after 40 days?"}, {"role": "assistant", "content": "No."}]}
        {"messages": [{"role": "user", "content": "Refund after 40 days?"}, {"role": "assistant", "content": "Yes."}]}
    Good:
        {"messages": [{"role": "user", "content": "Refund after 40 days?"}, {"role": "assistant", "content": "No."}]}
        {"messages": [{"role": "user", "content": "Refund after 20 days?"}, {"role": "assistant", "content": "Yes."}]}
    Fix: none; a person has to decide which answer is right.
    Source: Northcutt et al., "Pervasive Label Errors in Test Sets", NeurIPS 2021; thresholds are our own.
    """

    code: ClassVar[str] = "DUP004"
    name: ClassVar[str] = "conflicting-answers"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True
    scope: ClassVar[Literal["file", "dataset", "run"]] = "run"
    rereads: ClassVar[bool] = True
    Options: ClassVar[type[Options]] = ConflictingOptions
    options: ConflictingOptions

    def see(self, chunk: Chunk) -> Any:
        found = chunk.derived(digests)
        kept = [pack_rows(found.rows), found.folded_prompt.tobytes(), low_half(found.folded_answer),
                chunk.derived(flags)]  # fmt: skip
        return [*kept, *prompts(chunk.derived(signatures))] if self.options.near else kept

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        joined = Joined([(row, part[:4]) for row, part in parts.parts])
        groups = repeated(joined.columns[0])
        if not groups and not self.options.near:
            return
        answers, marks = whole(joined.columns[1], "I"), joined.columns[2]
        found: list[dict[int, int]] = []  # per prompt: answer -> first place
        for group in groups:
            kinds: dict[int, int] = {}
            for place in group:
                if marks[place] & PLAIN and not marks[place] & BAD:
                    kinds.setdefault(answers[place], place)
            if len(kinds) > 1:
                found.append(kinds)
        prompts = len(marks) - sum(len(group) - 1 for group in groups)
        meant = (_sampled(found, prompts) or _pooled(found)) if self.options.diversity == "auto" else ""
        quiet: list[list[int]] = []
        for kinds in found:
            places = list(kinds.values())
            if marks[places[0]] & OPEN and not self.options.open_prompts:
                continue
            short = sum(1 for p in places if marks[p] & SHORT)
            if short > 1 or not (meant or self.options.diversity == "allow"):
                yield _conflict(joined, places, short)
            elif meant:
                quiet.append(places)
        if quiet:
            yield _taken_as_meant(joined, quiet, meant)
        if self.options.near:
            short_only = bool(meant) or self.options.diversity == "allow"
            yield from near_conflicts(
                parts, joined, answers, 4, short_only=short_only, open_prompts=self.options.open_prompts
            )


def _conflict(joined: Joined, places: list[int], short: int) -> tuple[int, Hit]:
    """Return the finding of one prompt: the first row of each of its answers, and how many of these are short."""
    many = f"{len(places)} different answers"
    said = (
        f"the same prompt as in an earlier row, with another short answer ({many} in all): they contradict each "
        "other; correct or drop the wrong rows"
        if short > 1
        else f"the same prompt as in an earlier row, with another answer ({many} in all); keep one, or set "
        'diversity = "allow" if the variety is meant'
    )
    rows = [joined.row(p) for p in places]
    return rows[1], Hit(said, related=(rows[0], *rows[2 : 2 + SHOWN]))


def _taken_as_meant(joined: Joined, quiet: list[list[int]], meant: str) -> tuple[int, Hit]:
    """Return what is said once of the prompts that are left alone, at the first of them."""
    firsts = sorted(joined.row(places[1]) for places in quiet)
    said = (
        f"{plural(len(quiet), 'prompt')} answered in different ways and left alone, since {meant}: that looks meant; "
        'set diversity = "report" to see them, or "allow" to hear no more of it'
    )
    return firsts[0], Hit(said, severity="info", related=tuple(firsts[1 : 1 + SHOWN]))


def _sampled(found: list[dict[int, int]], prompts: int) -> str:
    """Return the reason where most prompts of the set have the same number of answers: they were drawn on purpose."""
    if len(found) < SAMPLED_PROMPTS:
        return ""
    number, most = Counter(len(kinds) for kinds in found).most_common(1)[0]
    return f"{most:,} of {prompts:,} prompts have {number} answers each" if most >= SAMPLED_SHARE * prompts else ""


def _pooled(found: list[dict[int, int]]) -> str:
    """Return the reason where most prompts have answers out of one pool of wordings: the same two stand under other
    prompts too."""
    counted: Counter[tuple[int, int]] = Counter()
    for kinds in found:
        counted.update(_pairs(kinds))
    pooled = sum(1 for kinds in found if any(counted[pair] >= POOL_PROMPTS for pair in _pairs(kinds)))
    if pooled < POOL_PROMPTS or pooled <= POOL_SHARE * len(found):
        return ""
    return f"the answers of {pooled:,} of {len(found):,} such prompts stand together under others as well"


def _pairs(kinds: dict[int, int]) -> Iterator[tuple[int, int]]:
    """Return the pairs of answers of one prompt, the lower digest first."""
    return combinations(sorted(list(kinds)[:POOL_ANSWERS]), 2)
