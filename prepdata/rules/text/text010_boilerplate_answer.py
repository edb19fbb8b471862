"""TEXT010: answers that speak as a model in general."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Hit, Severity, around
from prepdata.record import Message, Record
from prepdata.rules.base import Options, RecordRule, Trigger, Words
from prepdata.rules.text._pieces import answers, code_spans, inside, pieces, prompt_of, quoted

PHRASES: tuple[str, ...] = (
    # English
    "as an ai language model", "as a language model, i", "as a large language model, i",
    "as a large language model trained",
    "as an artificial intelligence, i", "as an artificial intelligence language",
    "as an ai model", "as an ai assistant", "as an ai chatbot", "as an ai,", "as an ai i ",
    "being an ai language model",
    "i am an ai language model", "i'm an ai language model", "i am just an ai", "i'm just an ai", "i’m just an ai",
    "i am only an ai", "i'm only an ai", "as a chatbot, i", "as a machine learning model, i",
    "my knowledge cutoff", "my knowledge cut-off", "my training data only goes", "my last knowledge update",
    "as of my last update", "as of my last training", "as of my knowledge", "my training cutoff",
    "i don't have personal opinions", "i do not have personal opinions", "i don't have personal experiences",
    "i do not have personal experiences", "i don't have access to real-time", "i do not have access to real-time",
    "i cannot browse the internet", "i can't browse the internet", "i am unable to browse the internet",
    "it is important to note that as an ai", "regenerate response",
    # German
    "als ki-sprachmodell", "als ki-modell", "als sprachmodell", "als künstliche intelligenz", "als ki-assistent",
    "als ki habe ich", "als ki kann ich",
    # French
    "en tant que modèle de langage", "en tant qu'intelligence artificielle", "en tant qu'ia", "en tant que ia",
    "en tant qu’ia", "en tant qu’intelligence artificielle", "en tant qu'assistant ia", "en tant que modèle d'ia",
    # Spanish, Portuguese, Italian
    "como modelo de lenguaje", "como un modelo de lenguaje", "como inteligencia artificial", "como una ia",
    "como ia,", "como modelo de linguagem", "como um modelo de linguagem", "como inteligência artificial",
    "como uma ia", "come modello linguistico", "in quanto modello linguistico", "in quanto intelligenza artificiale",
    "come intelligenza artificiale", "in qualità di modello linguistico", "in quanto ia",
    # Dutch, Polish, Swedish, Czech, Turkish, Indonesian, Vietnamese
    "als taalmodel", "als ai-taalmodel", "als ai-assistent", "jako model językowy", "jako sztuczna inteligencja",
    "som en ai-språkmodell", "som en språkmodell", "jako jazykový model", "bir yapay zeka dil modeli olarak",
    "yapay zeka dil modeli olarak", "sebagai model bahasa", "là một mô hình ngôn ngữ",
    # Russian, Ukrainian
    "как языковая модель", "как искусственный интеллект", "будучи языковой моделью", "я всего лишь языковая модель",
    "як мовна модель",
    # Chinese, Japanese, Korean
    "作为一个人工智能", "作为一个ai", "作为一名ai", "作为ai", "作为人工智能", "作为一个语言模型", "作为语言模型",
    "作为一个大型语言模型", "作為一個ai", "作為人工智慧", "作為一個語言模型", "ai言語モデルとして",
    "aiとして、", "aiとしては",
    "言語モデルとして", "人工知能として", "ai 언어 모델로서", "언어 모델로서", "인공지능으로서", "ai로서",
    # Arabic, Hindi
    "كنموذج لغوي", "بصفتي نموذج", "كذكاء اصطناعي", "एक एआई भाषा मॉडल के रूप में", "एक भाषा मॉडल के रूप में",
)  # fmt: skip
"""Phrases in lower case, matched in any case."""


_IDENTITY = re.compile(
    r"\b(?:who|what)(?: exactly)? (?:are|r) (?:you|u)\b|\byour (?:own )?name\b|\bintroduce yourself"
    r"|\bare you (?:an? )?(?:ai\b|real\b|"
    r"human|robot|bot\b|chatbot|machine|person|chatgpt|gpt|language model|sentient|conscious|alive)|"
    r"\b(?:made|created|built|trained|developed|programmed) you\b|\babout you(?:rself)?\b|\b(?:have"
    r"|got) a name\b|\bwho you are\b|\b(?:call|address|refer to) you\b|\bwer bist du|\bbist du (?:ein"
    r"|eine) (?:ki|mensch)"
    r"|\bqui es-tu|\bqui êtes-vous|\bquién eres|\bquem é você|\bchi sei\b|кто ты|你是谁|你叫什么|あなたは誰|누구세요",
    re.IGNORECASE,
)


class BoilerplateOptions(Options, frozen=True, kw_only=True):
    """Options of boilerplate-answer.

    Args:
        phrases: more phrases to look for, in any case.
        allow: phrases of the built-in list to leave alone.
    """

    phrases: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()


class BoilerplateAnswer(RecordRule):
    """Finds "As an AI language model" and its kin in answers, in many languages.

    Why: such phrases come from another model that wrote the data. They teach yours the other one's voice, refusals and
    knowledge cutoff. Where the prompt asks the model who it is, where it holds the phrase itself (to edit, to
    quote), and in quotation marks or code, the phrase is left alone. Rejected answers are not looked at.
    Bad:
        {"messages": [{"role": "user", "content": "Tea or coffee?"}, {"role": "assistant", "content": "As an AI
         language model, I have no preference."}]}
    Good:
        {"messages": [{"role": "user", "content": "Tea or coffee?"}, {"role": "assistant", "content": "Tea, if you want
         to sleep tonight."}]}
    Fix: none; write the answer that you want, or drop the row.
    Source: phrases seen in public instruction sets (2023 to 2026), collected by the project.
    """

    code: ClassVar[str] = "TEXT010"
    name: ClassVar[str] = "boilerplate-answer"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True
    Options = BoilerplateOptions
    trigger: ClassVar[Trigger] = Words(PHRASES)

    def setup(self) -> None:
        allowed = {phrase.lower() for phrase in self.options.allow}
        self.phrases = tuple(p for p in PHRASES if p not in allowed)
        extra = tuple(phrase.lower() for phrase in self.options.phrases if phrase.strip())
        if extra:
            self.phrases += extra
            self.trigger = Words(self.phrases)  # type: ignore[misc]

    def check(self, record: Record) -> Iterator[Hit]:
        for message in answers(record):
            for text, path in pieces(message):
                hit = self._judge(record, message, text, path)
                if hit:
                    yield hit

    def _judge(self, record: Record, message: Message, text: str, path: str) -> Hit | None:
        lowered = text.lower()
        same = len(lowered) == len(text)
        places = sorted((lowered.find(p), p) for p in self.phrases if p in lowered)
        code = code_spans(text) if places else []
        for at, phrase in places:
            end = at + len(phrase)
            if at and lowered[at - 1].isalpha() and phrase[0].isascii():
                continue
            if inside(code, at) or quoted(text, (at, end)) or _opens_quote(text, at):
                continue
            prompt = prompt_of(record, message)
            if any(phrase in turn.text.lower() for turn in prompt) or _about_itself(prompt):
                continue
            span = (at, end) if same else None
            return Hit(
                f"the stock phrase '{phrase.strip(' ,、')}': another model's voice; write the answer that you want, "
                "or drop the row",
                path,
                span=span,
                excerpt=around(text, span) if span else None,
            )
        return None


def _about_itself(prompt: list[Message]) -> bool:
    """True if the last user turn asks the model who or what it is."""
    asked = next((turn.text for turn in reversed(prompt) if turn.role == "user"), "")
    return bool(_IDENTITY.search(asked[:4000]))


def _opens_quote(text: str, at: int) -> bool:
    """True if the phrase begins a quotation that does not begin the answer."""
    before = text[:at].rstrip()
    return len(before) > 1 and before[-1] in '"“„«「『' and bool(before[:-1].strip())
