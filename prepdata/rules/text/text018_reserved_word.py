"""TEXT018: a word that a target reserves for itself, inside a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from prepdata.findings import Hit, Severity, around, clip
from prepdata.record import Message, Record, escape
from prepdata.rules.base import EVERY, RecordRule, Trigger
from prepdata.rules.targeting import listed, value

_KINDS = frozenset({"text", "reasoning", "tool_result", "refusal"})
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
_SHOWN = 5


class _Word(NamedTuple):
    """A reserved word. `needle` is looked for in the text, in its lower case where `folded`; `find` tells where."""

    needle: str
    folded: bool
    find: re.Pattern[str]
    targets: tuple[str, ...]


class ReservedWord(RecordRule):
    """Finds words that a target reserves, such as `User:` or `[EOS]`, inside a text.

    Why: the trainer puts these words between the turns itself. A row that holds one is refused, and with some targets
    the whole job fails. They hide in pasted chats ("User: hi") and in texts about programs.
    Arguments of tool calls are data and not looked at.
    Bad:
        {"messages": [{"role": "user", "content": "User: no light. Bot: press it. What was said?"}, {"role":
         "assistant", "content": "That the button should be pressed."}]}
    Good:
        {"messages": [{"role": "user", "content": "Customer: no light. Agent: press it. What was said?"}, {"role":
         "assistant", "content": "That the button should be pressed."}]}
    Fix: none; which other word says the same is for people to choose.
    Source: the `accepts.reserved_words` value of each target file, with its own source and date; its note says whether
        the case of letters counts. A word counts inside another too ("superuser:"), as in Amazon's own check.
    """

    code: ClassVar[str] = "TEXT018"
    name: ClassVar[str] = "reserved-word"
    severity: ClassVar[Severity] = "error"
    trigger: ClassVar[Trigger] = EVERY

    def setup(self) -> None:
        owners: dict[tuple[str, bool], list[str]] = {}
        for target in self.context.targets:
            words = target.accepts.reserved_words
            folded = words is not None and "any case" in words.note
            for text in value(words) or ():
                owners.setdefault((text.lower() if folded else text, folded), []).append(target.name)
        self.words = [
            _Word(text, folded, re.compile(re.escape(text), re.IGNORECASE | re.ASCII if folded else 0), tuple(names))
            for (text, folded), names in owners.items()
        ]
        groups: dict[tuple[str, bool], list[_Word]] = {}
        for word in self.words:
            last = word.needle[-1:]
            groups.setdefault(("" if last.isalpha() else last, word.folded), []).append(word)
        self.groups = [(last, folded, words) for (last, folded), words in groups.items()]
        """Words by the character that a text must hold to hold one of them."""

    def missing(self) -> str | None:
        if self.words:
            return None
        return "a target that reserves words (--target bedrock-nova or bedrock-haiku)"

    def check(self, record: Record) -> Iterator[Hit]:
        groups = self.groups
        for message in record.turns:
            if message.kind == "text" and message.reasoning is None:
                texts = [(message.text, message.field)]
            else:
                texts = _texts(message)
            for text, path in texts:
                found: list[_Word] = []
                for last, folded, words in groups:
                    if last in text:
                        where = text.lower() if folded else text
                        found += [word for word in words if word.needle in where]
                if found:
                    yield from _hits(message, text, path, found)


def _texts(message: Message) -> list[tuple[str, str]]:
    """Return (text, JSON pointer) of all texts of a message that is more than one plain text."""
    found = []
    if message.kind == "text":
        found.append((message.text, message.field))
    elif message.kind == "parts":
        found += [(part.text, part.field) for part in message.parts if part.text and part.kind in _KINDS]
    if message.reasoning:
        raw = message.raw if type(message.raw) is dict else {}
        key = next((key for key in _THOUGHTS if raw.get(key) == message.reasoning), None)
        found.append((message.reasoning, message.path if key is None else f"{message.path}/{escape(key)}"))
    return found


def _hits(message: Message, text: str, path: str, words: list[_Word]) -> Iterator[Hit]:
    """Yield one finding for a text: where the first word stands, and which words there are."""
    places = sorted((match.span(), word.targets) for word in words if (match := word.find.search(text)))
    if not places:
        return
    span = places[0][0]
    names = tuple(dict.fromkeys(name for _, targets in places for name in targets))
    shown = list(dict.fromkeys(f"'{_shown(text[begin:end])}'" for (begin, end), _ in places))
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    what = ", ".join(shown[:_SHOWN]) + more
    one = len(shown) == 1
    head = f"the reserved word {what} stands" if one else f"the reserved words {what} stand"
    it = "it" if one else "them"
    fails = "fails" if len(names) == 1 else "fail"
    yield Hit(
        f"{head} in this {clip(message.role, 20) or 'other'} turn, on which {listed(names)} {fails}: "
        f"write {it} another way, or leave {it} out",
        path,
        span=None if path == message.path and path != message.field else span,
        excerpt=around(text, span),
        targets=names,
    )


def _shown(word: str) -> str:
    """Return a word with its line ends visible."""
    return word.replace("\n", "\\n")
