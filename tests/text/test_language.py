"""Language and script of texts, on sentences written for this test."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.text.language import detect, script

HERE = Path(__file__).parent


def sentences(name: str) -> list[tuple[str, str]]:
    lines = (HERE / name).read_text(encoding="utf-8").split("\n")
    pairs = [line.split("\t", 1) for line in lines if line]
    return [(language, text.replace("\\n", "\n")) for language, text in pairs]


@pytest.mark.parametrize(
    ("name", "answered"),
    [("languages.tsv", 0.97), ("languages_unseen.tsv", 0.78)],
    ids=["tuned on", "never tuned on"],
)
def test_no_wrong_answer_and_few_shrugs(name: str, answered: float) -> None:
    found = [(expected, detect(text), text) for expected, text in sentences(name)]
    assert not [row for row in found if row[1] is not None and row[1] != row[0]]
    real = [row for row in found if row[0] != "-"]
    assert sum(row[1] is not None for row in real) >= answered * len(real)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "42",
        "Ok",
        "A-17/B",
        "....",
        "😀 👍",
        '{"a": 1, "the": [2, 3], "of": {"and": null}}',
        "```\nthis is what the code says to you and that is all that it does\n```",
        "x = [i for i in range(10) if i not in (1, 2) and i is not None]",
        "\u200b\u200b",
        "\ud800",
        "SELECT a FROM b WHERE c IN (SELECT d FROM e) AND f IS NOT NULL",
    ],
)
def test_no_language(text: str) -> None:
    assert detect(text) is None


def test_code_with_explanation_has_the_language_of_the_explanation() -> None:
    text = "Diese Funktion gibt die Summe der Zahlen zurück und ist sehr schnell:\n```python\nreturn sum(x)\n```"
    assert detect(text) == "de"


def test_mixed_scripts_are_not_guessed() -> None:
    assert detect("Translate: 我想退掉星期一买的鞋子") == "zh"
    assert detect("The word кошка means cat, and the word собака means dog in the Russian language.") == "en"
    assert detect("abcdefg hijklmn абвгдеж зиклмно") is None


def test_only_the_beginning_counts() -> None:
    german = "Das ist ein Satz, der auf Deutsch geschrieben ist, und er ist nicht kurz. " * 10
    assert detect(german + "and this is English " * 500) == "de"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello", "Latin"), ("Grüße", "Latin"), ("123 !?", "Common"), ("", "Common"), ("привет", "Cyrillic"),
        ("你好", "Han"), ("こんにちは", "Kana"), ("日本語を話す", "Kana"), ("안녕", "Hangul"), ("مرحبا", "Arabic"),
        ("שלום", "Hebrew"), ("γεια", "Greek"), ("नमस्ते", "Devanagari"), ("สวัสดี", "Thai"), ("გამარჯობა", "Georgian"),
        ("বাংলা", "Bengali"), ("தமிழ்", "Tamil"), ("ሰላም", "Ethiopic"), ("😀", "Common"),
        ("I said привет всем друзьям", "Cyrillic"),
        ("the word 猫 is written like this", "Latin"),
    ],
)  # fmt: skip
def test_script(text: str, expected: str) -> None:
    assert script(text) == expected


@given(st.text(max_size=600))
def test_any_text_gives_an_answer(text: str) -> None:
    assert detect(text) is None or len(detect(text) or "") == 2
    assert script(text)
