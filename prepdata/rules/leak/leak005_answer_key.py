"""LEAK005: prompts that hold their own answer, or say how it will be graded."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import ClassVar

from prepdata.chunk import Text, texts_of
from prepdata.findings import Hit, Severity, around, clip
from prepdata.record import Message, Record
from prepdata.rules.base import RecordRule, Trigger, Words
from prepdata.rules.text._pieces import Span, answers
from prepdata.text._answer_key_phrases import ABOUT, ANSWERS, GRADING, JUDGES, KEYS
from prepdata.text.lazy import lazily


def _either(phrases: Sequence[str]) -> str:
    longest_first = sorted(phrases, key=len, reverse=True)
    return "|".join(re.escape(phrase).replace(r"\ ", "[ _]") for phrase in longest_first)


_KEY = lazily(
    rf"(?<!\w)(?:{_either([k for k in KEYS if k.isascii()])}|{_either([k for k in KEYS if not k.isascii()])})s?"
    r"[\"'*_`\])]{0,3} ?(?:[:：=→]|->|\bis\b:?|\bist\b|\best\b|\bes\b|是|は)[\"'*_`\[ \t]*",
    re.IGNORECASE,
)
_ANSWER = lazily(
    rf"(?:^|[.!?。？！;|(\[{{\"'>*]|final)[ \t]*(?:{_either(ANSWERS)})(?:\*\*|\"|) ?[:：][\"'*_`\[ \t]*"
    r"|<(?:final_)?(?:answer|solution)>\s*|^####[ \t]+(?=[-$€£]?\d)",
    re.IGNORECASE | re.MULTILINE,
)
_GRADING = lazily("|".join(f"(?:{pattern})" for _, pattern in GRADING), re.IGNORECASE | re.MULTILINE)
_JUDGE = lazily("|".join(JUDGES), re.IGNORECASE | re.MULTILINE)
_ABOUT = lazily("|".join(ABOUT), re.IGNORECASE)
_ASKED = lazily(
    r"[?？]|\b(?:question|input|task|problem|review|sentence|text|example|frage|aufgabe|beispiel|pregunta|ejemplo"
    r"|exemple|exemplo|esempio|вопрос|пример|[qa])\s*\d*\s*[:：]|\b(?:e\.g\.|for instance|for example|z\. ?B\.)"
    r"|问题|例如|示例|質問|例[：:]",
    re.IGNORECASE,
)
_MADE = lazily(
    r"\b(?:write|create|design|develop|draft|make|build|improve|review|translate|rewrite|suggest|prepare|erstelle|"
    r"entwirf|crée|crea|elabora|создай|составь)\b[^.\n]{0,60}(?:rubric|criteria|grading|scheme|raster|grille|barème"
    r"|rúbrica|критери)|(?:制定|设计|编写)[^。\n]{0,20}标准|基準を(?:作|考|書)|기준을 (?:만들|작성)",
    re.IGNORECASE,
)
_GRADE = lazily(
    r"^\W*(?:\d+(?:[.,]\d+)?(?: ?/ ?\d+)?|\[\[\w+\]\]|correct|incorrect|pass(?:ed)?|fail(?:ed)?)\W*$"
    r"|\b(?:score|rating|grade|verdict|points?|marks?|note|nota|punkte|punti|puntos|pontos|оценка|балл\w*)\b\W{0,5}"
    r"(?:is |of )?\d|\d ?/ ?\d|\d (?:points?|marks?|punkte|puntos|points)\b|\d+ ?[分点점]",
    re.IGNORECASE,
)
_SIGN = "\u0e01-\u0e4e\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_NO_SPACES = lazily(f"[{_SIGN}]")
_WORD = lazily(rf"\d+(?:[.,:]\d+)*|[{_SIGN}]|[^\W\d{_SIGN}]+|[%°€$+=<>×]")
_CLOSING = lazily(r"^[\s.,;)\]}>*\"'`。]*(?:</\w+>)?\s*")
_OPENED = lazily(r"(?<!\w)'(?=\w)")
_CLOSED = lazily(r"(?<=[\w.!?])'(?!\w)")
_CODE = lazily(r"```|^\s*(?:def|class|function|import|SELECT|#include|public|print)\b", re.MULTILINE | re.IGNORECASE)
_SHORT = 3
"""Words up to which a key has to stand where the answer begins or ends."""
_EDGE = 12
"""Words that are the beginning or the end of an answer."""
_PLACES = 20
"""Places looked at in one text."""
_LONGEST = 2000
"""Characters of a key that are compared."""
_WORDS = (
    *KEYS, *(key.replace(" ", "_") for key in KEYS if key.isascii() and " " in key),
    *(word + end for word in ANSWERS for end in (":", "：", '":', '"：', "**:", "**：", " :", " ：", '" :', "** :")),
    "answer>", "solution>", "#### ", "####\t", *(word for words, _ in GRADING for word in words),
)  # fmt: skip


class AnswerKey(RecordRule):
    """Finds prompts that hold the expected answer of their own row, or that tell the model how it will be graded.

    A key is told by what stands before it ("Correct answer:", "Musterlösung:", "#### 42" and so on, in many
    languages) and by the answer of the row, which has to say the same. Left alone are rows whose task is to grade,
    examples in prompts, questions about an answer that is known, what is quoted, and texts that hold the answer
    without saying so. Rejected answers and rows labelled as bad are not looked at.

    Why: the model learns to copy the answer from the prompt, and in use the prompt has none. Grading instructions teach
    it to please a grader, and often came in with an evaluation set.
    Bad:
        {"messages": [{"role": "user", "content": "How many legs has a spider? Expected answer: 8"}, {"role":
         "assistant", "content": "A spider has 8 legs."}]}
    Good:
        {"messages": [{"role": "user", "content": "How many legs has a spider?"}, {"role": "assistant", "content": "A
         spider has 8 legs."}]}
    Fix: none; take the key or the instructions out of the prompt.
    Source: our own experience with rows made from evaluation sets.
    """

    code: ClassVar[str] = "LEAK005"
    name: ClassVar[str] = "answer-key"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True
    trigger: ClassVar[Trigger] = Words(_WORDS)

    def check(self, record: Record) -> Iterator[Hit]:
        return self.check_texts(record, texts_of(record))

    def check_texts(self, record: Record, held: Sequence[Text]) -> Iterator[Hit]:
        asking = [piece for piece in held if piece.message.role in ("system", "developer", "user")]
        given = answers(record) if asking else ()
        if not given:
            return
        prompt = "\n".join(m.text for m in record.messages if m.role in ("system", "developer", "user"))
        judging = _JUDGE.search(prompt) is not None
        for piece in asking:
            wanted = _answered(record, piece.message, given)
            if judging or not wanted or piece.text not in piece.message.text:
                continue
            what, span = "the prompt holds the answer of this row", _key(piece, wanted)
            if span is None:
                what, span = "the prompt tells how the answer will be graded", _grading(piece.text, prompt, wanted)
            if span is not None:
                said = clip(piece.text[slice(*span)].strip(" \n.!?\"'*|>([{;。？！"), 80)
                message = f"{what}: '{said}'; take it out of the prompt"
                yield Hit(message, piece.path, span=span, excerpt=around(piece.text, span))
                return


def _answered(record: Record, message: Message, given: Sequence[Message]) -> list[str]:
    """Return the answers that a turn asks for: of a turn of the user the next one, else all."""
    if message.role != "user":
        return [answer.text for answer in given]
    after = False
    for turn in (*record.messages, *record.chosen):
        if turn is message:
            after = True
        elif after and turn.role == "assistant":
            return [turn.text] if any(turn is answer for answer in given) else []
    return []


def _grading(text: str, prompt: str, wanted: Sequence[str]) -> Span | None:
    """Return where a text says how the answer will be graded, if the answer is none that grades."""
    for match in islice(_GRADING.finditer(text), _PLACES):
        if not _in_quotes(text, match.start()):
            free = _MADE.search(prompt) or any(_GRADE.search(answer) for answer in wanted)
            return None if free else match.span()
    return None


def _key(piece: Text, wanted: Sequence[str]) -> Span | None:
    """Return where a text holds one of the answers behind the words of an answer key."""
    text = piece.text
    lead, _, tail = piece.message.text.partition(text)  # other parts of the turn
    for sure, pattern in ((True, _KEY), (False, _ANSWER)):
        found = list(pattern.finditer(text))
        if not found or not (sure or piece.message.role == "user"):
            continue
        match = found[-1]  # before it stand examples
        for value in _values(text, match.end()):
            end = match.end() + len(value)
            held = any(_holds(answer, value) for answer in wanted)
            if held and _is_key(lead + text[: match.start()], text[end:] + tail, sure and len(found) == 1):
                return match.start(), end
    return None


def _is_key(before: str, after: str, sure: bool) -> bool:
    """True if what stands between two texts is the key to the task, and no example and no part of the question."""
    after = _CLOSING.sub("", after)
    line = before[before.rfind("\n") + 1 :]
    if _in_quotes(before, len(before)) or _ABOUT.search(line) or _ABOUT.search(after):
        return False
    if not sure:
        return not after and len(before) > 10 and not _ABOUT.search(before)
    return not (_ASKED.search(after) and _ASKED.search(before))


def _values(text: str, start: int) -> list[str]:
    """Return what may be the key that begins at a place: the rest of the sentence, of the line, of the paragraph."""
    rest = text[start : start + _LONGEST]
    stripped = rest.lstrip()
    lead = rest[: len(rest) - len(stripped)]
    line = stripped.split("\n", 1)[0]
    found = [line, stripped.split("\n\n", 1)[0], stripped]
    cut = re.search(r"[.;)\]}<|\"”](?=\s|$|[<}\])])|[。；）]|</", line)
    if cut:
        found.insert(0, line[: cut.start()])
    return list(dict.fromkeys(lead + value for value in found if value.strip()))


def _holds(answer: str, value: str) -> bool:
    """True if an answer says what a key does."""
    key, said = _bare(value), _bare(answer)
    if not key or not said:
        return False
    if key == said:
        return True
    words = key.split()
    if len(key) == 1 and key.isalpha() and key.isascii():  # the letter of a choice
        letter = re.escape(key)
        return (
            re.search(rf"^\W*{letter}\s*[).:\]]|(?:answer|option|choice)\W+(?:is\W+)?{letter}\W*$", answer, re.I)
            is not None
        )
    if _NO_SPACES.search(key):
        return f" {key} " in f" {said} " and (len(words) > 1 or len(said.split()) <= 3)
    if len(words) > _SHORT:
        if f" {key} " in f" {said} ":
            return True
        return len(said.split()) > _SHORT and f" {said} " in f" {key} " and 2 * len(said) >= len(key)
    if _CODE.search(answer):
        return False
    spoken = said.split()
    return any(f" {key} " in f" {' '.join(edge)} " for edge in (spoken[:_EDGE], spoken[-_EDGE:]))


def _bare(text: str) -> str:
    """Return the words of a text in lower case, one space between them."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text[: 4 * _LONGEST]).casefold().replace("_", " ")))


def _in_quotes(text: str, at: int) -> bool:
    """True if a place lies in quotation marks that were opened in the same line."""
    begin, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    line, whole = text[begin:at], text[begin:] if end < 0 else text[begin:end]
    if any(line.count(opened) > line.count(closed) for opened, closed in ("“”", "„“", "«»", "「」", "‘’")):
        return True
    if line.count('"') % 2 and "{" not in line:
        return True
    single = [sum(match.start() < at - begin for match in mark.finditer(whole)) for mark in (_OPENED, _CLOSED)]
    return single[0] > single[1]
