"""Hosted prices and prices per call, against totals worked out by hand."""

from __future__ import annotations

import pytest

from prepdata import cost
from prepdata.cost import Amount, Range, call_price, calls, hosted, openai_epochs, plain


def one(provider, amount, **more):
    [found] = hosted(provider, amount, **more)
    return found


@pytest.mark.parametrize(
    ("rows", "epochs"),
    [(1, 25), (4, 25), (5, 20), (10, 10), (33, 3), (34, 3), (50, 3), (500, 3), (8333, 3), (8334, 2), (12_500, 2),
     (12_501, 1), (25_000, 1), (1_000_000, 1), (0, 1)],
)  # fmt: skip
def test_default_epochs_of_openai(rows, epochs):
    assert openai_epochs(rows) == epochs


def test_openai_by_hand():
    # 500 rows, 1,000,000 tokens, gpt-4o-mini at $3 per million: 2, 3, 4 epochs -> $6, $9, $12.
    found = one("openai", Amount(500, 1_000_000), model="gpt-4o-mini-2024-07-18")
    assert found.usd == Range(6.0, 9.0, 12.0)
    assert found.billed_tokens == Range(2e6, 3e6, 4e6)
    assert found.confidence == "secondary"
    assert not found.minimum_applied
    assert any("minimum charge is not known" in said for said in found.assumptions)


def test_what_a_list_says_of_one_price_is_said_of_that_one_only():
    noted = "25 USD per million trained tokens (from memory, 2026-11-21; check it on the provider's pricing page)"
    assert noted in one("openai", Amount(500, 1_000_000), model="gpt-4.1").assumptions
    said = one("openai", Amount(500, 1_000_000), model="gpt-4o-mini").assumptions
    assert not any("GPT-4.1" in line or "pricing page" in line for line in said)


def test_openai_with_given_epochs_by_hand():
    # 250,000 tokens x 4 epochs x $25 per million = $25.
    assert one("openai", Amount(500, 250_000), model="gpt-4o", epochs=4).usd == Range(25.0, 25.0, 25.0)


def test_openai_small_file_by_hand():
    # 5 rows train 20 epochs: 8,242 tokens x 20 x $3 per million = $0.49452.
    found = one("openai", Amount(5, 8242), model="gpt-4o-mini")
    assert found.epochs == Range(20.0, 20.0, 20.0)
    assert found.usd.likely == pytest.approx(0.49452)


def test_together_by_hand():
    # Default 1 epoch, 20 million tokens, 7B: $0.48 to $1.35 per million -> $9.60 to $27, likely the lower; no minimum.
    found = one("together", Amount(10_000, 20_000_000), model="Qwen/Qwen2.5-7B-Instruct")
    assert found.epochs.likely == 1
    assert found.usd.low == pytest.approx(9.60)
    assert found.usd.likely == pytest.approx(9.60)
    assert found.usd.high == pytest.approx(27.0)
    assert found.as_of.startswith("as of 2025-11-14")
    assert not found.minimum_applied


def test_fireworks_by_hand():
    # 70B: $3 per million, 2 epochs of 5 million tokens = $30. Without epochs: one, and it is said.
    amount = Amount(2000, 5_000_000)
    assert one("fireworks", amount, model="llama-3.3-70b", epochs=2).usd == Range(30.0, 30.0, 30.0)
    unsaid = one("fireworks", amount, model="llama-3.3-70b")
    assert unsaid.usd == Range(15.0, 15.0, 15.0)
    assert any("give --epochs" in said for said in unsaid.assumptions)


def test_the_minimum_of_mistral_by_hand():
    # 100,000 tokens x 3 epochs x $1 to $2 per million = $0.30 to $0.60, but $4 a job; $2 a month to keep.
    found = one("mistral", Amount(50, 100_000), model="open-mistral-nemo", epochs=3)
    assert found.usd == Range(4.0, 4.0, 4.0)
    assert found.minimum_applied
    assert found.storage_month == 2.0


def test_just_above_the_minimum_by_hand():
    # 1,400,000 x 3 x $1 = $4.20, up to $8.40: the minimum changes nothing.
    found = one("mistral", Amount(500, 1_400_000), model="mistral-small", epochs=3)
    assert found.usd.low == pytest.approx(4.2)
    assert found.usd.high == pytest.approx(8.4)
    assert not found.minimum_applied


