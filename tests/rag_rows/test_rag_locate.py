"""Where the answers are."""

from __future__ import annotations

from typing import Any

import pytest
from rag_library import DOCUMENTS, asked, shelf

from prepdata.rag_rows.locate import located
from prepdata.rag_rows.settings import Left, Source

SHELF = shelf()


def found(question: str, answer: str, *gold: str, library: Any = SHELF, **marks: Any) -> Source | Left:
    return located(asked(question, answer, *gold, **marks), library)


@pytest.mark.parametrize(
    ("question", "answer", "gold", "true"),
    [
        ("How long may I return goods?", "You have 14 days.", ["returns.md"], ("returns.md#0",)),
        ("When is the refund there?", "5 working days after the check.", ["returns.md"], ("returns.md#2",)),
        ("How long does Norway take?", "5 days.", ["shipping.md"], ("shipping.md#0",)),
        ("Where do you ship from?", "From Lisbon.", ["docs/shipping.md"], ("shipping.md#2",)),
        ("Is water covered?", "No, water in the housing is not.", ["./warranty.md"], ("warranty.md#2",)),
        ("Norway and Spain, how long?", "Five days to Norway, 4 days to Spain for €12.", ["shipping.md"],
         ("shipping.md#0", "shipping.md#1")),
        ("How long is each?", "14 days to return, 2 years of warranty.", ["warranty.md", "returns.md"],
         ("returns.md#0", "warranty.md#0")),
    ],
)  # fmt: skip
def test_an_answer_is_found_in_its_document(question: str, answer: str, gold: list[str], true: tuple[str, ...]) -> None:
    assert found(question, answer, *gold) == Source(true, "overlap")


@pytest.mark.parametrize("name", ["returns.md#0", "docs/returns.md#0", "returns.md#00"])
def test_a_named_passage_is_taken_as_it_is(name: str) -> None:
    assert found("How long?", "You have 14 days.", name) == Source(("returns.md#0",), "mark")


def test_a_passage_given_by_its_text_is_found() -> None:
    passage = {"id": "p", "source": "returns.md", "text": "The label is free in the EU and costs €9  elsewhere"}
    assert found("The label?", "Free in the EU, else €9.", "p", passages=[passage]) == Source(("returns.md#1",), "mark")
    del passage["source"]
    assert found("The label?", "Free in the EU, else €9.", passages=[passage]) == Source(("returns.md#1",), "mark")


@pytest.mark.parametrize(
    ("answer", "gold", "kind", "said"),
    [
        ("You have 30 days.", "returns.md", "answer not in its passage", "'30 days' is nowhere in returns.md#"),
        ("You have 14 days.", "returns.md#2", "answer not in its passage", "'14 days' is nowhere in returns.md#2"),
        ("You have 14 days.", "nowhere.md", "source not found", "'nowhere.md' is no document"),
        ("You have 14 days.", "returns.md#9", "source not found", "'returns.md#9' is no document"),
        ("You have 14 days.", "returns.md#99999999999999", "source not found", "no document"),
        ("Please ask.", "returns.md", "answer not in its document", "no passage of returns.md shares enough"),
    ],
)
def test_what_cannot_be_found_is_told(answer: str, gold: str, kind: str, said: str) -> None:
    why = found("How long may I return?", answer, gold)
    assert isinstance(why, Left)
    assert why.kind == kind and said in why.reason


def test_a_passage_that_is_nowhere_is_told() -> None:
    why = found(
        "How long?", "You have 14 days.", passages=[{"text": "Nothing of this kind is written anywhere there."}]
    )
    assert isinstance(why, Left) and why.kind == "passage not found"


def test_a_name_that_two_documents_end_with_is_none() -> None:
    library = shelf({"a/x.md": "14 days.", "b/x.md": "30 days."})
    assert isinstance(found("How long?", "14 days.", "x.md", library=library), Left)
    assert found("How long?", "14 days.", "a/x.md", library=library) == Source(("a/x.md#0",), "overlap")


def test_a_document_of_one_passage_needs_no_words_in_common() -> None:
    library = shelf({"a.md": "The shop is shut on Sundays."})
    assert found("Sonntags offen?", "Nein, dann nicht.", "a.md", library=library) == Source(("a.md#0",), "overlap")


def test_a_row_without_source_must_decline() -> None:
    assert found("Colours?", "That is not mentioned in the documents.", gold=[]) == Source((), "mark")
    why = found("Colours?", "Red and blue.", gold=[])
    assert isinstance(why, Left) and why.kind == "answered without source"


def test_a_passage_that_counts_like_the_prompt_is_no_true_one() -> None:
    library = shelf({**DOCUMENTS, "list.md": "Sources:\n[2] The kettle has 3 litres and 1987 parts."})
    why = found("How many parts?", "It has 1987 parts.", "list.md", library=library)
    assert isinstance(why, Left) and why.kind == "passage numbers within a passage"


@pytest.mark.parametrize(
    ("page", "answer"),
    [
        ("Version 25 has a cord of 4 metres.", "It has 25 metres."),
        ("Article X25 has a cord of 4 metres.", "It has 25 metres."),
        ("Model M2 has a cord of 4 metres.", "It has 2 metres."),
        ("It costs 12 euros.", "It weighs 12 kg."),
        ("Open from nine to five.", "From 8 to 6."),
        ("The plugs are 36 mm wide.", "It lasts 36 hours."),
        ("It costs EUR 29.", "At most 29 plugs."),
        ("The pump needs 12 bar of pressure.", "The moon is made of cheese and smells lovely."),
        ("The pump needs 12 bar of pressure.", "Moon cheese smells lovely."),
        ("The pump needs 12 bar of pressure.", "Der Mond besteht aus Käse."),
        ("The pump needs 12 bar of pressure.", "y"),
        ("Die Pumpe wiegt 14 kg.", "14 Stunden."),
    ],
)
def test_what_is_made_up_gives_no_row(page: str, answer: str) -> None:
    why = found("How is it?", answer, "a.md", library=shelf({"a.md": page}))
    assert isinstance(why, Left) and why.kind.startswith("answer not in its")


def test_a_passage_that_is_named_needs_no_words_in_common() -> None:
    library = shelf({"a.md": "The pump needs 12 bar of pressure."})
    assert found("How?", "Stark.", "a.md#0", library=library) == Source(("a.md#0",), "mark")
    why = found("How?", "Stark.", "a.md", library=library)
    assert isinstance(why, Left) and "name the passage in `gold` ('a.md#0')" in why.reason


@pytest.mark.parametrize(
    "answer",
    ["The pages say nothing about cars.", "Nothing in the documents mentions cards.", "Dazu steht nichts in den Seiten.",
     "Les documents ne disent rien des voitures.", "Los documentos no dicen nada de coches."],
)  # fmt: skip
def test_ways_to_say_that_nothing_is_there(answer: str) -> None:
    assert found("Cars?", answer, gold=[]) == Source((), "mark")
