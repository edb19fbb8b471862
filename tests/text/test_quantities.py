"""Numbers with their units, and whether another text holds them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prepdata.text._units import CASED, SPELLINGS
from prepdata.text.quantities import Quantities, european, quantities

UNITS_READ = [
    ("It needs 12bar and 20 kg.", [(12, "bar"), (20, "kg")]),
    ("12 bars, 5km, 16GB, 25m2", [(12, "bar"), (5, "km"), (16, "gb"), (25, "m²")]),
    ("EUR 29 or €29 or 29,00 Euro", [(29, "eur")] * 3),
    ("$1.2 billion, £5m, US$ 30k", [(1.2e9, "usd"), (5e6, "gbp"), (30e3, "usd")]),
    ("1,200 metres; 1.200 m; 1 200 m", [(1200, "m")] * 3),
    ("100 A and 230 V", [(100, "a"), (230, "v")]),
    ("100 a year", [(1, "year")]),
    ("5 full working days", [(5, "day")]),
    ("a 36-month warranty", [(36, "month")]),
    ("10, 15 or 25 metres", [(10, "m"), (15, "m"), (25, "m")]),
    ("4 x 25 cm, 10–20 kg", [(4, "cm"), (25, "cm"), (10, "kg"), (20, "kg")]),
    ("two weeks, zwei Wochen, deux semaines, dos semanas", [(2, "week")] * 4),
    ("one year, ein Jahr, un an, один год", [(1, "year"), (1, "year"), (1, "year")]),
    ("50 km/h, 50 kilometres per hour", [(50, "km/h")] * 2),
    ("20 °C, 20 degrees Celsius, 20 Grad", [(20, "celsius")] * 3),
    ("3 %, 3 per cent, 3 Prozent", [(3, "%")] * 3),
    ("14 дней, 15 кг, при 100 градусах", [(14, "day"), (15, "kg"), (100, "celsius")]),
    ("重15公斤，保修期2年，24个月", [(15, "kg"), (2, "year"), (24, "month")]),
    ("重さは15kg、保証は36か月です", [(15, "kg"), (36, "month")]),
    ("무게는 25kg, 기간은 24개월", [(25, "kg"), (24, "month")]),
    ("वारंटी 36 महीने, वजन 40 किलो", [(36, "month"), (40, "kg")]),
    ("الضمان ٣٦ شهرًا", [(36, "month")]),
    ("half of them, ein Drittel", [(50, "%"), (100 / 3, "%")]),
    ("within a fortnight", [(14, "day")]),
    ("2019年 and 2019 г.", []),
    ("at -40 °C, minus 5 °C, 10-15 °F", [(-40, "celsius"), (-5, "celsius"), (10, "fahrenheit"), (15, "fahrenheit")]),
    ("by 12 percentage points", [(12, "points")]),
    ("1万5千円", [(15000, "jpy")]),
    ("5 pm", [(1020, "minutes after midnight")]),
    ("下午5点半", [(1050, "minutes after midnight")]),
]


@pytest.mark.parametrize(("text", "expected"), UNITS_READ)
def test_numbers_are_read_with_their_units(text: str, expected: list[tuple[float, str]]) -> None:
    found = [
        (one.value, one.units[0].name) for one in quantities(text) if one.units and one.units[0].name != "fortnight"
    ]
    single = [one for one in found if one in expected or len(found) == len(expected)]
    assert single == expected


HELD = [
    ("212 °F", "It boils at 100 °C."),
    ("17:00", "It closes at 5 p.m."),
    ("12 bar", "It needs 12bar."),
    ("12bar", "It needs 12 bars of pressure."),
    ("14 days", "Return it within two weeks."),
    ("2 weeks", "Sie haben 14 Tage."),
    ("36 months", "La garantie est de 3 ans."),
    ("24个月", "保修期为2年。"),
    ("12 months", "It lasts a year."),
    ("730 days", "It lasts 2 years."),
    ("1.5 m", "The cord has 150 cm."),
    ("90 minutes", "It takes 1 h 30 min."),
    ("90 min", "It takes an hour and a half."),
    ("30 min", "Es dauert eine halbe Stunde."),
    ("50 %", "Half of the users stay."),
    ("9:00", "Open from 9.00."),
    ("17:30", "Geöffnet bis 17.30 Uhr."),
    ("€29", "Es kostet 29 Euro."),
    ("15 metres", "In lengths of 10, 15 or 25 m."),
    ("36 mois", "The guarantee is for 36 months."),
    ("80 km/h", "The limit is 80 kilometres per hour."),
    ("2 kg", "Вес 2000 граммов."),
    ("150 pounds", "It weighs 150 lb."),
    ("150 pounds", "It costs £150."),
]
OPEN = [
    ("25 metres", "| Cord (m) | 25 |"),
    ("60 minutes", "It takes 45 minutes by train and 60 by bus."),
    ("29 euros", "The lamp costs 29 net."),
    ("17 kg", "Weight: 17"),
    ("72 years", "He died aged 72."),
    ("14 Tage", "Es gilt eine 14-tägige Frist."),
    ("14 dagen", "Een 14-daagse termijn."),
    ("36 ay", "Garanti 36 aylık."),
    ("100 ml", "Take 100 ml/day."),
]
OTHER = [
    ("36 hours", "Its legs are 36 mm thick."),
    ("100 kg", "The fuse is for 100 A."),
    ("29 plugs", "It costs EUR 29."),
    ("25 metres", "Version 25 has a cord of 4 metres."),
    ("7 kg", "Box 7 weighs 17 kg."),
    ("12 kg", "It costs 12 euros."),
    ("30 minutes", "The bus is for 30 passengers."),
    ("29 dollars", "It costs 29 euros."),
    ("14 Stunden", "Das Gerät wiegt 14 kg."),
    ("15 метров", "Прибор весит 15 кг."),
    ("15米", "该设备重15公斤。"),
    ("25개월", "무게는 25kg입니다."),
    ("40 महीने", "वजन 40 किलो है।"),
    ("5 toasters", "Allow 5 days."),
]
ABSENT = [
    ("25 metres", "Article X25 has a cord of 4 metres."),
    ("2 metres", "Model M2 has a cord of 4 metres."),
    ("30 days", "You have 14 days."),
    ("5 km", "It is 5.5 km away."),
    ("9:00", "Open from 10:00."),
]


@pytest.mark.parametrize(
    ("standing", "said", "text"),
    [(name, *one) for name, listed in (("held", HELD), ("open", OPEN), ("other", OTHER), ("absent", ABSENT)) for one in listed],
)  # fmt: skip
def test_how_a_quantity_stands_in_a_text(standing: str, said: str, text: str) -> None:
    given = Quantities(text)
    found = [given.standing(one) for one in quantities(said) if one.units or not any(o.units for o in quantities(said))]
    assert found[0] == standing


def test_what_is_held_is_held_the_other_way_round() -> None:
    for said, text in HELD:
        there = Quantities(said)
        assert any(there.standing(one) == "held" for one in quantities(text) if one.units), (said, text)


def test_units_are_told_apart_by_case_where_it_decides() -> None:
    assert all(word in SPELLINGS for word in CASED)
    assert [one.units for one in quantities("100 v 100 w")] == [(), ()]


def test_every_spelling_is_read_behind_a_number() -> None:
    for word, units in SPELLINGS.items() - {("us$", SPELLINGS["us$"])}:
        found = quantities(f"7 {word}")
        assert found and set(units) <= set(found[0].units), word


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_and_holds_its_own_quantities(text: str) -> None:
    given_ = Quantities(text)
    for one in given_.all:
        assert 0 <= one.span[0] < one.span[1] <= len(text)
        if one.units:
            assert given_.standing(one) == "held"


def test_digits_of_all_scripts() -> None:
    assert european("٣٦ ३६ ３６") == "36 36 36"
    assert european("plain 36") == "plain 36"


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "piece", ["1 ", "1,000", "1 or ", "half an ", "a ", "12 kg and ", "第1", "1:2 ", "9.9.", "1" * 50]
)
def test_hostile_texts_are_read_in_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    assert Quantities(text).standing(quantities("5 km")[0]) in ("held", "open", "other", "absent")


def test_rounding_may_be_refused() -> None:
    asked, there = quantities("20 euros")[0], Quantities("It costs 19.90 euros.")
    assert (there.standing(asked), there.standing(asked, rounded=False)) == ("held", "absent")
    assert Quantities("The dose is 2.5 mg.").standing(quantities("2 mg")[0]) == "absent"
