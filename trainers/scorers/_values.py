"""What in a text can be checked against its sources: numbers, dates, URLs, quotations, names.

Only what can be seen by its form: names in scripts with capitals, and not in German, where every noun has one. Numbers
in words are not looked for in answers, but known where the sources have them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

from prepdata.text.amounts import amounts
from prepdata.text.language import detect
from trainers.scorers._numbers import UNITS, numbers, plain
from trainers.scorers.contains import holds
from trainers.scorers.json_schema import NotJson, value_of

MOST_FIELD = 60
"""Longest text inside JSON, in characters, that is taken for one value; longer ones are prose."""
SHORTEST_QUOTE = 3
"""Words (or 8 characters of a script without spaces) from which a quotation is checked; shorter ones name things."""

_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'“”«»)\]}]{3,2000}|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"
)
_QUOTE = re.compile(
    r"“([^“”\n]{3,600})”|„([^„“”\n]{3,600})[“”]|«([^«»\n]{3,600})»|\"([^\"\n]{3,600})\"|"
    r"[「『]([^「」『』\n]{3,600})[」』]"
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar januari janvier enero ene gennaio gen janeiro января",
            "february feb februar februari février févr febrero febbraio fevereiro fev февраля",
            "march mar märz maart mars marzo março марта",
            "april apr avril abril abr aprile апреля",
            "may mai mei mayo maggio maio мая",
            "june jun juni juin junio giugno junho июня",
            "july jul juli juillet julio luglio julho июля",
            "august aug augustus août agosto ago августа",
            "september sep sept septembre septiembre settembre setembro сентября",
            "october oct oktober okt octobre octubre ottobre outubro out октября",
            "november nov novembre noviembre novembro ноября",
            "december dec dezember dez décembre diciembre dic dicembre dezembro декабря",
        ),
        1,
    )
    for name in names.split()
}
_ISO = re.compile(r"(?<![\d-])(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_SLASHED = re.compile(r"(?<![\d./-])(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/-])")
_WRITTEN = re.compile(
    r"(?<!\w)(?:(\d{1,2})(?:st|nd|rd|th|er|º|\.)?(?: de| of)? ([^\W\d_]{3,10})\.?"
    r"|([^\W\d_]{3,10})\.? (\d{1,2})(?:st|nd|rd|th)?)"
    r"(?:,? (?:de |del )?(\d{4}))?(?!\w)"
)
_EASTERN = re.compile(r"(?:(\d{4})\s?年\s?)(\d{1,2})\s?[月]\s?(\d{1,2})\s?日|(\d{4})년\s?(\d{1,2})월\s?(\d{1,2})일")
_TIME = re.compile(r"(?<![\d:])([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?(?![\d:])")
_ITEM = re.compile(r"^[ \t]*\d{1,2}[.)][ \t]", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_][\w’'-]*")
_LITTLE = frozenset(["de", "da", "del", "van", "von", "der", "la", "le", "of", "du", "bin", "al"])
_BREAK = frozenset(".!?:;\n\t-*#>|([{\"“„«»”'‘’—–…/")

Reading = tuple[Any, ...]


class Value(NamedTuple):
    """A value as it stands in a text.

    Args:
        kind: `number`, `date`, `url`, `quote`, `name`, or `field` (a short text in JSON).
        text: as written.
        readings: what it may mean; it is known where one of them is.
    """

    kind: str
    text: str
    readings: frozenset[Reading]


class Known:
    """What prompt, facts and reference hold, to look values up in.

    Args:
        texts: the sources.
    """

    def __init__(self, texts: list[str]) -> None:
        whole = "\n".join(texts)
        self.text = _flat(whole)
        self.readings = {reading for value in values(whole, names=False) for reading in value.readings}
        self.readings |= {("date", 0, *reading[2:]) for reading in self.readings if reading[0] == "date"}
        self.readings |= {("number", float(text)) for text in amounts(plain(whole)) if _is_number(text)}
        self.words = {_flat(word) for word in _WORD.findall(whole)}

    def holds(self, value: Value) -> bool:
        """Return whether a value stands in the sources."""
        if value.kind in ("number", "date"):
            return not self.readings.isdisjoint(value.readings)
        flat = _flat(value.text)
        if value.kind == "name":
            return all(_bare(_flat(part), self.words) in self.words for part in _WORD.findall(value.text))
        if value.kind == "field":
            return holds(self.text, flat) or any(word.startswith(flat) for word in self.words)
        return flat in self.text


def _bare(word: str, known: set[str]) -> str:
    """Return a word without the ending of a possession, where that is what the sources have."""
    for ending in ("'s", "’s", "'", "’", "s"):
        if word not in known and word.endswith(ending) and word.removesuffix(ending) in known:
            return word.removesuffix(ending)
    return word


def values_of(text: str, sources: str = "") -> list[Value]:
    """Return the values of an answer: of JSON its texts and numbers, not its keys; of prose what `values` finds.

    Args:
        text: the answer.
        sources: what the model was given, whose language is taken where the answer is too short to tell.
    """
    language = detect(text) or detect(sources)
    try:
        found = value_of(text, fenced=True)
    except NotJson:
        found = None
    if not isinstance(found, (dict, list)):
        return list(values(text, language=language))
    return list(_leaves(found, language))


def _leaves(value: Any, language: str | None) -> Iterator[Value]:
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, (dict, list)):
            stack += reversed(list(node.values() if isinstance(node, dict) else node))
        elif isinstance(node, str) and len(node) > MOST_FIELD:
            yield from values(node, language=language)
        elif isinstance(node, str) and node.strip():
            inner = [value for value in values(node, names=False) if _flat(value.text) == _flat(node)]
            yield inner[0] if inner else Value("field", node, frozenset())
        elif isinstance(node, (int, float)) and not isinstance(node, bool):
            yield Value("number", json.dumps(node), frozenset({("number", float(node))}))


def values(text: str, *, names: bool = True, language: str | None = None) -> Iterator[Value]:
    """Yield the values of a text in prose; what is part of one (the year of a date) is not told again.

    Args:
        text: as written.
        names: False to leave names out.
        language: of the text (ISO 639-1), None where it is not known.
    """
    rest = plain(text)
    for kind, pattern in (("url", _URL), ("quote", _QUOTE)):
        found = list(pattern.finditer(rest))
        for match in found:
            written = next((group for group in match.groups() if group), match[0]).rstrip(".,;:!?")
            if kind == "url" or _long(written):
                yield Value(kind, written, frozenset({(kind, _flat(written))}))
        if kind == "url":
            rest = _without(rest, found)
    dated = list(_dates(rest))
    for match, readings in dated:
        yield Value("date", match[0].strip(), readings)
    rest = _without(rest, [match for match, _ in dated])
    rest = _ITEM.sub(lambda match: " " * len(match[0]), rest)
    for number in numbers(rest):
        readings = frozenset(("number", abs(value)) for value in number.readings)
        yield Value("number", rest[number.start : number.end].strip(), readings)
    if names:
        yield from _names(rest, language)


def _dates(text: str) -> Iterator[tuple[re.Match[str], frozenset[Reading]]]:
    for match in _ISO.finditer(text):
        yield from _valid(match, [(match[1], match[2], match[3])])
    for match in _SLASHED.finditer(text):
        year = match[4] if len(match[4]) == 4 else f"20{match[4]}"
        yield from _valid(match, [(year, match[3], match[1]), (year, match[1], match[3])])
    for match in _WRITTEN.finditer(text):
        month = _MONTHS.get((match[2] or match[3]).lower())
        if month:
            yield from _valid(match, [(match[5] or "0", str(month), match[1] or match[4])])
    for match in _EASTERN.finditer(text):
        year, month_, day = (match[i] or match[i + 3] for i in (1, 2, 3))
        yield from _valid(match, [(year, month_, day)])
    for match in _TIME.finditer(text):
        yield match, frozenset({("time", int(match[1]), int(match[2]))})


def _valid(
    match: re.Match[str], given: list[tuple[str, str, str]]
) -> Iterator[tuple[re.Match[str], frozenset[Reading]]]:
    """Yield a date with its readings, if it has any: ("date", year, month, day), the year 0 where none is said."""
    found = [(int(y), int(m), int(d)) for y, m, d in given if 1 <= int(m) <= 12 and 1 <= int(d) <= 31]
    if found:
        yield match, frozenset(("date", y, m, d) for y, m, d in found)


def _names(text: str, language: str | None) -> Iterator[Value]:
    """Yield runs of words with a capital inside sentences; single ones only where the language is known."""
    if language == "de":
        return
    run: list[re.Match[str]] = []
    for word in _WORD.finditer(text):
        joined = run and text[run[-1].end() : word.start()] in (" ", "\u00a0")
        if joined and (word[0][0].isupper() or word[0] in _LITTLE):
            run.append(word)
            continue
        yield from _named(text, run, 1 if language else 2)
        run = [word] if word[0][0].isupper() else []
    yield from _named(text, run, 1 if language else 2)


def _named(text: str, run: list[re.Match[str]], fewest: int) -> Iterator[Value]:
    """Yield a run as a name, without the first word of a sentence, which has a capital anyway."""
    before = _before(text, run[0].start()) if run else ""
    if not before or before in _BREAK:
        run = run[1:]
    while run and run[-1][0] in _LITTLE:
        run = run[:-1]
    while run and run[0][0] in _LITTLE:
        run = run[1:]
    if len(run) >= fewest and any(len(word[0]) > 1 for word in run):
        written = text[run[0].start() : run[-1].end()]
        if written.lower() in UNITS:
            return
        yield Value("name", written, frozenset({("name", _flat(written))}))


def _before(text: str, place: int) -> str:
    while place and text[place - 1] in " \u00a0":
        place -= 1
    return text[place - 1 : place]


def _without(text: str, matches: list[re.Match[str]]) -> str:
    """Return a text with zero characters where some matches are, the stop of a sentence aside."""
    pieces, last = [], 0
    for match in sorted(matches, key=lambda m: m.start()):
        if match.start() >= last:
            bare = match[0].rstrip(".,;:!?")
            pieces += [text[last : match.start()], "\0" * len(bare)]
            last = match.start() + len(bare)
    return "".join([*pieces, text[last:]])


def _long(quote: str) -> bool:
    return len(quote.split()) >= SHORTEST_QUOTE or (not quote.isascii() and " " not in quote and len(quote) >= 8)


def _flat(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", plain(text)).casefold().split())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
