"""The comparison of ways, against totals worked out by hand (the arithmetic stands beside each)."""

from __future__ import annotations

import math

import pytest

from prepdata.cost import Amount, Range
from prepdata.cost_compare import arms as made
from prepdata.cost_compare.arms import Tuning, arms, baked, hit_share, replicas
from prepdata.cost_compare.book import book, offer_of, read_prices
from prepdata.cost_compare.breakeven import break_even, break_evens
from prepdata.cost_compare.model import Arm, Span, Workload, exactly
from prepdata.cost_gpu import own_gpu
from prepdata.errors import ConfigError, UsageError

# A site with 10,000 requests a day. Each call: 1,000 tokens of instructions, 500 of examples, 100 of question, 200 of
# answer; 50,000 tokens of documents; 500 rows of 1 million tokens in all.
SITE = Workload(
    calls_per_day=10_000, system=1_000, user=100, answer=200, few_shot=500, knowledge=50_000, retrieved=exactly(2_000)
)
FILE = Amount(500, 1_000_000)


def gpt4o_mini(**own):
    return book("gpt-4o-mini", ("openai",), card=None, embedding="text-embedding-3-small", store="own", own=own)


def by_name(work=SITE, prices=None, tuning=None):
    return {arm.name: arm for arm in arms(work, prices or gpt4o_mini(), tuning or Tuning(amount=FILE))}


def test_prompting_by_hand():
    # 1,600 prompt tokens x $0.15 + 200 answer tokens x $0.60, per million: 240 + 120 = 360 -> $0.00036 a call.
    # Low: 1,500 of them from the cache at $0.075: 112.5 + 15 + 120 = 247.5 -> $0.0002475.
    arm = by_name()["prompt"]
    assert arm.per_call == Range(pytest.approx(0.0002475), pytest.approx(0.00036), pytest.approx(0.00036))
    assert arm.one_time == arm.per_day == exactly(0.0)
    # A month: 30 days x 10,000 calls x $0.00036 = $108.
    assert arm.per_month.likely == pytest.approx(108.0)
    assert arm.prompt_tokens == exactly(1_600.0)


def test_a_short_prompt_is_not_cached():
    # 900 tokens in front of the question are fewer than 1,024: low is likely.
    work = Workload(calls_per_day=10_000, system=900, user=100, answer=200)
    arm = by_name(work)["prompt"]
    assert arm.per_call == exactly(pytest.approx((1_000 * 0.15 + 200 * 0.60) / 1e6))


def test_long_context_by_hand():
    # 51,500 tokens before the question. All from the cache: 51,500 x $0.075 + 100 x $0.15 + 200 x $0.60 =
    # 3,862.5 + 15 + 120 = 3,997.5 -> $0.0039975. None: 51,600 x $0.15 + 120 = 7,740 + 120 = 7,860 -> $0.00786.
    # 10,000 calls a day are 34.7 in 5 minutes: the share that comes too late is e^-34.7, none to speak of.
    arm = by_name()["long-context"]
    assert arm.per_call.low == pytest.approx(0.0039975)
    assert arm.per_call.likely == pytest.approx(0.0039975)
    assert arm.per_call.high == pytest.approx(0.00786)


def test_few_calls_find_little_in_the_cache():
    # 288 calls a day: one in 5 minutes on average, so 1 - 1/e = 63.2 % come in time.
    assert hit_share(288) == pytest.approx(1 - 1 / math.e)
    assert hit_share(10) == pytest.approx(0.0341, abs=1e-4)
    work = Workload(calls_per_day=288, system=0, user=0, answer=0, knowledge=100_000)
    # 100,000 x (0.632 x $0.075 + 0.368 x $0.15) per million = $0.01026.
    assert by_name(work)["long-context"].per_call.likely == pytest.approx(0.01026, abs=1e-5)


def test_retrieval_by_hand():
    # Prompting, $0.00036, and 2,000 tokens of passages x $0.15 = 300, and the question as a vector, 100 x $0.02 = 2:
    # 360 + 300 + 2 = 662 -> $0.000662. Once: 50,000 tokens x $0.02 per million = $0.001.
    arm = by_name()["rag"]
    assert arm.per_call.likely == pytest.approx(0.000662)
    assert arm.one_time == Range(0.0, pytest.approx(0.001), pytest.approx(0.001))
    assert arm.per_call.low == pytest.approx(0.0002475 + 0.0003)
    assert arm.prompt_tokens == exactly(3_600.0)


