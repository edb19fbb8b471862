"""Names of two words of which another text has the second one with another first one: Martin for Marta Oduya."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from prepdata.rules.rag._held import unaccented
from prepdata.text.language import detect

MOST = 200
"""Names of an answer that are looked at."""
_PAIR = re.compile(r"\b([A-ZÀ-ÖØ-ÞА-ЯЁЄІЇҐ][^\W\d_]{2,29}) (?=([A-ZÀ-ÖØ-ÞА-ЯЁЄІЇҐ][^\W\d_]{2,29})\b)")
_BEGINS = re.compile(r"(?:^|[.!?:;\n])\s*\Z")
_TITLES = frozenset(
    """mister misses doctor professor president captain king queen saint lady lord minister senator judge chef director
    coach mayor sister brother prof sir the our your dear monsieur madame señora señor signor signora senhor senhora
    herr frau""".split()  # noqa: SIM905
)
_NOUNS = frozenset({"de", "lb"})
"""Languages that write every noun with a capital."""


def namesakes(plain: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where an answer names someone by a first name that a text has not, and a last name that the text has with
    another first name. At the beginning of a sentence, where any word has a capital, the two must begin alike.

    Args:
        plain: the answer.
        text: what it is to be held by.
    """
    if detect(plain) in _NOUNS or not (pairs := list(islice(_PAIR.finditer(plain), MOST))):
        return
    known = set(re.findall(r"[^\W\d_]+", unaccented(text.casefold())))
    named: dict[str, set[str]] = {}
    for pair in _PAIR.finditer(text):
        first, last = (unaccented(word.casefold()) for word in pair.groups())
        named.setdefault(last, set()).add(first)
    for match in pairs:
        first, last = (unaccented(word.casefold()) for word in match.groups())
        if first in known or first in _TITLES or last not in known:
            continue
        firsts = named.get(last, set())
        begins = _BEGINS.search(plain[max(0, match.start() - 8) : match.start()])
        if firsts and (not begins or any(other[:2] == first[:2] for other in firsts)):
            yield match.start(1), match.end(2)
