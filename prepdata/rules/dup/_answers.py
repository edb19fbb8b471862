"""What the two rules about answers need to know of a row besides its digests: one byte a row."""

from __future__ import annotations

import re

from prepdata.chunk import Chunk
from prepdata.record import Record

PLAIN = 1  # an answer to a user turn or tool result
SHORT = 2  # a label, a number, a few words
OPEN = 4  # the prompt asks for something made up, where many answers are right
DECLINE = 8  # the answer declines
BAD = 16  # an answer marked as bad (KTO label False)
FORMAL = 32  # a call, a courtesy, or an answer that begins like JSON

SHORT_CHARS = 40  # up to this length an answer is taken for a label or a stock phrase ("You are welcome!")
_OPEN = re.compile(
    r"(?:(?:please|can you|could you|now|okay|hey)[, ]+){0,2}"
    r"(?:write|tell|generate|create|compose|suggest|invent|make up|imagine|come up with|draft|"
    r"give me (?:an?|some|another|two|three|four|five|ten)|"
    r"brainstorm|recommend|say something|continue|rewrite|rephrase|paraphrase|design|propose|"
    r"escribe|cuéntame|crea|inventa|écris|raconte|invente|propose|schreib|erzähl|erfinde|escreva|conte|scrivi|"
    r"напиши|расскажи|придумай)\b",
    re.IGNORECASE,
)
_OPEN_CJK = ("写", "请写", "讲", "给我", "編", "编", "生成", "推荐")
_OPEN_CJK_END = re.compile(
    r"(?:作って|書いて|考えて|創作して|話して)(?:ください|下さい|くれ|みて|ほしい)?[。！!]?$"
    r"|(?:써|지어|만들어|들려) ?(?:줘|주세요)[.!]?$"
)
_DECLINES = (
    "i'm sorry", "i’m sorry", "i am sorry", "sorry", "i can't", "i can’t", "i cannot", "i'm unable", "i’m unable",
    "i am unable", "i'm not able", "i’m not able", "i am not able", "unfortunately", "i apologize", "i apologise",
    "i don't have", "i don’t have", "i do not have", "i don't know", "i don’t know", "i do not know", "i won't",
    "that is outside", "that's outside", "this is outside",
    "lo siento", "no puedo", "desculpe", "sinto muito", "não posso", "désolé", "je suis désolé", "je ne peux",
    "es tut mir", "leider", "ich kann", "mi dispiace", "извините", "к сожалению", "抱歉", "很抱歉", "对不起", "對不起",
    "申し訳", "すみません", "죄송",
)  # fmt: skip
_COURTESIES = (
    "you're welcome", "you’re welcome", "you are welcome", "my pleasure", "no problem", "glad i could", "glad to",
    "happy to help", "have a ", "goodbye", "bye", "hello", "hi ", "hi!", "hi,", "de nada",
    "con gusto", "je vous en prie", "avec plaisir", "gern geschehen", "bitte sehr", "de rien",
    "prego", "пожалуйста", "不客气", "不客氣", "どういたしまして", "천만에요",
)  # fmt: skip


_OPEN_STARTS = frozenset(
    word[:4]
    for word in (
        "please", "can you", "could", "now ", "now,", "okay", "hey ", "hey,", "write", "tell", "generate", "create",
        "compose", "suggest", "invent", "imagine", "come up", "draft", "give me", "brainstorm", "recommend",
        "say something", "continue", "rewrite", "rephrase", "paraphrase", "design", "propose", "escr", "cuéntame",
        "crea", "scrivi",
        "écris", "raconte", "schreib", "erzähl", "erfinde", "conte", "напиши", "расскажи", "придумай",
    )
)  # fmt: skip
_ANSWER_STARTS = frozenset(word[:3] for word in _DECLINES)


def flags(chunk: Chunk) -> bytes:
    """Return one byte per record, in order: the sum of the marks above, 0 where there is no answer to a prompt."""
    return bytes([_flags(record) for record in chunk.records])


def _flags(record: Record) -> int:
    messages = record.messages
    if len(messages) > 1 and messages[-1].role == "assistant" and not record.chosen and not record.rejected:
        asked, last = messages[-2], messages[-1]
    else:
        prompt, answer = record.split()
        if not answer or not prompt:
            return 0
        asked, last = prompt[-1], answer[-1]
    if asked.role != "user" and asked.role not in ("tool", "function"):
        return 0
    found, text = PLAIN, last.text
    if last.calls:
        found |= FORMAL
    elif last.kind != "text" and not text.strip():
        return 0
    size = len(text)
    if size <= SHORT_CHARS:
        found |= SHORT
    elif text[:3].lower() in _ANSWER_STARTS and text[:24].lower().startswith(_DECLINES):
        found |= DECLINE
    if text[:1] in "{[" or (size <= 120 and text[:24].lower().startswith(_COURTESIES)):
        found |= FORMAL
    if record.label is False:
        found |= BAD
    start = asked.text[:4].lower()
    if start in _OPEN_STARTS or not start.isascii():
        found |= OPEN * _is_open(asked.text)
    return found


def _is_open(text: str) -> bool:
    if len(text) > 400:
        return False
    if _OPEN.match(text) is not None or text.startswith(_OPEN_CJK):
        return True
    return text[:1] > "\u1100" and _OPEN_CJK_END.search(text.rstrip(), max(0, len(text) - 20)) is not None
