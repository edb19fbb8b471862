"""TEXT011: answers that speak of a text that the reader never sees."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from prepdata.chunk import Text, texts_of
from prepdata.findings import Hit, Severity, around
from prepdata.record import Message, Record
from prepdata.rules.base import RecordRule, Trigger, Words
from prepdata.rules.text._pieces import answers, pieces, prompt_of
from prepdata.text.lazy import lazily

_NOUN = r"(?:text|passage|article|document|excerpt|paragraph|snippet|transcript|reading)"
_LATIN = (
    rf"(?:in|on|by|from|to|of|using) the (?:given|provided|above|supplied|attached) (?:{_NOUN}"
    rf"|context)\b(?! (?:file|box))"
    rf"|the (?:given|provided|above|supplied|attached) (?:{_NOUN}|context) (?:says?|states?"
    rf"|mentions?|does|doesn't|describes)"
    rf"|(?:according to|as (?:stated|mentioned|described|noted|explained|outlined) (?:in|by)|(?:stated|mentioned|"
    rf"specified|discussed) in) the {_NOUN}\b(?! (?:of|file|box|field|editor|message|window|menu|set|type)\b)"
    rf"|the {_NOUN} (?:states|mentions|(?:does not|doesn't|did not|didn't) (?:mention|say|state"
    rf"|specify|provide|give|explain))\b"
    r"|the (?:passage|article|excerpt) (?:says|explains|describes|discusses|suggests|notes)\b"
    r"|(?:laut|gemäß|nach) (?:dem|des) (?:gegebenen |vorliegenden |obigen )?(?:text|artikel"
    r"|abschnitt|dokument|textes)\b"
    r"|im (?:gegebenen|vorliegenden|obigen|bereitgestellten) (?:text|artikel|abschnitt|dokument|kontext)\b"
    r"|(?:selon|d'après|dans) (?:le|ce) (?:texte|passage|document|contexte)(?: (?:fourni|donné|ci-dessus))?\b"
    r"|(?:según|de acuerdo con|en) el (?:texto|pasaje|artículo|documento|contexto)(?: "
    r"(?:proporcionado|dado|anterior))?\b"
    r"|(?:segundo|de acordo com) o (?:texto|trecho|artigo|documento|contexto)(?: fornecido)?\b"
    r"|(?:secondo|in base a) (?:il|al) (?:testo|brano|documento|contesto)(?: fornito)?\b"
)
_OTHERS = (
    r"(?:根据|依据|按照)(?:上述|给定的?|提供的?|以上|所给)?(?:的)?(?:文本|文章|段落|原文|文档|材料|上下文)|文中(?:提到|指出|没有提到|并未提及)"
    r"|(?:本文|文章|与えられた文|提供されたテキスト|上記の文章)(?:によると|によれば|では|に基づ)"
    r"|(?:согласно|в соответствии с) (?:данному |приведённому |приведенному )?(?:тексту|отрывку"
    r"|статье|документу|контексту)"
    r"|в (?:данном|приведённом|приведенном) (?:тексте|отрывке|документе)"
)
_FIND = lazily(rf"\b(?:{_LATIN})|{_OTHERS}", re.IGNORECASE)
_PLAIN = lazily(rf"\b(?:{_LATIN})")
"""The same for texts in ASCII and in lower case, which it reads far faster."""
_PROMPT_NOUN = lazily(
    rf"\b{_NOUN}s?\b|\b(?:story|poem|letter|email|e-mail|essay|report|book|novel|chapter|file|pdf|page|post|blog|speech|"
    r"lyrics|quote|review|paper|abstract|contract|manual|policy|law|act|bill|constitution|bible|guide|documentation|"
    r"docs|readme|textes?|texto|artikel|abschnitt|dokument|kontext|geschichte|artículo|documento|contexto|"
    r"pasaje|trecho|testo|brano|conversation|dialogue|data|summar\w+|knowledge base)\b|文本|文章|段落"
    r"|原文|文档|材料|上下文"
    r"|テキスト|文書|本文|記事|текст|отрыв|стать|документ|контекст",
    re.IGNORECASE,
)
_LONG = 250
"""Characters of a prompt, system prompt left out, from which it may hold a text."""
_LONG_SYSTEM = 600
"""Characters of a system prompt from which it may hold a text; shorter ones are mostly instructions."""
_SYSTEM = ("system", "developer")
_BROUGHT = lazily(
    r":\s*\S.{24}|\n\s*\S.{24}|[\"“«„「].{20,}?[\"”»“」]|\btranslat|\bimagine\b|\bpretend|\bhypothe", re.IGNORECASE
)


_WORDS = (
    "given text", "given passage", "given article", "given document", "given excerpt", "given paragraph",
    "given context", "provided text", "provided passage", "provided article", "provided document", "provided excerpt",
    "provided paragraph", "provided context", "the text", "the passage", "the article", "the document", "the excerpt",
    "the paragraph", "the snippet", "the transcript", "the reading", "supplied ", "attached ", "above article",
    "above paragraph", "dem text", "des textes", "dem artikel", "dem abschnitt", "dem dokument", "gegebenen",
    "vorliegenden", "obigen", "bereitgestellten", "le texte", "le passage", "le document", "le contexte", "ce texte",
    "ce passage", "ce document", "el texto", "el pasaje", "el artículo", "el documento", "el contexto", "o texto",
    "o trecho", "o artigo", "o documento", "o contexto", "il testo", "al testo", "il brano", "al brano", "文本",
    "文章", "段落", "原文", "文档", "材料", "上下文", "文中", "本文", "与えられた文", "提供されたテキスト", "тексту",
    "отрывку", "статье", "документу", "контексту", "тексте", "отрывке", "документе", "il documento", "al documento",
    "il contesto", "al contesto", "given snippet", "given transcript", "given reading", "provided snippet",
    "provided transcript", "provided reading", "above text", "above passage", "above document", "above excerpt",
    "above snippet", "above transcript", "above reading", "above context",
)  # fmt: skip
"""In lower case; one of them is in every text that `_FIND` matches."""


class SourceLeak(RecordRule):
    """Finds answers that speak of "the given text" where the prompt holds no text.

    Why: the row was made from a document that was not kept in the prompt. The model learns to invoke a text that its
    reader never sees. Silence where the prompt is long enough to hold the text, names a text itself, or comes with
    parts, tools or files.
    Bad:
        {"messages": [{"role": "user", "content": "When was the dam built?"}, {"role": "assistant", "content":
         "According
         to the passage, in 1936."}]}
    Good:
        {"messages": [{"role": "user", "content": "When was the dam built?"}, {"role": "assistant", "content": "In
         1936."}]}
    Fix: none; say it without the text, or put the text into the prompt.
    Source: the project's own catalogue of rules (2026-08).
    """

    code: ClassVar[str] = "TEXT011"
    name: ClassVar[str] = "source-leak"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True
    trigger: ClassVar[Trigger] = Words(_WORDS)

    def check(self, record: Record) -> Iterator[Hit]:
        return self.check_texts(record, texts_of(record))

    def check_texts(self, record: Record, held: Sequence[Text]) -> Iterator[Hit]:
        spoken = {piece.text for piece in held}  # mostly the prompt's only
        for message in answers(record):
            for text, path in pieces(message):
                match = _find(text) if text in spoken else None
                if match is None:
                    continue
                if _holds_text(record, message):
                    return  # and so do the longer prompts of later answers
                yield Hit(
                    f"the answer speaks of '{text[match.start() : match.end()]}', but the prompt holds no text: "
                    "say it without the text, or put the text into the prompt",
                    path,
                    span=match.span(),
                    excerpt=around(text, match.span()),
                )
                return


def _find(text: str) -> re.Match[str] | None:
    return _PLAIN.search(text.lower()) if text.isascii() else _FIND.search(text)


def _holds_text(record: Record, message: Message) -> bool:
    """True if the prompt may hold the text, or speaks of one itself."""
    prompt = prompt_of(record, message)
    if record.tools or sum(len(turn.text) for turn in prompt if turn.role not in _SYSTEM) >= _LONG:
        return True
    if sum(len(turn.text) for turn in prompt if turn.role in _SYSTEM) >= _LONG_SYSTEM:
        return True
    for turn in prompt:
        if turn.role in ("tool", "function") or turn.calls or turn.kind == "other":
            return True
        if (
            any(part.kind != "text" for part in turn.parts)
            or _PROMPT_NOUN.search(turn.text)
            or _BROUGHT.search(turn.text)
        ):
            return True
    raw = record.raw
    return any(type(raw.get(key)) in (str, list, dict) and raw[key] for key in ("context", "contexts", "document",
               "documents", "passage", "passages", "images", "files", "image", "article", "text"))  # fmt: skip
