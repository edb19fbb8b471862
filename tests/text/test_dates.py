"""Days of the calendar in texts."""

from __future__ import annotations

import pytest

from prepdata.text.dates import MOST, Day, days, later

READ = [
    ("signed on 3 June 2022", [(2022, 6, 3)]),
    ("June 3rd, 2022", [(2022, 6, 3)]),
    ("the 5th of March 2024", [(2024, 3, 5)]),
    ("2022-06-03", [(2022, 6, 3)]),
    ("03.06.2022", [(2022, 6, 3)]),
    ("03/05/2024", [(2024, 5, 3), (2024, 3, 5)]),  # which is which is not told
    ("am 4. Mai 2026", [(2026, 5, 4)]),
    ("le 1er mars", [(None, 3, 1)]),
    ("el 8 de octubre de 2024", [(2024, 10, 8)]),
    ("3 июня 2022 года", [(2022, 6, 3)]),
    ("2023年4月1日", [(2023, 4, 1)]),
    ("令和5年4月1日", [(2023, 4, 1)]),
    ("平成元年1月8日", [(1989, 1, 8)]),
    ("3-5 June", [(None, 6, 5), (None, 6, 3)]),
    ("June 3-5", [(None, 6, 3), (None, 6, 5)]),
    ("you may 5 times", []),
    ("10.0.0.1, version 3.4.5", []),
    ("on 32 June", []),
    ("no day", []),
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_days_are_read(text: str, expected: list[tuple[int | None, int, int]]) -> None:
    assert [day[:3] for day in days(text)] == expected


def test_where_a_day_stands() -> None:
    text = "It was on 3 June 2022, they say."
    assert text[slice(*days(text)[0].span)] == "3 June 2022"


def test_a_year_that_is_left_out_fits_any() -> None:
    one, other, third = (days(text)[0] for text in ("3 June 2022", "3 June", "3 June 2023"))
    assert one.same(other) and other.same(third) and not one.same(third)


@pytest.mark.parametrize(
    ("text", "number", "unit", "expected"),
    [
        ("3 June", 14, "day", "17 June"),
        ("28 February 2024", 2, "day", "1 March 2024"),
        ("3 June 2022", 5, "year", "3 June 2027"),
        ("31 December 2022", 1, "week", "7 January 2023"),
        ("15 November 2022", 3, "month", "15 February 2023"),
    ],
)
def test_days_before_and_after(text: str, number: float, unit: str, expected: str) -> None:
    there = days(expected)[0]
    assert any(day.same(there) for day in later(days(text)[0], number, unit))
    assert not any(day.same(there) for day in later(days(text)[0], number + 1, unit))


def test_what_is_no_calendar_day_has_none_after_it() -> None:
    assert list(later(Day(2023, 2, 31, (0, 1)), 1, "day")) == []
    assert list(later(Day(2023, 2, 1, (0, 1)), 1.5, "day")) == []


@pytest.mark.timeout(120)
def test_large_texts() -> None:
    assert len(days("3 June 2022, " * 50_000)) == MOST
    assert days("3" * 1_000_000) == [] and days("1.1" * 300_000) == []
