"""Names, numbers and codes in answers, told by form, and which of them were given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.text.specifics import LONGEST, MOST, SHORT_LETTERS, Specifics, specifics

ASKED = "Tell me something about it, please, and take your time for that."


def found(answer: str, before: str = ASKED, question: str | None = None) -> Specifics:
    told = specifics(answer, before, before if question is None else question)
    assert told is not None
    return told


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("It was written by George Eliot and came out in 1871.", ["George Eliot", "1871"]),
        ("Paris is a town, and so is Lyon.", ["Lyon"]),  # first words have a capital anyway
        ("He lived there with Ludwig van Beethoven for a year.", ["Ludwig van Beethoven"]),
        ("They met the mayor of The Hague in June, on Monday.", ["The Hague"]),
        ("Hand in form HR-204, or B12 where you have it.", ["HR-204", "B12"]),
        ("HR-204 is the form for that.", ["HR-204"]),  # a code says something even as the first word
        ("It costs 1,290 euro or 4.25 a day, for 12 days.", ["1,290", "4.25"]),
        ("I think that I am right, and I'm glad of it.", []),
        ('He said: "Come in". Then he left. «Bon», he said.', []),
        ("## The Great Plan\n\n- Save Money: it helps.\n- **Eat Well** and sleep.", []),
        ("Use `Config.Load()` for it, or see https://Example.com/Big/Page12345 for more.", []),
        ("Council Closes Old Bath Over Repair Costs In 2024", ["2024"]),  # capitals tell nothing here
        ("", []),
        ("...", []),
    ],
)
def test_what_is_specific(answer: str, expected: list[str]) -> None:
    assert found(answer).new == expected
    assert found(answer).given == []


def test_other_scripts_with_capitals() -> None:
    assert found("Он родился в городе Кунгур в 1663 году.", "Где он родился?").new == ["Кунгур", "1663"]
    assert found("Το έγραψε ο Νίκος Καζαντζάκης στην πόλη.", "Ποιος το έγραψε τότε;").new == ["Νίκος Καζαντζάκης"]


@pytest.mark.parametrize(
    ("answer", "before"),
    [
        ("It was written by George Eliot.", "the novels of GEORGE ELIOT are long"),
        ("It was written by George Eliot.", "George was her first name, and Eliot the other"),
        ("It is worth 1,290 euro by now, they say.", "1290 euro is what it takes"),
        ("It is worth 1290 euro by now, they say.", "it takes 1.290 euro for that"),
        ("Mój brat mieszka w Warszawie od dawna.", "Warszawa jest dużym miastem, prawda"),
        ("That is Jane's house, as you can see.", "the house of jane"),
    ],
)
def test_what_was_given(answer: str, before: str) -> None:
    told = found(answer, before)
    assert told.new == []
    assert len(told.given) == 1


def test_a_name_of_which_one_word_was_given_is_new() -> None:
    assert found("It was written by George Eliot.", "George, who was it?", "x").new == ["George Eliot"]


@pytest.mark.parametrize(
    ("answer", "question", "expected"),
    [
        ("Oslo", "What is it?", ["Oslo"]),
        (" al hirt.\n", "who sang?", ["al hirt"]),
        ("Oslo", "Name it.", []),  # a single first word, and no question
        ("No", "Is it?", []),  # too short to be anything
        ("It is a town in the north", "What is it?", []),
        ("奥斯陆", "是什么？", None),
        ("Leonardo da Vinci.", "Who painted it?", ["Leonardo da Vinci"]),
        ("le Rhône", "Quel fleuve est-ce ?", ["le Rhône"]),
        ("5 May", "When is it?", ["5 May"]),
        ("MP-771", "Which part?", ["MP-771"]),
        ("the caspian sea", "what sea lies off baku?", ["the caspian sea"]),
        ("In 843.", "When was it?", ["In 843"]),
        ("Yes, it is.", "Is it open?", []),
        ("Sure, any time.", "Can I call you?", []),
        ("Sounds good.", "Shall we go?", []),
        ("Great!", "How are you?", []),
        ("Pretty excited and great!", "Hi, how are you today?", []),
        ("Please leave the ticket, thanks.", "Can you say this politely: leave the ticket now?", []),
        ("Could you close it?", "How do I say it?", []),
        ("i am doing very well", "how are you?", []),
    ],
)
def test_a_short_answer_to_a_question_counts_as_a_whole(answer: str, question: str, expected: list[str] | None) -> None:
    told = specifics(answer, question, question)
    assert (told.new if told else None) == expected


def test_numbers_are_left_out_where_they_may_be_worked_out() -> None:
    assert found("That makes 1800 nails.", "12 boxes of 150 nails").new == []
    assert found("That makes 1800 nails.", "12 boxes of nails").new == ["1800"]
    assert found("That makes 1800 nails.", "1.5 boxes of nails").new == ["1800"]  # one number, with a mark
    assert found("Look at part MP-771 then.", "12 boxes of 150 nails").new == ["MP-771"]


def test_short_answers_with_numbers_are_left_out_where_they_may_be_worked_out() -> None:
    apples = "Tom has 341 apples and buys 528 more. How many does he have now?"
    assert found("He has 869 apples.", apples).new == []
    assert found("869", apples).new == []
    assert found("5 May", "What comes 3 days after 2 May?").new == []
    assert found("HR-204", "Which form has 2 copies of 3 pages?").new == ["HR-204"]
    assert found("869", "How many lakes are there?").new == ["869"]


def test_a_translation_holds_no_facts_and_is_told() -> None:
    told = specifics(
        "Les Allemands à Londres.", "Translate: The Germans in London.", "Translate: The Germans in London."
    )
    assert told == Specifics(4, [], [])


def test_no_more_than_the_beginning_of_a_long_answer_is_looked_at() -> None:
    told = found("so it was. " * (LONGEST // 11) + "It was written by George Eliot, they say.")
    assert told.new == []
    assert told.words < LONGEST


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        ('{"name": "George Eliot"}', ASKED),
        ("def f():\n    return 'George Eliot'", ASKED),
        ("它位于河北，由李春主持修建，时间是605年。", "请介绍一下赵州桥。"),
        ("京都にあり、1397年に足利義満が建てました。", "金閣寺について教えてください。"),
        ("بناها صلاح الدين في مدينة القاهرة سنة 1176.", "حدثني عن القلعة"),
        ("서울에 있으며 1395년에 이성계가 세웠습니다.", "경복궁에 대해 알려 주세요."),
        ("इसे शाहजहाँ ने आगरा में 1653 में बनवाया था।", "ताजमहल के बारे में बताइए।"),
        ("อยู่ที่กรุงเทพฯ สร้างเมื่อ 1782 โดยรัชกาลที่ 1", "วัดพระแก้วคืออะไร"),
        ("Das ist ein Werk von Clemens Brentano, der in Bacharach war.", "Was ist das?"),
        ("Clemens Brentano", "Was weißt du über die Lorelei und wer hat sie erfunden?"),
        ("Les Allemands ont perdu le match qu'ils ont joué à Londres.", ASKED),
    ],
)
def test_what_is_not_looked_into(answer: str, question: str) -> None:
    told = specifics(answer, question, question)
    assert told is None or told.new == told.given == []


def test_no_more_is_kept_than_is_said() -> None:
    many = found(" ".join(f"it is x{n} and Name{n}abc." for n in range(100)))
    assert len(many.new) == MOST
    long = found("it is " + "Abcdefghijklmnop " * 8 + "here, as far as anyone is able to tell you about that")
    assert [len(value) for value in long.new] == [SHORT_LETTERS]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "text",
    ["A" * 300_000, "A b " * 75_000, "A de " * 60_000, "*" * 300_000, "1" * 300_000, "1." * 150_000, "`" * 300_000,
     "- " * 150_000, " " * 300_000 + "A", "a." * 150_000, "#" * 300_000, "A  " * 100_000],
)  # fmt: skip
def test_hostile_texts_take_no_more_than_their_length(text: str) -> None:
    specifics(text, text, text)


@given(st.text(), st.text(), st.text())
def test_any_text_has_an_answer(answer: str, before: str, question: str) -> None:
    told = specifics(answer, before, question)
    if told is not None:
        assert len(told.new) + len(told.given) <= MOST
        assert all(value and len(value) <= SHORT_LETTERS for value in told.new + told.given)


@given(st.text(max_size=200))
def test_nothing_is_new_that_stands_before(answer: str) -> None:
    told = specifics(answer, answer, "")
    assert told is None or told.new == []
