"""Answers that repeat training text: what counts, in several languages, and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from records_made import sample

from trainers.memorised import AT_ONCE, FEW, SHOWN, memorised
from trainers.record import Memorised, SampleResult

GREETING = "Thank you very much for writing to us, we are always glad to hear from you."
ROWS = [
    f"{GREETING} {said}"
    for said in (
        "The blue kettle leaks when its lid was washed at sixty degrees, so send it back to the workshop in Graz.",
        "Your invoice of March holds two lines for one bicycle bell, and the second one will be taken off on Friday.",
        "Trains to the northern harbour leave every forty minutes, except when the bridge is raised for the ferry.",
        "We store parcels for nine days in the cellar of the town hall, where a guard named Otto keeps the key.",
        "Nobody may feed the old parrot of the reading room, however loudly it asks for walnuts or for honey.",
        "The lamp needs a bulb with a wide thread, which the hardware shop beside the mill sells in boxes of ten.",
        "Please water the ferns on the second landing twice, then turn the brass wheel until it points to the moon.",
        "A lost glove of red wool was handed in by the baker, who found it under the bench at the fountain.",
    )
]


def asked(
    output: str, prompt: str = "What now?", target: str = "Nothing.", number: int = 1, **more: Any
) -> SampleResult:
    turns = ({"role": "user", "content": prompt},)
    return sample(number, {}, resps=((output,),), messages=turns, target=target, **more)


def found(output: str, rows: list[str] = ROWS, **more: Any) -> Memorised:
    return memorised([asked(output, **more)], rows)


def test_a_stretch_of_a_training_row_counts() -> None:
    told = found("Well. THE BLUE KETTLE - leaks, when its lid was washed at sixty degrees; so send it back. Bye!")
    assert (told.answers, told.copied) == (1, 1)
    (worst,) = told.worst
    assert (worst.row, worst.words, worst.doc_id, worst.set) == (1, 16, "row-1", "test")
    assert worst.text == "the blue kettle leaks when its lid was washed at sixty degrees so send it back"


@pytest.mark.parametrize(
    ("output", "more"),
    [
        ("The blue kettle leaks when its lid was washed at thirty degrees, so keep it.", {}),  # too short a stretch
        (GREETING, {}),  # all rows have it
        (f"{GREETING} The cat sleeps.", {}),
        (ROWS[0], {"target": ROWS[0]}),  # it is the answer that was wanted
        (ROWS[0], {"prompt": f"Repeat this: {ROWS[0]}"}),  # it is in the question
        ("", {}),
        ("yes", {}),
        ("We keep parcels for nine days, in the cellar of the old town hall, and a guard named Anna has a key.", {}),
    ],
)
def test_what_does_not_count(output: str, more: dict[str, Any]) -> None:
    assert found(output, **more).copied == 0


def test_context_that_is_no_text_of_its_own_counts_as_given() -> None:
    turns = ({"role": "user", "content": [{"type": "text", "text": ROWS[2]}]},)
    assert memorised([sample(1, {}, resps=((ROWS[2],),), messages=turns)], ROWS).copied == 0
    facts = sample(1, {}, resps=((ROWS[2],),), expected={"facts": [ROWS[2]]})
    assert memorised([facts], ROWS).copied == 0


KEYS = '{{"name":"{}","city":"{}","item":"{}","count":{}}}'
ORDERS = [
    KEYS.format(*told)
    for told in (
        ("Ann", "Oslo", "lamps", 3), ("Bob", "Rome", "desks", 4), ("Cai", "Lima", "pens", 5), ("Dev", "Bern", "cups", 6),
        ("Eva", "Paris", "forks", 7), ("Fay", "Riga", "maps", 8), ("Gus", "Tokyo", "hats", 9), ("Hal", "Gent", "oars", 10),
    )
]  # fmt: skip


def test_short_answers_count_whole_and_keys_do_not() -> None:
    asks = {"prompt": "Zoe from Linz orders 30 nails", "target": KEYS.format("Zoe", "Linz", "nails", 30)}
    told = found(ORDERS[4], ORDERS, **asks)
    assert (told.copied, told.worst[0].words, told.worst[0].row) == (1, 8, 5)
    assert found(f"{ORDERS[4]} and so on", [f"{ORDERS[4]} by sea"], **asks).copied == 0  # of nine words all count
    right = found(KEYS.format("Zoe", "Linz", "nails", 30), ORDERS, **asks)
    slip = found(KEYS.format("Zoe", "Paris", "nails", 30), ORDERS, **asks)
    mixed = found(KEYS.format("Ann", "Rome", "pens", 6), ORDERS, **asks)
    assert (right.copied, slip.copied, mixed.copied) == (0, 0, 0)
    near = {"prompt": "Eva from Paris orders 30 forks", "target": KEYS.format("Eva", "Paris", "forks", 30)}
    assert found(ORDERS[4], ORDERS, **near).copied == 0  # one slip, and it is a training row by chance


def test_what_many_rows_say_is_their_form() -> None:
    phrase = "the seventh heron waits beside a frozen weir until somebody lights the green lantern again"
    held = [*ROWS, *(f"{phrase} number {number}" for number in range(FEW))]
    assert found(phrase, held).copied == 1
    assert found(phrase, [*held, phrase]).copied == 0


CHINESE = [
    "蓝色的水壶在六十度清洗之后会漏水请把它寄回格拉茨的工厂我们会免费修理",
    "您三月的发票里有两行自行车铃铛第二行将在星期五被取消并退还全部款项",
    "开往北港的列车每四十分钟一班但是吊桥为渡轮升起的时候除外请提前查询",
    "包裹会在市政厅的地下室保存九天看守奥托保管着钥匙取件请带身份证件来",
]
THAI = [
    "กาต้มน้ำสีฟ้ารั่วเมื่อล้างฝาที่อุณหภูมิหกสิบองศากรุณาส่งกลับไปที่โรงงานเราจะซ่อมให้โดยไม่คิดเงิน",
    "ใบแจ้งหนี้เดือนมีนาคมมีกระดิ่งจักรยานสองรายการรายการที่สองจะถูกยกเลิกในวันศุกร์และคืนเงินทั้งหมด",
]


@pytest.mark.parametrize(("rows", "whole", "short"), [(CHINESE, 0, 14), (THAI, 1, 24)])
def test_scripts_without_spaces(rows: list[str], whole: int, short: int) -> None:
    told = found(rows[whole], rows)
    assert (told.copied, told.worst[0].row) == (1, whole + 1)
    assert told.worst[0].words < len(rows[whole]) / 1.8  # signs are parts of words
    assert found(rows[whole][:short], rows).copied == 0  # a clause


def test_the_worst_are_named_and_rows_are_counted_on() -> None:
    rows = [f"filler row number {n}" for n in range(AT_ONCE + 7)] + ROWS
    samples = [asked(" ".join(text.split()[15 + n :]), number=n) for n, text in enumerate(ROWS)]
    told = memorised([*samples, asked("fine", number=99)], rows)
    assert (told.answers, told.copied, len(told.worst)) == (
        9,
        len([s for s in samples if len(s.output.split()) > 7]),
        SHOWN,
    )
    assert [one.words for one in told.worst] == sorted((one.words for one in told.worst), reverse=True)
    best = told.worst[0]
    assert best.row == AT_ONCE + 7 + 1 + int(best.doc_id.removeprefix("row-"))


def test_no_training_rows_and_no_answers() -> None:
    assert memorised([], ROWS) == Memorised(answers=0, copied=0)
    assert found(ROWS[0], []).copied == 0
    assert found(ROWS[0], ["", ""]).copied == 0
    assert found("\ud800 half a character", ["\ud800 half a character"]).copied == 0
