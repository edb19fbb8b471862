"""Few rows in plain Python: the same n-grams and pairs as with numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.index.few import ROWS, grams, similar_few
from prepdata.index.join import LIST, Sets, similar
from prepdata.index.near import Signatures, prompts, sketched, whole_rows
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
    found = similar(Sets(members, np.cumsum([len(s) for s in sets], dtype=np.int64)), least, most)
    expected = list(zip(found.first.tolist(), found.second.tolist(), found.jaccard().tolist()))
    assert similar_few(sets, least, most) == [(a, b, pytest.approx(s)) for a, b, s in expected]


def column(sets: list[list[int]]) -> tuple[bytes, bytes]:
    members = [member for members in sets for member in members]
    return np.array([len(s) for s in sets], np.uint32).tobytes(), np.array(members, np.uint32).tobytes()


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


def test_prompts_and_whole_rows() -> None:
    found = Signatures(*(np.array(a, np.uint32).tobytes() for a in ([2, 1, 0, 3], [7, 8, 9, 4, 5, 6])))
    whole = [np.frombuffer(a, np.uint32).tolist() for a in whole_rows(found)]
    assert whole == [[3, 3], [7, 8, 9, 4, 5, 6]]
    assert [np.frombuffer(a, np.uint32).tolist() for a in prompts(found)] == [[2, 0], [7, 8]]


@given(SETS, st.integers(1, 6))
def test_a_sketch_has_the_smallest_of_each_row(sets: list[list[int]], size: int) -> None:
    counts, members = (np.frombuffer(a, np.uint32).tolist() for a in sketched(*column(sets), size))
    expected = [sorted(set(s))[:size] for s in sets]
    assert counts == [len(s) for s in expected]
    assert members == [member for s in expected for member in s]
