"""Answers of rows whose marks say that their context does not hold the answer."""

from __future__ import annotations

import re

from prepdata.rules.rag._facts import Missing
from prepdata.rules.rag._rows import READ, Row
from prepdata.text.differences import NEGATIONS
from prepdata.text.quantities import Quantities, quantities

_WORD = re.compile(r"[^\W\d_]+(?:['’]t)?|[不没無无非未]")


def against_mark(row: Row) -> list[Missing]:
    """Return what a row says whose marks say that its context does not hold the answer: its first citation, or number
    that a passage has. Silent where it denies something, as one that declines does."""
    if row.context.gold != frozenset() or any(word in NEGATIONS for word in _WORD.findall(row.answer.casefold())):
        return []
    said = [(one.span, row.answer[slice(*one.span)]) for one in row.cited if not one.attached]
    held = Quantities("\n".join(passage.text for passage in row.context.passages))
    said += [
        (one.span, row.answer[slice(*one.span)])
        for one in quantities(row.answer[:READ])
        if (one.units or not one.small) and held.standing(one) == "held"
    ]
    return [Missing("marked", text, span) for span, text in said[:1]]
