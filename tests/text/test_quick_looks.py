"""Quick looks in the text helpers: they may only spare work, never change what is found."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.chunk import Chunk
from prepdata.formats.openai import OpenAIChat
from prepdata.rules.base import LOOK, RecordRule
from prepdata.rules.loader import rules
from prepdata.rules.text import text016_language_mismatch as mismatch
from prepdata.rules.text._languages import LANGUAGES, about_languages, asked_for, may_ask, names_language
from prepdata.text import language, shapes
from prepdata.text._words_of_languages import OWNERS

LOOKING = [rule() for rule in rules() if issubclass(rule, RecordRule) and rule.trigger == LOOK]
pieces = st.sampled_from(
    ["the ", "How can you ", "und der nicht ", "Wie kann ich ", "les des une ", "answer in German ", "用中文回答", "请问怎么",
     "```", "None", "null", '"', " ", "\n", "\u0130", "\u212a", "\u03a3", "x", "7", ".", ",", "and the", "(", "so it goes "]
)  # fmt: skip
text = st.one_of(
    st.lists(pieces, max_size=6).map("".join), st.builds(lambda piece, n: piece * n, pieces, st.integers(1, 60))
)
content = st.one_of(text, st.none(), st.builds(lambda t: [{"type": "text", "text": t}], text))
message = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "assistant"]), "content": content},
    optional={"weight": st.sampled_from([0, 1])},
)
NAMES = [name for english, others in LANGUAGES.values() for name in (english, *others.split("|"))]


@given(st.lists(message, max_size=4), st.none() | st.lists(message, max_size=2), st.none() | st.booleans())
def test_rules_want_every_row_in_which_they_find_something(conversation: Any, chosen: Any, label: bool | None) -> None:
    record = OpenAIChat().view({"messages": conversation})
    if chosen is not None:
        record.chosen = record.rejected = OpenAIChat().view({"messages": chosen}).messages
    record.label = label
    chunk = Chunk("openai", [record], [], 1)
    for rule in LOOKING:
        assert list(rule.wanted(chunk)) or not list(rule.check(record)), rule.name


def test_words_that_stand_for_english_are_english_ones() -> None:
    assert {"the", "you"} <= mismatch._ENGLISH


def test_no_sure_language_is_written_in_ascii() -> None:
    written = {name for owners in OWNERS.values() for name, _ in owners}
    assert not written & mismatch._SURE


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_found_in_any_case_and_in_any_text(name: str) -> None:
    for text in (name, name.lower(), name.upper(), f"say ({name}) now", f"é {name.title()}."):
        assert names_language(text)


@pytest.mark.parametrize("text", ["polishing", "xGerman", "ügerman", "Germanic", "", "Ein Satz ohne Namen", "finally"])
def test_a_part_of_a_word_is_no_name(text: str) -> None:
    assert not names_language(text)
    assert not names_language(text + " é")


@pytest.mark.parametrize("text", ["TRANSLATE it", "two Languages", "übersetze das", "翻译一下", "a subtitle é"])
def test_a_text_about_languages(text: str) -> None:
    assert about_languages(text)


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("Please answer in German.", "de"),
        ("ANSWER IN GERMAN", "de"),
        ("Explain it in in Polish please", "pl"),
        ("Überall: reply in FRENCH", "fr"),
        ("Antworte bitte AUF ENGLISCH", "en"),
        ("用中文回答", "zh"),
        ("Answer in Germany", None),
        ("Answer in english_text", None),
        ("What is said in German schools?", None),
        ("Answer in German or answer in French", None),
    ],
)
def test_the_language_asked_for(prompt: str, wanted: str | None) -> None:
    assert asked_for(prompt) == wanted


@pytest.mark.parametrize(
    ("prompt", "may"),
    [("in in German", True), ("written in Germany", False), ("é in GERMAN", True), ("IN GERMAN", False), ("", False)],
)
def test_a_prompt_may_ask(prompt: str, may: bool) -> None:
    assert may_ask(prompt) is may


def test_the_leading_language_does_not_hang_on_the_order_of_words() -> None:
    scores = {"es": 1000, "pt": 850, "ca": 850, "it": 300}
    found = {language._best(dict(order), 5) for order in itertools.permutations(scores.items())}
    assert len(found) == 1


@given(st.dictionaries(st.sampled_from(["en", "es", "pt", "ca", "da", "no"]), st.integers(1, 3000)), st.integers(1, 40))
def test_the_leading_language_leads_clearly(scores: dict[str, int], words: int) -> None:
    found = language._best(scores, words)
    if found is not None:
        rest = [score for name, score in scores.items() if name != found]
        lead = scores[found] - max(rest, default=0)
        assert (
            words >= 2 and scores[found] >= language.ONE and lead >= 0.4 * language.ONE and lead >= 0.1 * scores[found]
        )
        if lead < 0.2 * scores[found]:
            second = min(name for name, score in scores.items() if score == max(rest) and name != found)
            assert frozenset((found, second)) in language._TWINS


@pytest.mark.parametrize(
    "code",
    [
        "async def f", "def f(x)", "class A:", "import os", "from a import b", "#include <x>", "#!/bin/sh", "<?php",
        "SELECT x", "INSERT INTO t", "UPDATE t", "DELETE FROM t", "CREATE TABLE t", "ALTER TABLE t", "WITH a AS (",
        "Select a_b", "select a = b", "const x =", "let x =", "var x =", "function f(", "public class A", "package a;",
        "using A.B;", "fn f(", "return x;", "for x in y:", "if x:\n y", "while (x) {", "switch (x) {", "try:\n",
        "print(", "println(", "assert x", "$ ls -l", "@app\n", "x = [1\n", "_x = (1\n",
    ],
)  # fmt: skip
def test_every_beginning_of_code_passes_the_first_look(code: str) -> None:
    if shapes._CODE.match(code):
        first = code[0]
        assert first in shapes._CODE_FIRST or (
            first in shapes._SQL_FIRST and (code[1].isupper() or code[1:6] == "elect")
        )
        assert shapes.shape(code + "pass" * code.endswith("\n")) == "code"


@pytest.mark.parametrize(
    "text", ["# Title", "- point", "* point", "+ point", "• point", "1. one", "1) one", "> quoted"]
)
def test_every_beginning_of_markdown_passes_the_first_look(text: str) -> None:
    assert text[0] in shapes._MARK_FIRST
    assert shapes.shape(text + "\nand a line of prose that goes on well beyond the length of a few words, as here") == (
        "markdown"
    )


@given(st.text() | st.text(st.characters(codec="cp1252")) | text)
def test_words_are_the_same_however_they_are_found(text: str) -> None:
    assert language._words(text) == set(language._WORD.findall(text.lower()))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("see www.un.org and the of and to www", "en"),
        ("see http://la.les.des.est/une/vous what the weather is like there", "en"),
        ("le chat est sur la table et il ne veut pas descendre \u212a", "fr"),
        ("\u0130 und das ist nicht der Tag, an dem ich gehe", "de"),
    ],
)
def test_letters_and_links_of_every_kind(text: str, wanted: str) -> None:
    assert language.detect(text) == language.quick(text) == wanted
