"""TEXT012: an answer that is its own prompt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, around
from prepdata.record import Message, Record
from prepdata.rules.base import LOOK, RecordRule, Trigger
from prepdata.rules.text._pieces import answered, prompt_of
from prepdata.text.lazy import lazily

_SHORTEST = 16
"""Characters; shorter turns (greetings, thanks, a name) may well be alike."""
_ECHO = 80
"""Characters of a prompt whose copy at the start of an answer counts."""
_TASK = lazily(
    r"\b(repeat\w*|echo\w*|copy|copies|verbatim|say|translat\w+|correct\w*|proofread\w*|rewrit\w+|rephras\w+|paraphras\w+"
    r"|fix\w*|format\w*|convert\w*|transcri\w+|normali[sz]\w+|clean\w*|edit\w*|polish\w*|improv\w*|grammar|spell\w*"
    r"|anonymi[sz]\w+|redact\w*|censor\w*|mask\w*|replac\w+|complete\w*|continu\w+|lower ?case|upper "
    r"?case|capitali[sz]\w+"
    r"|tokeni[sz]\w+|remove\w*|sort\w*|parse\w*|mirror\w*|quot\w+|read back|dictat\w+|simplif\w+|shorten\w*|punctuat\w+"
    r"|übersetz\w*|wiederhol\w*|korrigier\w*|verbesser\w*|tradui\w+|répèt\w+|répét\w+|corrig\w+|traduc\w+|repit\w+|repet\w+"
    r"|traduz\w+|traduci\w*|ripet\w+|повтори\w*|перевед\w*|исправ\w*)\b|翻译|重复|纠正|修改|改写|翻訳|繰り返|校正|번역|반복",
    re.IGNORECASE,
)
_ECHO_ASKED = lazily(
    r"\b(repeat\w*|echo\w*|copy|copies|verbatim|say|mirror\w*|quot\w+|read back|dictat\w+"
    r"|wiederhol\w*|répèt\w+|répét\w+|repit\w+|repet\w+|ripet\w+|повтори\w*)\b|重复|繰り返|반복",
    re.IGNORECASE,
)
"""What a prompt may ask whose answer is the whole prompt, this word with it."""
_IN_PASSING = lazily(
    r"\bsay(?:ing)? (?:so|that|you|no|why|which|what|when|who|how|hello|sorry|thank|please|if|it (?:is|was)|nothing)\b",
    re.IGNORECASE,
)
_QUOTES = "\"'“«「*_>"
_JUNK = lazily(r"[\W_]+")


class AnswerRepeatsPrompt(RecordRule):
    """Finds answers that are a copy of their prompt, alone or as all but their last words.

    Why: the model learns to echo. Mostly two columns were mixed up. Case, white space and punctuation do not count.
    Short turns are left alone, and so is every row that asks to repeat, translate, correct or complete a text, where
    the right answer may be the prompt itself.
    Bad:
        {"messages": [{"role": "user", "content": "Where is my order?"}, {"role": "assistant", "content": "Where is my
         order?"}]}
    Good:
        {"messages": [{"role": "user", "content": "Say: where is my order?"}, {"role": "assistant", "content": "Where is
         my order?"}]}
    Fix: none; what the answer should be is for people to say.
    Source: the project's own catalogue of rules (2026-08).
    """

    code: ClassVar[str] = "TEXT012"
    name: ClassVar[str] = "answer-repeats-prompt"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True
    trigger: ClassVar[Trigger] = LOOK

    def wanted(self, chunk: Chunk) -> list[Record]:
        found = chunk.derived(answered)
        return [
            record for record, answer, prompt in zip(found.records, found.texts, found.prompts)
            if record.chosen or (len(answer) > 0.8 * len(prompt) and _begin_alike(answer[:40], prompt[:40]))
        ]  # fmt: skip

    def check(self, record: Record) -> Iterator[Hit]:
        before = ""
        for message in record.turns if record.chosen else record.messages:
            if message.role == "user":
                before = message.text
            elif message.role == "assistant" and before:
                answer = message.text
                size = len(before)
                long = len(answer) > 0.8 * size and size >= 5 and message.weight != 0
                if long and _begin_alike(answer[:40], before[:40]):
                    yield from _judge(record, message, answer, before)


def _begin_alike(answer: str, prompt: str) -> bool:
    """Return whether two beginnings start with the same three letters, or one of them with a quotation mark."""
    head = answer.lstrip()[:3]
    return head.lower() == prompt.lstrip()[:3].lower() or head[:1] in _QUOTES


def _judge(record: Record, message: Message, answer: str, prompt: str) -> Iterator[Hit]:
    left, right = _folded(answer), _folded(prompt)
    if not right or message in record.rejected:
        return
    wide = sum(1 for c in right if c >= "\u3040")
    if len(right) + 2 * wide < (_SHORTEST if prompt.rstrip()[-1:] not in "?？؟" else 11) or not left.startswith(right):
        return
    rest = len(left) - len(right)
    if rest and (len(right) < _ECHO or rest > 0.25 * len(right)):
        return
    if _is_code(prompt) or _asked(prompt_of(record, message), prompt, copied=not rest):
        return
    what = "is a copy of its prompt" if not rest else "is a copy of its prompt with a few words added"
    yield Hit(
        f"this answer {what}: put the real answer there, or drop the row",
        message.field,
        span=(0, len(answer)),
        excerpt=around(answer, (0, len(answer))),
    )


def _asked(turns: list[Message], prompt: str, *, copied: bool) -> bool:
    """True if the turns before an answer ask for what it does. In a question that is copied whole, with the words of a
    task in it ("can I still correct it?"), those words ask for something else."""
    copied = copied and prompt.rstrip()[-1:] in "?？؟"
    for turn in turns:
        words = _ECHO_ASKED if copied and turn.role == "user" and turn.text == prompt else _TASK
        if words.search(turn.text if turn.role == "user" else _IN_PASSING.sub("", turn.text)):
            return True
    return False


def _folded(text: str) -> str:
    return _JUNK.sub("", text).casefold()


def _is_code(text: str) -> bool:
    """True if a prompt is code to be gone on with, or a bare sum."""
    return (
        "def " in text or "```" in text or "#include" in text or sum(c.isalpha() for c in text) * 2 < len(text.strip())
    )