def test_a_hosted_store_by_hand():
    # $2.50 per 1,000 searches: $0.0025 a call. 200 million tokens x 19.36 bytes = 3.872e9 bytes = 3.606 GB (2^30), of
    # which 1 is free: 2.606 x $0.10 = $0.2606 a day.
    prices = book(
        "gpt-4o-mini", ("openai",), card=None, embedding="text-embedding-3-small", store="openai-file-search", own={}
    )
    work = Workload(calls_per_day=10, system=0, user=0, answer=0, knowledge=200_000_000, retrieved=exactly(0))
    arm = by_name(work, prices)["rag"]
    assert arm.per_call == exactly(pytest.approx(0.0025))
    assert arm.per_day.likely == pytest.approx(0.2606, abs=1e-4)
    assert arm.one_time.likely == pytest.approx(4.0)


def test_hosted_tuning_by_hand():
    # 500 rows: 2, 3, 4 epochs of 1 million tokens at $3 per million -> $6, $9, $12.
    # A call: 100 x $0.30 + 200 x $1.20 = 30 + 240 = 270 -> $0.00027; instructions kept: 1,100 x $0.30 -> $0.00057.
    arm = by_name()["tuned"]
    assert arm.one_time == Range(6.0, 9.0, 12.0)
    assert arm.per_call == Range(pytest.approx(0.00027), pytest.approx(0.00027), pytest.approx(0.00057))
    assert arm.per_day == exactly(0.0)


def test_break_even_of_the_site_by_hand():
    # Likely: $9 once, and each call saves $0.00036 - $0.00027 = $0.00009: 100,000 calls, 10 days of 10,000.
    # Earliest: $6 / $0.00009 = 66,667 calls, 6.7 days. Latest: $0.0002475 - $0.00057 saves nothing: never.
    found = by_name()
    item = break_even(found["prompt"], found["tuned"], 10_000)
    assert item.calls == Span(66_667.0, 100_000.0, None)
    assert item.days.low == pytest.approx(6.6667, abs=1e-4)
    assert item.days.likely == pytest.approx(10.0)
    assert item.calls_per_day == Span(0.0, 0.0, None)


def test_hybrid_by_hand():
    # The tuned call, $0.00027, 2,000 tokens of passages x $0.30 = 600, the vector 2: 270 + 600 + 2 = 872 -> $0.000872.
    arm = by_name()["hybrid"]
    assert arm.per_call.likely == pytest.approx(0.000872)
    assert arm.one_time.likely == pytest.approx(9.001)
    # Against retrieval ($0.000662 a call) it never pays off: both have the same search, and passages cost twice as much.
    item = break_even(by_name()["rag"], arm, 10_000)
    assert item.calls.likely is None


def test_own_gpus_by_hand():
    # 8 billion parameters x 2.4 bytes = 17.9 GiB: one A100-80. Likely: 1 million tokens to read a day = 11.6 a second
    # x 16e9 operations = 0.185 TFLOPS / 0.30 = 0.62; 2 million to write = 0.370 / 0.05 = 7.41; 8.03 x 3 = 24 of 312: one.
    # High: 11 million = 2.04 / 0.15 = 13.6, and 0.370 / 0.01 = 37.0: 50.6 x 6 = 304 of 312: one.
    # 24 hours x $1.19, $1.79, $3.67 = $28.56, $42.96, $88.08 a day.
    prices = book("gpt-4o-mini", ("openai",), card="A100-80", embedding="text-embedding-3-small", store="own", own={})
    run = own_gpu("A100-80", FILE, billions=8, method="lora", epochs=3, row_tokens=2_000)
    found = by_name(prices=prices, tuning=Tuning(amount=FILE, billions=8, own=run))
    arm = found["own-gpu"]
    assert arm.per_day == Range(pytest.approx(28.56), pytest.approx(42.96), pytest.approx(88.08))
    assert arm.per_call == exactly(0.0)
    assert arm.one_time == run.usd
    # Cheaper to run than prompting from $42.96 / $0.00036 = 119,333 calls a day; at 10,000 never.
    item = break_even(found["prompt"], arm, 10_000)
    assert item.calls_per_day.likely == pytest.approx(119_333, abs=1)
    assert item.calls.likely is None
    # With passages it reads 2,000 tokens more a call. High: 31 million = 5.74 / 0.15 = 38.3, and 37.0: 75.3 x 6 = 452 of
    # 312: two, $176.16.
    assert found["own-gpu-hybrid"].per_day.likely == pytest.approx(42.96)
    assert found["own-gpu-hybrid"].per_day.high == pytest.approx(176.16)
    assert found["own-gpu-hybrid"].per_call.likely == pytest.approx(100 * 0.02 / 1e6)


