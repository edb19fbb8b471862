"""Packing: worked out by hand, and equal to that of TRL on generated lengths."""

from __future__ import annotations

import itertools
import random

import pytest

from prepdata.training.packing import STRATEGIES, Piece, Strategy, pack, packed_padding, padding


def numbers(lengths: list[int], size: int, strategy: Strategy) -> list[list[int]]:
    return [[piece.row for piece in pieces] for pieces in pack(lengths, size, strategy).sequences]


def test_best_fit_puts_the_longest_first_where_least_is_left() -> None:
    # 9 | 7 | 6 fill three sequences with 1, 3 and 4 left; 4 goes to the third, 3 to the second, 1 to the first
    assert numbers([4, 9, 3, 7, 1, 6], 10, "bfd") == [[1, 4], [3, 2], [5, 0]]


def test_best_fit_is_not_the_first_nor_the_loosest() -> None:
    # 3 goes to the 7, which it fills, not to the 5, where more is left
    assert numbers([7, 5, 3], 10, "bfd") == [[0, 2], [1]]


def test_best_fit_takes_equal_rows_and_equal_spaces_in_order() -> None:
    assert numbers([5, 6, 6, 4, 4, 5], 10, "bfd") == [[1, 3], [2, 4], [0, 5]]


def test_best_fit_cuts_what_is_too_long() -> None:
    packed = pack([12, 3, 10], 10, "bfd")
    assert packed.sequences == [[Piece(0, 0, 10)], [Piece(2, 0, 10)], [Piece(1, 0, 3)]]
    assert (packed.cut, packed.lost, packed.lengths, packed.empty) == ([0], 2, [10, 10, 3], 7)


def test_best_fit_split_loses_nothing() -> None:
    packed = pack([25, 3, 10], 10, "bfd_split")
    assert packed.sequences == [
        [Piece(0, 0, 10)], [Piece(0, 10, 20)], [Piece(2, 0, 10)], [Piece(0, 20, 25), Piece(1, 0, 3)],
    ]  # fmt: skip
    assert (packed.cut, packed.lost, packed.empty) == ([0], 0, 2)


def test_wrapped_cuts_wherever_a_sequence_is_full() -> None:
    packed = pack([4, 0, 9, 3], 5, "wrapped")
    assert packed.sequences == [
        [Piece(0, 0, 4), Piece(2, 0, 1)], [Piece(2, 1, 6)], [Piece(2, 6, 9), Piece(3, 0, 2)], [Piece(3, 2, 3)],
    ]  # fmt: skip
    assert (packed.cut, packed.lost, packed.lengths, packed.empty) == ([2, 3], 0, [5, 5, 5, 1], 4)


def test_rows_are_packed_a_thousand_at_a_time() -> None:
    assert len(pack([3] * 1000, 3000, "bfd").sequences) == 1
    assert [len(pieces) for pieces in pack([3] * 1001, 6000, "wrapped").sequences] == [1000, 1]
    assert len(pack([3] * 10, 9, "bfd", at_once=4).sequences) == 5


def test_rows_without_tokens_stand_nowhere() -> None:
    for strategy in STRATEGIES:
        assert pack([0, 0], 4, strategy).sequences == []
        assert pack([], 4, strategy).cut == []


def test_what_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="hold nothing"):
        pack([1], 0, "bfd")
    with pytest.raises(ValueError, match="bfd_split"):
        pack([1], 4, "best")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="holds nothing"):
        padding([1], 0)


def test_padding_by_hand() -> None:
    assert padding([7, 7, 7], 2) == pytest.approx(0)
    assert padding([1, 3], 1) == pytest.approx(0)
    assert padding([1, 3], 2) == pytest.approx(2)
    # of 1, 2, 4 in pairs, the pairs (1,2) (1,4) (2,4) and a row alone: 1, 3 and 2 tokens of padding
    assert padding([4, 1, 2], 2) == pytest.approx(2)
    assert padding([], 8) == 0


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 7])
def test_padding_is_the_mean_over_all_orders(batch: int) -> None:
    lengths = [3, 0, 8, 8, 1, 5]
    orders = list(itertools.permutations(lengths))
    padded = [
        sum(len(some) * max(some) - sum(some) for some in (order[at : at + batch] for at in range(0, 6, batch)))
        for order in orders
    ]
    assert padding(lengths, batch) == pytest.approx(sum(padded) / len(orders))


def test_padding_of_many_rows_in_large_batches() -> None:
    # rows of length i of n, all equally likely: the longest of k is (n + 1) k / (k + 1) on average
    rows, batch = 20_000, 1000
    longest = (rows + 1) * batch / (batch + 1)
    assert padding(range(1, rows + 1), batch) == pytest.approx(rows * longest - rows * (rows + 1) / 2)


def test_padding_of_packed_rows() -> None:
    lengths = [4, 0, 9, 3]
    assert packed_padding(pack(lengths, 5, "bfd"), "bfd", 2) == 0
    # sequences of 5, 5, 5 and 1 tokens in pairs: the last one is padded by 4
    assert packed_padding(pack(lengths, 5, "wrapped"), "wrapped", 2) == pytest.approx(4)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_packing_equals_that_of_trl(strategy: Strategy) -> None:
    datasets = pytest.importorskip("datasets")
    pytest.importorskip("torch")
    pytest.importorskip("trl")
    from trl.data_utils import pack_dataset

    datasets.disable_progress_bars()
    draw = random.Random(3)
    for rows, size in itertools.product((1, 2, 7, 60, 1000, 1001, 2300), (1, 7, 64)):
        lengths = [
            draw.choice([1, size, size + 1, draw.randint(0, 3 * size), draw.randint(0, size)]) for _ in range(rows)
        ]
        lengths[0] = max(lengths[0], 1)
        ids = [[row * 1000 + at for at in range(length)] for row, length in enumerate(lengths)]
        real = pack_dataset(datasets.Dataset.from_dict({"input_ids": ids}), size, strategy)["input_ids"]
        packed = pack(lengths, size, strategy)
        ours = [
            [token for piece in pieces for token in ids[piece.row][piece.start : piece.end]]
            for pieces in packed.sequences
        ]
        assert ours == [list(one) for one in real], (rows, size)
        assert packed.lost == sum(lengths) - sum(map(len, ours))
