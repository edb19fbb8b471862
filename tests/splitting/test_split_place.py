"""Giving sides until the proof finds nothing, with a proof made up here: pairs of rows that must not be apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.splitting.assign import SIDES, TEST, TRAIN, VALIDATION
from prepdata.splitting.place import MOST_ROUNDS, Placed, Placing
from prepdata.splitting.proof import Leak, Proof
from prepdata.splitting.ties import ASIDE, NEW, Clusters, Links

Pairs = Sequence[tuple[int, int]]


def proof_of(pairs: Pairs) -> Any:
    """Return a proof that finds a leak for each pair of rows that are on different sides, on the lower of the two."""

    def prove(sides: Any) -> Proof:
        found: dict[int, list[int]] = {}
        for one, other in pairs:
            if sides[one] >= 0 and sides[other] >= 0 and sides[one] != sides[other]:
                low, high = sorted((one, other), key=lambda row: int(sides[row]))
                found.setdefault(low, []).append(high)
        return Proof([Leak(row, tuple(others), "near-eval-overlap", "") for row, others in found.items()], ())

    return prove


def placed(
    rows: int,
    pairs: Pairs,
    *,
    wanted: Sequence[int],
    old: dict[int, int] | None = None,
    labels: Sequence[int] | None = None,
    unread: Sequence[int] = (),
    most: int = 10**9,
    digests: Sequence[int] | None = None,
    salt: str = "",
) -> Placed:
    cluster = np.array(labels if labels is not None else range(rows), np.int64)
    links = Links(np.arange(rows), cluster.astype(np.uint64), np.ones(rows, np.float32))
    strata = np.zeros(rows, np.int64)
    strata[list(unread)] = -1
    sides = np.full(rows, NEW, np.int64)
    for row, side in (old or {}).items():
        sides[row] = side
    keys = np.array(digests if digests is not None else [(i + 1) * 2654435761 % 2**32 for i in range(rows)], np.uint64)
    order = np.argsort(links.keys, kind="stable")
    held = Links(links.rows[order], links.keys[order], links.strengths[order])
    placing = Placing(Clusters(cluster, held, ()), keys, strata, sides, wanted, salt, most)
    return placing.placed(proof_of(pairs))


def apart(made: Placed, pairs: Pairs) -> list[tuple[int, int]]:
    """Return the pairs that are on different sides."""
    sides = made.sides.tolist()
    return [(a, b) for a, b in pairs if sides[a] >= 0 and sides[b] >= 0 and sides[a] != sides[b]]


def counts(made: Placed) -> list[int]:
    return [made.sides.tolist().count(side) for side in range(len(SIDES))]


def test_without_a_leak_one_proof_is_enough() -> None:
    made = placed(20, [], wanted=(16, 2, 2))
    assert counts(made) == [16, 2, 2] and made.rounds == 1 and made.moved == 0 and made.aside == {}


def test_rows_of_a_leak_come_together_without_loss() -> None:
    pairs = [(2 * i, 2 * i + 1) for i in range(15)]
    made = placed(30, pairs, wanted=(20, 6, 4))
    assert counts(made) == [20, 6, 4] and apart(made, pairs) == [] and made.aside == {}
    assert 1 < made.rounds <= 4 and made.moved > 0
    labels = made.labels.tolist()
    torn = [(a, b) for a, b in pairs if labels[a] != labels[b]]
    assert len(torn) < len(pairs), "clusters that leaked are made one"


def test_a_chain_of_leaks_is_taken_in_one_go() -> None:
    pairs = [(i, i + 1) for i in range(5)]
    made = placed(40, pairs, wanted=(30, 5, 5))
    assert apart(made, pairs) == [] and len({int(made.sides[i]) for i in range(6)}) == 1 and made.aside == {}


@pytest.mark.parametrize("side", [VALIDATION, TEST])
def test_a_new_row_follows_an_old_one_that_it_leaks_to(side: int) -> None:
    made = placed(20, [(0, 1)], old={0: side}, wanted=(16, 2, 2))
    assert made.sides[:2].tolist() == [side, side] and made.aside == {}


def test_a_new_row_between_two_old_ones_is_set_aside() -> None:
    made = placed(20, [(0, 2), (1, 2)], old={0: TRAIN, 1: TEST}, wanted=(16, 2, 2))
    assert made.sides[:3].tolist() == [TRAIN, TEST, ASIDE]
    assert list(made.aside) == [2] and made.aside[2].ties[0] in (0, 1)
    assert made.aside[2].reason == "near-eval-overlap between rows that cannot be on one side"


def test_what_was_apart_before_stays_apart() -> None:
    made = placed(6, [(0, 1)], old={0: TRAIN, 1: TEST}, wanted=(4, 1, 1))
    assert made.sides[:2].tolist() == [TRAIN, TEST] and made.aside == {} and made.rounds == 1
    assert [leak.row for leak in made.proof.leaks] == [0]


def test_a_leak_to_nothing_sets_its_row_aside() -> None:
    def prove(sides: Any) -> Proof:
        return Proof([Leak(3, (), "answer-key", "")] if sides[3] >= 0 else [], ())

    strata, new = np.zeros(8, np.int64), np.full(8, NEW, np.int64)
    links = Links(np.arange(8), np.arange(8).astype(np.uint64), np.ones(8, np.float32))
    placing = Placing(Clusters(np.arange(8), links, ()), np.arange(8).astype(np.uint64), strata, new, (6, 1, 1), "", 9)
    made = placing.placed(prove)
    assert made.sides[3] == ASIDE and made.aside[3].ties == ()


def test_clusters_that_would_grow_too_large_are_moved_not_joined() -> None:
    pairs = [(i, i + 1) for i in range(19)]
    made = placed(40, pairs, wanted=(30, 5, 5), most=3)
    assert apart(made, pairs) == []
    labels = made.labels.tolist()
    assert max(labels.count(label) for label in labels) <= 3


def test_all_tied_to_all_sets_the_fewest_aside() -> None:
    pairs = [(a, b) for a in range(12) for b in range(a)]
    made = placed(12, pairs, wanted=(8, 2, 2), most=1)
    assert apart(made, pairs) == [] and made.rounds < MOST_ROUNDS
    assert sum(counts(made)) + len(made.aside) == 12


def test_rows_without_a_record_are_on_no_side() -> None:
    made = placed(10, [], wanted=(6, 1, 1), unread=[4, 7])
    assert [row for row, side in enumerate(made.sides.tolist()) if side == NEW] == [4, 7] and counts(made) == [6, 1, 1]


CASES = st.integers(4, 24).flatmap(
    lambda rows: st.fixed_dictionaries(
        {
            "rows": st.just(rows),
            "pairs": st.lists(
                st.tuples(st.integers(0, rows - 1), st.integers(0, rows - 1)).filter(lambda pair: pair[0] != pair[1]),
                max_size=2 * rows,
            ),
            "old": st.dictionaries(st.integers(0, rows - 1), st.integers(0, 2), max_size=rows // 3),
            "most": st.sampled_from([1, 3, 1000]),
        }
    )
)


@given(CASES)
def test_no_new_leak_is_left_and_nothing_old_is_moved(case: dict[str, Any]) -> None:
    rows, pairs, old = case["rows"], case["pairs"], case["old"]
    wanted = (rows - 2 * (rows // 5), rows // 5, rows // 5)
    made = placed(rows, pairs, old=old, wanted=wanted, most=case["most"])
    sides = made.sides.tolist()
    assert all(sides[row] == side for row, side in old.items())
    assert [pair for pair in apart(made, pairs) if not (pair[0] in old and pair[1] in old)] == []
    assert {row for row, side in enumerate(sides) if side == ASIDE} == set(made.aside)
    assert all(0 <= side < len(SIDES) or side == ASIDE for side in sides)
    assert all(aside.reason and row not in aside.ties for row, aside in made.aside.items())
    tied = {row for pair in pairs for row in pair}
    assert set(made.aside) <= tied - set(old)


@given(CASES, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_leaks_makes_no_difference(case: dict[str, Any], random: Any) -> None:
    rows, pairs = case["rows"], case["pairs"]
    wanted = (rows - 2 * (rows // 5), rows // 5, rows // 5)
    digests = [(i + 1) * 2654435761 % 2**32 for i in range(rows)]
    first = placed(rows, pairs, old=case["old"], wanted=wanted, most=case["most"], digests=digests)
    to = list(range(rows))
    random.shuffle(to)
    moved = [(to[a], to[b]) for a, b in pairs]
    random.shuffle(moved)
    shuffled = [0] * rows
    for row, digest in enumerate(digests):
        shuffled[to[row]] = digest
    again = placed(
        rows, moved, old={to[row]: side for row, side in case["old"].items()}, wanted=wanted, most=case["most"],
        digests=shuffled,
    )  # fmt: skip
    assert again.sides[to].tolist() == first.sides.tolist()


def test_a_cluster_of_two_old_sides_is_taken_apart() -> None:
    labels = [0, 0, 0, 0, 4, 5, 6, 7, 8, 9]
    made = placed(10, [], old={0: TRAIN, 2: TEST}, labels=labels, wanted=(8, 1, 1))
    assert made.sides[:4].tolist() == [TRAIN, ASIDE, TEST, ASIDE]
    assert {row: (aside.reason, aside.ties) for row, aside in made.aside.items()} == dict.fromkeys(
        (1, 3), ("ties rows of train and test together", (0, 2))
    )


def test_of_many_ties_the_row_with_the_lowest_digest_is_named() -> None:
    old = {0: TEST, 1: TEST, 2: VALIDATION, 3: VALIDATION}
    for digests, ties in (([9, 8, 7, 6, 5], (3, 1)), ([6, 7, 8, 9, 5], (2, 0))):
        made = placed(5, [], old=old, labels=[0] * 5, wanted=(1, 2, 2), digests=digests)
        assert made.aside[4].ties == ties
        assert made.aside[4].reason == "ties rows of validation and test together"


def test_a_cluster_of_one_old_side_follows_it_whole() -> None:
    labels = [0, 0, 0, 3, 4, 5, 6, 7, 8, 9]
    made = placed(10, [], old={1: VALIDATION}, labels=labels, wanted=(7, 2, 1))
    assert made.sides[:3].tolist() == [VALIDATION] * 3 and made.aside == {} and counts(made)[TEST] == 1


@given(
    st.integers(4, 20).flatmap(
        lambda rows: st.tuples(
            st.lists(st.integers(0, rows - 1), min_size=rows, max_size=rows),
            st.dictionaries(st.integers(0, rows - 1), st.integers(0, 2), max_size=rows // 2),
        )
    )
)
def test_clusters_stay_whole_but_for_old_rows(case: tuple[list[int], dict[int, int]]) -> None:
    groups, old = case
    rows = len(groups)
    labels = [groups.index(group) for group in groups]
    made = placed(rows, [], old=old, labels=labels, wanted=(rows - 2 * (rows // 4), rows // 4, rows // 4))
    sides = made.sides.tolist()
    assert all(sides[row] == side for row, side in old.items())
    for label in set(labels):
        members = [row for row in range(rows) if labels[row] == label]
        before = {old[row] for row in members if row in old}
        new = {sides[row] for row in members if row not in old}
        if len(before) > 1:
            assert new <= {ASIDE}
        elif before and new:
            assert new == before
        else:
            assert len(new) <= 1 and ASIDE not in new
