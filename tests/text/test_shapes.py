"""Shapes of answers, and styles of dates and numbers in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.text.columns import column
from prepdata.text.shapes import SHAPES, dominant, shape, styles

PROSE = "The parcel leaves our house on the same day, and it takes two or three days until it is at your door."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"), (" \n", "empty"), ('{"a": 1}', "json"), ("{}", "json"), ("[]", "json"), ('[{"a": 1}]', "json"),
        ("[1, 2]", "json"), ('  {\n "a": 1\n}\n', "json"), ("[see the note]", "short"), ("{name}", "short"),
        ('```json\n{"a": 1}\n```', "fenced json"), ('```\n{"a": 1}\n```', "fenced json"),
        ("```python\nx = 1\n```", "fenced code"), ("```\nls -l\n```", "fenced code"),
        ("```\nls\n```\nThis lists the files.", "markdown"), ("<p>Hi</p>", "xml"),
        ("<?xml version='1.0'?><a/>", "xml"),
        ("<3 you", "short"), ("42", "number"), ("-3.5", "number"), ("1,234.50 €", "number"), ("40%", "number"),
        ("$5", "number"), ("12 kg", "number"), ("1e-5", "number"), ("42 is the answer", "short"), ("-", "short"),
        ("yes", "short"), ("Not applicable.", "short"), ("# Title\n\ntext", "markdown"), ("- a\n- b", "markdown"),
        ("1. a\n2. b", "markdown"), ("Here it is:\n\n* a\n* b", "markdown"),
        ("It is **very** good. " + PROSE, "markdown"), ("| a | b |\n|---|---|\n| 1 | 2 |", "markdown"),
        ("def f(x):\n    return x", "code"), ("import os\nprint(1)", "code"), ("SELECT a FROM b WHERE c = 1", "code"),
        ("select a from b where c = 1;", "code"), ("const x = 3;", "code"), ("    return a + b\n", "code"),
        ("for x in xs:\n    print(x)", "code"), ("total = 0\nfor x in xs:\n    total += x", "code"),
        ("#include <stdio.h>\nint main() { return 0; }", "code"), (PROSE, "prose"), (PROSE + "\n\n" + PROSE, "prose"),
        ("Import duties are paid by the buyer, as are all the fees that the customs office asks for.", "prose"),
        ("Select the cheapest offer from the list, call the shop, and ask what it takes to bring it home.", "prose"),
        ("He has 3 apples.\nHe buys 4 more, so he has 3+4=7.\n#### 7", "prose"),
        ("I am {{name}}, made by {{author}}, and here to help you with all that you would like to know.", "prose"),
        ("这是一个回答，" * 20, "prose"),
    ],
)  # fmt: skip
def test_shape(text: str, expected: str) -> None:
    assert shape(text) == expected


@given(st.text(max_size=400))
def test_every_text_has_a_shape(text: str) -> None:
    assert shape(text) in SHAPES


@pytest.mark.timeout(120)
@pytest.mark.parametrize("text", ["a" * 200_000, "=" * 100_000, "if " * 50_000, "x = " * 50_000, "*" * 100_000,
                                  "{" * 100_000, "\n" * 100_000 + "x", "select " * 30_000, "<a" * 50_000])  # fmt: skip
def test_hostile_texts_take_no_time(text: str) -> None:
    assert shape(text) in SHAPES


def test_dominant() -> None:
    assert dominant({"json": 96, "prose": 4}, 50, 0.95) == ("json", 96, 100)
    assert dominant({"json": 94, "prose": 6}, 50, 0.95) is None
    assert dominant({"json": 49}, 50, 0.95) is None
    assert dominant({"json": 60, "empty": 500}, 50, 0.95) == ("json", 60, 60)
    assert dominant({}, 0, 0.95) is None or dominant({"empty": 1}, 1, 0.5) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("On 2024-03-05 we met.", ["date: 2024-03-05"]), ("On 3/5/2024 we met.", ["date: 03/05/2024"]),
        ("On 13/05/2024.", ["date: 03/05/2024"]), ("Am 5.3.2024 und 05.03.2024", ["date: 05.03.2024"]),
        ("March 5, 2024", ["date: March 5, 2024"]), ("on 15 may 2024 or so", ["date: 5 March 2024"]),
        ("2024/03/05", ["date: 2024/03/05"]), ("It is 1,234.50 in all", ["number: 1,234.50"]),
        ("Es sind 1.234,50 in allem", ["number: 1.234,50"]), ("1,000,000 of them", ["number: 1,234.50"]),
        ("Version 1.10.2", []), ("192.168.1.10", []), ("555-12-2024", []), ("12024-03-05", []), ("2024-03-05-77", []),
        ("3.14159", []), ("10:30", []), ("2024-03-05T10:30:00Z", ["date: 2024-03-05"]),
        ("(2024-03-05)", ["date: 2024-03-05"]),
        ("no number here", []),
    ],
)  # fmt: skip
def test_styles(text: str, expected: list[str]) -> None:
    assert sorted(styles(column([text], [0]))) == expected


def test_styles_name_the_rows() -> None:
    texts = ["2024-01-01", "none", "1.1.2024", "2024-02-02 and 3.3.2024"]
    assert styles(column(texts, [4, 5, 6, 7])) == {"date: 2024-03-05": [4, 7], "date: 05.03.2024": [6, 7]}
