"""Recommendations, with results worked out by hand."""

from __future__ import annotations

import pytest

from prepdata.training.advice import Measured, lengths_read, max_length, packed, recommendations, schedule
from prepdata.training.lengths import packing, padding


def measured(rows, **changes):
    """Return rows given as (tokens, trained, place of the last trained token, tokens left in training)."""
    tokens, trained, last, left = (list(column) for column in zip(*rows)) if rows else ([], [], [], [])
    held = {"trained": sum(trained), "left_trained": sum(trained), **changes}
    return Measured(tokens, last, left, **held)


def by_name(found):
    names = [advice.name for advice in found]
    assert len(set(names)) == len(names)
    return dict(zip(names, found))


# --- max length ------------------------------------------------------------------------------------------------------


def test_max_length_by_hand():
    """1,000 rows: 989 end at 100, 10 at 500, one at 900. Nobody cut: 900, rounded 960. 0.1 % of 1,000 is one row: 500, 512.
    1 % is ten rows: one of 900 and nine of 500 may be cut, the tenth of 500 not: 500."""
    advice = max_length([100] * 989 + [500] * 10 + [900])
    assert advice.value == 960
    assert advice.figures["no_answer_cut"] == {"exact": 900, "rounded": 960}
    assert advice.figures["cut_0.1_percent"] == {"exact": 500, "rounded": 512}
    assert advice.figures["cut_1_percent"] == {"exact": 500, "rounded": 512}
    assert "its token 900, and 960 is the next multiple of 64" in advice.because
    assert max_length([100] * 990 + [500] * 9 + [900]).figures["cut_1_percent"] == {"exact": 100, "rounded": 128}


def test_a_max_length_that_cuts_is_named():
    advice = max_length([100, 200, 300, 0], 200)
    assert advice.figures["answers_cut_as_set"] == 1
    assert advice.because.endswith("the 200 that are set cut 1 row")
    assert "are set" not in max_length([100, 200], 200).because


# --- packing ---------------------------------------------------------------------------------------------------------


def test_rows_of_like_length_need_neither():
    lengths = [100] * 64
    advice = packed(padding(lengths, 16), packing(lengths, 128))
    assert advice.value == "neither"
    assert advice.figures["waste_random_order"] == 0.0
    assert advice.figures["packed_sequences"] == 64  # two rows of 100 do not fit into 128
    assert advice.figures["waste_packed"] == round(28 / 128, 4)


def test_a_tie_goes_to_sorting():
    """32 rows of 64 and 32 of 448: a pair fills a sequence of 512, so 32 sequences, nothing unfilled. Sorted by length:
    four batches of 16 without padding, and nothing is asked of the attention."""
    even = [64] * 32 + [448] * 32
    advice = packed(padding(even, 16), packing(even, 512))
    assert advice.figures["packed_sequences"] == 32
    assert advice.figures["waste_packed"] == advice.figures["waste_sorted_by_length"] == 0.0
    assert advice.value == "sort-by-length"
    assert advice.figures["waste_random_order"] == pytest.approx(1 - 256 / 448, abs=0.001)


def test_packing_saves_more_where_batches_cannot_be_alike():
    """Twelve rows of 10, 20, 30 and 60, three each, make one batch of 12, padded to 60: 720 for 360. Packed into
    sequences of 60: {60} three times, {30, 30}, {30, 20, 10}, {20, 20, 10, 10}: six, all full."""
    lengths = [10, 20, 30, 60] * 3
    advice = packed(padding(lengths, 16), packing(lengths, 60))
    assert (advice.figures["read_random_order"], advice.figures["read_sorted_by_length"]) == (720, 720)
    assert (advice.figures["packed_sequences"], advice.figures["waste_packed"]) == (6, 0.0)
    assert advice.value == "packing"
    assert "keeps the rows of a sequence apart" in advice.because
    assert (
        advice.figures["packed_sequences_per_batch"] == 8
    )  # 16 rows of 30 on average are 480 tokens: 8 sequences of 60


def test_what_saves_little_is_not_recommended():
    """One batch of 60, 60 and 41 is padded to 180 for 161 however it is sorted, and packs into three sequences of 60."""
    lengths = [60, 60, 41]
    advice = packed(padding(lengths, 16), packing(lengths, 60))
    assert advice.figures["waste_random_order"] == advice.figures["waste_packed"] == round(19 / 180, 4)
    assert advice.value == "neither"


