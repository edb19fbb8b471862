"""Which rows belong together, and what becomes of clusters that are too large."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from prepdata.splitting.ties import (
    ASIDE,
    BEGINNING,
    COMMON_TURN,
    FIRM,
    NEW,
    TURN,
    Cut,
    Links,
    clustered,
    components,
    followed,
    joined,
    shared,
)

TRAIN, VALIDATION, TEST = 0, 1, 2


def links(*given: tuple[int, int, float]) -> Links:
    rows, keys, strengths = zip(*given) if given else ((), (), ())
    return Links(np.array(rows, np.int64), np.array(keys, np.uint64), np.array(strengths, np.float32))


def plainly(count: int, given: list[tuple[int, int]]) -> list[int]:
    """The same as `components`, by looking until nothing changes."""
    labels = list(range(count))
    while True:
        before = list(labels)
        for key in {key for _, key in given}:
            rows = [row for row, k in given if k == key]
            low = min(labels[row] for row in rows)
            for row in rows:
                labels[row] = low
        if labels == before:
            return labels


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 9)), max_size=40))
def test_components_are_those_found_by_looking(given: list[tuple[int, int]]) -> None:
    found = components(20, shared(links(*((row, key, FIRM) for row, key in given))))
    assert found.tolist() == plainly(20, given)


def names(count: int) -> np.ndarray:
    return np.array([(row * 7919 + 3) % 1009 for row in range(count)], np.uint64)


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 9)), max_size=40), st.permutations(range(20)))
def test_the_order_of_rows_makes_no_difference(given: list[tuple[int, int]], order: list[int]) -> None:
    def partition(labels: list[int]) -> set[frozenset[int]]:
        return {frozenset(row for row, label in enumerate(labels) if label == one) for one in labels}

    level = [FIRM, TURN, 0.65, 0.95]
    some = [(row, key, level[key % 4]) for row, key in given]
    one = partition(clustered(links(*some), names(20), 4, 3).labels.tolist())
    moved = np.zeros(20, np.uint64)
    moved[order] = names(20)
    other = clustered(links(*[(order[row], key, strength) for row, key, strength in some]), moved, 4, 3)
    assert {frozenset(order[row] for row in group) for group in one} == partition(other.labels.tolist())


def test_no_links_and_one_link() -> None:
    assert clustered(joined([]), names(3), 1, 1).labels.tolist() == [0, 1, 2]
    assert clustered(links((0, 7, FIRM)), names(2), 1, 1).labels.tolist() == [0, 1]
    assert clustered(links(), names(0), 1, 1).cuts == ()


def chain(strength: float, count: int = 6) -> list[tuple[int, int, float]]:
    return [(row + step, 100 + row, strength) for row in range(count - 1) for step in (0, 1)]


def test_a_long_chain_is_cut_at_its_weakest_links() -> None:
    weak = [(row, key, 0.65 if key == 102 else 0.95) for row, key, _ in chain(0.0)]
    found = clustered(links(*weak), names(6), 4, 4)
    assert found.labels.tolist() == [0, 0, 0, 3, 3, 3]
    assert found.cuts == (Cut(6, "near duplicates", 2, 3),)
    assert found.links.rows.tolist().count(2) == 1  # the link between the parts is gone
    assert clustered(links(*weak), names(6), 6, 4).cuts == ()


def test_what_is_firm_is_never_cut() -> None:
    found = clustered(links(*chain(FIRM)), names(6), 2, 2)
    assert set(found.labels.tolist()) == {0}
    assert found.cuts == (Cut(6, "", 1, 6),)


def test_what_is_let_go_first() -> None:
    """Near duplicates, then turns that many rows have, then beginnings, then turns; and only in what is too large."""
    for weak, strong in ((0.95, COMMON_TURN), (COMMON_TURN, BEGINNING), (BEGINNING, TURN), (TURN, FIRM)):
        some = [(row, 1, strong) for row in (0, 1)] + [(row, 2, strong) for row in (2, 3)]
        some += [(1, 3, weak), (2, 3, weak), (4, 4, weak), (5, 4, weak)]
        assert clustered(links(*some), names(6), 2, 2).labels.tolist() == [0, 0, 2, 2, 4, 4]


@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 40), st.floats(0.3, 1)), max_size=80))
def test_no_part_is_larger_than_it_may_be(given: list[tuple[int, int, float]]) -> None:
    found = clustered(links(*given), names(30), 6, 5)
    assert np.bincount(found.labels).max() <= 6
    for cut in found.cuts:
        assert cut.rows > 6 and cut.largest <= 5 and cut.without


def test_rows_follow_those_with_a_side() -> None:
    groups = [[0, 1], [1, 2], [2, 3, 4], [5, 6]]
    assert followed({0: TEST}, groups) == {0: TEST, 1: TEST, 2: TEST, 3: TEST, 4: TEST}


def test_a_row_between_two_sides_is_set_aside() -> None:
    found = followed({0: TRAIN, 4: TEST}, [[0, 1], [1, 2], [2, 3], [3, 4]])
    assert found == {0: TRAIN, 1: TRAIN, 2: ASIDE, 3: TEST, 4: TEST}
    assert followed({0: TRAIN, 2: TEST}, [[0, 1, 2]])[1] == ASIDE


def test_rows_that_meet_in_the_middle() -> None:
    found = followed({0: TRAIN, 3: VALIDATION}, [[0, 1], [1, 2], [2, 3]])
    assert found == {0: TRAIN, 1: TRAIN, 2: ASIDE, 3: VALIDATION}


@given(
    st.dictionaries(st.integers(0, 12), st.sampled_from([TRAIN, VALIDATION, TEST]), max_size=4),
    st.lists(st.lists(st.integers(0, 12), min_size=2, max_size=4, unique=True), max_size=12),
    st.randoms(),
)
def test_no_new_row_stands_against_another_side(sides: dict[int, int], groups: list[list[int]], random: object) -> None:
    found = followed(sides, groups)
    assert {row: found[row] for row in sides} == sides
    for group in groups:
        for row in group:
            if row not in sides and found.get(row, NEW) >= 0:
                assert {found[other] for other in group if found.get(other, NEW) >= 0} == {found[row]}
    mixed = [list(group) for group in groups]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert followed(sides, mixed) == found