def test_more_traffic_needs_more_machines():
    # 1e9 tokens a day = 11,574 a second x 16e9 = 185.2 TFLOPS, of 312.
    # Reading: / 0.5 = 1.19 -> 2; x 3 / 0.3 = 5.94 -> 6; x 6 / 0.15 = 23.7 -> 24.
    assert replicas(8, 312, 1, exactly(1e9), exactly(0)) == Range(2.0, 6.0, 24.0)
    # Writing: / 0.2 = 2.97 -> 3; x 3 / 0.05 = 35.6 -> 36; x 6 / 0.01 = 356.1 -> 357.
    assert replicas(8, 312, 1, exactly(0), exactly(1e9)) == Range(3.0, 36.0, 357.0)
    assert replicas(8, 312, 1, exactly(0.0), exactly(0.0)) == exactly(1.0)


def test_what_is_in_the_weights_by_hand():
    # 1,500 tokens a call, 15 million a day; at $0.15 per million 1,000 calls of them cost $0.225.
    found = baked(SITE, gpt4o_mini())
    assert found.tokens_per_day == 15_000_000
    assert found.usd_per_thousand_calls == pytest.approx(0.225)


def test_estimated_tokens_widen_every_figure():
    work = Workload(calls_per_day=100, system=0, user=1_000, answer=0, exact=False)
    assert by_name(work)["prompt"].per_call == Range(
        pytest.approx(750 * 0.15 / 1e6), pytest.approx(1_000 * 0.15 / 1e6), pytest.approx(1_250 * 0.15 / 1e6)
    )


def test_every_price_names_its_row_and_date():
    for arm in by_name().values():
        for used in arm.prices:
            assert used.row.split(" / ")[0] in ("openai", "retrieval")
            assert used.date is not None
            assert used.confidence
    assert {p.row for p in by_name()["tuned"].prices} == {
        "openai / gpt-4o-mini / train", "openai / gpt-4o-mini / tuned_input", "openai / gpt-4o-mini / tuned_output"
    }  # fmt: skip


def test_what_has_no_price_stays_unknown():
    # Gemini: no tuning price. Nova: no price of cached input.
    gemini = book("gemini-2.5-flash", (), card=None, embedding="gemini-embedding-2", store="own", own={})
    found = by_name(prices=gemini)
    assert found["tuned"].unknown == [f"the price {n} is not known" for n in ("train", "tuned_input", "tuned_output")]
    assert found["tuned"].one_time is None
    assert found["hybrid"].unknown[0] == "the price train is not known"
    assert found["own-gpu"].unknown == ["the size of the model and the GPU are not known: give --params and --gpu"]
    assert {arm.name for arm in found.values() if arm.priced} == {"prompt", "long-context", "rag"}
    nova = book("nova-micro", (), card=None, embedding="text-embedding-3-small", store="own", own={})
    assert by_name(prices=nova)["long-context"].unknown == ["the price cached_input is not known"]
    assert {name for item in break_evens(list(found.values()), 100) for name in (item.first, item.then)} == {
        "long-context", "rag"
    }  # fmt: skip


def test_without_the_size_of_the_documents_nothing_is_guessed():
    found = by_name(Workload(calls_per_day=10, system=10, user=10, answer=10))
    for name in ("long-context", "rag", "hybrid"):
        assert "the size of the documents is not known: give --knowledge-tokens" in found[name].unknown
        assert not found[name].priced


def test_documents_that_the_model_cannot_read():
    found = by_name(Workload(calls_per_day=10, system=0, user=10, answer=10, knowledge=128_000))
    assert found["long-context"].unknown == [
        "128,020 tokens do not fit the 128,000 that the model reads, or its price holds for"
    ]
    assert found["rag"].priced


