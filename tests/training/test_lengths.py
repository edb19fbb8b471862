"""Arithmetic of row lengths: worked out by hand, and held against the plain way of doing it."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.training.lengths import Packing, Padding, expected_longest, least_length, packing, padding, rounded

LENGTHS = st.lists(st.integers(0, 40), max_size=40)


@pytest.mark.parametrize(("length", "expected"), [(0, 0), (1, 64), (64, 64), (65, 128), (1000, 1024)])
def test_rounded_up_to_a_multiple_of_64(length, expected):
    assert rounded(length) == expected


def test_the_least_length_is_that_of_the_last_trained_token():
    assert least_length([10, 300, 0, 20]) == 300
    assert least_length([0, 0]) == 0
    assert least_length([]) == 0


def test_some_rows_in_a_thousand_may_be_cut():
    last = list(range(1, 2001))  # one row ends at each place from 1 to 2000
    assert least_length(last) == 2000
    assert least_length(last, 1) == 1998  # the rows that end at 1999 and 2000 are cut: 2 of 2000
    assert least_length(last, 10) == 1980
    assert least_length([5, 9], 1) == 9  # a thousandth of two rows is none
    assert least_length([7, 8], 1000) == 7  # the shortest row is never asked to be cut


def test_padding_by_hand():
    """Rows of 1, 2, 3 tokens in batches of two. Pairs: {1,2} padded to 4, {1,3} and {2,3} to 6: 16/3 on average; the
    row that is left over is any of them: 2 on average. 22/3 in all. Sorted: {3,2} to 6, {1} to 1."""
    found = padding([2, 1, 3], 2)
    assert found == Padding(rows=3, tokens=6, random=round(22 / 3), sorted=7)
    assert found.sorted_waste == pytest.approx(1 / 7)
    assert padding([], 4) == Padding(0, 0, 0, 0)
    assert padding([], 4).random_waste == 0.0


@pytest.mark.parametrize(
    ("lengths", "read"),
    [([0, 0, 5], 5), ([1, 5, 5], 11), ([1, 1, 4, 9, 9], 24)],  # {0,0} {5}; {1} {5,5}; {1,1} {4} {9,9}
)
def test_the_batch_that_is_not_full_is_where_it_costs_least(lengths, read):
    assert padding(lengths, 2).sorted == read


def test_rows_of_one_length_need_no_padding():
    found = padding([9] * 10, 4)
    assert found == Padding(10, 90, 90, 90)
    assert found.random_waste == found.sorted_waste == 0.0


def test_a_batch_larger_than_the_rows_holds_them_all():
    assert padding([1, 5], 16) == Padding(2, 6, 10, 10)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.data())
def test_the_expectation_is_the_mean_over_all_draws(lengths, data):
    size = data.draw(st.integers(1, len(lengths)))
    mean = np.mean([max(drawn) for drawn in combinations(lengths, size)])
    assert expected_longest(np.sort(np.array(lengths)), size) == pytest.approx(mean)


def test_packing_by_hand():
    """Sequences of 10. 7 opens one (3 left), 6 another (4 left), 4 fits the second (0 left), 3 the first (0 left), 2 opens
    a third (8 left). 12 is cut to 10 and fills one of its own: 2 tokens are lost."""
    found = packing([2, 3, 4, 6, 7, 12], 10)
    assert found == Packing(sequences=4, size=10, tokens=32, lost=2)
    assert found.waste == pytest.approx(8 / 40)
    assert packing([], 10) == Packing(0, 10, 0, 0)
    assert packing([], 10).waste == 0.0


def test_the_fullest_sequence_takes_the_row():
    """8 and 6 open two sequences of 12 (4 and 6 left); 4 goes to the fuller, so that 6 still fits the other: two, not three."""
    assert packing([8, 6, 6, 4], 12).sequences == 2


def plainly(lengths, size):
    """Return the number of sequences, row by row."""
    free: list[int] = []
    for length in sorted((min(length, size) for length in lengths if length), reverse=True):
        fits = [number for number, space in enumerate(free) if space >= length]
        if fits:
            free[min(fits, key=lambda number: free[number])] -= length
        else:
            free.append(size - length)
    return len(free)


@given(LENGTHS, st.integers(1, 30))
def test_packing_many_rows_at_once_equals_packing_them_one_by_one(lengths, size):
    found = packing(lengths, size)
    assert found.sequences == plainly(lengths, size)
    assert found.tokens + found.lost == sum(lengths)
    assert found.tokens <= found.sequences * size


@given(LENGTHS, st.integers(1, 9), st.randoms())
def test_the_order_of_the_rows_does_not_matter(lengths, batch, random):
    shuffled = random.sample(lengths, len(lengths))
    assert padding(shuffled, batch) == padding(lengths, batch)
    assert packing(shuffled, 20) == packing(lengths, 20)


@given(LENGTHS, st.integers(1, 9))
def test_sorting_never_reads_more_than_random_order(lengths, batch):
    found = padding(lengths, batch)
    assert found.tokens <= found.sorted <= found.random + 1  # random is rounded
