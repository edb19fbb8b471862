"""TEXT016: an answer in another language than its prompt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Hit, Severity, around
from prepdata.record import Message, Record
from prepdata.rules.base import EVERY, Options, RecordRule, Trigger
from prepdata.rules.text._languages import IN_LANGUAGE, LANGUAGES, NAMED, TASKS, asked_for, name_of
from prepdata.rules.text._pieces import answers, last_user, prompt_of
from prepdata.text.language import detect

_SHORTEST = 40
"""Letters; shorter texts say too little (letters of dense scripts count three times)."""
_ENGLISH = (" the ", " and ", " is ", " of ", " to ", "The ", " you ", " has ", " that ", " it ", " are ")
_PIECE = re.compile(r"\n+|[\"“”„«»「」『』]|: ")
_CLOSE = frozenset(
    frozenset(pair)
    for pair in (
        ("da", "no"), ("da", "sv"), ("no", "sv"), ("cs", "sk"), ("es", "ca"), ("es", "pt"), ("es", "gl"), ("pt", "gl"),
        ("hr", "sr"), ("hr", "bs"), ("hr", "sl"), ("bs", "sr"), ("sr", "mk"), ("id", "ms"), ("ru", "uk"), ("ru", "bg"), ("ru", "be"),
        ("uk", "be"), ("bg", "mk"), ("ru", "mk"), ("ru", "sr"), ("hi", "mr"), ("hi", "ne"), ("mr", "ne"), ("ar", "fa"), ("ar", "ur"), ("fa", "ur"),
        ("ar", "ps"), ("ar", "ku"), ("ar", "ug"), ("zh", "ja"), ("nl", "af"), ("it", "ro"), ("es", "it"), ("pt", "it"), ("nl", "de"),
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
        {"messages": [{"role": "user", "content": "Wie kann ich meine Bestellung ändern, wenn sie schon unterwegs ist?"},
         {"role": "assistant", "content": "You cannot change the order when it is already on its way to you."}]}
    Good:
        {"messages": [{"role": "user", "content": "Wie sagt man auf Englisch: Ich möchte meine Bestellung ändern, bitte?"},
         {"role": "assistant", "content": "You would say that you would like to change your order, please."}]}
    Fix: none; write the answer in the language of the prompt, or say in the prompt which one is wanted.
    Source: the project's own language identifier, `prepdata.text.language` (2026-11).
    """

    code: ClassVar[str] = "TEXT016"
    name: ClassVar[str] = "language-mismatch"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True
    Options = LanguageMismatchOptions
    trigger: ClassVar[Trigger] = EVERY

    def setup(self) -> None:
        self.languages = frozenset(code.lower() for code in self.options.languages)

    def check(self, record: Record) -> Iterator[Hit]:
        for message in answers(record):
            text = message.text
            if len(text) < 14 or message.kind != "text":
                continue
            if self.languages:
                yield from self._declared(message)
                continue
            prompt = last_user(record, message)
            if not prompt or _both_english(prompt, text):
                continue
            hit = _judge(record, message, prompt)
            if hit:
                yield hit

    def _declared(self, message: Message) -> Iterator[Hit]:
        found = _language(message.text)
        if found and found not in self.languages and not any(_close(found, own) for own in self.languages):
            wanted = ", ".join(sorted(self.languages))
            yield _hit(message, f"this answer is in {name_of(found)}; declared are {wanted}")


def _both_english(prompt: str, text: str) -> bool:
    """True if both are beyond doubt English and the prompt names no other language: the usual case, told cheaply."""
    head = text[:400]
    if not head.isascii() or sum(word in head for word in _ENGLISH) < 2:
        return False
    head = prompt[:400]
    return head.isascii() and any(word in head for word in _ENGLISH) and not IN_LANGUAGE.search(prompt[:8000])


def _judge(record: Record, message: Message, prompt: str) -> Hit | None:
    answer = _language(message.text)
    if answer is None:
        return None
    turns = prompt_of(record, message)
    whole = "\n".join(turn.text for turn in turns)
    wanted = asked_for(prompt)
    if wanted:
        if wanted != answer and not _close(wanted, answer) and not _later(message.text, wanted):
            asked, found = name_of(wanted), name_of(answer)
            return _hit(message, f"the prompt asks for {asked}, and this answer is in {found}")
        return None
    question = _language(prompt)
    if question is None or question == answer or _close(question, answer):
        return None
    if NAMED.search(whole) or NAMED.search(message.text[:200]) or TASKS.search(whole) or _later(message.text, question):
        return None
    if any(detect(turn.text) == answer for turn in turns if turn.text):
        return None
    if _quotes(whole, answer):
        return None
    return _hit(message, f"the prompt is in {name_of(question)}, and this answer is in {name_of(answer)}")


def _language(text: str) -> str | None:
    """Return the language of a text that is long enough to be sure."""
    found = detect(text)
    if found is None or found not in LANGUAGES or _is_code(text):
        return None
    letters = sum(c.isalpha() for c in text[:400])
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
