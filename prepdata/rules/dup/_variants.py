"""Do two nearly equal rows say the same, or the same of something else? What DUP003 knows besides numbers and names.

A row of which only the subject is another ("the history of cinema" for "the history of jazz", the same of another tool,
the same words dealt in another order) is a variant of the first and not a copy, however much of it is equal.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from prepdata.text.differences import Change, Difference

ASKED = 25  # words of a question up to which one other word makes another question, where the answer stays as it is
STEM = 4  # letters by which a word is known again in another form ("open", "opening")
FORM = 0.75  # of the letters of the shorter word that two forms of a word begin with
SHARE = 0.5  # of the words of a question that are gone or new which the answer loses or gains too
SHARE_TOO = 0.25  # and of those that the answer loses or gains
MOVED = 2  # words that stand elsewhere, fewer than so many at a time: a list in another order
RUN = 3

_LITTLE = """
    a an the this that these those of in on at to for from by with and or but is are was were be been being it its as
    i you he she we they me my your our their his her what which who whom whose where when why how many much can could
    will would shall should may might please do does did done has have had there here any some all each every both
    given use using used also just then than so if into onto over under about out up too very more most such no yes
    tell give write show let us get got
    der die das den dem des ein eine einen einem einer eines und oder ist sind war im am zu zum zur von vom mit für auf
    als wie was wer wo wenn bitte auch noch sich es er sie wir ihr
    le la les un une des du de et ou est sont dans sur pour par avec que qui quoi ce cette ces se
    el los las unos unas y o es son en con por para que qué cómo su sus lo del al
    il lo gli i uno di da e è sono nel nella che come os as um uma do da no na em com não
    het een van en op met voor och att det som är på og er til
    и в на с по для что как это из о
"""
_FUNCTION = frozenset(_LITTLE.split())


def content(words: Sequence[str]) -> list[str]:
    """Return the words that carry a meaning of their own, in lower case: no articles, marks or single letters, and
    no short words of other alphabets."""
    folded = [word.casefold() for word in words if len(word) > (1 if word.isascii() else 3) and word[0].isalpha()]
    return [word for word in folded if word not in _FUNCTION]


def another_subject(asked: Difference, answered: Difference, words: int) -> bool:
    """True if two rows speak of different things.

    Args:
        asked, answered: how their questions and their answers differ.
        words: of the longer question.
    """
    return _in_both(asked, answered) or _relisted(asked) or (words <= ASKED and _only_asked(asked, answered))


def _in_both(asked: Difference, answered: Difference) -> bool:
    """True if the same word is gone from question and answer, or new in both."""
    if not asked.changes or not answered.changes:
        return False
    gone, new = _moves(asked)
    gone_too, new_too = _moves(answered)
    for mine, too in ((_stems(gone), _stems(gone_too)), (_stems(new), _stems(new_too))):
        if mine and len(mine & too) >= max(SHARE * len(mine), SHARE_TOO * len(too)):
            return True
    return False


def _moves(how: Difference) -> tuple[Counter[str], Counter[str]]:
    """Return the words that only the first and that only the second text has."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for change in how.changes:
        if not _spelling(change):
            before.update(content(change.before))
            after.update(content(change.after))
    return before - after, after - before


def _stems(words: Counter[str]) -> set[str]:
    return {word[:STEM] for word in words if len(word) >= STEM}


def _spelling(change: Change) -> bool:
    """True if a place differs in spaces and marks only ("birthdate", "birth_date")."""
    before, after = ("".join(filter(str.isalnum, "".join(side))).casefold() for side in change)
    return before == after


def _only_asked(asked: Difference, answered: Difference) -> bool:
    """True if the question has another word and the answer is the same."""
    if any(content(side) for change in answered.changes for side in change):
        return False
    return any(exchanges(change) for change in asked.changes)


def exchanges(change: Change) -> bool:
    """True if words are exchanged for others that are not forms of them."""
    before, after = Counter(content(change.before)), Counter(content(change.after))
    gone, new = before - after, after - before
    if not gone or not new or _spelling(change):
        return False
    return not any(_forms(one, other) for one in gone for other in new)


def _forms(one: str, other: str) -> bool:
    """True if two words begin alike for most of their length: forms of one word ("team", "teams")."""
    size = max(STEM, math.ceil(FORM * min(len(one), len(other))))
    return one[:size] == other[:size]


def _relisted(how: Difference) -> bool:
    """True if single words stand elsewhere: a list in another order."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    places = 0
    for change in how.changes:
        sides = [[word.casefold() for word in side if word[0].isalnum()] for side in change]
        before.update(sides[0])
        after.update(sides[1])
        places += bool(sides[0]) + bool(sides[1])
    moved = sum((before & after).values())
    return moved >= MOVED and moved * 2 / places < RUN


def slots(pairs: Sequence[tuple[int, Difference]]) -> set[int]:
    """Return which pairs differ at the slots of a template: other rows have other words at the same place.

    Args:
        pairs: (the earlier row, how the later one differs from it).
    """
    seen: dict[tuple[int, str], list[str]] = {}
    keys: list[dict[tuple[int, str], str]] = []
    many = Counter(first for first, _ in pairs)
    for first, how in pairs:
        if many[first] < 2:
            keys.append({})
            continue
        mine = {(first, _said(change.before)): _said(change.after) for change in how.changes if exchanges(change)}
        for key, after in mine.items():
            seen.setdefault(key, []).append(after)
        keys.append(mine)
    return {number for number, mine in enumerate(keys) if any(len(set(seen[key])) > 1 for key in mine)}


def _said(words: Sequence[str]) -> str:
    return " ".join(content(words))
