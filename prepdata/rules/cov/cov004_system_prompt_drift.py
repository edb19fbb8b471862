"""COV004: many slightly different system prompts, or some rows with one and some without."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

from prepdata.alike import alike
from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, clip
from prepdata.rules.base import CorpusRule, Count, Parts
from prepdata.rules.base import Options as Base
from prepdata.rules.cov._share import EXAMPLES, first, percent, whole
from prepdata.text.fold import encode

KEPT = 200
"""Different system prompts that are compared: the first ones of the data set."""
COMPARED = 2000
"""Letters of a prompt that are kept: as many from its beginning as from its end."""


class SystemPromptDrift(CorpusRule):
    """Finds variants of one system prompt that differ by slips, and rows that lack the prompt the others have.

    Variants are prompts that are at least 90% alike (200 are compared, the first ones). A filled-in slot is no drift: where
    the differences are numbers, names, or one place with ever other words, nothing is said. With and without: said where
    rows of both kinds exist and one kind has at least 80%. Says nothing below 20 rows. Keeps 8 bytes a different prompt, and
    the text of 200.

    Why: the system prompt is the switch that the model learns. At use only one spelling of it is sent; rows under another
        spelling, or without it, train a switch that nobody presses.
    Bad:
        {"messages": [{"role": "system", "content": "You are a helpfull assistant"}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
        {"messages": [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": "Hey"}, {"role": "assistant", "content": "Hello!"}]}
    Good:
        {"messages": [{"role": "system", "content": "You are a helpful assistant. Today is 3 May."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
        {"messages": [{"role": "system", "content": "You are a helpful assistant. Today is 9 June."}, {"role": "user", "content": "Hey"}, {"role": "assistant", "content": "Hello!"}]}
    Fix: none; use the prompt that will be used later in every row, or wholly different ones on purpose.
    Source: OpenAI's fine-tuning guide: include the instructions that worked best in every training example (read November
        2026).
    """  # noqa: E501

    code: ClassVar[str] = "COV004"
    name: ClassVar[str] = "system-prompt-drift"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        least: rows below which the rule keeps silent.
        """

        least: Count = 20

    def see(self, chunk: Chunk) -> Any:
        prompts: dict[str, list[int]] = {}
        without: list[int] = []
        for group in chunk.derived(alike):
            begins = group.first.messages[:1]
            if begins and begins[0].role in ("system", "developer"):
                for record, text in zip(group.records, group.texts[0]):
                    if text:
                        prompts.setdefault(text, []).append(record.row)
            elif begins:
                without += [record.row for record in group.records]
        without.sort()
        if not prompts:
            return [[], {}, len(without), without[:EXAMPLES]]
        import xxhash

        ranked = sorted((sorted(rows), text) for text, rows in prompts.items())
        keyed = [(xxhash.xxh3_64_intdigest(encode(text)), text, rows) for rows, text in ranked]
        kept = [[key, _cut(text), rows[:2]] for key, text, rows in keyed[:KEPT]]
        return [kept, {key: len(rows) for key, _, rows in keyed}, len(without), without[:EXAMPLES]]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        counts: Counter[int] = Counter()
        kept: dict[int, tuple[str, list[int]]] = {}
        without = 0
        bare: list[int] = []
        for start, (shown, by_key, none, none_shown) in parts.parts:
            for key, text, rows in shown:
                if key in kept:
                    kept[key] = (kept[key][0], first(rows, start, kept[key][1], 2))
                elif len(kept) < KEPT:
                    kept[key] = (text, [start + row for row in rows])
            counts.update(by_key)
            without += none
            bare = first(none_shown, start, bare)
        having = sum(counts.values())
        if having + without < self.options.least or not having:
            return
        prompts = [Prompt(text, counts[key], tuple(rows)) for key, (text, rows) in kept.items()]
        yield from whole(_some_without(prompts, having, without, bare))
        yield from whole(_variants(prompts))


class Prompt(NamedTuple):
    """A system prompt: its text (cut), how many rows have it, and the first of them."""

    text: str
    used: int
    rows: tuple[int, ...]


def _cut(text: str) -> str:
    return text if len(text) <= COMPARED else text[: COMPARED // 2] + text[-COMPARED // 2 :]


def _some_without(prompts: Sequence[Prompt], having: int, without: int, bare: list[int]) -> Iterator[Hit]:
    total = having + without
    if not without or 0.2 < without / total < 0.8:
        return
    few = min(without, having)
    head = f"{few:,} of {total:,} rows ({percent(few, total)}) {'has' if few == 1 else 'have'}"
    if without < having:
        yield Hit(
            f"{head} no system prompt, the others have one: give it to all rows that are to be asked with it",
            related=tuple(bare),
        )
    else:
        yield Hit(
            f"{head} a system prompt, the others have none: at use the model is asked in one way only; make them alike",
            related=tuple(row for prompt in prompts for row in prompt.rows)[:EXAMPLES],
        )


def _variants(prompts: Sequence[Prompt]) -> Iterator[Hit]:
    """Yield one finding for each group of prompts that differ by slips."""
    for group in _groups(prompts):
        if len(group) < 2 or _is_slot(group):
            continue
        ranked = sorted(group, key=lambda prompt: (-prompt.used, prompt.rows))
        top, odd = ranked[0], ranked[1]
        many = sum(prompt.used for prompt in group)
        mine, other = _difference(top.text, odd.text)
        yield Hit(
            f"{len(group):,} nearly equal system prompts in {many:,} rows; the commonest ({top.used:,} rows) has "
            f"'{clip(mine, 40)}' where another ({odd.used:,}) has '{clip(other, 40)}': use one spelling in all",
            related=tuple(prompt.rows[0] for prompt in ranked[:EXAMPLES]),
        )


def _groups(prompts: Sequence[Prompt]) -> Iterator[list[Prompt]]:
    """Yield groups of prompts that are alike: each at least 90% like the first of its group."""
    if len(prompts) < 2:
        return
    from rapidfuzz import fuzz

    left = sorted(prompts, key=lambda prompt: (-prompt.used, prompt.rows))
    while left:
        head, rest = left[0], left[1:]
        near = [p for p in rest if fuzz.ratio(head.text, p.text, score_cutoff=90.0) > 0 or _same(head.text, p.text)]
        yield [head, *near]
        taken = set(map(id, near))
        left = [p for p in rest if id(p) not in taken]


def _same(one: str, other: str) -> bool:
    return _plain(one) == _plain(other)


_MARKS = re.compile(r"[\W_]+")


def _plain(text: str) -> str:
    return _MARKS.sub("", text.casefold())


def _shared(texts: Sequence[str]) -> int:
    """Return how many letters all texts have in common at their beginning."""
    low, high = min(texts), max(texts)
    return next((i for i, (a, b) in enumerate(zip(low, high)) if a != b), min(len(low), len(high)))


def _difference(one: str, other: str) -> tuple[str, str]:
    """Return the words in which two texts differ, from the first difference to the last."""
    start = _shared([one, other])
    end = _shared([one[start:][::-1], other[start:][::-1]])
    while start and not one[start - 1].isspace():
        start -= 1
    while end and not one[len(one) - end].isspace():
        end -= 1
    return one[start : len(one) - end], other[start : len(other) - end]


_WORDS = re.compile(r"\w+")


def _is_slot(group: Sequence[Prompt]) -> bool:
    """Return whether the prompts of a group differ only in what is filled in: numbers, names, or ever other words."""
    if len({_MARKS.sub(" ", re.sub(r"\d+", "0", prompt.text)).casefold() for prompt in group}) == 1 and any(
        re.sub(r"\D", "", prompt.text) != re.sub(r"\D", "", group[0].text) for prompt in group
    ):
        return True
    start = _shared([prompt.text for prompt in group])
    end = _shared([prompt.text[start:][::-1] for prompt in group])
    middles = []
    for prompt in group:
        begin, stop = start, len(prompt.text) - end
        while begin and prompt.text[begin - 1].isalnum():
            begin -= 1
        while stop < len(prompt.text) and prompt.text[stop].isalnum():
            stop += 1
        middles.append(prompt.text[begin:stop])
    return _filled(middles)


def _filled(middles: Sequence[str]) -> bool:
    """Return whether the differing pieces are values: all there, unlike one another, in number, or names, or many."""
    from rapidfuzz import fuzz

    words = [_WORDS.findall(middle) for middle in middles]
    if not all(words) or len({_plain(middle) for middle in middles}) < len(middles):
        return False
    if any(a[:1].islower() and fuzz.ratio(a.lower(), b.lower()) >= 75 for a, b in pairwise(middles)):
        return False
    named = all(w[0][0].isupper() or w[0][0].isdigit() or any(c.isdigit() for x in w for c in x) for w in words)
    alike = max(fuzz.ratio(middles[0].lower(), middle.lower()) for middle in middles[1:])
    return alike < 75 if named else len(middles) >= 4 and alike < 60
