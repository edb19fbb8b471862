"""Indexes of evaluation sets: what was put in is found again, and a damaged file is refused."""

from __future__ import annotations

import random
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prepdata.errors import InputError
from prepdata.index import build as building
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


# --- memory ----------------------------------------------------------------------------------------------------------


def many_items(number: int) -> list[Item]:
    pick = random.Random(3)
    vocabulary = [f"w{n}" for n in range(40)]
    return [
        Item(line, f"id-{line}", tuple(" ".join(pick.choices(vocabulary, k=pick.randint(0, 30))) for _ in range(2)),
             "yes", None, {"group": line // 3})
        for line in range(1, number + 1)
    ]  # fmt: skip


@pytest.mark.parametrize(("piece", "spill", "block"), [(100, 1 << 20, 500), (1 << 23, 1000, 50), (300, 64, 1)])
def test_an_index_made_in_pieces_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, spill: int, block: int
) -> None:
    def made(name: str) -> bytes:
        builder = Builder((5, 8))
        builder.add("first", many_items(200))
        builder.add("second", many_items(50))
        builder.save(tmp_path / name)
        return (tmp_path / name).read_bytes()

    whole = made("whole")
    monkeypatch.setattr(building, "PIECE", piece)
    monkeypatch.setattr(building, "SPILL", spill)
    monkeypatch.setattr(building, "_BLOCK", block)
    assert made("pieces") == whole


def test_n_grams_are_sorted_by_turn_and_place(tmp_path: Path) -> None:
    builder = Builder()
    builder.add("items", many_items(300))
    builder.save(tmp_path / "a.prepidx")
    open_reference.cache_clear()
    reference = open_reference(str(tmp_path / "a.prepidx"))
    columns = [reference.array(f"grams5{name}").astype(np.int64) for name in (".places", ".parts")]
    keys = reference.array("grams5")
    order = np.lexsort((*columns, keys))
    assert (order == np.arange(len(keys))).all()
    asked = [text for item in many_items(300) for text in item.turns]
    assert sorted(keys.tolist()) == sorted(shingles(words(asked), 5).hashes.tolist())


def test_too_much_for_one_index_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "MOST_MEMORY", 100_000)
    builder = Builder()
    builder.add("small.jsonl", many_items(50))
    builder.save(tmp_path / "small.prepidx")
    builder.add("large.jsonl", many_items(5000))
    with pytest.raises(
        InputError, match=r"large.*too large for one index.*15,150 items and turns.*more than 0.00; cut it into several"
    ):
        builder.save(tmp_path / "large.prepidx")
    assert not (tmp_path / "large.prepidx").exists()
    monkeypatch.setattr(building, "_BLOCK", 1000)
    with pytest.raises(InputError, match=r"^large\.jsonl: too large for one index"):
        Builder().add("large.jsonl", many_items(5000))


def test_one_run_over_and_over_is_refused_where_it_cannot_be_sorted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "MOST_MEMORY", 200_000)
    builder = Builder()
    builder.add("a", [item("0 " * 5000)])
    with pytest.raises(InputError, match="repeat a run of 5 words too often"):
        builder.save(tmp_path / "a.prepidx")


def test_memory_does_not_grow_with_the_n_grams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times the words need less than twice the memory at the most."""
    monkeypatch.setattr(building, "PIECE", 1 << 15)
    monkeypatch.setattr(building, "SPILL", 1 << 18)
    monkeypatch.setattr(building, "_BLOCK", 1 << 15)

    def most(number: int) -> int:
        pick = random.Random(1)
        texts = (" ".join(str(pick.randrange(10**6)) for _ in range(1000)) for _ in range(number))
        tracemalloc.start()
        try:
            builder = Builder()
            builder.add("a", (item(text, line) for line, text in enumerate(texts, 1)))
            builder.save(tmp_path / "a.prepidx")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    most(10)
    assert most(800) < 2 * most(200)
