"""Facts of an answer that its context does not hold: numbers, identifiers, names, quotations, and what it says at all.

Made to be silent where it is not sure. A number counts as held if the context has it in another spelling (1,200 and
1200, twelve and 12, half and 50 %, two weeks and 14 days), rounded, as part of a date, or, where the answer reckons, as
the sum, difference, product or quotient of two of its numbers; not if the context has it with another unit only. Names
are looked at in scripts with capitals only, and not in languages that write nouns with them; single words only where
answer and context are in one language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from prepdata.rules.rag._citations import without_code
from prepdata.rules.rag._held import DIGITS, NUMBER, SPACES, UNIT, Held, reckoned, value
from prepdata.rules.rag._measured import Measured
from prepdata.rules.rag._namesakes import namesakes
from prepdata.text.amounts import amounts
from prepdata.text.language import detect, script
from prepdata.text.quantities import SMALL, european

READ = 100_000
"""Characters of a context that are read."""
FACTS = 200
"""Numbers, and identifiers, of an answer that are looked at."""
BRIEF = 25
"""Words up to which one name that is nowhere in the context counts, and words in all that are not there."""

_THOUGHT = ("</think>", "</thinking>", "</reasoning>")
_URL = re.compile(r"https?://\S{1,300}|www\.\S{1,300}|\S{1,80}@\S{1,80}")
_CITED = re.compile(r"[\[【][^\[\]【】\n]{1,80}[\]】](?:\([^()\n]{1,300}\))?|</?co:? ?[\d, ]{0,30}>")
LISTED = re.compile(r"^[ \t>*#-]{0,8}\(?(?:\d{1,3}|[a-z])[.):、．](?!\d)", re.MULTILINE)
"""Numbers of lists."""
_STEP = re.compile(
    r"\b(?:step|option|example|part|point|section|chapter|figure|table|page|document|passage|source|context|schritt"
    r"|punkt|beispiel|dokument|quelle|étape|paso|passo|шаг)s?[ #]{0,2}\d{1,3}|[第文资][档料]? ?\d{1,3}|24/7|\b100 ?%"
    r"|\b\d{1,2}(?:st|nd|rd|th|\.|e|er|ème)? ?(?:century|jahrhundert|siècle|siglo|secolo|век)|\d{1,2} ?世[纪紀]",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(r"(?<![\w-])[A-Za-z0-9][A-Za-z0-9-]{2,39}(?![\w-])")
_LENGTH = re.compile(r"\d+-[A-Za-z]+")
_RECKONS = re.compile(
    r"[=×÷≈]|\d ?[+*/] ?\d|\b(?:total|sum|altogether|combined|difference|average|mean|per cent|percent|ratio|twice"
    r"|half|double|triple|more than|less than|fewer|longer|older|younger|between|remaining|left over|approximately"
    r"|about|around|roughly|nearly|almost|insgesamt|zusammen|durchschnitt|differenz|ungefähr|etwa|rund|au total|environ"
    r"|en total|promedio|diferencia|in totale|circa|всего|примерно|около)\b|共|合计|总计|平均|约|合計|約",
    re.IGNORECASE,
)
_NAME = re.compile(r"\b[A-ZÀ-ÖØ-ÞΑ-ΩА-ЯЁЄІЇҐ][^\W\d_]{2,29}\b")
_TWO = re.compile(r"\b([A-Z][a-z]{2,29}) ([A-Z][a-z]{2,29})\b")
_BEGINS = re.compile(r"(?:^|[.!?:;…\n\"“”„«»(\[*#>•–—|/-])[ \t\"“„«(\[*#>•_-]{0,6}$")
_TITLED = re.compile(r"^[ \t]*(?:#{1,6} .*|\*\*[^*\n]{1,100}\*\*:?.{0,3}|.{1,60}:)$", re.MULTILINE)
_NO_NAMES = frozenset(
    """january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday janvier février mars avril mai juin juillet août septembre octobre novembre décembre
    enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre lunes martes miércoles
    jueves viernes sábado domingo yes no the this these that those there their they what when where which who why how
    english french german spanish italian chinese japanese russian based according context answer question note please
    however therefore thus also and but for from with you your our its his her she not celsius
    fahrenheit mondays tuesdays wednesdays thursdays fridays saturdays sundays""".split()  # noqa: SIM905
)
_NOUNS = frozenset({"de", "lb"})
"""Languages that write every noun with a capital."""
_LETTER_LIKE = re.compile(r"\s*(?:dear |hi |hello |subject:|hallo |sehr geehrte|bonjour|estimad|caro )", re.IGNORECASE)
_GREETS = re.compile(
    r"(?:^|(?<=[.!?\n] )|(?<=[.!?\n]))(?:thank|thanks|hello|hi|welcome|greetings|good (?:morning|day|afternoon)"
    r"|kind regards|best regards|yours|danke|vielen dank|hallo|willkommen|guten tag|merci|bonjour|bienvenue"
    r"|cordialement|gracias|hola|bienvenid[oa]s?|saludos|obrigad[oa]|olá|bem-vindo|grazie|ciao|benvenut[oiae]|bedankt|welkom|dziękuj\w+|witaj\w*"
    r"|спасибо|здравствуйте|добро пожаловать|добрый день)\b[^.!?\n]{0,120}(?:[.!?\n]|$)",
    re.IGNORECASE,
)
_IMPERIAL = frozenset(("miles", "mile", "feet", "foot", "ft", "inches", "inch", "lb", "lbs", "pounds", "oz", "ounces",
                       "gallons", "mph", "acres", "°f", "° f"))  # fmt: skip
"""Units into which an answer may turn what its context has in others."""
_SCALED = frozenset({"share", "money", "data"})
"""What is often told in thousands or as a fraction."""
_COUNTED = re.compile(r"\d[ \u00a0][^\W\d_]{2,20}\b")
_CLOCK = re.compile(r"[:.]\d\d(?!\d)| ?[hH时時시]| Uhr")
_QUOTED = re.compile(r"[\"“„«「]([^\"“”„«»「」\n]{20,400})[\"”“»」]")
_BETWEEN = re.compile(r"[\"“„«][^\"“”„«»\n]{1,80}[\"”“»]")
_WORD = re.compile(r"[^\W\d_]{2,}")
_LONG = re.compile(r"[^\W\d_]{4,}")
_SPACED = frozenset({"Latin", "Cyrillic", "Greek"})


class Missing(NamedTuple):
    """Something that an answer says and its context does not.

    Args:
        kind: `number`, `identifier`, `name`, `quotation`, `words`.
        text: as the answer has it.
        span: where, in characters.
    """

    kind: str
    text: str
    span: tuple[int, int]


def missing(answer: str, context: str, most: int = 2 * FACTS) -> list[Missing]:
    """Return the first facts of an answer that are not in its context, the surest kind only; empty if all are there.

    Args:
        answer: the text.
        context: the passages.
        most: numbers and identifiers that are looked for, at most; the others are cheap.
    """
    answer, context = answer[:READ], context[:READ]
    plain = plain_text(answer)
    if not _said(plain):
        return []
    held = Held(context)
    measured = Measured(plain, held)
    found = [*islice(_numbers(measured), most), *islice(_identifiers(measured), most)]
    if found:
        return sorted(found, key=lambda one: one.span)[:most]
    written = script(plain)
    if written not in _SPACED or script(context) != written:
        return []
    said, given = detect(plain), detect(context)
    if said and given and said != given:
        return []
    plain = _GREETS.sub(lambda match: " " * len(match[0]), plain)
    measured = Measured(plain, held)
    return _quotations(answer, held) or _names(plain, held, given or said) or (_words(measured) if given else [])


def plain_text(answer: str) -> str:
    """Return an answer with spaces where it has code, thoughts, addresses, citations and numbers of lists."""
    thought = max([answer.rfind(end) + len(end) for end in _THOUGHT if end in answer], default=0)
    text = without_code(" " * thought + answer[thought:])
    for pattern in (_URL, _CITED, LISTED, _STEP):
        text = pattern.sub(lambda match: " " * len(match[0]), text)
    return text


def _said(text: str) -> bool:
    return any(char.isalnum() for char in text)


def _numbers(measured: Measured) -> Iterator[Missing]:
    plain, held = measured.plain, measured.held
    matches = list(islice(NUMBER.finditer(plain), FACTS))
    if not matches:
        return
    reckons = _RECKONS.search(plain) is not None
    yield from (Missing("number", plain[start:stop], (start, stop)) for start, stop in measured.hours())
    wrong: set[tuple[int, int]] = set()
    for match in matches:
        year = len(match[0]) == 4
        if (day := measured.day(match, year=year)) is not None:
            span = next(one.span for one, _ in measured.days if one.span[0] <= match.start() < one.span[1])
            if not day and span not in wrong:
                wrong.add(span)
                yield Missing("number", plain[slice(*span)].strip(), span)
            continue
        there = held.has_pieces(european(match[0])) or _ends_span(match, held)
        if measured.other_version(match):
            yield Missing("number", match[0], match.span())
            continue
        if measured.holds(match) if not there else not measured.clashes(match, reckons=reckons):
            continue
        if not there and _excused(match, measured, reckons=reckons):
            continue
        yield Missing("number", plain[slice(*measured.shown(match))].strip(), match.span())


def _ends_span(match: re.Match[str], held: Held) -> bool:
    """True for the 79 of "1974–79" where the context has 1979."""
    before = match.string[max(0, match.start() - 5) : match.start()]
    return len(match[0]) == 2 and before[:4].isdigit() and before[4:] in "-–/" and before[:2] + match[0] in held.numbers


def _excused(match: re.Match[str], measured: Measured, *, reckons: bool) -> bool:
    """True if a context need not have a number, or may have it in another form."""
    plain, held = measured.plain, measured.held
    unit = UNIT.match(plain, match.end())
    word = unit[1] if unit else ""
    number = SPACES.sub("", european(match[0]))
    said = value(number if number.isdigit() else next(iter(amounts(number)), number))
    quantity = measured.at(match)
    counted = quantity is not None and quantity.small and measured.counts(quantity)
    if not counted and _says_little(plain, match, said, word, held):
        return True
    own = measured.own
    if own and word.lower() in _IMPERIAL and not held.counts(word):
        return True
    shifted = quantity is None or not quantity.kinds.isdisjoint(_SCALED)
    if counted and said == 1:
        return False
    if held.has_number(number, word, reckons=reckons, scaled=not held.counts(word), shifted=shifted):
        return True
    if not said:
        return False
    share = quantity is not None and "share" in quantity.kinds
    return reckoned(said, measured.reckonable) or (share and reckoned(said / 100, measured.reckonable))


def _says_little(plain: str, match: re.Match[str], said: float | None, unit: str, held: Held) -> bool:
    """Return whether a number is none that a context has to name: a small one, a part of a word, an hour of twelve."""
    if said is None:
        return False
    if said <= SMALL and said == int(said) and (said <= 1 or not held.counts(unit)):
        return True
    if len(unit) > 4 and unit[0].isascii() and unit[0].isalpha() and plain.startswith(unit, match.end()):
        return True
    return said <= 24 and _CLOCK.match(plain, match.end()) is not None and bool(_other_clock(said) & held.numbers)


def _other_clock(hour: float) -> set[str]:
    return {str(int(hour) - 12), str(int(hour) + 12)}


def _identifiers(measured: Measured) -> Iterator[Missing]:
    held = measured.held
    for match in islice(_IDENTIFIER.finditer(measured.plain), FACTS):
        word = match[0]
        digits = DIGITS.findall(word)
        if not any(len(piece) > 1 for piece in digits) or not any(char.isalpha() for char in word):
            continue
        if _LENGTH.fullmatch(word) and measured.around(match.start()):
            continue
        if word.lower() in held.lower or all(held.has_number(piece) for piece in digits):
            continue
        yield Missing("identifier", word, match.span())


def _quotations(answer: str, held: Held) -> list[Missing]:
    found = []
    for match in _QUOTED.finditer(answer):
        words = _LONG.findall(match[1])
        if len(words) >= 5 and sum(held.has_word(word) for word in words) < 0.5 * len(words):
            found.append(Missing("quotation", match[1], match.span(1)))
    return found


def _names(plain: str, held: Held, language: str | None) -> list[Missing]:
    if language in _NOUNS or _LETTER_LIKE.match(plain):
        return []
    text = plain
    for pattern in (_TITLED, _BETWEEN, _COUNTED):
        text = pattern.sub(lambda match: " " * len(match[0]), text)
    if spans := list(namesakes(plain, held.text)):
        return [Missing("name", plain[slice(*span)], span) for span in spans]
    found: dict[str, Missing] = {}
    there: set[str] = set()
    for match in _NAME.finditer(text):
        word = match[0]
        if word.lower() in _NO_NAMES or word.isupper():
            continue
        if held.has_word(word):
            there.add(word)
        elif _initials(text, match) in held.initials:
            continue
        elif not _BEGINS.search(text[max(0, match.start() - 8) : match.start()]):
            found.setdefault(word, Missing("name", word, match.span()))
    few = len(_WORD.findall(plain)) <= BRIEF
    if (len(found) >= 2 and len(found) > len(there)) or (found and few and not there):
        return list(found.values())
    return []


def _initials(text: str, match: re.Match[str]) -> str:
    """Return the initials of the two capitals that a name is one of: "UK" for both words of "United Kingdom"."""
    around = _TWO.search(text, max(0, match.start() - 31), match.end() + 31)
    while around and not around.start() <= match.start() < around.end():
        around = _TWO.search(text, around.end(), match.end() + 31)
    return around[1][0] + around[2][0] if around else ""


def _words(measured: Measured) -> list[Missing]:
    """Return the whole answer where hardly a word of it is in the context, and no figure with its unit."""
    plain, held = measured.plain, measured.held
    words = {word.lower() for word in _LONG.findall(plain)}
    if len(words) < 5 or (len(words) < 8 and len(_WORD.findall(plain)) > BRIEF):
        return []
    share = sum(held.has_word(word) for word in words) / len(words)
    if share > (0.1 if len(words) >= 8 else 0.0):
        return []
    if not any(len(number) > 1 for number in amounts(plain) & held.numbers):  # the figures are there
        if any(one.units and measured.given.standing(one) == "held" for one in measured.said.all):
            return []
        start = len(plain) - len(plain.lstrip())
        return [Missing("words", plain.strip(), (start, len(plain.rstrip())))]
    return []
