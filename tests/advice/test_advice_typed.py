"""Answers as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.advice.answers import MOST, QUESTIONS, SHOWN, checked
from prepdata.advice.typed import names, number, shown, unsure, value_of
from prepdata.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("10000", 10_000), ("10,000", 10_000), ("10 000", 10_000), ("10_000", 10_000), ("1,234,567", 1_234_567),
     ("200k", 200_000), ("200 K", 200_000), ("1.5M", 1_500_000), ("0.25m", 250_000), (" 7 ", 7), ("999999999999999", MOST - 1)],
)  # fmt: skip
def test_numbers(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "ten", "-1", "1e3", "10.000", "1.5", "10,00", "1,0000", ",1", "1.0005k", "k", "1kk", "1000000000000000",
     "999999999999999k", "9" * 10_000, "\u0663", "1\u00b2", "nan", "0x10", "1 2"],
)  # fmt: skip
def test_what_is_no_number(text):
    assert number(text) is None


@given(st.integers(0, MOST - 1))
def test_numbers_are_read_as_they_are_shown(value):
    assert number(f"{value}") == number(f"{value:,}") == number(f"{value:_}") == value


@given(st.text(max_size=40))
def test_any_text_is_a_value_or_a_message(text):
    for name in QUESTIONS:
        try:
            value = value_of(name, text)
        except ConfigError as error:
            assert str(error)
        else:
            assert getattr(checked({name: value}), name) == value


@pytest.mark.parametrize("text", ["?", " ? ", "don't know", "Don\u2019t know.", "I".lower() + "dk", "unknown"])
def test_not_knowing(text):
    assert unsure(text)


@pytest.mark.parametrize("text", ["", "no", "nothing", "0", "what?"])
def test_knowing(text):
    assert not unsure(text)


def test_names_between_commas_or_spaces():
    assert names("tone, format tone") == ["tone", "format"]
    for wrong in ("", ",", "tone,", "tone,,format", ",tone"):
        with pytest.raises(ConfigError, match="a name is missing"):
            names(wrong)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("fails", "tune", "'tune': choose from nothing, .*Did you mean 'tone'"), ("latency", "fast", "choose from relaxed"),
     ("latency", "relaxed seconds", "give one of relaxed"), ("cite_sources", "perhaps", "answer yes or no"),
     ("requests_per_day", "many", "give a whole number from 0 to 999,999,999,999,999")],
)  # fmt: skip
def test_messages_say_what_to_do(name, text, said):
    with pytest.raises(ConfigError, match=said):
        value_of(name, text)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("fails", "Tone, FORMAT", ["tone", "format"]), ("latency", "Seconds", "seconds"), ("cite_sources", "Y", True),
     ("cite_sources", "no", False), ("requests_per_day", "2k", 2_000)],
)  # fmt: skip
def test_values(name, text, value):
    assert value_of(name, text) == value


def test_long_answers_are_cut_in_messages():
    assert shown("9" * 500) == "9" * SHOWN + "..."
    assert shown(" 12 ") == "12"
