"""Keys of what rows ask: the quick looks before folding leave out nothing that would be found."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.formats import recognise
from prepdata.index.asking import WHOLE, Wanted, keys_of, media_of, prompt_key, questions, roles_of, turn_key
from prepdata.record import Record
from prepdata.text.fold import alike, closing, fold, opening

LETTERS = "aAbB19 .,;:!?\n\"'`{(=éÉß２ａﬁ²¼٣,\u0301\u200b“”…、你"
texts = st.text(st.sampled_from(LETTERS), max_size=20).flatmap(
    lambda text: st.integers(1, 12).map(lambda times: text * times)
)


def record(raw: dict[str, Any]) -> Record:
    found = recognise(raw)
    assert found is not None
    return found.view(raw)


def chat(*said: Any, **more: Any) -> Record:
    roles = ("user", "assistant")
    return record({"messages": [{"role": roles[n % 2], "content": text} for n, text in enumerate(said)], **more})


@given(texts, st.integers(0, 3))
def test_texts_that_fold_to_the_same_have_the_same_edges(text: str, how: int) -> None:
    other = [text.upper(), text.replace(" ", "  "), unicodedata.normalize("NFD", text), text.replace(".", "")][how]
    if fold(text) == fold(other):
        assert alike(text, other)
        assert (opening(text), closing(text)) == (opening(other), closing(other))


@given(st.lists(texts, min_size=1, max_size=5), st.lists(texts, min_size=1, max_size=5))
def test_what_is_wanted_is_not_left_out(rows: list[str], items: list[str]) -> None:
    turns = [question.said[0][1] for item in items for question in questions(chat(item, "yes"))]
    wanted = Wanted.of((), ((opening(turn), closing(turn)) for turn in turns))
    keys = set(map(turn_key, turns))
    for text in rows:
        asked = list(questions(chat(text, "yes")))
        held = {key for key in keys_of(asked) if key in keys}
        assert held == {key for key in keys_of(list(questions(chat(text, "yes"), wanted))) if key in keys}


def test_a_row_asks_its_prompt_and_its_turns() -> None:
    long = "Which of the two bridges was built first?"
    found = list(questions(chat("Hello", "Hi", long + "\nA) The old one\nB) The new one", "A")))
    assert [(q.turn, len(q.said)) for q in found] == [(WHOLE, 3), (2, 1), (2, 1)]
    assert found[2].said == (("user", long),)
    keys = keys_of(found)
    assert keys[0] == prompt_key([("user", "hello"), ("assistant", "hi"), ("user", found[1].said[0][1])])
    assert keys[2] == turn_key(long.upper())
    roles = roles_of(["user", "assistant", "user"])
    left = questions(chat("Hello", "Hi", long, "A"), Wanted.of([roles], []))
    assert [q.turn for q in left] == [WHOLE]


def image(url: str, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def test_media_are_told_apart_by_what_they_are_and_not_by_how_they_are_shown() -> None:
    one = media_of(chat([{"type": "text", "text": "What?"}, image("a.png")], "A roof."))
    assert set(one) == {0}
    assert one == media_of(chat([image("a.png", detail="low"), {"type": "text", "text": "What?"}], "A roof."))
    assert one == media_of(chat("What?", "A roof.", images=["a.png"]))
    assert one == media_of(chat("<image>What?", "A roof.", image="a.png"))
    assert one != media_of(chat([{"type": "text", "text": "What?"}, image("b.png")], "A roof."))
    assert media_of(chat("What?", "A roof.")) == {}


@pytest.mark.parametrize("images", [[], None, [None], [{}], [[]], 5, [7], {"a": [1, {"b": None}]}])
def test_odd_media_are_none(images: Any) -> None:
    assert media_of(chat("What?", "A roof.", images=images)) == {}
