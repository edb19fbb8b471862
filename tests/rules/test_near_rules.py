"""What tells a copy from a variant, and when samples stand for rows."""

from __future__ import annotations

import pytest

from prepdata.api import plan_of
from prepdata.rules.dup._variants import another_subject, content, slots
from prepdata.rules.dup.dup003_near_duplicate import SKETCH_FROM, NearDuplicate
from prepdata.select import select
from prepdata.settings import Settings
from prepdata.text.differences import compare, tokens


def another(asked: tuple[str, str], answered: tuple[str, str]) -> bool:
    one, other = map(tokens, asked)
    return another_subject(compare(one, other), compare(*map(tokens, answered)), max(len(one), len(other)))


@pytest.mark.parametrize(
    ("asked", "answered", "expected"),
    [
        (("history of the bicycle", "history of cinema"), ("the bicycle began", "cinema began"), True),
        (("open the door", "close the door"), ("opening it", "closing it"), True),
        (("take a pear, an apple, a fig", "take a fig, a pear, an apple"), ("apple", "apple"), True),
        (("is nginx running", "is redis running"), ("see the log", "see the log"), True),
        (("is nginx running", "is nginx running now"), ("see the log", "see a log"), False),
        (("birthdate of Anna", "birth_date of Anna"), ("the birthdate", "the birth_date"), False),
        (("how many teams", "how many team"), ("ten", "ten"), False),
        (("", ""), ("", ""), False),
    ],
)
def test_another_subject(asked: tuple[str, str], answered: tuple[str, str], expected: bool) -> None:
    assert another(asked, answered) is expected


def test_words_that_carry_a_meaning() -> None:
    assert content(["The", "jq", "of", "x", "!", "Ärger", "für", "في"]) == ["jq", "ärger"]


def test_a_template_has_other_words_at_one_place() -> None:
    said = ["check the nginx log", "check the redis log", "check the mail log", "check a nginx log"]
    found = [(0, compare(tokens(said[0]), tokens(other))) for other in said[1:]]
    assert slots(found) == {0, 1}
    assert slots(found[:1]) == set()
    assert slots([found[0], found[0]]) == set(), "the same word twice is no template"


def test_samples_are_taken_by_the_size_of_the_input() -> None:
    assert NearDuplicate.sized({}, SKETCH_FROM + 1) == {"sketch": True}
    assert NearDuplicate.sized({}, SKETCH_FROM) == {} == NearDuplicate.sized({}, 0)
    assert NearDuplicate.sized({"sketch": False}, 10 * SKETCH_FROM) == {"sketch": False}
    assert NearDuplicate.sized({"sketch_from": 5}, 6) == {"sketch_from": 5, "sketch": True}
    settings = Settings(select=("near-duplicate",))
    plans = [plan_of(settings, select(settings), (), size).rules for size in (SKETCH_FROM, SKETCH_FROM + 1)]
    assert [dict(rules)["near-duplicate"].get("sketch") for rules in plans] == [None, True]
