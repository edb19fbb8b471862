"""Which names, numbers and codes does an answer hold, and which of them were given to the model before it?

Told by form, so that no language needs a list of names: words with a capital inside a sentence, numbers of three digits
or more, codes such as HR-204, and a short answer to a question as a whole. For counting over many rows, about
50 microseconds an answer: `trainers.scorers._values` looks closer, at dates, quotations and units.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from prepdata.text.language import quick, script
from prepdata.text.shapes import FORMAL, shape

SHORT_WORDS, SHORT_LETTERS = 5, 60
"""An answer up to this size to a question may be one specific thing as a whole."""
SMALL_WORDS = 3
"""Words of such an answer in small letters alone, at most: with more of them it says something."""
LONGEST = 10_000
"""Characters of an answer that are looked at."""
DIGITS = 3
"""Digits from which a number is more than said in passing, unless it has a decimal mark."""
MOST = 32
"""Specific things kept of one answer."""
LONGEST_NAME = 8
"""Words of a name; what goes on is another."""
CASED = frozenset({"Latin", "Cyrillic", "Greek", "Armenian", "Common"})
"""Scripts with capitals ("Common": no letters at all)."""
TITLE = 0.5
"""Share of words with a capital above which capitals tell nothing: a headline, a slogan."""
TITLE_WORDS = 3
"""Words from which an answer can be a headline; two are rather a name."""
_TRANSLATING = (
    "translat", "traduc", "tradui", "tradur", "tradut", "traduz", "übersetz", "vertaal", "перевед", "перевод",
    "переклад", "tłumacz", "översätt", "oversæt", "oversett", "käännä", "çevir", "翻译", "翻譯", "翻訳", "번역",
)  # fmt: skip
"""What a request to translate holds, in the larger languages."""
READ = 2000
"""Characters of the first and the last text before an answer in which such a request is looked for."""

_TOKEN = re.compile(r"[^\W_]+(?:[.,:\-/&][^\W_]+)*")
_DIGIT = re.compile(r"\d")
_TWO_NUMBERS = re.compile(r"\d(?![.,]?\d)\D+\d")
_SPOKEN = re.compile(r"[,;!?\n]")
"""What a name, a date, a code has not, and something said has."""
_ASKS = ("?", "？", "؟")
_MARKS = ".,'’ \u00a0\u202f"
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_HEADING = re.compile(
    r"^[ \t]*(?:#{1,6} .*|(?:[-*•+]|\d{1,3}[.)])[ \t]+[^:\n]{1,60}:)|\*\*[^*\n]{1,200}\*\*", re.MULTILINE
)
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_LITTLE = frozenset(
    ("de", "da", "del", "della", "van", "von", "der", "den", "la", "le", "of", "du", "bin", "al", "di", "y")
)
_NO_NAMES = frozenset(
    (
        "I", "OK", "Mr", "Mrs", "Ms", "Dr", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
        "Sunday", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    )
)  # fmt: skip
_BREAK = frozenset(".!?:;\n\t-*#>|([{\"“„«»”'‘’—–…/¿¡")


class Specifics(NamedTuple):
    """What is specific in an answer.

    Args:
        words: words of the answer.
        new: names, numbers and codes that stand nowhere before it, in order, once each.
        given: those that do.
    """

    words: int
    new: list[str]
    given: list[str]


def specifics(answer: str, before: str, question: str) -> Specifics | None:
    """Return what is specific in an answer (nothing in a translation), None where that cannot be told by form.

    Args:
        answer: the text.
        before: all that the model is given before it: system prompt, tools, earlier turns, results of tools.
        question: the last turn before it.
    """
    if shape(answer) in FORMAL:
        return None
    text = answer[:LONGEST]
    if "`" in text:
        text = _CODE.sub("\n", text)
    if "://" in text or "www." in text:
        text = _LINK.sub(" ", text)
    words = len(text.split())
    if _asks_to_translate(before[:READ] + question[:READ]):
        return Specifics(words, [], [])
    if not _names_show(text, question):
        return None
    reckons = _TWO_NUMBERS.search(before) is not None
    found = _short(text, words, question, reckons=reckons) or _found(text, words)
    if reckons:
        found = [value for value in found if not _is_number(value)]
    known = _Given(before)
    new: list[str] = []
    given: list[str] = []
    for value in list(dict.fromkeys(found))[:MOST]:
        (given if known.holds(value) else new).append(value[:SHORT_LETTERS])
    return Specifics(words, new, given)


def _names_show(answer: str, question: str) -> bool:
    """Return whether capitals tell names: not in scripts without them, nor in German, where all nouns have one; nor
    where the answer is in another language, in which names are written otherwise."""
    if script(answer) not in CASED:
        return False
    language, asked = quick(answer), quick(question)
    if language is None:
        return asked != "de"
    return language != "de" and asked in (None, language)


def _asks_to_translate(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in _TRANSLATING)


def _short(text: str, words: int, question: str, *, reckons: bool) -> list[str]:
    """Return a short answer to a question without its full stop, nothing for another: a sentence, an exclamation, or
    where numbers may be reckoned with, one that holds some."""
    if words > SHORT_WORDS or question.rstrip()[-1:] not in _ASKS:
        return []
    bare = text.strip().rstrip(".")
    if not 3 <= len(bare) <= SHORT_LETTERS or _SPOKEN.search(bare) or (reckons and _DIGIT.search(bare)):
        return []
    said = _TOKEN.findall(bare)
    if all(word[0].islower() for word in said):
        return [bare] if 0 < len(said) <= SMALL_WORDS else []
    return [] if any(word[0].islower() and word not in _LITTLE for word in said[1:]) else [bare]


def _found(text: str, words: int) -> list[str]:
    """Return the names, numbers and codes in a text, in order; no names where most words have a capital."""
    if "#" in text or "*" in text or ":" in text:
        text = _HEADING.sub(lambda match: "\n" + " " * (len(match[0]) - 1), text)
    found: list[str] = []
    capitals = 0
    run: list[re.Match[str]] = []
    for token in _TOKEN.finditer(text):
        word = token[0]
        first = word[0]
        if run and not ((first.isupper() or word in _LITTLE) and len(run) < LONGEST_NAME and _joined(text, run, token)):
            found += _name(text, run)
            run = []
        if first.isupper():
            capitals += 1
            run.append(token)
        elif run:
            run.append(token)
        elif first.isdigit() and _telling(word):
            found.append(word)
    if run:
        found += _name(text, run)
    if words >= TITLE_WORDS and capitals > TITLE * words:
        return [value for value in found if value[0].isdigit()]
    return found


def _joined(text: str, run: list[re.Match[str]], token: re.Match[str]) -> bool:
    return text[run[-1].end() : token.start()] == " "


def _telling(word: str) -> bool:
    """Return whether a number is more than one said in passing."""
    digits = sum(map(str.isdigit, word))
    return digits >= DIGITS or (digits > 1 and word[1] in ".," and word[2:].isdigit())


def _is_number(value: str) -> bool:
    return not any(map(str.isalpha, value))


def _name(text: str, run: list[re.Match[str]]) -> Iterator[str]:
    """Yield a run of capitals as a name, without the first word of a sentence, which has one anyway."""
    code = _DIGIT.search(run[0][0]) is not None
    place = run[0].start()
    while place and text[place - 1] == " ":
        place -= 1
    if (not place or text[place - 1] in _BREAK) and not code:
        run = run[1:]
    while run and (run[0][0] in _LITTLE or run[0][0] in _NO_NAMES):
        run = run[1:]
    while run and (run[-1][0] in _LITTLE or run[-1][0] in _NO_NAMES):
        run = run[:-1]
    if len(run) > 1 or (run and len(run[0][0]) > 1):
        yield text[run[0].start() : run[-1].end()]


class _Given:
    """What stands before an answer, to look values up in."""

    def __init__(self, text: str) -> None:
        self.text = text.casefold()

    @cached_property
    def digits(self) -> str:
        """The text without what may stand inside numbers."""
        return _unmarked(self.text)

    def holds(self, value: str) -> bool:
        """Return whether it holds a value, or each word of it, perhaps with another ending."""
        folded = value.casefold()
        if folded in self.text:
            return True
        if folded[0].isdigit():
            return _unmarked(folded) in self.digits
        words = _TOKEN.findall(folded)
        return bool(words) and all(_stem(word) in self.text for word in words if word not in _LITTLE)


def _unmarked(text: str) -> str:
    for mark in _MARKS:
        text = text.replace(mark, "")
    return text


def _stem(word: str) -> str:
    return word if len(word) < 6 else word[: len(word) * 3 // 4]
