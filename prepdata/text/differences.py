"""How do two nearly equal texts differ, and does the difference change what they say?

Texts are compared word by word, punctuation marks apart (an alignment of least insertions and deletions, by rapidfuzz).
Numbers, names, negations and operators carry the meaning of a sentence that is otherwise the same: texts in which one
of these is exchanged for another are variants of one another, not copies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from prepdata.findings import clip

LONGEST = 4000
"""Words of a text that are compared."""
_TOKEN = re.compile(
    r"[\u0e01-\u0e4e\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|\d+(?:[.,:]\d+)*"
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*|\w|[^\w\s]"
)
_ASCII_TOKEN = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*|\d+(?:[.,:]\d+)*|_|[^\w\s\x1c-\x1f]", re.ASCII)
"""The same for texts of ASCII, quicker."""
_OPERATORS = frozenset("+-*/%=<>^|&~×÷±≤≥≠−")


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


NEGATIONS = _listed("""
    not no never none nor neither without cannot can't don't doesn't didn't isn't aren't wasn't weren't won't wouldn't
    shouldn't couldn't hasn't haven't hadn't mustn't needn't
    nicht kein keine keinen keinem keiner nie niemals ohne nein pas jamais aucun aucune sans non ne ni nunca jamás sin
    ninguno ninguna não nenhum nenhuma sem mai senza nessun nessuna niet geen nooit zonder inte ej aldrig utan ingen
    inget ikke aldri uten uden nie bez żaden żadna не нет ни никогда без 不 没 無 无 非 否 未 别 لا لم لن ليس غير
    नहीं न मत tidak bukan jangan değil hayır yok không chẳng đừng
""")
_NUMBERS = _listed("""
    two three four five six seven eight nine ten eleven twelve thirteen fifteen twenty thirty forty fifty hundred
    thousand million first second third fourth fifth sixth seventh eighth ninth tenth half double twice triple
    monday tuesday wednesday thursday friday saturday sunday
    zwei drei vier fünf sechs sieben neun zehn elf zwölf hundert tausend erste zweite dritte vierte
    deux trois quatre cinq sept huit neuf dix cent mille premier première deuxième troisième
    dos tres cuatro cinco seis siete ocho nueve diez cien mil primero primera segundo segunda tercero tercera
    dois três quatro sete oito nove dez due quattro cinque sei sette otto dieci
    два две три четыре пять шесть семь восемь девять десять сто тысяча первый второй третий
    一 二 三 四 五 六 七 八 九 十 百 千 万 两
""")
_OPPOSITES = _listed("""
    asc desc min max minimum maximum upper lower left right even odd true false last before after above below
    highest lowest largest smallest longest shortest tallest increasing decreasing ascending descending increase
    decrease prefix suffix most least more fewer
