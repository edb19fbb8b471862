"""What an answer says where the context does not hold it, in the language of the row. Written for this project.

Every text holds a phrase by which `prepdata.text.negatives` tells a decline; a test holds them against it.
"""

from __future__ import annotations

from prepdata.text.language import detect

DECLINES = {
    "en": "The answer is not in the documents that I was given.",
    "de": "Das steht nicht in den Unterlagen, die mir vorliegen.",
    "fr": "Cela n'est pas mentionné dans les documents dont je dispose.",
    "es": "Eso no se menciona en los documentos de los que dispongo.",
    "pt": "Isso não é mencionado nos documentos de que disponho.",
    "it": "Questo non è menzionato nei documenti a mia disposizione.",
    "nl": "Dat wordt niet vermeld in de documenten die ik heb.",
    "sv": "Det framgår inte av de dokument som jag har.",
    "da": "Det fremgår ikke af de dokumenter, som jeg har.",
    "no": "Det fremgår ikke av dokumentene jeg har.",
    "pl": "W dokumentach, które mam, brak informacji na ten temat.",
    "cs": "V dokumentech, které mám k dispozici, to není uvedeno.",
    "ro": "Acest lucru nu este menționat în documentele pe care le am.",
    "tr": "Elimdeki belgelerde bu konuda yeterli bilgi yok.",
    "vi": "Điều này không được đề cập trong các tài liệu tôi có.",
    "id": "Hal ini tidak disebutkan dalam dokumen yang saya miliki.",
    "ru": "Об этом в имеющихся у меня документах не указано.",
    "uk": "У наявних у мене документах про це не вказано.",
    "ar": "هذا غير مذكور في المستندات المتاحة لي.",
    "zh": "我手头的文档中没有提到这一点。",
    "ja": "手元の資料には記載がありません。",
    "ko": "제가 가진 문서에는 그 내용이 나와 있지 않습니다.",
}

NAMES = {
    "english": "en", "german": "de", "deutsch": "de", "french": "fr", "français": "fr", "spanish": "es",
    "español": "es", "portuguese": "pt", "português": "pt", "italian": "it", "italiano": "it", "dutch": "nl",
    "nederlands": "nl", "swedish": "sv", "danish": "da", "norwegian": "no", "nb": "no", "nn": "no", "polish": "pl",
    "czech": "cs", "cz": "cs", "romanian": "ro", "turkish": "tr", "vietnamese": "vi", "indonesian": "id",
    "russian": "ru", "русский": "ru", "ukrainian": "uk", "ua": "uk", "arabic": "ar", "chinese": "zh", "cn": "zh",
    "japanese": "ja", "jp": "ja", "korean": "ko", "kr": "ko", "hindi": "hi", "greek": "el", "gr": "el",
    "finnish": "fi", "hungarian": "hu", "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "spa": "es",
}  # fmt: skip
"""Names that are written for languages -> their codes."""


def language_of(question: str, answer: str) -> str | None:
    """Return the language of a row, by its answer, else by its question and answer; None where it is not sure."""
    return detect(answer) or detect(f"{question}\n{answer}") or detect(question)


def decline_for(language: str | None, given: dict[str, str]) -> str | None:
    """Return what to say in a language: the text given for it or for all, else the text above; None where there is
    none."""
    return given.get(language or "") or given.get("") or DECLINES.get(language or "")