def test_lost_tokens_of_packing_are_told():
    lengths = [100, 40, 10]
    assert packed(padding(lengths, 16), packing(lengths, 64)).figures["packed_tokens_lost"] == 36


# --- epochs and batch ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "epochs", "expected"),
    [
        (5000, None, (16, 3, 939, 47)),  # 313 batches, three times; 5 % of 939 is 46.95
        (500, None, (4, 3, 375, 19)),  # 16 rows: 96 steps; 8: 189; 4: 375
        (1, None, (4, 3, 3, 1)),
        (20_000, None, (16, 2, 2500, 125)),  # three epochs would be 3,750 steps
        (100_000, None, (64, 1, 1563, 79)),  # one epoch is 6,250 steps; with 32 rows 3,125; with 64 rows 1,563
        (10_000_000, None, (128, 1, 78_125, 3907)),
        (5000, 5.0, (16, 5.0, 1565, 79)),
        (5000, 0.5, (8, 0.5, 313, 16)),  # 313 batches of 16, half of them: 157 steps; of 8 rows 625 / 2 = 313
    ],
)
def test_schedule_by_hand(rows, epochs, expected):
    assert tuple(schedule(rows, epochs)) == expected


def test_batch_in_tokens_and_steps():
    """1,600 rows of 50 tokens, 20 trained: 100 batches of 16, 300 steps; a batch holds 800 tokens, 320 trained."""
    found = by_name(recommendations(measured([(50, 20, 50, 50)] * 1600)))
    assert found["batch"].value == 16
    assert found["batch"].figures == {"rows": 16, "tokens": 800, "trained_tokens": 320}
    assert found["epochs"].value == 3
    assert found["epochs"].figures == {"rows": 1600, "steps": 300, "tokens": 240_000, "trained_tokens": 96_000}
    assert found["warm-up-steps"].value == 15
    assert (found["trained-share"].value, found["max-length"].value) == (0.4, 64)
    assert "useless-rows" not in found


def test_few_rows_are_said_to_be_few_and_many_to_be_many():
    few = by_name(recommendations(measured([(50, 20, 50, 50)] * 10)))
    assert "which is little" in few["epochs"].because
    many = by_name(recommendations(measured([(50, 20, 50, 50)] * 10), epochs=10_000))
    assert "which is much" in many["epochs"].because
    assert "as set" in many["epochs"].because


def test_rows_that_are_mostly_prompt():
    found = by_name(recommendations(measured([(100, 5, 100, 100)] * 3)))
    assert found["trained-share"].value == 0.05
    assert "shorter ones save most" in found["trained-share"].because


# --- rows that add nothing -------------------------------------------------------------------------------------------


def test_rows_that_add_nothing_are_counted_by_reason():
    rows = [(50, 20, 50, 50), (30, 0, 0, 0), (30, 0, 0, 30), (900, 20, 900, 0)]
    advice = by_name(recommendations(measured(rows, refused=2)))["useless-rows"]
    assert advice.value == 5
    assert advice.figures == {"without_trained_token": 2, "left_out_by_trainer": 1, "refused": 2}


def test_nothing_is_recommended_where_nothing_is_trained():
    assert recommendations(measured([])) == []
    assert [a.name for a in recommendations(measured([(30, 0, 0, 0)]))] == ["useless-rows"]


def test_where_the_trainer_leaves_out_all_rows_only_the_length_is_recommended():
    found = by_name(recommendations(measured([(900, 20, 900, 0)], max_length=100, left_trained=0)))
    assert list(found) == ["max-length", "trained-share", "useless-rows"]


# --- what is read ----------------------------------------------------------------------------------------------------


def test_lengths_are_those_at_the_max_length():
    rows = [(100, 20, 90, 64), (40, 10, 40, 40), (30, 0, 0, 0)]
    assert lengths_read(measured(rows, max_length=64)) == ([64, 40], 64)
    assert lengths_read(measured(rows)) == ([100, 40], 128)  # last trained token 90, rounded up


def test_the_order_of_the_rows_does_not_matter():
    rows = [(10 * n, n, 9 * n, 10 * n) for n in range(1, 60)]
    assert recommendations(measured(rows)) == recommendations(measured(rows[::-1]))


def test_every_sentence_is_one_and_names_figures():
    for advice in recommendations(measured([(10 * n, n, 9 * n, 10 * n) for n in range(1, 60)], refused=1)):
        assert any(letter.isdigit() for letter in advice.because)
        assert not advice.because.endswith(".") and ". " not in advice.because
