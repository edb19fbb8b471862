"""Figures and names that passages must hold."""

from __future__ import annotations

import pytest
from rag_library import asked, shelf

from prepdata.rag_rows.figures import invented
from prepdata.rag_rows.locate import located
from prepdata.rag_rows.settings import Left

REFUSED = [
    ("The Alpha pump needs 15 bar.", "It needs 10 kg.", "10 kg"),
    ("The Alpha pump needs some pressure.", "It needs 2 bar.", "2 bar"),
    ("It needs 15 bar, a hose of 8 m and 3 filters.", "It needs 300 hours.", "300 hours"),
    ("Store it below 40 °C.", "Below 40 °F.", "40 °F"),
    ("Store it below 40 °C.", "Below -40 °C.", "-40 °C"),
    ("Notice is 14 days.", "Notice is 2 months.", "2 months"),
    ("The dose is 0.5 mg a day.", "The dose is 1 mg a day.", "1 mg"),
    ("The fee is 19.90 euros.", "The fee is 20 euros.", "20 euros"),
    ("It was signed on 3 June 2022.", "On 6 March 2022.", "6 March 2022"),
    ("It was signed on 2022-06-03.", "On 3 July 2022.", "3 July 2022"),
    ("It was signed on 3 June 2022, for 5 years.", "It ends on 3 June 2027.", "3 June 2027"),  # not said how
    ("Version 3.10 is needed.", "Version 3.1 is needed.", "3.1"),
    ("It gained 12 %.", "It gained 12 percentage points.", "12 percentage points"),
    ("Marta Oduya runs it.", "Martin Oduya runs it.", "Martin Oduya"),
    ("The Beta needs 15 kg, the Alpha 5 kg.", "Both need 30 kg: 15 kg and 5 kg.", "30 kg"),
    ("It takes 90 minutes.", "It takes 2 hours.", "2 hours"),
]


@pytest.mark.parametrize(("passage", "answer", "what"), REFUSED)
def test_what_no_passage_holds_is_told(passage: str, answer: str, what: str) -> None:
    assert invented(answer, passage, "What does it say?") == what


HELD = [
    ("The Beta needs 15 kg, the Alpha 5 kg.", "Both need 20 kg: 15 kg and 5 kg.", "What do both need?"),
    ("The base plan is $12; each seat costs $3.", "$18: $12 and 2 x $3.", "With two seats?"),
    ("It opened in 1932 and closed in 1957.", "After 25 years: 1932 to 1957.", "After how long?"),
    ("Of 480 tickets 120 were about bills.", "25 %: 120 of 480.", "What share?"),
    ("It takes 90 minutes.", "1 h 30 min.", "How long?"),
    ("Boil it at 100 °C.", "At 212 °F.", "How hot?"),
    ("Boil it at 100 °C.", "At 100 degrees Celsius.", "How hot?"),
    ("Open 9:00 to 17:00.", "It closes at 5 pm.", "When?"),
    ("Returns are taken for 14 days.", "Until 17 June.", "It came on 3 June. Until when?"),
    ("Signed on 3 June 2022, for 5 years.", "5 years later, on 3 June 2027.", "When does it end?"),
    ("Call 0800 555 123.", "0800-555-123", "Which number?"),
    ("Mass | 12", "It weighs 12 kg.", "How heavy?"),
    ("Marta Oduya runs it.", "President Oduya runs it.", "Who?"),
    ("The label was founded in 1974.", "In the 1970s.", "When?"),
    ("A third of them pay.", "33 % do.", "How many?"),
    ("It is free once.", "Once a year it is free.", "How often?"),
    ("One of 3 colours.", "1. Red\n2. Green", "Which?"),
    ("定価は1万5千円です。", "15,000円です。", "いくらですか。"),
    ("Delivery takes two to four working days; Norway 3 to 6.", "3 to 6 working days.", "How long to Norway?"),
]


@pytest.mark.parametrize(("passage", "answer", "question"), HELD)
def test_what_is_there_in_another_writing_or_reckoned_is_held(passage: str, answer: str, question: str) -> None:
    assert invented(answer, passage, question) is None


def test_a_number_that_is_reckoned_may_not_stand_beside_another_one() -> None:
    passage = "The Beta needs 15 kg, the Alpha 5 kg."
    assert invented("20 kg: 15 kg and 5 kg, within 3 hours.", passage, "What?") == "20 kg"


def test_questions_with_invented_amounts_are_left_out() -> None:
    found = located(asked("How long?", "You may return goods for 2 months.", "returns.md"), shelf())
    assert isinstance(found, Left) and found.reason.startswith("'2 months' is nowhere in returns.md#0")


@pytest.mark.timeout(120)
def test_large_answers() -> None:
    answer = "It takes 5 kg and 7 hours on 3 June 2022. " * 3_000
    assert invented(answer, "Nothing.", "") is not None
