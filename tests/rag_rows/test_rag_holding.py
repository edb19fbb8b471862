"""Does a passage hold an answer?"""

from __future__ import annotations

import pytest
from rag_library import DOCUMENTS, shelf

from prepdata.rag_rows.holding import Answer, Passage, Weights

PASSAGES = [Passage(text) for whole in DOCUMENTS.values() for text in whole.split("\n\n")]
WEIGHTS = Weights(PASSAGES)


def answer(text: str, question: str = "What is it?") -> Answer:
    return Answer(text, question, WEIGHTS)


@pytest.mark.parametrize(
    ("text", "question", "facts"),
    [
        ("You have 14 days.", "How long?", {"14 days"}),
        ("It takes five days.", "How long?", {"five days"}),
        ("It takes 5 days, 5 days in all.", "How long?", {"5 days"}),
        ("It needs 12bar.", "How much?", {"12bar"}),
        ("A pack of 6.", "How many?", set()),
        ("It has 6 plugs.", "How many?", {"6"}),
        ("Take port 8883.", "Which port?", {"8883"}),
        ("The code is WL-204518.", "Which code?", {"204518", "wl-204518"}),
        ("It was Ada Brandt, in 1987.", "Who?", {"ada", "brandt", "1987"}),
        ("In Ghent.", "Where?", {"ghent"}),
        ("From 9:00 to 17:30.", "When?", {"9:00", "17:30"}),
        ("Two weeks.", "How many are 14 days?", set()),
        ("The 14 days are those of delivery.", "Are these 14 days?", set()),
        ("Ein Kessel hat zwei Jahre Garantie, und nicht das Gehäuse der Maschine.", "Wie lange?", {"zwei Jahre"}),
        ("That is so [3].", "Is it?", set()),
        ("On 5 March 2024.", "When?", {"5 March 2024"}),
    ],
)
def test_facts_are_what_the_question_does_not_say(text: str, question: str, facts: set[str]) -> None:
    found = [fact.what for fact in answer(text, question).facts]
    assert set(found) == facts and len(found) == len(facts)


@pytest.mark.parametrize(
    ("said", "text", "held"),
    [
        ("You have 14 days.", "Refunds within 14 days only.", True),
        ("You have 14 days.", "Refunds within fourteen days.", False),  # "fourteen" is no number word that is known
        ("It takes five days.", "Allow 5 days for it.", True),
        ("It needs 12 bar.", "It needs 12bar.", True),
        ("It needs 12 bar.", "It needs 12 bars.", True),
        ("It is 5 km away.", "A way of 5km.", True),
        ("It opens at 9:00.", "Open from 9.00.", True),
        ("You have 14 days.", "Return goods within two weeks.", True),
        ("It takes 36 hours.", "Its legs are 36 mm thick.", False),
        ("It is 2 metres long.", "Model M2 has a cord of 4 metres.", False),
        ("It costs 12 euros.", "It costs 15 euros.", False),  # the same words, and another price
        ("It costs twelve euros.", "It costs 12 €.", True),
        ("It takes five days.", "Five toasters are in a box.", False),
        ("It takes five days.", "Open on weekdays, 5 hours a day.", False),
        ("It costs €45 and takes 3 weeks.", "A visit is €45.", True),  # half of it is enough to leave a passage out
        ("It costs €45, takes 30 days and needs form B12.", "A visit is €45.", False),
        ("It was Ada Brandt.", "Ada Brandt came from Ghent.", True),
        ("It was Ada Brandt.", "It was Jo Smith.", False),
        ("Water in the housing is not covered.", "Water in the housing voids it; that is not covered.", True),
        ("Water in the housing is not covered.", "The housing is made of steel.", False),
    ],
)
def test_a_passage_holds_an_answer_by_facts_or_words(said: str, text: str, held: bool) -> None:
    assert answer(said).held_by(Passage(text)) is held


def test_an_answer_without_words_of_its_own_is_judged_by_all_of_them() -> None:
    said = Answer("Kettles and toasters", "Does it make kettles and toasters?", WEIGHTS)
    assert not said.facts and said.words
    assert said.held_by(Passage("It makes kettles and toasters.")) and not said.held_by(Passage("It ships."))


def test_an_empty_answer_is_held_by_nothing() -> None:
    assert not answer("!").held_by(PASSAGES[0])
    assert answer("!").share_of_words(PASSAGES[0]) == 0


def test_rare_words_weigh_more() -> None:
    assert WEIGHTS.of("lisbo") > WEIGHTS.of("days") > 0
    assert shelf().weights.of("lisbo") == WEIGHTS.of("lisbo")


@pytest.mark.parametrize(
    ("said", "text", "shares"),
    [
        ("It may be used outdoors.", "You can use it outdoors.", True),
        ("The moon is made of cheese and smells lovely.", "The pump needs 12 bar of pressure. It is red.", False),
        ("Moon cheese smells lovely.", "The pump needs 12 bar of pressure.", False),
        ("Der Mond ist aus Käse.", "The pump needs 12 bar of pressure.", False),
        ("Die Pumpe braucht 12 bar.", "The pump needs 12 bar of pressure.", True),
        ("y", "The pump needs it.", False),
        ("Yes, sure.", "The pump needs 12 bar.", True),
        ("Nein.", "The pump needs 12 bar.", True),
        ("月亮是奶酪做的。", "该设备重15公斤。", False),
        ("重15公斤。", "该设备重15公斤。", True),
    ],
)
def test_an_answer_shares_something_with_its_passage(said: str, text: str, shares: bool) -> None:
    assert answer(said).shares_with(Passage(text)) is shares


@pytest.mark.parametrize("written", ["dated 2024-03-05", "of 05/03/2024", "the 5th of March 2024", "am 5. März 2024"])
def test_a_day_is_held_in_any_writing(written: str) -> None:
    passage = Passage(f"The licence, {written}, lies in the archive.")
    assert answer("On 5 March 2024.", "When was it signed?").held_by(passage)
    assert not answer("On 6 March 2024.", "When was it signed?").held_by(passage)
