"""Statistics against published values, independent libraries (constants with their source), and simulation."""

from __future__ import annotations

import random

import pytest
from records_made import sample

from trainers.pairs import Pair, change_of
from trainers.statistics import (
    Interval,
    Paired,
    bootstrap,
    bootstrap_ratio,
    clustered,
    holm,
    mcnemar,
    mcnemar_power,
    non_inferior,
    sign_flip,
    smallest_detectable,
    smallest_detectable_mean,
    student_t,
    tango,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # statsmodels 0.15, proportion_confint(method="wilson")
        (32, 120, 0.1957, 0.3521),
        (5, 7, 0.3589, 0.9178),
        (120, 120, 0.9690, 1.0),
    ],
)
def test_wilson(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_refuses_what_is_no_rate():
    for successes, n in ((0, 0), (3, 2), (-1, 4)):
        with pytest.raises(ValueError, match="no rate"):
            wilson(successes, n)


@pytest.mark.parametrize(
    ("better", "worse", "p"),
    [  # scipy 1.17, binomtest(better, better + worse).pvalue
        (10, 3, 0.09228515625),
        (88, 0, 6.462348535570529e-27),
        (7, 7, 1.0),
        (25, 11, 0.028816719655878845),
        (1, 5, 0.21875),
        (520, 460, 0.059416981391209815),
        (0, 0, 1.0),
    ],
)
def test_mcnemar(better, worse, p):
    assert mcnemar(better, worse) == pytest.approx(p, rel=1e-9)
    assert mcnemar(worse, better) == mcnemar(better, worse)


def test_mcnemar_of_more_pairs_than_a_float_can_hold():
    assert mcnemar(5000, 4800) == pytest.approx(0.0444041, rel=1e-4)
    assert mcnemar(3000, 0) == pytest.approx(0.0, abs=1e-300)


@pytest.mark.parametrize(
    ("better", "worse", "n", "low", "high"),
    [  # the likelihood maximised by scipy 1.17 (minimize_scalar), and its score test solved by brentq
        (12, 2, 50, 0.0611124, 0.3447087),
        (1, 9, 30, -0.4566093, -0.0724204),
        (4, 4, 40, -0.1538387, 0.1538387),
        (30, 5, 200, 0.0716849, 0.1849258),
    ],
)
def test_tango(better, worse, n, low, high):
    assert tango(better, worse, n) == pytest.approx((low, high), abs=2e-6)


def test_tango_reaches_out_where_nothing_changed():
    z2 = 1.959963984540054**2
    assert tango(0, 0, 50) == pytest.approx((-z2 / (50 + z2), z2 / (50 + z2)), abs=1e-6)
    assert tango(50, 0, 50).high == pytest.approx(1.0, abs=1e-6)
    with pytest.raises(ValueError, match="of 3 items"):
        tango(2, 2, 3)


def test_student_t():
    # M. Abramowitz, I. Stegun, table 26.10 (0.95 and 0.99 two-sided)
    known = {
        (0.95, 1): 12.706,
        (0.95, 2): 4.303,
        (0.95, 3): 3.182,
        (0.95, 9): 2.262,
        (0.95, 30): 2.042,
        (0.99, 7): 3.499,
    }
    for (confidence, freedom), t in known.items():
        assert student_t(confidence, freedom) == pytest.approx(t, abs=6e-4)


def test_sign_flip_of_darwins_plants():
    # R. A. Fisher, The Design of Experiments (1935), sec. 21: 863 of 32768 sums are as large on one side
    differences = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    assert sign_flip(clustered(differences, range(15))) == 2 * 863 / 32768


def test_sign_flip_of_many_clusters_is_near_the_exact_one():
    differences = [1.0] * 25 + [-1.0] * 11
    assert sign_flip(clustered(differences, range(36))) == pytest.approx(mcnemar(25, 11), abs=0.006)
    assert sign_flip(clustered([0.0] * 5, range(5))) == 1.0


def test_clusters_are_drawn_whole():
    """Ten rows of one conversation that moved together say as much as one."""
    differences, groups = [0.2] * 40 + [-0.1] * 40, [i // 10 for i in range(80)]
    alone, together = clustered(differences, range(80)), clustered(differences, groups)
    assert (alone.mean, together.mean) == pytest.approx((0.05, 0.05))
    narrow, wide = bootstrap(alone), bootstrap(together)
    assert wide.high - wide.low > 2.5 * (narrow.high - narrow.low)
    assert sign_flip(together) > 0.05 > sign_flip(alone)


def test_bootstrap_of_many_is_near_the_normal_interval():
    numbers = random.Random(4)
    values = [numbers.gauss(0.1, 0.2) for _ in range(400)]
    mean = sum(values) / 400
    error = (sum((v - mean) ** 2 for v in values) / 399 / 400) ** 0.5
    low, high = bootstrap(clustered(values, range(400)))
    assert (low, high) == pytest.approx((mean - 1.966 * error, mean + 1.966 * error), abs=0.1 * error)


def test_bootstrap_is_the_same_each_time_and_another_with_another_seed():
    sums = clustered([(7 * i % 20) / 20 - 0.4 for i in range(20)], range(20))
    assert bootstrap(sums) == bootstrap(sums) != bootstrap(sums, seed=1)


def test_bootstrap_without_any_spread_is_not_sure_of_itself():
    low, high = bootstrap(clustered([0.0] * 20, range(20)))
    assert (low, high) == pytest.approx(tango(0, 0, 20), abs=1e-6)
    assert bootstrap(clustered([0.3] * 9, [1] * 9)).low < 0


def test_one_row_that_moved_makes_nobody_surer_than_none():
    none, one = (bootstrap(clustered([moved] + [0.0] * 29, range(30))) for moved in (0.0, -0.05))
    assert one.low < none.low
    low, _ = bootstrap(clustered([1.0] * 60, range(60)))  # as for a rate: Wilson's bound
    assert low == pytest.approx(wilson(60, 60).low)


def test_bootstrap_covers_the_truth_with_few_clusters():
    """Of 95 % intervals of 8 clusters of 4 rows, nearly 95 % hold the true mean of 0."""
    numbers, held = random.Random(7), 0
    for _ in range(600):
        base = [numbers.gauss(0, 0.2) for _ in range(8)]
        values = [max(-1.0, min(1.0, base[i // 4] + numbers.gauss(0, 0.1))) for i in range(32)]
        low, high = bootstrap(clustered(values, [i // 4 for i in range(32)]), resamples=1000)
        held += low <= 0 <= high
    assert wilson(held, 600).high >= 0.94


def test_holm():
    # statsmodels 0.15, multipletests(method="holm")
    given = {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005, "e": 0.2, "f": 0.0001}
    found = holm(given)
    assert list(found) == list(given)
    assert list(found.values()) == pytest.approx([0.04, 0.09, 0.09, 0.025, 0.2, 0.0006])
    assert holm({}) == {}


def test_non_inferior_is_about_the_bound_and_not_about_the_mean():
    assert non_inferior(Interval(-0.01, 0.2), 0.02)
    assert not non_inferior(Interval(-0.03, 0.2), 0.02)
    assert not non_inferior(Interval(-0.02, 0.2), 0.02)
    with pytest.raises(ValueError, match="margin"):
        non_inferior(Interval(0, 1), -0.1)


@pytest.mark.parametrize(
    ("n", "change", "discordant", "power"),
    [(100, 0.13, 0.2, 0.8173661), (50, 0.2, 0.4, 0.5466886), (300, 0.05, 0.1, 0.7444712)],
)
def test_power_is_that_of_every_outcome_counted(n, change, discordant, power):
    """Values by enumeration with scipy 1.17 (binom.pmf over all numbers of changed rows)."""
    assert mcnemar_power(n, change, discordant) == pytest.approx(power, abs=1e-6)


def test_power_by_simulation():
    numbers, shown = random.Random(3), 0
    for _ in range(2000):
        draws = [numbers.random() for _ in range(100)]
        better, worse = sum(d < 0.165 for d in draws), sum(0.165 <= d < 0.2 for d in draws)
        shown += better > worse and mcnemar(better, worse) <= 0.05
    low, high = wilson(shown, 2000, confidence=0.999)
    assert low < mcnemar_power(100, 0.13, 0.2) < high


def test_power_goes_on_smoothly_where_it_is_approximated():
    assert mcnemar_power(5000, 0.012, 0.1) == pytest.approx(mcnemar_power(5001, 0.012, 0.1), abs=0.02)


def test_smallest_detectable():
    assert smallest_detectable(100, 0.2) == pytest.approx(0.128, abs=0.002)
    assert smallest_detectable(20, 0.2) is None  # four rows that change show nothing, whichever way they go
    assert smallest_detectable(1000, 0.2) < smallest_detectable(200, 0.2)
    # (1.96 + 0.84) 0.3 / sqrt(900), t for the normal
    assert smallest_detectable_mean(0.3, 900) == pytest.approx(2.80 * 0.01, abs=2e-4)
    for wrong in (
        lambda: smallest_detectable(0),
        lambda: smallest_detectable(5, 0),
        lambda: smallest_detectable_mean(1, 1),
    ):
        with pytest.raises(ValueError):
            wrong()


def test_ratio_of_times():
    before = [0.1 + i / 1000 for i in range(60)]
    ones = [1.0] * 60
    ratio, (low, high) = bootstrap_ratio(Paired(before, ones), Paired([2 * t for t in before], ones))
    assert (ratio, low, high) == pytest.approx((2, 2, 2))
    ratio, (low, high) = bootstrap_ratio(Paired(before, ones), Paired(before[::-1], ones), share=0.95)
    assert ratio == pytest.approx(1) and low < 1 < high
    ratio, (low, high) = bootstrap_ratio(Paired(before, ones), Paired([4 * t for t in before], [2.0] * 60))
    assert (ratio, low, high) == pytest.approx((2, 2, 2))  # twice the time for each of twice the units
    with pytest.raises(ValueError, match="pairs"):
        bootstrap_ratio(Paired([1.0, 0.0], [1.0, 1.0]), Paired([1.0, 1.0], [1.0, 1.0]))


@pytest.mark.parametrize(("rows", "rate", "same"), [(60, 0.3, 0.5), (200, 0.9, 0.8), (25, 0.5, 0.0)])
def test_no_difference_is_rarely_called_an_improvement(rows, rate, same):
    """Of 2,000 comparisons of two equal models, the share called improved is not shown to be above 5 %."""
    numbers, improved = random.Random(rows), 0
    answers = [[sample(i, {"m": value}) for value in (0.0, 1.0)] for i in range(rows)]
    for _ in range(2000):
        pairs = []
        for row in answers:
            one = numbers.random() < rate
            other = one if numbers.random() < same else numbers.random() < rate
            pairs.append(Pair(row[one], row[other]))
        change = change_of(pairs, "test", "m", "secondary", higher=True, margin=None, alpha=0.05, seed=1)
        improved += change.outcome == "improved"
    assert wilson(improved, 2000).low <= 0.05


def test_no_difference_of_graded_scores_of_conversations_neither():
    """The same with graded scores of rows that hang together in 12 conversations of several lengths."""
    numbers, improved = random.Random(5), 0
    groups = [group for group in range(12) for _ in range(2 + group % 4)]
    for _ in range(2000):
        shift = [numbers.gauss(0, 0.15) for _ in range(12)]
        sums = clustered([shift[group] + numbers.gauss(0, 0.1) for group in groups], groups)
        improved += sums.mean > 0 and sign_flip(sums) <= 0.05
    assert wilson(improved, 2000).low <= 0.05
    assert improved > 10  # it can be called so at all


def test_a_real_difference_is_found():
    numbers, improved = random.Random(6), 0
    for _ in range(200):
        draws = [numbers.random() for _ in range(100)]
        pairs = [
            Pair(sample(i, {"m": float(d >= 0.2)}), sample(i, {"m": float(d < 0.165 or d >= 0.2)}))
            for i, d in enumerate(draws)
        ]
        change = change_of(pairs, "test", "m", "secondary", higher=True, margin=None, alpha=0.05, seed=1)
        improved += change.outcome == "improved"
    assert improved > 190


def test_many_clusters_of_few_kinds_are_drawn_by_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interval is that of drawing clusters one by one, but for chance."""
    from trainers import statistics

    chance = random.Random(3)
    differences = [chance.choices((-1.0, 0.0, 1.0), (1, 6, 2))[0] for _ in range(3000)]
    groups = [number // (1 + number % 2) for number in range(3000)]
    clusters = clustered(differences, groups)
    assert len(clusters.sums) >= statistics.MANY
    by_kind = bootstrap(clusters)
    monkeypatch.setattr(statistics, "MANY", 1 << 40)
    one_by_one = bootstrap(clusters)
    assert by_kind != one_by_one
    assert by_kind.low == pytest.approx(one_by_one.low, abs=0.001)
    assert by_kind.high == pytest.approx(one_by_one.high, abs=0.001)
