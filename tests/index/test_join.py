"""The join on rare members against the definition: all pairs, one by one."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prepdata.index import join
from prepdata.index.join import Sets, block, clusters, similar


def sets_of(listed: list[list[int]], together: int = 1000) -> Sets:
    """Return lists of members as sets, `together` of them in each block."""
    blocks = []
    for first in range(0, len(listed), together):
        here = listed[first : first + together]
        members = np.array([member for found in here for member in found], np.uint32)
        blocks.append(block(members, np.repeat(np.arange(len(here)), [len(found) for found in here]), first))
    return Sets(np.array([len(set(found)) for found in listed], np.int64), blocks)


def by_definition(listed: list[list[int]], least: float, most: int | None = None) -> dict[tuple[int, int], float]:
    different = [set(found) for found in listed]
    if most is not None:
        holders = {m: sum(m in found for found in different) for found in different for m in found}
        different = [{m for m in found if holders[m] <= most} for found in different]
    pairs = {}
    for (i, one), (k, other) in combinations(enumerate(different), 2):
        if one & other and len(one & other) >= least * len(one | other) - 1e-9:
            pairs[i, k] = len(one & other) / len(one | other)
    return pairs


def found_in(listed: list[list[int]], least: float, most: int | None = None) -> dict[tuple[int, int], float]:
    pairs = similar(sets_of(listed), least, most)
    return dict(zip(zip(pairs.first.tolist(), pairs.second.tolist()), pairs.jaccard().tolist()))


SETS = st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=25)


@given(SETS, st.sampled_from([0.2, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0]), st.sampled_from([None, 2, 5]))
@settings(max_examples=300, deadline=None)
def test_equals_the_comparison_of_all_pairs(listed: list[list[int]], least: float, most: int | None) -> None:
    assert found_in(listed, least, most) == pytest.approx(by_definition(listed, least, most))


@given(SETS, st.sampled_from([0.3, 0.6, 0.9]), st.integers(1, 5))
@settings(max_examples=80, deadline=None)
def test_blocks_ranges_and_batches_change_nothing(listed: list[list[int]], least: float, together: int) -> None:
    spread = [[(member * 2654435761) % 2**32 for member in found] for found in listed]  # over all ranges
    expected = found_in(spread, least)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "KEYS", 3)
        pairs = similar(sets_of(spread, together), least)
    assert dict(zip(zip(pairs.first.tolist(), pairs.second.tolist()), pairs.jaccard().tolist())) == expected


@given(SETS, st.sets(st.integers(0, 24)))
@settings(max_examples=50, deadline=None)
def test_sets_that_are_left_out(listed: list[list[int]], left: set[int]) -> None:
    left = {number for number in left if number < len(listed)}
    expected = by_definition([[] if number in left else found for number, found in enumerate(listed)], 0.4)
    pairs = similar(sets_of(listed), 0.4, left=left)
    assert dict(zip(zip(pairs.first.tolist(), pairs.second.tolist()), pairs.jaccard().tolist())) == pytest.approx(
        expected
    )


def test_more_sets_in_a_block_than_sixteen_bits_count() -> None:
    listed = [[number] for number in range(70_000)] + [[5, 69_999]]
    pairs = similar(sets_of(listed, 80_000), 0.5)
    assert list(zip(pairs.first.tolist(), pairs.second.tolist())) == [(5, 70_000), (69_999, 70_000)]


@given(SETS, st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_members_does_not_matter(listed: list[list[int]], random) -> None:
    expected = found_in(listed, 0.5)
    for found in listed:
        random.shuffle(found)
    assert found_in(listed, 0.5) == expected


def test_edited_copies_among_many_others() -> None:
    random = np.random.default_rng(7)
    listed = [random.integers(0, 2**32, 60, dtype=np.uint32).tolist() for _ in range(2000)]
    edited = listed[17][:50] + random.integers(0, 2**32, 10, dtype=np.uint32).tolist()
    listed.append(edited)
    assert found_in(listed, 0.5) == pytest.approx({(17, 2000): 50 / 70})
    assert found_in(listed, 0.72) == {}


def test_a_member_that_very_many_sets_hold_is_held_against_neighbours_only() -> None:
    listed = [[1, 2, 3, 4]] * (join.LIST + 1)
    pairs = similar(sets_of(listed), 0.9)
    assert pairs.shortened
    groups = clusters(zip(pairs.first.tolist(), pairs.second.tolist()))
    assert groups == [list(range(join.LIST + 1))], "the chain of neighbours still ties them together"
    assert not similar(sets_of(listed[:-1]), 0.9).shortened
    assert len(similar(sets_of(listed[:-1]), 0.9).first) == join.LIST * (join.LIST - 1) // 2


def test_common_members_count_neither_for_the_sizes_nor_for_the_overlap() -> None:
    listed = [[100, 101, 102, i, 50 + i // 2] for i in range(8)]
    pairs = similar(sets_of(listed), 0.3, most=4)
    assert pairs.common == 3
    assert pairs.sizes.tolist() == [2] * 8
    assert list(zip(pairs.first.tolist(), pairs.second.tolist())) == [(0, 1), (2, 3), (4, 5), (6, 7)]
    assert pairs.jaccard().tolist() == pytest.approx([1 / 3] * 4)


@pytest.mark.parametrize("listed", [[], [[]], [[], []], [[1]], [[1], [2]], [[], [3, 3, 3]]])
def test_nothing_to_find(listed: list[list[int]]) -> None:
    assert found_in(listed, 0.5) == {}


def test_repeated_members_count_once() -> None:
    assert found_in([[5, 5, 5, 6], [5, 6, 6, 7]], 0.5) == pytest.approx({(0, 1): 2 / 3})


def test_the_largest_hashes_and_set_numbers() -> None:
    top = 2**32 - 1
    assert found_in([[top, top - 1], [], [top, top - 1, 0]], 0.6) == pytest.approx({(0, 2): 2 / 3})


@given(st.integers(2, 20), st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=25))
def test_clusters_are_the_connected_groups(count: int, ties: list[tuple[int, int]]) -> None:
    ties = [(a, b) for a, b in ties if a < b < count]
    groups = {number: {number} for number in range(count)}
    for a, b in ties:
        joined = groups[a] | groups[b]
        for number in joined:
            groups[number] = joined
    expected = sorted({tuple(sorted(group)) for group in groups.values() if len(group) > 1})
    assert [tuple(group) for group in clusters(ties)] == expected
