"""Edge cases among prompts: which rows of a chunk ask in an unusual way?

Built-in buckets are told by length, by kinds of characters, by hand-written phrases, and by the answer (out of scope).
All user turns of a row count. `BUCKETS` says for people how each is decided.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from prepdata.chunk import Chunk
from prepdata.text import _edge_phrases as phrases
from prepdata.text.columns import Column, turns
from prepdata.text.language import quick
from prepdata.text.negatives import negatives
from prepdata.text.search import Search

LONG = 4000
"""Letters from which on a user turn is very long (about 1,000 English tokens)."""

BUCKETS: dict[str, str] = {
    "one-word": "a user turn that is empty or one word",
    "very-long": f"a user turn of {LONG:,} letters or more",
    "other-language": "a user turn in another language or script than most",
    "odd-unicode": "emoji, invisible or styled characters",
    "numbers": "a digit in a user turn",
    "code": "code, markup or error output in a user turn",
    "typos": "misspelt words, or a turn in capitals",
    "multi-turn": "two or more user turns",
    "out-of-scope": "an answer that declines, or says that nothing fits",
    "prompt-injection": "'ignore previous instructions' and such, in 16 languages",
}
"""Name of each built-in bucket -> how it is decided."""

_NOT_DIGITS = bytes(c for c in range(1, 256) if c != 0x30)
_ODD = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u200b\u200d-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffd\ufe0f"
    "\u2460-\u24ff\u2500-\u257f\U0001d400-\U0001d7ff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\ue000-\uf8ff"
    "\U000e0000-\U000e007f]|[\u0300-\u036f]{2}"
)
_SHOUT = 8
"""Letters from which on a turn all in capitals is shouted."""


class Found(NamedTuple):
    """Edge cases of a chunk.

    Args:
        rows: bucket -> rows, rising; `other-language` apart, which only the whole data set can tell.
        languages: language of the first user turn -> rows.
    """

    rows: dict[str, list[int]]
    languages: dict[str, list[int]]


def buckets(chunk: Chunk) -> Found:
    """Return the edge cases of a chunk. Use as `chunk.derived(buckets)`."""
    found = chunk.derived(turns)
    prompts = found.prompts
    rows: dict[str, list[int]] = _by_text(prompts)
    rows.update(_by_phrase(prompts))
    rows["multi-turn"] = found.several
    kinds = chunk.derived(negatives).rows
    scope = set(kinds.get("decline", ())).union(kinds.get("no-label", ()), kinds.get("refusing-call", ()))
    rows["out-of-scope"] = sorted(scope)
    firsts = dict(zip(reversed(prompts.rows), reversed(prompts.texts)))
    languages: dict[str, list[int]] = {}
    for row in sorted(firsts):
        language = quick(firsts[row])
        if language is not None:
            languages.setdefault(language, []).append(row)
    return Found({name: there for name, there in rows.items() if there}, languages)


def _by_text(prompts: Column) -> dict[str, list[int]]:
    """Return the buckets that each text by itself tells."""
    texts, rows = prompts.texts, prompts.rows
    digits = prompts.folded.translate(None, _NOT_DIGITS).split(b"\0")
    beyond = [] if prompts.folded.isascii() else [(row, text) for row, text in zip(rows, texts) if not text.isascii()]
    return {
        "numbers": _unique([row for row, own in zip(rows, digits) if own]),
        "one-word": _unique(
            [row for row, text in zip(rows, texts) if len(text) < 40 and " " not in text.strip() and _one_word(text)]
        ),
        "very-long": _unique([row for row, text in zip(rows, texts) if len(text) >= LONG]),
        "odd-unicode": _unique([row for row, text in beyond if _ODD.search(text)]),
    }


def _one_word(text: str) -> bool:
    words = text.split()
    if len(words) > 1:
        return False
    return not words or text.isascii() or len(words[0]) <= 4 or (words[0].isalpha() and words[0][0] < "\u0e00")


def _by_phrase(prompts: Column) -> dict[str, list[int]]:
    """Return the buckets that phrases tell: code, typos, prompt injection."""
    search, kinds = _search()
    folded = b"\0" + prompts.folded  # so that every text begins after a NUL; offsets are one too high
    found: dict[str, set[int]] = {}
    for word, _, end in search.find(folded):
        kind = kinds[word]
        if kind == "typos" and _is_letter(folded, end):
            continue
        found.setdefault(kind, set()).add(prompts.rows[prompts.at(end - 2)])
    shouted = [row for row, text in zip(prompts.rows, prompts.texts) if text.isupper() and _shouts(text)]
    found.setdefault("typos", set()).update(shouted)
    return {kind: sorted(rows) for kind, rows in found.items()}


def _shouts(text: str) -> bool:
    return sum(map(str.isalpha, text)) >= _SHOUT and " " in text.strip()


def _is_letter(folded: bytes, at: int) -> bool:
    """Return whether the byte at an offset belongs to a word (also a path or a name: "u.s.", "r-2", "im@")."""
    if not 0 <= at < len(folded):
        return False
    byte = folded[at]
    return 0x61 <= byte <= 0x7A or byte == 0x30 or byte >= 0x80 or byte in b"'_-.@/&+#=:\\<>*$()[]{}\"`|^~%"


_BEFORE = (" ", "\n", "\0")
"""What stands before a misspelt word; looked for with it, so that words that only hold it cost nothing."""


@lru_cache(maxsize=1)
def _search() -> tuple[Search, list[str]]:
    """Return the search for all phrases, and the bucket of each."""
    words: dict[str, str] = {}
    for kind, listed in (("prompt-injection", phrases.INJECTION), ("typos", phrases.TYPOS), ("code", phrases.CODE)):
        for word in listed:
            for spelling in {word, word[0].upper() + word[1:]} if not word[0].isascii() else {word}:
                for before in _BEFORE if kind == "typos" else ("",):
                    words.setdefault(before + spelling, kind)
    return Search([word.encode() for word in words]), list(words.values())


def _unique(rows: list[int]) -> list[int]:
    """Return rising numbers without repeats."""
    return list(dict.fromkeys(rows))