""")
"""Words of which two that stand for one another make the difference."""
_SENTENCE_END = frozenset('.!?:;"“”。！？\n')


class Change(NamedTuple):
    """One place where two texts differ: the words there, none on one side where something was put in or left out."""

    before: tuple[str, ...]
    after: tuple[str, ...]


class Difference(NamedTuple):
    """How two texts differ.

    Args:
        ratio: words in common and in the same order, twice, over the words of both (0 to 1).
        shared: the same in any order (0 to 1), never below `ratio`.
        changes: the places, in order.
        meant: True if a name of one text is another one in the other, or if one has a number, an operator or a negation
            that the other has not.
    """

    ratio: float
    shared: float
    changes: tuple[Change, ...]
    meant: bool


def tokens(text: str) -> list[str]:
    """Return the words, numbers and marks of a text, `LONGEST` at most."""
    token = _ASCII_TOKEN if text.isascii() else _TOKEN
    if len(text) <= 4 * LONGEST:
        return token.findall(text)[:LONGEST]
    return [match[0] for match in islice(token.finditer(text), LONGEST)]


def compare(one: Sequence[str], other: Sequence[str]) -> Difference:
    """Return how two texts differ, given their `tokens`. Case makes a difference in names only."""
    if one == other:
        return Difference(1.0, 1.0, (), False)
    from rapidfuzz.distance import Indel

    low, high = [token.casefold() for token in one], [token.casefold() for token in other]
    changes: list[Change] = []
    facts: tuple[list[str], list[str]] = [], []
    gone: list[str] = []
    new: list[str] = []
    for tag, i, k, m, n in _blocks(Indel.opcodes(low, high).as_list()):
        if tag == "equal":
            continue
        changes.append(Change(tuple(one[i:k]), tuple(other[m:n])))
        facts[0].extend(_facts(one, i, k))
        facts[1].extend(_facts(other, m, n))
        gone += low[i:k]
        new += high[m:n]
    total = len(low) + len(high)
    moved = (Counter(gone) & Counter(new)).total() if gone and new else 0
    same = total - len(gone) - len(new)
    meant = _exchanged(Counter(facts[0]), Counter(facts[1]))
    return Difference(same / total, (same + 2 * moved) / total, tuple(changes), meant)


def changes(one: Sequence[str], other: Sequence[str]) -> tuple[list[Change], list[str]]:
    """Return (the places where two texts differ, the longest run of words that they have in common), given their
    `tokens`. Case makes no difference."""
    from rapidfuzz.distance import Indel

    low, high = list(map(str.casefold, one)), list(map(str.casefold, other))
    found: list[Change] = []
    run: list[str] = []
    for tag, i, k, m, n in _blocks(Indel.opcodes(low, high).as_list()):
        if tag == "equal":
            run = max(run, list(one[i:k]), key=len)
        else:
            found.append(Change(tuple(one[i:k]), tuple(other[m:n])))
    return found, run


def number_facts(words: Sequence[str]) -> set[str]:
    """Return the numbers among some words, written in digits or as words."""
    return {fact for fact in _facts(words, 0, len(words)) if fact[0] == "#"}


def _blocks(steps: Iterable[Any]) -> list[tuple[str, int, int, int, int]]:
    """Return the steps of an alignment, insertions and deletions that stand side by side as one."""
    joined: list[tuple[str, int, int, int, int]] = []
    for tag, i, k, m, n in steps:
        if joined and tag != "equal" and joined[-1][0] != "equal":
            joined[-1] = ("replace", joined[-1][1], k, joined[-1][3], n)
        else:
            joined.append((tag, i, k, m, n))
    return joined


def _facts(words: Sequence[str], start: int, end: int) -> list[str]:
    """Return the numbers, names, operators and negations among some words of a text, each with its kind before it."""
    found = []
    for place in range(start, end):
        word = words[place]
        folded = word.casefold()
        if word[0].isdigit() or folded in _NUMBERS:
            found.append("#" + folded)
        elif word in _OPERATORS:
            found.append("+" + word)
        elif folded in NEGATIONS:
            found.append("!")
        elif folded in _OPPOSITES:
            found.append("O" + folded)
        elif word[0].isupper() and place and words[place - 1] not in _SENTENCE_END:
            found.append("A" + folded)
    return found


def _exchanged(one: Counter[str], other: Counter[str]) -> bool:
    """True if one side has a number, an operator or a negation more, or if each has a name, or one of the opposites,
    that the other has not."""
    if one == other:
        return False
    left, right = ({fact[0] for fact in facts} for facts in (one - other, other - one))
    return bool((left | right) - {"A", "O"}) or any(kind in left and kind in right for kind in "AO")


def exchanged(asked: Difference, answered: Difference) -> bool:
    """True if question and answer exchange the same for the same, if only in parts of words ("even" for "odd" and
    "isEven" for "isOdd"): they speak of another thing."""
    return bool(asked.changes and answered.changes) and not _pairs(asked).isdisjoint(_pairs(answered))


def _pairs(how: Difference) -> set[tuple[str, str]]:
    """Return what stands for what in a difference, without the letters at both ends that are the same."""
    found = set()
    for change in how.changes:
        before, after = " ".join(change.before).casefold(), " ".join(change.after).casefold()
        start = _alike(before, after)
        before, after = before[start:], after[start:]
        end = _alike(before[::-1], after[::-1])
        pair = before[: len(before) - end], after[: len(after) - end]
        if all(any(map(str.isalnum, side)) for side in pair):
            found.add(pair)
    return found


def _alike(one: str, other: str) -> int:
    """Return how many letters two words begin with alike."""
    return next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))


def shown(changes: Sequence[Change], most: int = 3) -> str:
    """Return the first changes for people: 'old' → 'new', with how many more there are."""
    said = [f"{_quoted(change.before)} → {_quoted(change.after)}" for change in changes[:most]]
    more = f" and {len(changes) - most} more" if len(changes) > most else ""
    return ", ".join(said) + more


def _quoted(words: Sequence[str]) -> str:
    return f"'{clip(' '.join(words), 30)}'" if words else "nothing"
