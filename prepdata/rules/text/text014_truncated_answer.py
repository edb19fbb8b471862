"""TEXT014: an answer that stops in the middle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, around
from prepdata.record import Message, Record
from prepdata.rules.base import LOOK, RecordRule, Trigger
from prepdata.rules.text._pieces import answered, answers, last_user
from prepdata.text.lazy import lazily

_FENCE = lazily(r"^[ \t]{0,8}(?:>[ \t]?)?(?:[-*+]|\d+[.)])?[ \t]{0,8}(```+|~~~+)([^`\n]*)$", re.MULTILINE)
_END = frozenset(".!?…\"'”’»)]}>*_`。！？｡」』）】》؟۔।॥፡።;:~|/\\$%°€£¥©®™✓✔=+#^")
_FULL_STOP = frozenset(".!?。！？")
_LAST = lazily(r"([^\W\d_]+(?:['’-][^\W\d_]+)*)$")
_OPEN_LIST = (
    "the a an and or but of to with for from by that which who whose because if than into onto upon between "
    "their its our your his my these those is are was were be been being has have had will would can could should "
    "must may might as at including such very "
    "der die das den dem des ein eine einen einem einer und oder aber mit von zum zur weil dass ist sind wird werden "
    "le la les des du un une et ou mais de avec pour dans par que qui est sont sur "
    "el los las unos unas y o pero con para por porque del al es son en una "
    "il lo gli uno e ma con per che della delle dei degli nel nella sono di da "
    "os um uma mas com do dos no na nos nas são em het een en maar met van voor omdat "
    "и или но в на с для что который которая которые которое чтобы по от из к не это a"
)
_STRANDABLE_LIST = (
    "of to with for from by in on at as is are was were be been has have had will would can could "
    "should must may might a i e o y if who which that his my her their its our "
    "your those these very "
    "la le de du en un una do na no das der die den es en son ou et et que such including "
    "between into upon than и в на с к по от из не это a"
)
_PHRASE = lazily(
    r"\b(?:due to|because of|such as|in order to|as well as|according to|known as|aufgrund von|de los "
    r"que|tels que|come ad)$"
)
_STRANDABLE = frozenset(_STRANDABLE_LIST.split())
"""Words that may end a sentence after all ("what it is for")."""
_STRONG = frozenset(_OPEN_LIST.split()) - _STRANDABLE
"""Words that cannot end one."""
_SENTENCE = lazily(r"[.!?。！？]['\")\]”’」]*(?=\s|$|[\u3040-\u9fff])")
_ITEM = lazily(r"^\s*(?:[-*+•·–—#>|]|\d{1,3}[.):]|[a-zA-Z][.)]\s)")
_CODE = lazily(
    r"[;{}=<\\$]|(?<! )>|>(?! [^\W\d_])|\b(?:SELECT|INSERT|UPDATE|FROM|WHERE|GROUP BY|ORDER BY|def|return|import)\b"
)
_CUT_ASKED = lazily(
    r"\b(complete|continue|finish|fill in|next word|first (?:word|sentence|line|half)|unfinished"
    r"|incomplete|fragment|prefix|"
    r"truncat\w+|autocomplete|beginning of|lyrics|title|headline|slogan|words?|name|tags?|keywords?"
    r"|translat\w+|extract\w*)\b",
    re.IGNORECASE,
)
_SIGNED = lazily(
    r"\b(?:yours?|sincerely|regards|love|cheers|respectfully|wishes|faithfully|truly|warmly|signed)\b", re.IGNORECASE
)
_WINDOW = 400
_PAIRS = {"(": ")", "[": "]", "（": "）", "【": "】", "「": "」"}


class TruncatedAnswer(RecordRule):
    """Finds answers that stop inside a code fence, a bracket or a sentence.

    Why: the answer was cut by a token limit or a copy; the model learns to stop there. A sentence
    counts as cut where it ends in a word that cannot end one ("and the"), in a comma, in a bracket that never closes,
    or, in a longer answer whose sentences all have an end, where the last line of prose has none. Words, names,
    numbers, titles, list items, code, links and queries are left alone.
    Bad:
        {"messages": [{"role": "user", "content": "Why is the sky blue?"}, {"role": "assistant", "content": "Air
        scatters
         blue light more than red light because of the"}]}
    Good:
        {"messages": [{"role": "user", "content": "Why is the sky blue?"}, {"role": "assistant", "content": "Air
        scatters
         blue light more than red light"}]}
    Fix: none; the rest of the answer is needed.
    Source: the project's own catalogue of rules (2026-08).
    """

    code: ClassVar[str] = "TEXT014"
    name: ClassVar[str] = "truncated-answer"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True
    trigger: ClassVar[Trigger] = LOOK

    def wanted(self, chunk: Chunk) -> list[Record]:
        found = chunk.derived(answered)
        return [
            record for record, text in zip(found.records, found.texts)
            if len(text) >= 12 and (text[-1] not in _FULL_STOP or "```" in text or "~~~" in text)
        ]  # fmt: skip

    def check(self, record: Record) -> Iterator[Hit]:
        for message in answers(record):
            text = message.text
            if len(text) < 12 or message.calls:
                continue
            if "```" in text or "~~~" in text:
                hit = _open_fence(message, text)
                if hit:
                    yield hit
                    continue
            last = text[-1]
            ended = last in _END or last.isdigit()
            if last in _FULL_STOP or (ended and not _opens(text[-_WINDOW:])):
                continue
            hit = _cut_sentence(record, message, text)
            if hit:
                yield hit


def _opens(window: str) -> bool:
    """True if more of a kind of bracket opens than closes at the end of a text."""
    return window.rfind("(") > window.rfind(")") or window.rfind("[") > window.rfind("]")


def _open_fence(message: Message, text: str) -> Hit | None:
    opened: re.Match[str] | None = None
    for match in _FENCE.finditer(text):
        if opened is None:
            opened = match
        elif match[1][0] == opened[1][0] and len(match[1]) >= len(opened[1]) and not match[2].strip():
            opened = None
    if opened is None or (opened[1][0] == "`" and text.count("```") % 2 == 0):
        return None
    span = opened.span(1)
    return Hit(
        "the code fence opened here is never closed: the answer was cut, or the closing fence is missing",
        message.field,
        span=span,
        excerpt=around(text, span),
    )


def _cut_sentence(record: Record, message: Message, text: str) -> Hit | None:
    body = text.rstrip()
    line = body[body.rfind("\n") + 1 :]
    found = _open_bracket(body, line) or _dangling(body, line) or _no_end(body, line)
    if found is None or "```" in line:
        return None
    start, why = found
    prompt = last_user(record, message)
    if _CODE.search(line) or (len(body) < 200 and body[-1] != "," and _CUT_ASKED.search(prompt)):
        return None
    span = (start, len(body))
    return Hit(
        f"the answer stops in the middle of a sentence: {why}; complete it, or drop the row",
        message.field,
        span=span,
        excerpt=around(text, span),
    )


def _dangling(body: str, line: str) -> tuple[int, str] | None:
    """Return (start, why) if the last line ends in a word or mark that cannot end a sentence."""
    words = line.split()
    prose = len(words) >= 6 or len(body) >= (40 if body[-1] in "，、" else 200)
    if body[-1] in ",，、;" and body[-1] != ";" and prose and not _ITEM.match(line):
        return len(body) - 1, "it ends in a comma"
    match = _LAST.search(line)
    if match is None or len(words) < 5 or (not match[1][:1].islower()):
        return None
    word = match[1].lower()
    if _PHRASE.search(line):
        return len(body) - len(match[1]), f"'{match[1]}' cannot end one"
    if word not in _STRONG and not (word in _STRANDABLE and len(words) >= 8 and (len(line) >= 64 or _is_prose(body))):
        return None
    return len(body) - len(match[1]), f"'{match[1]}' cannot end one"


def _no_end(body: str, line: str) -> tuple[int, str] | None:
    """Return (start, why) if a long last line of prose just stops, where all prose before it ends as sentences do."""
    if len(body) < 300 or len(line.split()) < 12 or _ITEM.match(line) or not body[-1].islower() or line.count('"') % 2:
        return None
    last = _LAST.search(line)
    if last is None or not last[1].islower() or not line[:1].isupper():
        return None
    if _SIGNED.search(line[-80:]):
        return None
    before = [piece.rstrip() for piece in body.split("\n")[:-1]]
    prose = [piece for piece in before if len(piece.split()) >= 8 and not _ITEM.match(piece)]
    ended = sum(piece[-1] in ".!?:…\"'”)*" for piece in prose)
    if ended < len(prose) or ended + len(_SENTENCE.findall(line)) < 2:
        return None
    return len(body) - len(last[1]), f"nothing ends it after '{last[1]}', where all others have an end"


def _is_prose(body: str) -> bool:
    """True if the answer has other sentences, and they end as sentences do."""
    return bool(_SENTENCE.search(body))


def _open_bracket(body: str, line: str) -> tuple[int, str] | None:
    """Return (start, why) if a bracket opened in the last line of prose never closes."""
    if len(line) > 4000 or len(line.split()) < 6 or body[-1] in ".!?。！？":
        return None
    depth: list[int] = []
    base = len(body) - len(line)
    for i, c in enumerate(line):
        if c in _PAIRS:
            if (i and line[i - 1] in ":;=") or (c == "(" and i + 1 < len(line) and line[i + 1] in "(:;"):
                continue
            depth.append(i)
        elif c in ")]）】」" and depth:
            depth.pop()
    if not depth or len(line) - depth[-1] > 200:
        return None
    return base + depth[-1], f"the bracket '{line[depth[-1]]}' is never closed"
