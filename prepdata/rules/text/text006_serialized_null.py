"""TEXT006: an answer that is the text of a missing value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity
from prepdata.record import Message, Record
from prepdata.rules.base import LOOK, RecordRule, Trigger
from prepdata.rules.text._pieces import answered, answers, last_user, prompt_of

_LONGEST = 24
_VALUES = {"none": "Python", "null": "JSON or SQL", "nan": "pandas", "undefined": "JavaScript", "nat": "pandas",
           "<na>": "pandas", "nil": "Ruby or Go", "[object object]": "JavaScript", "nonetype": "Python",
           "none none": "Python", "#n/a": "a spreadsheet", "#ref!": "a spreadsheet", "#value!": "a spreadsheet",
           "\\n": "MySQL"}  # fmt: skip
_EDGES = " \t\r\n\"'`"
_ASKS = re.compile(
    r"\b(which|how many|are there|is there|any|list|extract|find|identify|name|classify|label|detect|categor\w+|return|"
    r"output|outputs|print|prints|printed|evaluates?|value|result|tags?|entit\w+|keyword|type|welche\w*|wie viele|"
    r"quels?|quelles?|combien|cu[aá]l\w*|cu[aá]nt\w+|quais|qual|quanti|quali)\b",
    re.IGNORECASE,
)

_TASK = re.compile(
    r"\b(list|extract|find|identify|classify|label|detect|categor\w+|return|outputs?|prints?|evaluates?|entit\w+"
    r"|keywords?|tags?)\b",
    re.IGNORECASE,
)
"""What a system prompt says where the whole task is such a choice; other words ("any") stand in most of them."""


class SerializedNull(RecordRule):
    """Finds answers that are nothing but `None`, `null`, `nan` or `undefined`.

    Why: a value was missing and was turned into text on the way. The model learns to answer "nan".
    Where the prompt offers the word, or asks for a value, a choice or a list, "None" may be the right answer: silence.
    Bad:
        {"messages": [{"role": "user", "content": "Where is my order?"}, {"role": "assistant", "content": "nan"}]}
    Good:
        {"messages": [{"role": "user", "content": "Which of 4, 6, 8 are prime?"}, {"role": "assistant", "content":
         "None"}]}
    Fix: none; what the answer should be is for people to say.
    Source: pandas, string form of missing values (2026-08); Python, JavaScript and JSON spellings.
    """

    code: ClassVar[str] = "TEXT006"
    name: ClassVar[str] = "serialized-null"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True
    trigger: ClassVar[Trigger] = LOOK

    def wanted(self, chunk: Chunk) -> list[Record]:
        found = chunk.derived(answered)
        return [
            record for record, text in zip(found.records, found.texts)
            if len(text) <= _LONGEST and text.strip(_EDGES).lower() in _VALUES
        ]  # fmt: skip

    def check(self, record: Record) -> Iterator[Hit]:
        for message in answers(record):
            if len(message.text) > _LONGEST or message.kind != "text":
                continue
            word = message.text.strip(_EDGES).lower()
            maker = _VALUES.get(word)
            if maker is None or message.calls or _meant(record, message, word):
                continue
            yield Hit(
                f"the whole answer is '{message.text.strip()}', the way {maker} writes a missing value: "
                "put back the answer, or drop the row",
                message.field,
                span=(0, len(message.text)),
                excerpt=f"⟪{message.text.strip()}⟫",
            )


def _meant(record: Record, message: Message, word: str) -> bool:
    """True if the prompt offers the word, or asks for something that may well be none."""
    prompt = prompt_of(record, message)
    texts = [turn.text for turn in prompt]
    if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", "\n".join(texts).lower()):
        return True
    if word not in ("none", "null", "nil", "undefined"):
        return False
    if _ASKS.search(last_user(record, message)):
        return True
    return any(_TASK.search(turn.text) for turn in prompt if turn.role in ("system", "developer"))