def test_hosting_and_storage_are_paid_by_the_day(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text("date = 2026-11-01\nhosting_hour = 1.70\nstorage_month = 3\n")
    # 24 x $1.70 + $3 / 30 = $40.90 a day.
    assert by_name(prices=gpt4o_mini(**read_prices(file)))["tuned"].per_day == exactly(pytest.approx(40.9))


def test_own_prices_count_more(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text("date = 2026-11-01\ninput = { low = 1, likely = 2, high = 3 }\noutput = 0\ntrain = 10\n")
    found = by_name(prices=gpt4o_mini(**read_prices(file)))
    assert found["prompt"].per_call.high == pytest.approx(1_600 * 3 / 1e6)
    [used] = [p for p in found["prompt"].prices if p.what == "input"]
    assert (used.row, str(used.date), used.confidence) == ("own.toml / input", "2026-11-01", "your own")
    # The provider's 2, 3, 4 epochs of 1 million tokens at $10.
    assert found["tuned"].one_time == Range(20.0, 30.0, 40.0)


def test_a_gpu_hour_of_ones_own(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text("gpu_hour = 0.5\n")
    prices = book(None, (), card="A100-80", embedding="text-embedding-3-small", store="own", own=read_prices(file))
    run = own_gpu("A100-80", FILE, billions=8, method="lora", epochs=3, row_tokens=2_000)
    arm = by_name(prices=prices, tuning=Tuning(amount=FILE, billions=8, own=run))["own-gpu"]
    assert arm.per_day == exactly(pytest.approx(12.0))
    assert arm.one_time.likely == pytest.approx(run.hours.likely * 0.5)


def test_a_model_that_fits_nowhere():
    run = own_gpu("L4", FILE, billions=400, method="lora", epochs=3, row_tokens=2_000)
    prices = book(None, (), card="L4", embedding="text-embedding-3-small", store="own", own={})
    arm = by_name(prices=prices, tuning=Tuning(amount=FILE, billions=400, own=run))["own-gpu"]
    assert arm.unknown == ["the model does not fit on 8 L4"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("inptu = 1", "Did you mean 'input'"), ("input = -1", "expected US dollars"), ("input = 'x'", "expected US dollars"),
     ("input = { low = 3, likely = 2, high = 1 }", "in that order"), ("input = { low = 3 }", "expected US dollars"),
     ("input = nan", "expected US dollars"), ("input = true", "expected US dollars"), ("date = 'x'", "expected a day"),
     ("=", "not valid TOML")],
)  # fmt: skip
def test_wrong_prices(tmp_path, text, said):
    file = tmp_path / "own.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_prices(file)


def test_all_mistakes_of_a_price_file_at_once(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text("input = -1\nnonsense = 2\n")
    with pytest.raises(ConfigError) as told:
        read_prices(file)
    assert len(str(told.value).split("\n")) == 2
    with pytest.raises(ConfigError, match="cannot be read"):
        read_prices(tmp_path / "none.toml")


def test_whose_price_is_meant():
    assert offer_of("gpt-4o-mini", ())[0].name == "openai"
    assert offer_of("nobody-knows", ()) is None
    assert offer_of(None, ()) is None
    with pytest.raises(UsageError, match="Say with --target"):
        offer_of("Qwen2.5-7B", ("together", "fireworks"))


@pytest.mark.parametrize(
    ("embedding", "store", "said"),
    [("text-embedding-3-smal", "own", "Did you mean 'text-embedding-3-small'"), ("text-embedding-3-small", "x", "Unknown store")],
)  # fmt: skip
def test_unknown_names(embedding, store, said):
    with pytest.raises(UsageError, match=said):
        book("gpt-4o", (), card=None, embedding=embedding, store=store, own={})


def arm(name, once, day, call, serves="task"):
    return Arm(name=name, serves=serves, one_time=exactly(once), per_day=exactly(day), per_call=exactly(call))


@pytest.mark.parametrize(
    ("first", "then", "days", "traffic"),
    [
        # $100 more at first, $1 a day and $0.01 a call less: 100 / (1 + 100 x 0.01) = 50 days; cheaper at any traffic.
        ((0, 2, 0.02), (100, 1, 0.01), 50.0, 0.0),
        # Never dearer: from the first call.
        ((10, 1, 0.02), (0, 1, 0.01), 0.0, 0.0),
        # $5 a day more, $0.01 a call less: pays from 500 calls a day, so not at 100.
        ((0, 0, 0.02), (0, 5, 0.01), None, 500.0),
        # Dearer in everything.
        ((0, 0, 0.01), (1, 1, 0.02), None, None),
        # The same.
        ((0, 1, 0.01), (0, 1, 0.01), 0.0, None),
    ],
)
def test_break_even(first, then, days, traffic):
    item = break_even(arm("prompt", *first), arm("tuned", *then), 100)
    assert item.days.likely == (pytest.approx(days) if days else days)
    assert item.calls.likely == (days * 100 if days is not None else None)
    assert item.calls_per_day.likely == (pytest.approx(traffic) if traffic else traffic)


def test_only_ways_that_know_the_same_are_held_against_each_other():
    found = break_evens([arm("prompt", 0, 0, 1), arm("rag", 0, 0, 2, "documents"), arm("own-gpu", 0, 9, 0)], 10)
    assert [(item.first, item.then) for item in found] == [("prompt", "own-gpu")]


def test_an_arm_without_a_price_has_no_break_even():
    with pytest.raises(ValueError, match="has no price"):
        break_even(Arm(name="prompt", serves="task"), arm("tuned", 0, 0, 1), 10)
    assert made.with_month(Arm(name="prompt", serves="task"), 10).per_month is None
