"""One row: its passages and their places, prompt, answer, marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from rag_library import DOCUMENTS, asked, record, shelf

from prepdata.rag_rows.citing import with_citation
from prepdata.rag_rows.declines import DECLINES, decline_for, language_of
from prepdata.rag_rows.locate import located
from prepdata.rag_rows.make import Made, Maker
from prepdata.rag_rows.questions import Question
from prepdata.rag_rows.settings import Asked, Left, Source
from prepdata.rag_rows.shelf import Shelf
from prepdata.text.negatives import kind_of_answer
from prepdata.text.passages import context_of

SHELF = shelf()
RETURN = asked("How long may I return goods?", "You have 14 days.", "returns.md", id="a", label="returns")
NEVER = Asked(unanswerable=0)
ALWAYS = Asked(unanswerable=1)


def everywhere(document: str) -> bool:
    return True


def make(
    question: Question = RETURN,
    how: Asked = NEVER,
    library: Shelf = SHELF,
    allowed: Callable[[str], bool] = everywhere,
    **more: Any,
) -> Made | Left:
    source = located(question, library)
    assert isinstance(source, Source), source
    return Maker(library, how, **more).made(question, source, "returns.md", allowed)


def made(*given: Any, **more: Any) -> Made:
    found = make(*given, **more)
    assert isinstance(found, Made), found
    return found


def test_a_row_has_the_shape_of_the_guide() -> None:
    row = made().row
    assert list(row) == ["messages", "passages", "gold", "answerable", "id", "label", "group", "metadata"]
    assert [passage["id"] for passage in row["passages"]] == ["1", "2", "3", "4"]
    true = row["passages"][int(row["gold"][0]) - 1]
    assert true == {
        "id": row["gold"][0],
        "source": "returns.md",
        "text": "Goods may be returned within 14 days of delivery.",
    }
    prompt, answer = (turn["content"] for turn in row["messages"])
    assert prompt.startswith("Context:\n[1] ") and prompt.endswith("\n\nQuestion: How long may I return goods?")
    assert answer == f"You have 14 days [{true['id']}]."
    assert (row["answerable"], row["group"], row["label"]) == (True, "returns.md", "returns")
    assert row["metadata"]["rag_rows"]["located"] == "overlap"
    assert "returns.md#0" in row["metadata"]["rag_rows"]["chunks"]


def test_the_prompt_is_read_back_as_the_passages_put_in() -> None:
    row = made().row
    bare = {"messages": row["messages"]}
    context = context_of(record(bare))
    assert context is not None and context.apart
    assert [(one.id, one.text.partition("\n")[2]) for one in context.passages] == [
        (one["id"], one["text"]) for one in row["passages"]
    ]


def test_distractors_do_not_hold_the_answer_and_are_no_pieces_of_the_true_passage() -> None:
    library = shelf({**DOCUMENTS, "old.md": "You may return goods for 14 days.\n\nReturn goods in their box, please."})
    row = made(library=library, how=Asked(unanswerable=0, distractors=10)).row
    texts = [passage["text"] for passage in row["passages"]]
    assert "You may return goods for 14 days." not in texts
    assert "Return goods in their box, please." in texts
    assert sum("14 days" in text for text in texts) == 1


def test_a_copy_of_a_passage_is_no_second_one() -> None:
    copies = {f"copy{n}.md": "Return goods  in their box, please." for n in range(5)}
    found = made(library=shelf({**DOCUMENTS, **copies}), how=Asked(unanswerable=0, distractors=8))
    texts = [passage["text"] for passage in found.row["passages"]]
    assert texts.count("Return goods  in their box, please.") == 1


def test_distractors_come_from_allowed_documents_only() -> None:
    found = made(allowed=lambda document: document == "shipping.md", how=Asked(unanswerable=0, distractors=2))
    assert {passage["source"] for passage in found.row["passages"]} <= {"returns.md", "shipping.md"}


@pytest.mark.parametrize("number", [0, 1, 3])
def test_as_many_distractors_as_asked_for(number: int) -> None:
    found = made(how=Asked(unanswerable=0, distractors=number))
    assert (found.distractors, len(found.row["passages"])) == (number, number + 1)


def test_a_question_in_another_language_gets_distractors_near_its_passage() -> None:
    found = made(asked("Wie lange habe ich Zeit?", "14 Tage.", "returns.md#0"))
    assert found.distractors >= 1


def test_an_unanswerable_row_has_as_many_passages_and_none_that_holds_the_answer() -> None:
    row = made(how=ALWAYS).row
    assert row["gold"] == [] and row["answerable"] is False
    assert len(row["passages"]) == 4
    assert not any("14 days" in passage["text"] for passage in row["passages"])
    assert row["messages"][-1]["content"] == DECLINES["en"]
    assert row["metadata"]["rag_rows"]["taken_out"] == {"passages": ["returns.md#0"], "answer": "You have 14 days."}
    assert "label" not in row and row["id"] == "a"


def test_the_decline_is_that_of_the_user() -> None:
    given = {"": "No idea.", "de": "Keine Ahnung."}
    german = asked(
        "Wie lange kann ich die Ware noch zurückgeben?", "Sie haben dafür nach der Lieferung 14 Tage.", "returns.md#0"
    )
    said = [made(one, Asked(unanswerable=1, declines=given)).row["messages"][-1]["content"] for one in (RETURN, german)]
    assert said == ["No idea.", "Keine Ahnung."]


def test_an_answer_in_no_known_language_is_kept_and_told() -> None:
    found = made(asked("14?", "14.", "returns.md#0"), ALWAYS)
    assert found.kept and found.answerable and found.row["messages"][-1]["content"].startswith("14 [")


@pytest.mark.parametrize("language", DECLINES)
def test_every_decline_is_recognised_and_in_its_language(language: str) -> None:
    assert kind_of_answer(DECLINES[language]) in ("decline", "not-in-context")
    assert language_of("", DECLINES[language]) in (language, None)
    assert decline_for(language, {}) == DECLINES[language]


def test_no_decline_is_made_up() -> None:
    assert decline_for("eu", {}) is None and decline_for(None, {}) is None
    assert decline_for("eu", {"": "Ez."}) == "Ez."


def test_a_question_that_nothing_answers_keeps_its_answer() -> None:
    question = asked("Do goods come in colours?", "Colours are not mentioned in the documents.", gold=[])
    found = made(question, NEVER)
    assert not found.answerable and found.row["gold"] == [] and len(found.row["passages"]) == 4
    assert found.row["messages"][-1]["content"] == "Colours are not mentioned in the documents."
    assert "taken_out" not in found.row["metadata"]["rag_rows"]


def test_a_question_off_the_topic_gets_passages_that_are_drawn() -> None:
    questions = [asked(f"Zzz{n}?", "That is not mentioned in the documents.", gold=[]) for n in range(40)]
    rows = [made(one).row for one in questions]
    texts = [[passage["text"] for passage in row["passages"]] for row in rows]
    assert all(len(set(one)) == 4 for one in texts) and not any(row["gold"] for row in rows)
    assert {text for one in texts for text in one} == {chunk.text for chunk in SHELF.listed}  # none is preferred
    assert [made(one).row for one in questions] == rows
    found = made(questions[0], allowed=lambda document: document == "shop.md")
    assert [one["source"] for one in found.row["passages"]] == ["shop.md", "shop.md"]


def test_a_question_off_the_topic_without_a_document_on_its_side_gives_no_row() -> None:
    found = make(asked("Zzz?", "That is not mentioned in the documents.", gold=[]), allowed=lambda document: False)
    assert found == Left("no passages", "no passage is of a document of its side")


def test_no_passage_is_drawn_for_a_question_whose_answer_was_taken_out() -> None:
    library = shelf({"a.md": "The pump needs 12 bar.", "b.md": "Kettles whistle."})
    found = make(asked("What does the pump need?", "It needs 12 bar.", "a.md"), ALWAYS, library)
    assert found == Left("no passages", "no passage is near the question without holding its answer")


def test_places_are_drawn_evenly_and_by_the_question() -> None:
    places: Counter[str] = Counter()
    for number in range(400):
        row = made(asked(f"How long may I return goods of order {number}?", "You have 14 days.", "returns.md#0")).row
        places[row["gold"][0]] += 1
    assert set(places) == {"1", "2", "3", "4"}
    assert all(70 <= count <= 130 for count in places.values()), places  # 100 expected, deviation 8.7


def test_the_share_is_drawn_by_the_question() -> None:
    questions = [
        asked(f"How long may I return goods of order {n}?", "You have 14 days.", "returns.md#0") for n in range(400)
    ]
    first, other = (
        [made(one, Asked(unanswerable=0.25, seed=seed)).answerable for one in questions] for seed in ("", "other")
    )
    assert all(70 <= one.count(False) <= 130 for one in (first, other))
    assert first != other
    more = [made(one, Asked(unanswerable=0.5)).answerable for one in questions]
    assert all(not after for before, after in zip(first, more) if not before)  # a larger share keeps those of a smaller


def test_a_row_that_is_too_long_loses_its_farthest_distractors() -> None:
    def tokens(messages: list[dict[str, str]]) -> int:
        return sum(len(turn["content"].split()) for turn in messages)

    full = made()
    size = tokens(full.row["messages"])
    found = made(how=Asked(unanswerable=0, max_length=size - 1), tokens=tokens)
    assert found.shortened >= 1 and tokens(found.row["messages"]) < size
    kept = {passage["text"] for passage in found.row["passages"]}
    assert kept < {passage["text"] for passage in full.row["passages"]} and found.row["gold"]
    left = make(how=Asked(unanswerable=0, max_length=5), tokens=tokens)
    assert isinstance(left, Left) and left.kind == "too long" and "5 are asked for" in left.reason


def test_passages_that_count_like_the_prompt_are_no_distractors_and_questions_in_them_are_told() -> None:
    texts = {
        **DOCUMENTS,
        "odd.md": "Return goods:\n[2] Return goods at once.\n\nQuestion: May I return goods?\nAnswer: Do.",
    }
    found = made(library=shelf(texts), how=Asked(unanswerable=0, distractors=12))
    said = [passage["text"] for passage in found.row["passages"]]
    assert not any("[2]" in text for text in said)
    assert any(text.startswith("Question:") for text in said) and found.asking == 1
    assert found.row["messages"][0]["content"].endswith("\n\nQuestion: How long may I return goods?")


@pytest.mark.parametrize(
    ("answer", "numbers", "cited"),
    [
        ("14 days.", [2], "14 days [2]."),
        ("14 days", [2], "14 days [2]"),
        ("14 days!  ", [1, 3], "14 days [1][3]!"),
        ("One. Two.", [1], "One. Two [1]."),
        ("十四天。", [1], "十四天 [1]。"),
        ('He said "14 days."', [1], 'He said "14 days." [1]'),
        ("Run:\n```\nx = 1\n```", [1], "Run:\n```\nx = 1\n```\n\n[1]"),
        ("| a |\n|---|\n| 1 |", [1], "| a |\n|---|\n| 1 |\n\n[1]"),
        ("- one\n- two", [1], "- one\n- two [1]"),
        ('{"days": 14}', [1], None),
        ("[1, 2]", [1], None),
    ],
)
def test_citations(answer: str, numbers: list[int], cited: str | None) -> None:
    assert with_citation(answer, numbers) == cited


def test_no_citations_on_request_and_in_json() -> None:
    assert made(how=Asked(unanswerable=0, citations=False)).row["messages"][-1]["content"] == "You have 14 days."
    found = made(asked("How long?", '{"days": 14}', "returns.md#0"))
    assert not found.cited and found.row["messages"][-1]["content"] == '{"days": 14}'


def test_an_answer_that_a_program_reads_is_not_replaced_by_prose() -> None:
    question = asked("How long may I return goods?", '{"days": 14}', "returns.md#0")
    kept = made(question, Asked(unanswerable=1, declines={"": "No idea."}))
    assert kept.kept and kept.row["messages"][-1]["content"] == '{"days": 14}'
    replaced = made(question, Asked(unanswerable=1, declines={"": '{"days": null}'}))
    assert not replaced.answerable and replaced.row["messages"][-1]["content"] == '{"days": null}'
    prose = made(how=Asked(unanswerable=1, declines={"": '{"days": null}'}))
    assert prose.kept and prose.answerable


NOTES = "Please read the notes on safety before you switch it on, and keep children away from all of its moving parts."
LIST = {
    "list.md": "\n\n".join(
        f"{name} costs {price} euros and has a cable. {NOTES}"
        for name, price in (("Ash", 20), ("Birch", 30), ("Cedar", 40), ("Elm", 20))
    )
}


def test_the_next_entries_of_a_catalogue_are_distractors() -> None:
    question = asked("What does Ash cost?", "It costs 20 euros.", "list.md#0")
    for how in (Asked(unanswerable=0), Asked(unanswerable=1)):
        row = made(question, how, shelf(LIST)).row
        texts = sorted(passage["text"].partition(" ")[0] for passage in row["passages"])
        assert texts == (["Ash", "Birch", "Cedar"] if row["answerable"] else ["Birch", "Cedar"])  # Elm costs the same


def test_another_version_of_a_page_is_no_distractor() -> None:
    page = f"Goods may be returned within 14 days of delivery. {NOTES}"
    library = shelf({"a.md": page, "b.md": page.replace("14", "30"), **DOCUMENTS})
    row = made(asked("How long may I return goods?", "You have 14 days.", "a.md#0"), NEVER, library).row
    assert not any("30 days" in passage["text"] for passage in row["passages"])


@pytest.mark.parametrize("other", ["It needs 12bar.", "It needs 12 bars.", "It needs 12 bar.", "It needs twelve bar."])
def test_an_unanswerable_row_never_holds_the_answer_in_another_spelling(other: str) -> None:
    library = shelf({"a.md": "The pump needs 12 bar.", "b.md": other, "c.md": "The pump is red."})
    row = made(asked("What does the pump need?", "It needs 12 bar.", "a.md#0"), ALWAYS, library).row
    assert [passage["source"] for passage in row["passages"]] == ["c.md"]