def test_the_minimum_can_hold_for_the_low_end_only():
    # 800,000 x 3 = 2.4 million: $2.40 likely -> $4, $4.80 at the high end.
    found = one("mistral", Amount(500, 800_000), model="mistral-small", epochs=3)
    assert found.usd.likely == 4.0
    assert found.usd.high == pytest.approx(4.8)
    assert found.minimum_applied


def test_what_is_not_known_is_not_guessed():
    azure = one("azure-openai", Amount(500, 1_000_000), model="gpt-4.1")
    assert azure.usd is None
    assert azure.hosting_hour == 1.70
    assert azure.confidence == "unknown"
    assert any("training price is not known" in said for said in azure.assumptions)
    assert all(found.usd is None for found in hosted("vertex-gemini", Amount(1, 1)))
    nova = one("bedrock-nova", Amount(100, 1000), model="amazon.nova-micro-v1:0")
    assert nova.usd is None
    assert nova.epochs.likely == 2


def test_no_price_list_no_estimate():
    assert hosted("trl", Amount(1, 1)) == []
    assert hosted("openai", Amount(1, 1), model="unheard-of") == []


def test_estimated_tokens_widen_the_range():
    # 1 million tokens, 3 epochs given, $3: $9, and 25 % either way.
    found = one("openai", Amount(500, 1_000_000, exact=False), model="gpt-4o-mini", epochs=3)
    assert (found.usd.low, found.usd.likely, found.usd.high) == pytest.approx((6.75, 9.0, 11.25))
    assert any("25% off" in said for said in found.assumptions)


def test_a_context_is_said():
    found = one("openai", Amount(5, 10), model="gpt-4o", context=65_536)
    assert any("65,536" in said for said in found.assumptions)


def test_all_lines_of_a_list_without_a_model():
    assert len(hosted("openai", Amount(500, 1000))) == 5
    assert len(hosted("together", Amount(500, 1000))) == 3


def test_an_empty_file_costs_nothing_or_the_minimum():
    assert one("openai", Amount(0, 0), model="gpt-4o").usd == Range(0.0, 0.0, 0.0)
    assert one("mistral", Amount(0, 0), model="mistral-small").usd.likely == 4.0


def test_a_call_by_hand():
    # 1,500 x $0.15 + 100 x $0.60 per million = $0.000225 + $0.00006.
    assert call_price(1500, 100, 0.15, 0.60) == pytest.approx(0.000285)


def test_before_and_after_by_hand():
    # After: 200 x $0.30 + 100 x $1.20 = $0.00018; saved $0.000105 a call; $9 / that = 85,714.3 -> 85,715 calls.
    [found] = calls("openai", model="gpt-4o-mini", prompt_before=1500, prompt_after=200, answer=100, training_usd=9.0)
    assert found.before == pytest.approx(0.000285)
    assert found.after == pytest.approx(0.00018)
    assert found.saving == pytest.approx(0.000105)
    assert found.calls_to_pay_off == 85_715
    assert any("secondary" in said for said in found.assumptions)


def test_a_fine_tune_that_never_pays():
    [found] = calls("openai", model="gpt-4o-mini", prompt_before=200, prompt_after=200, answer=100, training_usd=9.0)
    assert found.saving < 0
    assert found.calls_to_pay_off is None


def test_calls_without_prices():
    [found] = calls("fireworks", model="llama-8b", prompt_before=9, prompt_after=1, answer=1, training_usd=1.0)
    assert (found.before, found.after, found.saving, found.calls_to_pay_off) == (None, None, None, None)
    assert calls("trl", model=None, prompt_before=1, prompt_after=1, answer=1) == []


def test_calls_without_a_training_price():
    [found] = calls("openai", model="gpt-4o", prompt_before=3000, prompt_after=100, answer=50)
    assert found.saving > 0
    assert found.calls_to_pay_off is None


def test_ranges():
    assert Range(1, 2, 3).times(2) == Range(2, 4, 6)
    assert Range(1, 2, 3).at_least(2) == Range(2, 2, 3)


def test_plain_values_are_json():
    import json

    found = plain(one("openai", Amount(5, 8242), model="gpt-4o-mini"))
    assert found["usd"]["likely"] == 0.4945
    assert json.loads(json.dumps(found)) == found
    assert plain({"a": [1.23456, 0.000012345], "b": "x", "c": None}) == {"a": [1.235, 1.234e-05], "b": "x", "c": None}


def test_the_error_of_estimates_is_the_one_the_estimate_states():
    assert cost.ESTIMATE_ERROR == 0.25
