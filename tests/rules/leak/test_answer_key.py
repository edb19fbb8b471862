"""Answer keys in prompts: every phrase of the table wakes the rule, and odd texts neither stop nor slow it."""

from __future__ import annotations

from typing import Any

import pytest

from prepdata.chunk import Chunk
from prepdata.formats.openai import OpenAIChat
from prepdata.rules.leak.leak005_answer_key import AnswerKey
from prepdata.scan import Scanner
from prepdata.text._answer_key_phrases import ANSWERS, KEYS


def spoken(prompt: str, answer: str, *, triggers: bool = True) -> bool:
    row: dict[str, Any] = {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]}
    return bool(Scanner([AnswerKey()], triggers=triggers).run(Chunk("openai", [OpenAIChat().view(row)], [], 1)))


@pytest.mark.parametrize("phrase", KEYS)
def test_every_phrase_of_keys(phrase: str) -> None:
    for said in {phrase, phrase.title(), phrase.upper()}:
        if said.lower() != phrase:  # the dotless i of Turkish
            continue
        assert spoken(f"Legs of a spider?\n{said}: 8", "8")
    if phrase.isascii():
        assert spoken(f'{{"q": "Legs of a spider?", "{phrase.replace(" ", "_")}": "8"}}', "8")


@pytest.mark.parametrize("phrase", ANSWERS)
@pytest.mark.parametrize("end", [":", "：", " :", "**:", "**："])
def test_every_phrase_of_answers(phrase: str, end: str) -> None:
    start = "**" if end.startswith("**") else ""
    assert spoken(f"Legs of a spider?\n{start}{phrase}{end} 8", "8")
    assert not spoken(f"Legs of a spider?\n{start}{phrase}{end}", "8")


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "text",
    ["\n" * 50_000, "* " * 50_000, "answer: " * 20_000, "correct answer: 5 " * 9_000, "'you will be graded on " * 9_000,
     "<answer>" * 20_000, "####  " * 20_000, "a" * 100_000, "评分标准：" * 20_000, '"' * 50_000 + " answer: 5"],
    ids=range(10),
)  # fmt: skip
def test_time_grows_with_the_text(text: str) -> None:
    spoken(text, text, triggers=False)


def test_text_that_is_no_unicode() -> None:
    assert spoken("Legs of a spider?\ud800 Correct answer: 8\0", "\udfff 8")
