"""Where an item stands in a longer text, and whether with other numbers."""

from __future__ import annotations

import pytest

from prepdata.text.excerpts import excerpt

ITEM = "Tom has 12 apples and gives 5 of them to his sister, who already has three pears. How many apples are left?"


def test_the_longest_run_is_shown() -> None:
    found = excerpt(ITEM, "Listen. Tom has 12 apples and gives 5 of them to his brother. How many apples are left?")
    assert found.run == "Tom has 12 apples and gives 5 of them to his"
    assert not found.other_numbers


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (ITEM.replace("12", "15"), [("12", "15")]),
        (ITEM.replace("three", "four"), [("three", "four")]),
        (
            "In 1999, in a house of 7 rooms, they asked: " + ITEM.replace("5 of", "6 of") + " Show 3 steps.",
            [("5", "6")],
        ),
        (ITEM.replace("12 apples", "12 plums").replace("apples are", "plums are"), []),
        (ITEM.replace("gives 5 of them", "gives some of them"), []),
        (" ".join(ITEM.split()[:14]), []),
        ("There are 30 days. " + ITEM + " In 2 years?", []),
    ],
)
def test_other_numbers(text: str, changes: list[tuple[str, str]]) -> None:
    assert [(" ".join(c.before), " ".join(c.after)) for c in excerpt(ITEM, text).other_numbers] == changes


def test_texts_without_anything_in_common() -> None:
    assert excerpt(ITEM, "").run == ""
    assert excerpt("", ITEM).run == ""
    assert excerpt(ITEM, "zebra").other_numbers == ()
