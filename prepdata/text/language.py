"""Which language is a text in, and which script? Judged on its first 400 characters, in a few microseconds.

Scripts decide most languages that are not written in Latin letters; letters and small words decide the rest
(`prepdata.text._words_of_languages`). Kept packages were weighed and left out of the core: lingua takes 100 MB, and
py3langid loads numpy and a model for half a second. What is asked of this module is narrow: long enough texts in the
major languages, and None where it is not sure. Code, JSON and tables of numbers are no language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from prepdata.text._words_of_languages import (
    CODE_WORDS,
    ENDINGS,
    ENGLISH_ONLY,
    FOREIGN_ONLY,
    LETTERS,
    ONE,
    OWNERS,
    OWNERS_OTHER,
)

READ = 400
"""Characters of a text that are looked at, fenced code apart."""

_SCRIPTS: tuple[tuple[str, str], ...] = (
    ("Cyrillic", "\u0400-\u052f"),
    ("Han", "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"),
    ("Kana", "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"),
    ("Hangul", "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"),
    ("Arabic", "\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc"),
    ("Hebrew", "\u05d0-\u05f2"),
    ("Greek", "\u0370-\u03ff\u1f00-\u1fff"),
    ("Devanagari", "\u0900-\u0963\u0970-\u097f"),
    ("Bengali", "\u0980-\u09ff"),
    ("Gurmukhi", "\u0a00-\u0a7f"),
    ("Gujarati", "\u0a80-\u0aff"),
    ("Oriya", "\u0b00-\u0b7f"),
    ("Tamil", "\u0b80-\u0bff"),
    ("Telugu", "\u0c00-\u0c7f"),
    ("Kannada", "\u0c80-\u0cff"),
    ("Malayalam", "\u0d00-\u0d7f"),
    ("Sinhala", "\u0d80-\u0dff"),
    ("Thai", "\u0e01-\u0e3a\u0e40-\u0e4e"),
    ("Lao", "\u0e80-\u0eff"),
    ("Tibetan", "\u0f00-\u0fff"),
    ("Myanmar", "\u1000-\u109f"),
    ("Georgian", "\u10a0-\u10ff"),
    ("Armenian", "\u0530-\u058f"),
    ("Ethiopic", "\u1200-\u137f"),
    ("Khmer", "\u1780-\u17ff"),
)
_LATIN = "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u1e00-\u1eff"
_LATIN_RUN = re.compile(f"[{_LATIN}]+")
_OTHER_RUN = re.compile("[" + "".join(chars for _, chars in _SCRIPTS) + "]+")
_BEYOND_LATIN = re.compile("[^\x00-\u02ff]")
_RUNS = tuple((name, re.compile(f"[{chars}]+")) for name, chars in _SCRIPTS)
_BY_SCRIPT = {
    "Kana": "ja", "Hangul": "ko", "Han": "zh", "Hebrew": "he", "Greek": "el", "Bengali": "bn", "Gurmukhi": "pa",
    "Gujarati": "gu", "Oriya": "or", "Tamil": "ta", "Telugu": "te", "Kannada": "kn", "Malayalam": "ml",
    "Sinhala": "si", "Thai": "th", "Lao": "lo", "Tibetan": "bo", "Myanmar": "my", "Georgian": "ka", "Armenian": "hy",
    "Ethiopic": "am", "Khmer": "km",
}  # fmt: skip
LANGUAGES = frozenset(_BY_SCRIPT.values()) | {
    name for owners in (OWNERS, *OWNERS_OTHER.values()) for held in owners.values() for name, _ in held
}
"""Languages that `detect` tells, by ISO 639-1."""
_DENSE = frozenset({"Han", "Kana", "Hangul"})
"""Scripts of which one sign says as much as about two and a half letters."""

_WORD = re.compile(r"[^\W\d_]+")
_LOWER_OR_SPACE = bytes(c | 32 if chr(c).isalpha() else 32 for c in range(128)) + bytes([32]) * 128
"""ASCII letter -> its lower case, everything else -> a space."""
_LOWER_OR_SPACE_WESTERN = b"".join(
    char.lower().encode("cp1252") if _WORD.fullmatch(char) else b" "
    for char in (bytes([c]).decode("cp1252", "replace") for c in range(256))
)
"""The same for letters of cp1252, which holds what most of Western Europe writes, curly quotes and dashes too."""
_ASCII = bytes(range(128))
_FENCE = re.compile(r"```[^`]*(?:```|\Z)|`[^`\n]*`")
_OPENING = frozenset("{[<")
_JSON = re.compile(r"\s*[{\[]\s*[\"'{]")
_LINK = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+")
_OWNED = frozenset(OWNERS)
_ENGLISH_ALONE = frozenset(word for word, owners in OWNERS.items() if owners == (("en", ONE),))
_TELLING = ENGLISH_ONLY | FOREIGN_ONLY
_ACCENTED = frozenset(LETTERS)
_CODE_SIGNS = b"{}[]();=<>_\\/|$#@*+~^&"
_MUCH_CODE = 0.08
"""Share of code signs from which small words that programming languages know too no longer count."""
_ONLY_CODE = 0.2
_ONLY_IN_CODE = frozenset(
    {"def", "select", "elif", "const", "printf", "println", "stdio", "async", "await", "struct", "fn", "var", "nullptr"}
)

_LETTERS_OF_CYRILLIC = (
    ("kk", "әғқңөұүһ"), ("be", "ў"), ("uk", "їєґ"), ("mk", "ѓќѕ"), ("sr", "ђћџјљњ"), ("uk", "і"), ("ru", "ыэё"),
    ("bg", "ъ"),
)  # fmt: skip
_LETTERS_OF_ARABIC = (
    ("ug", "ېۈۇ"), ("ps", "ځڅډړږښ"), ("ku", "ێۆڕڵ"), ("ur", "ٹڈڑںےہھ"), ("fa", "پچژگکی"),
)  # fmt: skip


def script(text: str) -> str:
    """Return the script of most letters of a text ("Latin", "Cyrillic", "Han", "Kana", ...), or "Common" where it
    has no letters. Japanese is "Kana" as soon as a tenth of its signs are."""
    head = text[:READ]
    if head.isascii() or not _OTHER_RUN.search(head):
        return "Latin" if _LATIN_RUN.search(head) else "Common"
    return _main_script(head)[0]


def detect(text: str) -> str | None:
    """Return the language of a text (ISO 639-1), or None where it is too short, mixed, code, or not surely told."""
    head = text[:READ]
    if "`" in head:
        head = _FENCE.sub(" ", text[: READ * 8])[:READ]
    if head.isascii():
        words = head.lower().split()
        if len(ENGLISH_ONLY.intersection(words)) >= 5 and len(FOREIGN_ONLY.intersection(words)) <= 1:
            return "en" if _code_share(head) < _ONLY_CODE else None
        return _latin(head)
    beyond = _BEYOND_LATIN.search(head)
    if beyond is None or _OTHER_RUN.search(head, beyond.start()) is None:
        return _latin(head)
    name, share = _main_script(head)
    if name == "Latin":
        return _latin(head) if share >= 0.6 else None
    if share < 0.55:
        return None
    if name == "Cyrillic":
        return _by_letters(head, _LETTERS_OF_CYRILLIC, "Cyrillic")
    if name == "Arabic":
        return _by_letters(head, _LETTERS_OF_ARABIC, "Arabic")
    if name == "Devanagari":
        return _by_letters(head, (), "Devanagari")
    return _BY_SCRIPT.get(name)


def _main_script(text: str) -> tuple[str, float]:
    """Return the script that most of a text's letters are of, and its share."""
    sizes = {"Latin": float(sum(map(len, _LATIN_RUN.findall(text))))}
    present = set(map(_script_of, set(text)))
    for name, pattern in _RUNS:
        if name in present:
            sizes[name] = sum(map(len, pattern.findall(text))) * (2.5 if name in _DENSE else 1.0)
    total = sum(sizes.values())
    if not total:
        return "Common", 0.0
    kana, han = sizes.get("Kana", 0.0), sizes.get("Han", 0.0)
    if kana and kana >= 0.1 * (kana + han):
        sizes["Kana"] = kana + sizes.pop("Han", 0.0)
    best = max(sizes, key=lambda name: sizes[name])
    return best, sizes[best] / total


