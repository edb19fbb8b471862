"""What a text has to hold before it is read for passages: a quick look that rules out nearly all."""

from __future__ import annotations

from prepdata.text import _passage_words as words
from prepdata.text.columns import FOLDED


def _traces() -> list[bytes]:
    """Return pieces of which one is in every text that holds passages: in lower case where ASCII, digits as 0. English
    words are too common to stand alone."""
    after = (":", "：", " :", " ：", "]", ")", "）", "】", "*", "\n", " (", "(", "\t(", " is below")
    between = ("0", " 0", "  0", " #0", ": 0", ":0", " [0", "[0", " (0", "(0", "#0", "\t0")
    found = {f"<{tag}" for tag in (*words.OUTER_TAGS, *words.INNER_TAGS)} | {"following ", "folgende"}
    for listed, ends in ((words.HEADINGS, after), (words.UNITS, between), (words.ORIGINS, after)):
        for word in listed:
            found |= {word + end for end in ends} if word in words.ENGLISH else {word}
    found |= {f"[0] {bracket}{word}:" for bracket in ("", "(") for word in ("source", "title", "file", "url")}
    found |= {f'"{key}"' for key in words.LISTS}
    spelt = {form for word in found for form in (word, word.capitalize(), word.upper())}
    return sorted({form.encode().translate(FOLDED) for form in spelt})


TRACES = _traces()
