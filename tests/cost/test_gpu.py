"""Training on one's own GPUs, against totals worked out by hand."""

from __future__ import annotations

import pytest

from prepdata.cost import Amount
from prepdata.cost_gpu import gpu_seconds, gpus_needed, memory_gib, own_gpu, shape_of
from prepdata.errors import UsageError

GIB = 1024**3


def test_seconds_by_hand():
    # 8e9 parameters x 1e7 tokens = 8e16. H100 at 989e12: low 4 x 8e16 / (989e12 x 0.5) = 647.1 s;
    # likely 6 x 8e16 / (989e12 x 0.3) = 1617.8 s; high 6 x 8e16 / (989e12 x 0.15) = 3235.6 s.
    found = gpu_seconds(8, 1e7, 989, "lora")
    assert (found.low, found.likely, found.high) == pytest.approx((647.118, 1617.796, 3235.592), rel=1e-5)


def test_qlora_is_slower_by_hand():
    lora, qlora = gpu_seconds(8, 1e7, 312, "lora"), gpu_seconds(8, 1e7, 312, "qlora")
    assert qlora.low == lora.low
    assert qlora.likely == pytest.approx(lora.likely * 1.4)
    assert qlora.high == pytest.approx(lora.high * 1.8)


def test_h100_by_hand():
    # 8B, 5 million tokens x 3 epochs = 1.2e17 parameter-tokens. Likely 6 x 1.2e17 / (989e12 x 0.3) = 2426.7 s
    # = 0.67408 h x $3.99 = $2.6896. Low 970.7 s = 0.26963 h x $2.69 = $0.7253. High 4853.4 s = 1.34816 h x $12.29.
    found = own_gpu("H100", Amount(10_000, 5_000_000), billions=8, method="lora", epochs=3, row_tokens=2048)
    assert found.gpus == 1
    assert found.hours.likely == pytest.approx(0.67408, rel=1e-4)
    assert found.usd.low == pytest.approx(0.7253, rel=1e-3)
    assert found.usd.likely == pytest.approx(2.6896, rel=1e-3)
    assert found.usd.high == pytest.approx(16.569, rel=1e-3)


def test_rtx4090_qlora_by_hand():
    # 7B, 1 million tokens x 2 epochs = 1.4e16. Likely 6 x 1.4e16 x 1.4 / (165e12 x 0.3) = 2375.8 s = 0.65993 h
    # x $0.34 = $0.22438.
    found = own_gpu("RTX4090", Amount(1000, 1_000_000), billions=7, method="qlora", epochs=2, row_tokens=1024)
    assert found.gpus == 1
    assert found.hours.likely == pytest.approx(0.65993, rel=1e-4)
    assert found.usd.likely == pytest.approx(0.22438, rel=1e-3)


def test_memory_by_hand():
    # 7B LoRA: 7e9 x (2 + 0.16) bytes = 14.08 GiB. A row of 1,000 tokens: 1000 x (32 x 4096 x 2 + 128000 x 8) bytes
    # = 1.198 GiB, and 1.5 GiB fixed.
    shared, each = memory_gib(7, "lora", 1000)
    assert shared == pytest.approx(7e9 * 2.16 / GIB)
    assert each == pytest.approx(1000 * (32 * 4096 * 2 + 128_000 * 8) / GIB + 1.5)
    assert memory_gib(7, "qlora", 1000)[0] == pytest.approx(7e9 * 0.72 / GIB)


@pytest.mark.parametrize(
    ("billions", "method", "gib", "count"),
    [(8, "lora", 24, 1), (8, "qlora", 24, 1), (14, "lora", 24, 2), (14, "qlora", 24, 1), (70, "lora", 80, 4),
     (70, "qlora", 80, 1), (70, "qlora", 48, 2), (70, "lora", 24, None), (400, "lora", 80, None)],
)  # fmt: skip
def test_how_many_gpus_hold_it(billions, method, gib, count):
    assert gpus_needed(billions, method, 2048, gib) == count


def test_long_rows_need_more():
    assert gpus_needed(8, "lora", 1024, 24) == 1
    assert gpus_needed(8, "lora", 32_768, 24) is None


def test_what_does_not_fit_has_no_price():
    found = own_gpu("L4", Amount(10, 10_000), billions=70, method="lora", epochs=1, row_tokens=2048)
    assert (found.gpus, found.hours, found.usd) == (None, None, None)
    assert found.memory_gib > 8 * 24 * 0.7


def test_more_gpus_take_less_time_for_the_same_money():
    small = Amount(1000, 1_000_000)
    four = own_gpu("A100-80", small, billions=70, method="lora", epochs=1, row_tokens=2048)
    whole = gpu_seconds(70, 1e6, 312, "lora").times(1 / 3600)
    assert four.gpus == 4
    assert four.hours.likely == pytest.approx(whole.likely / 4)
    assert four.usd.likely == pytest.approx(whole.likely * 1.79)


def test_estimated_tokens_widen_the_range():
    exact = own_gpu("H100", Amount(10, 10_000), billions=8, method="lora", epochs=1, row_tokens=100)
    guess = own_gpu("H100", Amount(10, 10_000, exact=False), billions=8, method="lora", epochs=1, row_tokens=100)
    assert guess.hours.low == pytest.approx(exact.hours.low * 0.75)
    assert guess.hours.likely == exact.hours.likely
    assert guess.hours.high == pytest.approx(exact.hours.high * 1.25)
    assert any("25% off" in said for said in guess.assumptions)


def test_assumptions_and_dates_are_said():
    found = own_gpu("H100", Amount(10, 10_000), billions=8, method="lora", epochs=1, row_tokens=100)
    assert any("15% to 50%" in said for said in found.assumptions)
    assert any("2.69 to 12.29 USD a GPU hour" in said for said in found.assumptions)
    assert found.as_of == "as of 2026-11-09, old from 2027-02-08"


@pytest.mark.parametrize(("billions", "layers", "hidden"), [(7, 32, 4096), (0.5, 13, 1699), (70, 69, 8825)])
def test_shapes_grow_evenly(billions, layers, hidden):
    assert shape_of(billions) == (layers, hidden)


def test_an_unknown_gpu_is_wrong_use():
    with pytest.raises(UsageError, match="Known: L4"):
        own_gpu("abacus", Amount(1, 1), billions=1, method="lora", epochs=1, row_tokens=1)