@lru_cache(maxsize=4096)
def _script_of(char: str) -> str | None:
    """Return the script of a letter, None for Latin ones and whatever else."""
    return next((name for name, pattern in _RUNS if pattern.match(char)), None)


def _code_share(text: str) -> float:
    raw = text.encode("utf-8", "replace")
    return 1 - len(raw.translate(None, _CODE_SIGNS)) / (len(raw) or 1)


@lru_cache(maxsize=8192)
def _latin(head: str) -> str | None:
    """Return the language of a text in Latin letters, from its small words and its letters."""
    share = _code_share(head)
    if share > _ONLY_CODE or (head.lstrip()[:1] in _OPENING and (share > _MUCH_CODE or _JSON.match(head))):
        return None
    if len(head) == READ:
        head = head.rpartition(" ")[0]  # without the piece of a word at the cut
    if "@" in head:
        head = _LINK.sub(" ", head)
    elif "/" in head and ("://" in head or "www." in head):
        head = _ADDRESS.sub(" ", head)
    plain = head.isascii()
    if plain:
        found = set(head.encode().translate(_LOWER_OR_SPACE).decode().split())
    else:
        found = _words(head)
    known = found & _OWNED
    if share > _MUCH_CODE or not found.isdisjoint(_ONLY_IN_CODE):
        known -= CODE_WORDS
    scores: dict[str, int] = {}
    english = known & _ENGLISH_ALONE
    if english:
        scores["en"] = ONE * len(english)
        known -= english
    for word in known:
        for language, weight in OWNERS[word]:
            scores[language] = scores.get(language, 0) + weight
    if not plain:
        for char in _ACCENTED.intersection(head.lower().encode("utf-8", "ignore").translate(None, _ASCII).decode()):
            for language, weight in LETTERS[char]:
                scores[language] = scores.get(language, 0) + weight
    best = _best(scores, len(found))
    if best is None and share <= _MUCH_CODE and scores and len(found) <= 30:
        _add_endings(scores, found)
        best = _best(scores, len(found))
    return best


