"""Indexes of evaluation sets: what was put in is found again, and a damaged file is refused."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prepdata.errors import InputError
from prepdata.index.asking import prompt_key, turn_key
from prepdata.index.build import Builder
from prepdata.index.reference import Item, Reference, open_reference
from prepdata.index.words import shingles, words

TEXTS = (
    "Ida walks along the river every morning before work and counts the herons",
    "Which of our offices is open on the Saturday before Easter?",
    "请用一句话概括这份关于城市公共自行车使用情况的年度报告",
    "Short one",
)


def item(text: str, line: int = 1, answer: str = "yes", **raw: object) -> Item:
    return Item(line, f"id-{line}", (text,), answer, None, raw)


def built(folder: Path, *sizes: int, texts: tuple[str, ...] = TEXTS) -> Reference:
    builder = Builder(sizes)
    builder.add("first", [item(text, line, group=f"g{line}") for line, text in enumerate(texts[:2], 1)])
    builder.add("second", [item(text, line, f"answer {line}") for line, text in enumerate(texts[2:], 1)])
    path = folder / "a.prepidx"
    builder.save(path)
    open_reference.cache_clear()
    return open_reference(str(path))


def test_what_is_in_it(tmp_path: Path) -> None:
    reference = built(tmp_path, 8)
    assert [(b.name, b.items) for b in reference.benchmarks] == [("first", 2), ("second", 2)]
    assert reference.sizes == (5, 8)
    assert [reference.texts("parts", i) for i in range(4)] == list(TEXTS)
    assert reference.texts("answers", 3) == "answer 2" and reference.texts("names", 1) == "id-2"
    benchmark, line, name = reference.place(2)
    assert (benchmark.name, line, name) == ("second", 1, "id-1")


def test_n_grams_are_found_where_they_are(tmp_path: Path) -> None:
    reference = built(tmp_path)
    grams = shingles(
        words(["He says: Which of our offices is OPEN on the saturday?", "nothing of the kind here now"]), 5
    )
    found = reference.find(5, grams)
    parts = reference.array("grams5.parts")[found.entries]
    places = reference.array("grams5.places")[found.entries]
    assert set(parts.tolist()) == {1}
    assert sorted(places.tolist()) == [0, 1, 2, 3, 4]
    assert set(found.which.tolist()) == {0}


def test_an_n_gram_of_two_items_is_found_in_both(tmp_path: Path) -> None:
    reference = built(tmp_path, texts=(TEXTS[0], TEXTS[0] + " again", TEXTS[2], TEXTS[3]))
    grams = shingles(words([TEXTS[0]]), 5)
    found = reference.find(5, grams)
    assert set(reference.array("grams5.parts")[found.entries].tolist()) == {0, 1}
    assert len(found.which) == 2 * len(grams.hashes)


def test_keys_of_prompts_turns_and_groups(tmp_path: Path) -> None:
    reference = built(tmp_path)
    keys = np.array(
        [turn_key("which of our offices is open on the saturday before easter"), turn_key("other")], np.uint64
    )
    found = reference.holders("turns", keys)
    assert found.which.tolist() == [0]
    assert reference.array("turns.items")[found.entries].tolist() == [1]
    short = np.array([turn_key("short one!")], np.uint64)
    assert not len(reference.holders("turns", short).which), "too short to count as a turn"
    assert len(reference.holders("prompts", short).which) == 1, "but a whole prompt"
    assert len(reference.array("groups.keys")) == 2


def test_keys_of_prompts_tell_roles_and_order() -> None:
    one = prompt_key([("user", "a b"), ("assistant", "c"), ("user", "d")])
    assert one == prompt_key([("user", "A  B."), ("assistant", "c"), ("user", "D")])
    assert one != prompt_key([("user", "a b"), ("user", "c"), ("assistant", "d")])
    assert prompt_key([("user", "a")]) == turn_key("a")


def test_the_same_items_give_the_same_bytes(tmp_path: Path) -> None:
    built(tmp_path)
    before = (tmp_path / "a.prepidx").read_bytes()
    built(tmp_path)
    assert (tmp_path / "a.prepidx").read_bytes() == before


def test_a_set_that_asks_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="asks anything"):
        Builder().add("empty", [])


@pytest.mark.parametrize("data", [b"", b"PREPIDX1", b"PREPIDX1" + b"\xff" * 8, b"nothing" * 10, b"PREPIDX1" + bytes(8)])
def test_what_is_no_index_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "b.prepidx"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"b\.prepidx"):
        open_reference(str(path))


def test_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="index build"):
        open_reference(str(tmp_path / "none.prepidx"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_a_damaged_index_is_refused_or_gives_some_answer(tmp_path: Path, seed: int) -> None:
    """Whatever bytes are changed: an error that names the file, or an answer; never a crash."""
    built(tmp_path)
    data = bytearray((tmp_path / "a.prepidx").read_bytes())
    rng = random.Random(seed)
    for _ in range(rng.randint(1, 20)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    if rng.random() < 0.3:
        del data[rng.randrange(len(data)) :]
    path = tmp_path / f"damaged-{seed}.prepidx"
    path.write_bytes(data)
    try:
        reference = open_reference(str(path))
        found = reference.find(5, shingles(words(list(TEXTS)), 5))
        for part in reference.array("grams5.parts")[found.entries].tolist():
            reference.texts("parts", part)
            reference.place(int(reference.array("part_items")[part]))
    except InputError as error:
        assert re.search("damaged|another version|no index", str(error))
    finally:
        path.unlink()
