"""Whole clusters go to sides: shares, counts, strata, and the same whatever the order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.errors import UsageError
from prepdata.splitting.assign import TEST, TRAIN, VALIDATION, Asked, Bundles, assigned, planned, totals
from prepdata.splitting.ties import NEW


def bundles(sizes: list[int], strata: list[int] | None = None, sides: list[int] | None = None) -> Bundles:
    keys = np.array([(i * 0x9E3779B97F4A7C15 + 77) % (1 << 64) for i in range(len(sizes))], np.uint64)
    return Bundles(
        keys,
        np.array(sizes, np.int64),
        np.array(strata or [0] * len(sizes), np.int64),
        np.array(sides or [NEW] * len(sizes), np.int64),
    )


def filled(given: Bundles, sides: np.ndarray) -> list[int]:
    return np.bincount(sides, given.sizes, minlength=3).astype(int).tolist()


SIZES = st.lists(st.integers(1, 9) | st.just(1) | st.just(40), min_size=1, max_size=60)


@given(SIZES, st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)), st.text(max_size=3))
def test_every_side_is_within_one_cluster_of_what_was_asked(
    sizes: list[int], shares: tuple[float, float], salt: str
) -> None:
    wanted = totals((Asked(), Asked(shares[0]), Asked(shares[1])), sum(sizes))
    given = bundles(sizes)
    got = filled(given, assigned(given, wanted, salt))
    assert sum(got) == sum(sizes) == sum(wanted)
    assert all(abs(one - other) < max(sizes) for one, other in zip(got, wanted))


@given(SIZES, st.data())
def test_the_order_of_clusters_makes_no_difference(sizes: list[int], data: st.DataObject) -> None:
    strata = data.draw(st.lists(st.integers(0, 3), min_size=len(sizes), max_size=len(sizes)))
    order = data.draw(st.permutations(range(len(sizes))))
    given = bundles(sizes, strata)
    wanted = totals(planned(None, 0.2, 0.2), sum(sizes))
    one = assigned(given, wanted)
    other = assigned(Bundles(*(column[order] for column in given)), wanted)
    assert one[order].tolist() == other.tolist()


@given(SIZES, st.data())
def test_strata_get_their_shares(sizes: list[int], data: st.DataObject) -> None:
    strata = data.draw(st.lists(st.integers(0, 2), min_size=len(sizes), max_size=len(sizes)))
    given = bundles(sizes, strata)
    wanted = totals(planned(None, 0.2, 0.1), sum(sizes))
    sides = assigned(given, wanted)
    for stratum in set(strata):
        here = given.strata == stratum
        number = int(given.sizes[here].sum())
        got = np.bincount(sides[here], given.sizes[here], minlength=3)
        for side, total in enumerate(wanted):
            assert abs(got[side] - number * total / sum(sizes)) <= 2 * max(sizes) + 3


@given(SIZES, st.data())
def test_what_has_a_side_keeps_it(sizes: list[int], data: st.DataObject) -> None:
    fixed = data.draw(st.lists(st.sampled_from([NEW, 0, 1, 2]), min_size=len(sizes), max_size=len(sizes)))
    given = bundles(sizes, sides=fixed)
    sides = assigned(given, totals(planned(None, None, None), sum(sizes)))
    assert all(side == old for side, old in zip(sides.tolist(), fixed) if old != NEW)
    assert set(sides.tolist()) <= {TRAIN, VALIDATION, TEST}


def test_single_rows_give_exactly_what_was_asked_and_salt_another_draw() -> None:
    given = bundles([1] * 1000)
    wanted = totals(planned(None, 100, "25%"), 1000)
    one, other = assigned(given, wanted), assigned(given, wanted, "x")
    assert filled(given, one) == filled(given, other) == [650, 100, 250]
    assert (one != other).sum() > 200


def test_strata_of_single_rows_are_exact() -> None:
    given = bundles([1] * 1000, [i % 10 // 9 for i in range(1000)])
    sides = assigned(given, (800, 100, 100))
    assert np.bincount(sides[given.strata == 1], minlength=3).tolist() == [80, 10, 10]


def test_a_large_cluster_does_not_crowd_a_small_side() -> None:
    given = bundles([30] * 10 + [1] * 700)
    for salt in "abcdef":
        sides = assigned(given, (800, 100, 100), salt)
        assert set(sides[:10].tolist()) == {TRAIN}
        assert filled(given, sides) == [800, 100, 100]


def test_more_than_its_share_by_an_earlier_run() -> None:
    given = bundles([1] * 20, sides=[TEST] * 10 + [NEW] * 10)
    sides = assigned(given, (16, 2, 2))
    assert TEST not in sides[10:] and (sides[10:] == VALIDATION).sum() <= 2


@pytest.mark.parametrize(
    ("given", "rows", "wanted"),
    [
        ((None, None, None), 100, (80, 10, 10)),
        ((0.8, 0.1, 0.1), 100, (80, 10, 10)),
        ((None, None, 500), 1000, (500, 0, 500)),
        ((None, "10%", "7"), 100, (83, 10, 7)),
        ((None, None, "0.25"), 10, (7, 0, 3)),
        ((1.0, None, None), 5, (5, 0, 0)),
        ((0, 0.5, 0.5), 7, (0, 4, 3)),
        (("0.5", "0.25", "0.25"), 4, (2, 1, 1)),
    ],
)
def test_what_is_asked(given: tuple[object, object, object], rows: int, wanted: tuple[int, ...]) -> None:
    assert totals(planned(*given), rows) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((0.5, 0.1, 0.1), "add up to 0.7"),
        ((0.9, 0.1, 0.1), "more than all rows"),
        ((0.8, None, 500), "leave --train out"),
        ((None, "x", None), "neither a share"),
        ((None, "-1", None), "neither a share"),
        ((None, "120%", None), "neither a share"),
        ((None, "1.5", None), "neither a share"),
        ((None, "nan", None), "neither a share"),
        ((800, 100, 100), "leave --train out"),
    ],
)
def test_what_cannot_be_asked(given: tuple[object, object, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        planned(*given)  # type: ignore[arg-type]


def test_more_rows_than_there_are() -> None:
    with pytest.raises(UsageError, match="only 10"):
        totals(planned(None, None, 11), 10)
