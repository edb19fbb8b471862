"""What tells a copy from a variant, and when samples stand for rows."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from prepdata.api import plan_of, validate
from prepdata.findings import Finding
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


SAID = (
    "anchor basket candle dragon engine feather garden hammer island jacket kettle ladder magnet needle orange pepper "
    "quartz rocket saddle timber umbrella velvet window yellow zipper barrel copper desert falcon guitar harbor insect "
    "jungle kitten lantern marble napkin oyster pillow rabbit silver tunnel violin walnut"
)
WORDS = SAID.split()


def rows_alike(number: int) -> list[dict[str, Any]]:
    """Return rows in threes: a question, the same in other little words, and the same with a slightly other answer. In
    every second group the second row has quite another answer."""
    random = Random(5)
    rows = []
    for row in range(number):
        if row % 3 == 0:
            said, subject = random.sample(WORDS, 25), " ".join(random.sample(WORDS, 9))
        other = [w for w in WORDS if w not in said] if row % 6 == 1 else [*said[:6], random.choice(WORDS), *said[7:]]
        asked = f"how many days does {('a', 'the', 'this')[row % 3]} {subject} take to get here?"
        turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": " ".join(other)}]
        rows.append({"messages": turns})
    return rows


@pytest.mark.parametrize(
    "rules", [{"near-duplicate": {}}, {"near-duplicate": {"sketch": True}}, {"conflicting-answers": {"near": True}}]
)
@pytest.mark.parametrize("number", [150, 700])  # by plain Python, by numpy
def test_processes_and_memory_change_nothing(
    rules: dict[str, Any], number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows_alike(number)))

    def found(jobs: int) -> list[Finding]:
        return list(validate(file, select=tuple(rules), rules=rules, jobs=jobs, tokens=False).findings)

    expected = found(1)
    assert len(expected) > number // 20
    for module in ("dup003_near_duplicate", "_conflicts"):
        monkeypatch.setattr(f"prepdata.rules.dup.{module}.WORTH", 1)
    assert found(3) == expected
    for module in ("dup003_near_duplicate", "_conflicts"):
        monkeypatch.setattr(f"prepdata.rules.dup.{module}.CHARS", 15_000)  # a few rows at a time
    assert found(1) == found(3) == expected
