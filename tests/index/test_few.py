"""Few rows in plain Python: the same n-grams and pairs as with numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.index import near
from prepdata.index.exact import whole
from prepdata.index.few import ROWS, grams, ordered, similar_few
from prepdata.index.join import LIST, Sets, block, similar
from prepdata.index.near import Grams, Signatures, prompts, sketched, whole_rows
from prepdata.index.words import shingles, words
from prepdata.rules.dup import _near
from prepdata.rules.dup._near import COMMON, Pair, pairs

TEXTS = st.lists(
    st.one_of(
        st.text(max_size=60),
        st.text("ab \x01_9ÄéﬁⅣ猫がไ\u0301\ud800-", max_size=40),
        st.lists(st.sampled_from(["one", "two", "antidisestablishmentarianism", "x" * 90, "猫", "ß"]), max_size=12).map(
            " ".join
        ),
    ),
    max_size=8,
)


@given(TEXTS, st.integers(1, 4))
def test_the_same_n_grams(texts: list[str], n: int) -> None:
    found = shingles(words(texts), n)
    counts, members = grams(texts, n)
    assert np.frombuffer(counts, np.uint32).tolist() == np.diff(found.ends, prepend=0).tolist()
    assert np.frombuffer(members, np.uint32).tolist() == found.hashes.astype(np.uint32).tolist()


SETS = st.lists(st.lists(st.integers(0, 12), max_size=12), max_size=14)


@given(SETS, st.sampled_from([0.1, 0.3, 0.5, 0.9, 1.0]), st.integers(1, 8))
def test_the_same_pairs(sets: list[list[int]], least: float, most: int) -> None:
    members = np.array([member for members in sets for member in members], np.uint32)
    held = block(members, np.repeat(np.arange(len(sets)), [len(s) for s in sets]))
    found = similar(Sets(np.array([len(set(s)) for s in sets], np.int64), [held]), least, most)
    expected = list(zip(found.first.tolist(), found.second.tolist(), found.jaccard().tolist()))
    assert similar_few(sets, least, most) == [(a, b, pytest.approx(s)) for a, b, s in expected]


def column(sets: list[list[int]]) -> Grams:
    return Grams(*ordered([len(s) for s in sets], [member for members in sets for member in members]))


@given(SETS)
def test_the_same_order_of_n_grams(sets: list[list[int]]) -> None:
    members = np.array([member for members in sets for member in members], np.uint32)
    held = block(members, np.repeat(np.arange(len(sets)), [len(s) for s in sets]))
    few = column(sets)
    assert few.members == held.members.tobytes() and few.owners == held.owners.tobytes()
    assert whole(few.sizes, "I").tolist() == [len(set(s)) for s in sets]


def test_rows_beyond_sixteen_bits() -> None:
    few = Grams(*ordered([0] * 70_000 + [2], [9, 8]))
    assert few.code == "I"
    assert whole(few.members, "I").tolist() == [8, 9]
    assert whole(few.owners, "I").tolist() == [70_000] * 2


@given(SETS, SETS, st.sets(st.integers(0, 5)))
def test_the_same_nearest_rows(one: list[list[int]], other: list[list[int]], left: set[int]) -> None:
    left = {place for place in left if place < len(one) + len(other)}
    columns = [column(one), column(other)]
    few = pairs(columns, left, 0.2, 0.1)
    if one or other:
        many = _near._nearest(_near._joined(columns, left, 0.2, COMMON))
        assert few == [Pair(a, b, pytest.approx(s)) for a, b, s in many]
    assert few == pairs([column(one + other)], left, 0.2, 0.1), "however the rows are cut"


def test_few_are_so_few_that_no_pair_is_left_out() -> None:
    assert max(COMMON, 0.1 * ROWS) <= LIST


def listed(found: Grams) -> list[list[int]]:
    """Return the n-grams of each row."""
    rows: list[list[int]] = [[] for _ in whole(found.sizes, "I")]
    for member, owner in zip(whole(found.members, "I"), whole(found.owners, found.code)):
        rows[owner].append(member)
    assert [len(row) for row in rows] == whole(found.sizes, "I").tolist()
    return rows


@pytest.mark.parametrize("few", [0, 1000])
def test_prompts_and_whole_rows(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "GRAMS", few)  # none: all by numpy
    found = Signatures(*(np.array(a, np.uint32).tobytes() for a in ([2, 1, 0, 3], [7, 8, 8, 4, 5, 4])))
    assert listed(whole_rows(found)) == [[7, 8], [4, 5]]
    assert listed(prompts(found)) == [[7, 8], []]


@given(SETS, st.integers(1, 6))
def test_a_sketch_has_the_smallest_of_each_row(sets: list[list[int]], size: int) -> None:
    assert listed(sketched(column(sets), size)) == [sorted(set(s))[:size] for s in sets]
