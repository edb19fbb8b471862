"""TEXT016: an answer in another language than its prompt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, around
from prepdata.record import Message, Record
from prepdata.rules.base import LOOK, Options, RecordRule, Trigger
from prepdata.rules.text._languages import LANGUAGES, about_languages, asked_for, may_ask, name_of, names_language
from prepdata.rules.text._pieces import answered, answers, last_user, prompt_of
from prepdata.text.language import detect
from prepdata.text.lazy import lazily

_MIRROR = lazily(
    r"\bin the (?:\w+ )?(?:customer|client|user|caller|person|guest|patient|visitor|reader|asker|questioner)(?:'|’)?s?"
    r"(?:'|’)? (?:own )?language\b"
    r"|\b(?:in|use) (?:the )?(?:same )?language (?:of|as|in which|that|used by) (?:the|a) (?:customer|client|user"
    r"|caller|person|guest|patient|visitor|question|message|prompt)"
    r"|\b(?:in )?der sprache (?:des|der) (?:kund|nutzer|frage|anfrage|benutzer)\w*"
    r"|\bdans la langue (?:du client|de l.utilisateur|de la question)|\ben el idioma (?:del cliente|del usuario|de la "
    r"pregunta)",
    re.IGNORECASE,
)
"""A system prompt that wants the language of the question kept; it settles what it would leave open otherwise."""
_LETTERS = lazily(r"[^\W\d_]+")
HEAD = 240
"""Characters of a text whose small words are looked at first."""
_SHORTEST = 40
"""Letters; shorter texts say too little (letters of dense scripts count three times)."""
_SMALL_WORDS = {
    "en": "the and you are that this what how with your my it for was have not which can from they i'm it's",
    "de": "und der nicht ich ist wie sie das ein eine mit auf für zu wir von den kann im wo",
    "fr": "les des est une vous pour dans je le et ne pas nous sur avec comment votre du mon",
    "es": "el los las está su del cómo qué mi usted puede con una dónde más se",
    "pt": "não uma os em são você seu sua meu minha do da um ao à onde",
    "it": "il che di sono gli della nel è come posso mio suo un puoi alla dove",
    "nl": "het een van ik niet voor uw mijn hoe kan ik we je wordt naar",
    "pl": "jest nie się jak czy mogę do na moje można w z dla po",
    "tr": "bir ve için bu nasıl ne mi değil ile daha olarak",
    "sv": "och att är det jag inte på som för hur min ett kan",
    "vi": "không là của tôi có được và cho bạn một như thế",
    "cs": "je se jak mohu můj která není pro ale nebo jsem",
    "ro": "și este nu cum pot pentru mea dumneavoastră sau sunt",
    "id": "yang tidak dan saya anda untuk dengan ini bagaimana dari",
}
_SMALL = {word: language for language, words in _SMALL_WORDS.items() for word in words.split()}
_KEYS = frozenset(_SMALL)
_ENGLISH = frozenset(word for word, language in _SMALL.items() if language == "en")
_NOT_LETTERS = bytes(c for c in range(128) if not chr(c).isalpha())
_LETTER = lazily("[\u0370-\u1fff\u3040-\ud7ff\uf900-\ufaff]")
_PIECE = lazily(r"\n+|[\"“”„«»「」『』]|: ")
_CLOSE = frozenset(
    frozenset(pair)
    for pair in (
        ("da", "no"), ("da", "sv"), ("no", "sv"), ("cs", "sk"), ("es", "ca"), ("es", "pt"), ("es", "gl"), ("pt", "gl"),
        ("hr", "sr"), ("hr", "bs"), ("hr", "sl"), ("bs", "sr"), ("sr", "mk"), ("id", "ms"), ("ru", "uk"),
        ("ru", "bg"), ("ru", "be"),
        ("uk", "be"), ("bg", "mk"), ("ru", "mk"), ("ru", "sr"), ("hi", "mr"), ("hi", "ne"), ("mr", "ne"),
        ("ar", "fa"), ("ar", "ur"), ("fa", "ur"),
        ("ar", "ps"), ("ar", "ku"), ("ar", "ug"), ("zh", "ja"), ("nl", "af"), ("it", "ro"), ("es", "it"),
        ("pt", "it"), ("nl", "de"),
        ("kk", "ru"), ("tr", "az"), ("fi", "et"), ("fa", "ps"), ("fa", "ku"), ("es", "eu"), ("fr", "ca"), ("la", "it"),
    )
)  # fmt: skip
"""Languages that are taken for one another; a difference between them is not reported."""
_SURE = frozenset({"zh", "ja", "ko", "th", "el", "he", "ka", "hy", "am", "km"})


class LanguageMismatchOptions(Options, frozen=True, kw_only=True):
    """Options of language-mismatch.

    Args:
        languages: the languages that answers may be in (ISO 639-1, such as "en"); every other one is reported.
    """

    languages: tuple[str, ...] = ()


class LanguageMismatch(RecordRule):
    """Finds answers in another language than their prompt, or than the prompt asks for.

    Why: the model learns to change the language. Only texts long enough to be sure are judged, and near relatives are
    not told apart. Silence where the prompt speaks of translating or names a language (then only "answer in German"
    and the like are checked), quotes text in the language of the answer, or where an earlier turn or the system
    prompt is in that language. With the option `languages`, answers in any other language are reported.
    Bad:
        {"messages": [{"role": "user", "content": "Wie kann ich meine Bestellung noch ändern, bitte?"}, {"role":
         "assistant", "content": "You cannot change the order when it is already on its way to you."}]}
    Good:
        {"messages": [{"role": "user", "content": "Wie sagt man auf Englisch: Ich möchte etwas ändern?"}, {"role":
         "assistant", "content": "You would say that you would like to change something, please."}]}
    Fix: none; write the answer in the language of the prompt, or say in the prompt which one is wanted.
    Source: the project's own language identifier, `prepdata.text.language` (2026-11).
    """

    code: ClassVar[str] = "TEXT016"
    name: ClassVar[str] = "language-mismatch"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True
    Options = LanguageMismatchOptions
    trigger: ClassVar[Trigger] = LOOK

    def setup(self) -> None:
        self.languages = frozenset(code.lower() for code in self.options.languages)

    def wanted(self, chunk: Chunk) -> list[Record]:
        if self.languages:
            return chunk.records
        found = chunk.derived(answered)
        return [
            record for record, prompt, text in zip(found.records, found.prompts, found.texts)
            if prompt and len(text) >= 14 and not _in_one_language(prompt, text)
        ]  # fmt: skip

    def check(self, record: Record) -> Iterator[Hit]:
        for message in answers(record):
            text = message.text
            if len(text) < 14 or message.kind != "text":
                continue
            if self.languages:
                yield from self._declared(message)
                continue
            prompt = last_user(record, message)
            if not prompt or (_alike(prompt, text) and not may_ask(prompt)):
                continue
            hit = _judge(record, message, prompt)
            if hit:
                yield hit

    def _declared(self, message: Message) -> Iterator[Hit]:
        found = _language(message.text)
        if found and found not in self.languages and not any(_close(found, own) for own in self.languages):
            wanted = ", ".join(sorted(self.languages))
            yield _hit(message, f"this answer is in {name_of(found)}; declared are {wanted}")


def _in_one_language(prompt: str, text: str) -> bool:
    """True if a quick look shows that nothing is to be said of a prompt and its answer: the prompt asks for no language
    and is in that of the answer, or too short to tell."""
    if may_ask(prompt):
        return False
    if len(prompt) < 1.5 * _SHORTEST and prompt.isascii() and "`" not in prompt:
        return (_letters(prompt) < _SHORTEST and not may_ask(prompt.lower())) or _alike(prompt, text)
    return _alike(prompt, text)


def _alike(prompt: str, text: str) -> bool:
    """True if prompt and answer show small words of one language, or letters of one script: the usual case, told
    cheaply and before anything else is looked at."""
    head, begins = prompt[:HEAD].lower(), text[:HEAD]
    english = " the " in head or not _ENGLISH.isdisjoint(head.split())
    if english and (" the " in begins or " you " in begins):
        return True  # what the next lines would say too, at twice the cost
    begins = begins.lower()
    if english and not _ENGLISH.isdisjoint(begins.split(None, 16)):
        return True
    first = _small(head.split())
    if first:
        second = _small(begins.split())
        if second:
            return not first.isdisjoint(second)
    one, other = _LETTER.search(prompt, 0, 60), _LETTER.search(text, 0, 60)
    return one is not None and other is not None and _block(one[0]) == _block(other[0])


def _small(words: list[str]) -> set[str]:
    """Return the languages whose small words are among some words."""
    return {_SMALL[word] for word in _KEYS.intersection(words)}


def _block(letter: str) -> int:
    code = ord(letter)
    return 0x30 if 0x3040 <= code < 0xA000 else 0xAC if 0xAC00 <= code < 0xD800 else code >> 8


def _judge(record: Record, message: Message, prompt: str) -> Hit | None:
    wanted = asked_for(prompt)
    question = None if wanted else _language(prompt)  # asked before the answer, which mostly is the longer text
    if wanted is None and question is None:
        return None
    answer = _language(message.text)
    if answer is None:
        return None
    if wanted:
        if wanted != answer and not _close(wanted, answer) and not _later(message.text, wanted):
            asked, found = name_of(wanted), name_of(answer)
            return _hit(message, f"the prompt asks for {asked}, and this answer is in {found}")
        return None
    if question is None or question == answer or _close(question, answer):
        return None
    turns = [t for t in prompt_of(record, message) if t.role not in ("system", "developer") or not _mirrors(t.text)]
    whole = "\n".join(turn.text for turn in turns)
    if _later(message.text, question) or names_language(message.text[:200]):
        return None
    if names_language(whole) or about_languages(whole):
        return None
    if any(detect(turn.text) == answer for turn in turns if turn.text):
        return None
    if _quotes(whole, answer):
        return None
    return _hit(message, f"the prompt is in {name_of(question)}, and this answer is in {name_of(answer)}")


def _mirrors(text: str) -> bool:
    """True if a system prompt wants answers in the language of the question and names no language."""
    return bool(_MIRROR.search(text)) and not names_language(text)


def _letters(text: str) -> int:
    """Return the number of letters of a text in ASCII."""
    return len(text.encode().translate(None, _NOT_LETTERS))


def _language(text: str) -> str | None:
    """Return the language of a text that is long enough to be sure."""
    head = text[:400]
    plain = head.isascii()
    if plain:
        letters = _letters(head)
        if letters < _SHORTEST and "`" not in head:
            return None  # none of the sure languages is written in ASCII; fenced code may hide one
    found = detect(text)
    if found is None or found not in LANGUAGES or _is_code(text):
        return None
    if not plain:
        letters = sum(map(len, _LETTERS.findall(head)))
    if letters < _SHORTEST and found not in _SURE:
        return None
    return found


def _is_code(text: str) -> bool:
    """True if a text has the signs of code."""
    head = text[:400]
    return sum(map(head.count, "(){}[]=;_<>")) * 25 > len(head) or "```" in head


def _close(first: str, second: str) -> bool:
    return frozenset((first, second)) in _CLOSE


def _later(text: str, language: str) -> bool:
    """True if a later part of the answer is in that language: the first one was a quotation or a sample."""
    return any(detect(piece) == language for piece in (text[200:600], text[-300:]) if len(piece) > 60)


def _quotes(prompt: str, language: str) -> bool:
    """True if a line or a quotation of the prompt is in that language."""
    return any(len(piece) > 12 and detect(piece) == language for piece in _PIECE.split(prompt[:6000]))


def _hit(message: Message, what: str) -> Hit:
    span = (0, min(len(message.text), 80))
    return Hit(
        f"{what}: write it in that language, or say in the prompt which one is wanted",
        message.field,
        span=span,
        excerpt=around(message.text, span),
    )
