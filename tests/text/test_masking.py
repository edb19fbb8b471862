"""Nothing private is shown, by whatever rule."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

import prepdata
from prepdata.findings import around
from prepdata.reporters.base import Output
from prepdata.text.masking import hidden, masked, text_at

KEY = "gh" + "p_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z01"
MAIL = "maria.lopez" + "@" + "wattlark-mail.net"


@pytest.mark.parametrize("value", [KEY, MAIL])
def test_whole_values_are_masked(value: str) -> None:
    text = f"use {value} for it"
    assert value not in masked(text)
    assert masked(text).startswith("use ") and masked(text).endswith(" for it")


@pytest.mark.parametrize("start", range(0, 40, 5))
def test_pieces_are_masked_where_the_rest_was_cut(start: int) -> None:
    text = "x" * 30 + f" token {KEY} and more words after it"
    piece = text[start : start + 45]
    shown = masked(piece, text)
    assert not any(KEY[i : i + 8] in shown for i in range(len(KEY) - 8))


def test_marks_inside_a_value_do_not_help() -> None:
    text = f"token {KEY} end"
    shown = around(text, (15, 18))
    assert not any(KEY[i : i + 8] in masked(shown, text) for i in range(len(KEY) - 8))


def test_other_text_stays() -> None:
    assert masked("nothing to hide here, 12 volts, 3.5 kWh") == "nothing to hide here, 12 volts, 3.5 kWh"


@pytest.mark.parametrize(
    ("path", "value"), [("/a/0/b", "x"), ("/a/1", None), ("/a/9", None), ("/c~1d", "y"), (None, None), ("/a", None)]
)
def test_text_at(path: str | None, value: str | None) -> None:
    assert text_at({"a": [{"b": "x"}, 3], "c/d": "y"}, path) == value


def test_no_output_shows_a_secret(tmp_path: Path) -> None:
    from io import StringIO

    from prepdata.reporters import MODULES, get

    answer = f" The key is {KEY} and the address {MAIL}, as an AI language model I know <|im_end|> {{{{name}}}} "
    row = {"messages": [{"role": "user", "content": "Key?"}, {"role": "assistant", "content": answer}]}
    path = tmp_path / "a.jsonl"
    path.write_text((json.dumps(row) + "\n") * 3 + json.dumps(row)[:-40] + "\n" + f"not json {KEY}\n")
    report = prepdata.validate(path, select=["ALL"], tokens=False)
    assert {"secret", "personal-data", "edge-whitespace", "control-token"} <= {f.name for f in report}
    for name in MODULES:
        out = StringIO()
        get(name)(report, out, Output())
        assert KEY[:12] not in out.getvalue() and MAIL not in out.getvalue(), name


def test_hidden_stretches_are_told_in_order_and_apart() -> None:
    text = f"{MAIL} and {KEY} and {MAIL}"
    found = hidden(text)
    assert [text[one.start : one.end] for one in found] == [MAIL, KEY, MAIL]
    assert all(value not in one.shown for one in found for value in (MAIL, KEY))
    assert hidden("nothing to hide") == []


def test_what_is_secret_in_a_source_is_so_wherever_it_stands() -> None:
    source = f"password: {KEY}"
    assert [(one.start, one.end) for one in hidden(f"x{KEY}x", [source])] == [(1, 1 + len(KEY))]


def test_hidden_stretches_that_overlap_are_one() -> None:
    """A password in an address ends where what looks like an e-mail address begins."""
    text = f"https://maria:s3cr3tPassw0rd{MAIL[MAIL.index('@') :]}/x"
    found = hidden(text, [text])
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))
    for one in reversed(found):
        text = text[: one.start] + one.shown + text[one.end :]
    assert "s3cr3tPassw0rd" not in text