def _words(text: str) -> set[str]:
    """Return the words of a text in lower case."""
    try:
        return set(text.encode("cp1252").translate(_LOWER_OR_SPACE_WESTERN).decode("cp1252").split())
    except UnicodeEncodeError:
        return set(_WORD.findall(text.lower()))


def _add_endings(scores: dict[str, int], words: set[str]) -> None:
    """Add to the scores what the ends of longer words say."""
    for word in words:
        if len(word) > 4 and word[-3:] in ENDINGS:
            for language, weight in ENDINGS[word[-3:]]:
                scores[language] = scores.get(language, 0) + weight


def _best(scores: dict[str, int], words: int) -> str | None:
    """Return the language that leads clearly, or None. Longer texts have to show more small words."""
    if not scores or words < 2:
        return None
    ranked = sorted(scores.values())
    top = ranked[-1]
    if top < ONE * (1.0 if words <= 4 else 1.3 if words <= 12 else 0.12 * words):
        return None
    below = ranked[-2] if len(ranked) > 1 else 0
    lead = top - below
    if lead < 0.4 * ONE or lead < 0.1 * top:
        return None
    first = max(scores, key=scores.__getitem__)
    if lead < 0.2 * top:
        second = min(language for language, score in scores.items() if score == below)
        return first if frozenset((first, second)) in _TWINS else None
    return first


_TWINS = frozenset(map(frozenset, (("da", "no"), ("cs", "sk"), ("es", "ca"), ("es", "pt"))))
"""Languages that share most of their small words."""


def _by_letters(text: str, letters: Iterable[tuple[str, str]], name: str) -> str | None:
    """Return the language whose own letters or small words a text has most of."""
    present = set(text.lower())
    scores: dict[str, int] = {}
    for language, own in letters:
        scores[language] = scores.get(language, 0) + ONE * len(present.intersection(own))
    owners = OWNERS_OTHER[name]
    for word in set(text.lower().split()) & owners.keys():
        for language, weight in owners[word]:
            scores[language] = scores.get(language, 0) + 2 * weight
    for language, ends in _ENDS.get(name, ()):
        if ends.search(text):
            scores[language] = scores.get(language, 0) + 2 * ONE
    best = max(scores, key=lambda language: (scores[language], language), default=None)
    if best is None or not scores[best]:
        return _WITHOUT_SIGNS[name] if len(present) >= 6 else None
    top = scores.pop(best)
    return best if top > max(scores.values(), default=0) else None


_ENDS = {"Devanagari": (("ne", re.compile("[\u0900-\u0963]{2}(?:को|लाई|हरू)(?![\u0900-\u0963])")),
                       ("mr", re.compile("[\u0900-\u0963]{2}(?:च्या|ची|चे|ला|मध्ये)(?![\u0900-\u0963])")))}  # fmt: skip
"""Script -> endings that one language writes without a space."""

_WITHOUT_SIGNS = {"Cyrillic": "ru", "Arabic": "ar", "Devanagari": "hi"}
"""Most likely language of a script where nothing speaks for another."""


def quick(text: str) -> str | None:
    """Return the language of a text like `detect`, with less care for plain English: two small words of it are enough,
    or three for each that only other languages have. For counting languages over many rows; about 2 microseconds
    for English."""
    head = text[:120]
    if head.isascii():
        telling = _TELLING.intersection(head.lower().split())
        english = len(telling & ENGLISH_ONLY)
        if english >= 2 and english >= 3 * (len(telling) - english):
            return "en"
        if english < 5 and len(text) <= 120 and "`" not in text:
            return _latin(text)  # as `detect` would come to
    return detect(text)
