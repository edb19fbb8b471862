"""The comparison of ways, against totals worked out by hand (the arithmetic stands beside each)."""

from __future__ import annotations

import math

import msgspec
import pytest

from prepdata.cost import Amount, Range
from prepdata.cost_compare.arms import arms, baked, cases, with_traffic
from prepdata.cost_compare.book import book, offer_of, read_prices
from prepdata.cost_compare.breakeven import break_evens
from prepdata.cost_compare.model import Arm, Workload, exactly
from prepdata.cost_compare.own import busy
from prepdata.cost_compare.running import Running, hit_share
from prepdata.cost_compare.tuning import Tuning, figures
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


TUNING = Tuning(amount=FILE, billions=8.0, card="A100-80", epochs=3.0, longest=2_000)


def with_gpu(**own):
    return book("gpt-4o-mini", ("openai",), card="A100-80", embedding="text-embedding-3-small", store="own", own=own)


def by_name(work=SITE, prices=None, tuning=None):
    return {arm.name: arm for arm in arms(work, prices or gpt4o_mini(), tuning or Tuning(amount=FILE))}


def test_prompting_by_hand():
    # 1,600 prompt tokens x $0.15 + 200 answer tokens x $0.60, per million: 240 + 120 = 360 -> $0.00036 a call.
    # 1,500 of them from the cache at $0.075: 112.5 + 15 + 120 = 247.5 -> $0.0002475, in all calls but e^-34.7 of them.
    arm = by_name()["prompt"]
    assert arm.per_call == Range(pytest.approx(0.0002475), pytest.approx(0.0002475), pytest.approx(0.00036))
    assert arm.one_time == arm.per_day == exactly(0.0)
    # A month: 30 days x 10,000 calls x $0.0002475 = $74.25.
    assert arm.per_month.likely == pytest.approx(74.25)
    assert arm.prompt_tokens == exactly(1_600.0)


def test_a_short_prompt_is_not_cached():
    # 900 tokens in front of the question are fewer than 1,024: low is likely.
    work = Workload(calls_per_day=10_000, system=900, user=100, answer=200, knowledge=100)
    arm = by_name(work)["prompt"]
    assert arm.per_call == exactly(pytest.approx((1_000 * 0.15 + 200 * 0.60) / 1e6))
    assert arm.assumptions == [
        "no cache: instructions and examples have fewer than 1,024 tokens (OpenAI's limit, 2024-10-01)"
    ]
    # With 100 tokens of documents there are 1,000 in front of it: the same.
    arm = by_name(work)["long-context"]
    assert arm.per_call == exactly(pytest.approx((1_100 * 0.15 + 200 * 0.60) / 1e6))


def test_the_same_instructions_cost_the_same_in_every_arm():
    # 5,000 tokens of instructions, and 100 of documents: 100 x $0.075 more from the cache = $7.5 per million calls.
    work = Workload(calls_per_day=10_000, system=5_000, user=100, answer=200, knowledge=100, retrieved=exactly(0))
    found = by_name(work)
    more = found["long-context"].per_call.likely - found["prompt"].per_call.likely
    assert more == pytest.approx(7.5e-6)
    # At 288 calls a day 1 - 1/e of the calls have them there: 5,000 x (0.15 - 0.632 x 0.075) + 15 + 120 = 648.
    few = by_name(msgspec.structs.replace(work, calls_per_day=288))["prompt"].per_call
    assert few.likely == pytest.approx((5_000 * (0.15 - (1 - 1 / math.e) * 0.075) + 135) / 1e6)
    assert (few.low, few.high) == (pytest.approx((375 + 135) / 1e6), pytest.approx((750 + 135) / 1e6))


def test_without_a_price_of_cached_input_nothing_comes_from_the_cache():
    nova = book("nova-micro", (), card=None, embedding="text-embedding-3-small", store="own", own={})
    arm = by_name(prices=nova)["prompt"]
    assert arm.per_call == exactly(pytest.approx((1_600 * 0.035 + 200 * 0.14) / 1e6))
    assert arm.assumptions == ["no cache: the price cached_input is not known"]


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
    # Prompting, $0.0002475, and 2,000 tokens of passages x $0.15 = 300, and the question as a vector, 100 x $0.02 = 2:
    # 247.5 + 300 + 2 = 549.5 -> $0.0005495. Once: 50,000 tokens x $0.02 per million = $0.001.
    arm = by_name()["rag"]
    assert arm.per_call.likely == pytest.approx(0.0005495)
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
    said = "a store keeps 19 bytes for each token of the documents (judgement): 3.606 GB, of which 1 GB are free"
    assert said in arm.assumptions


def test_hosted_tuning_by_hand():
    # 500 rows: 2, 3, 4 epochs of 1 million tokens at $3 per million -> $6, $9, $12.
    # A call: 100 x $0.30 + 200 x $1.20 = 30 + 240 = 270 -> $0.00027; instructions kept: 1,100 x $0.30 -> $0.00057.
    arm = by_name()["tuned"]
    assert arm.one_time == Range(6.0, 9.0, 12.0)
    assert arm.per_call == Range(pytest.approx(0.00027), pytest.approx(0.00027), pytest.approx(0.00057))
    assert arm.per_day == exactly(0.0)


def test_hybrid_by_hand():
    # The tuned call, $0.00027, 2,000 tokens of passages x $0.30 = 600, the vector 2: 270 + 600 + 2 = 872 -> $0.000872.
    # It is trained on rows with passages: 1,000,000 + 500 x 2,000 = 2 million tokens x 2, 3, 4 epochs x $3 per million.
    arm = by_name()["hybrid"]
    assert arm.per_call.likely == pytest.approx(0.000872)
    assert arm.one_time == Range(pytest.approx(12.0), pytest.approx(18.001), pytest.approx(24.001))
    assert "trained on rows with as many tokens of passages as calls have" in arm.assumptions


def test_passages_in_training_rows_are_a_range_and_are_cut():
    # 1,000 to 4,000 tokens more in each of 500 rows: (1 + 0.5) x 2 x 3 = 9, (1 + 1) x 3 x 3 = 18, (1 + 2) x 4 x 3 = 36.
    work = msgspec.structs.replace(SITE, retrieved=Range(1_000.0, 2_000.0, 4_000.0))
    once = by_name(work)["hybrid"].one_time
    assert once == Range(pytest.approx(9.0), pytest.approx(18.001), pytest.approx(36.001))
    # Cut at 3,000 tokens the 500 rows have 1.5 million at most, which 1 + 0.5 million just are: 9, 13.5, 18.
    once = by_name(work, tuning=Tuning(amount=FILE, context=3_000))["hybrid"].one_time
    assert once == Range(pytest.approx(9.0), pytest.approx(13.501), pytest.approx(18.001))


def test_no_more_passages_than_documents_are_priced():
    # 500 tokens of documents, whatever is asked for. A call: (100 + 1,500 + 500) x $0.15 + 200 x 0.60 + 2 = 437; the
    # 1,500 of instructions and examples from the cache are 1,500 x 0.075 less: 324.5 to 437.
    work = msgspec.structs.replace(SITE, knowledge=500, retrieved=Range(1_000.0, 2_000.0, 4_000.0))
    found = by_name(work)
    assert work.passages == exactly(500.0)
    assert found["rag"].prompt_tokens == exactly(2_100.0)
    assert found["rag"].per_call.high == pytest.approx(437e-6)
    # 1,000,000 + 500 rows x 500 = 1.25 million tokens x 3 epochs x $3.
    assert found["hybrid"].one_time.likely == pytest.approx(11.25, abs=1e-4)
    for name in ("rag", "hybrid"):
        assert "500 tokens of passages a call (judgement), no more than the documents have" in found[name].assumptions
    more = msgspec.structs.replace(work, knowledge=2_500)
    assert more.passages == Range(1_000.0, 2_000.0, 2_500.0)
    assert msgspec.structs.replace(work, knowledge=None).passages == work.retrieved
    assert {
        one.prompt_tokens
        for case in cases(more, gpt4o_mini(), Tuning(amount=FILE))
        for one in case
        if one.name == "rag"
    } == {exactly(1_600.0 + tokens) for tokens in (1_000, 2_000, 2_500)}


def test_own_gpus_by_hand():
    # 8 billion parameters x 2.4 bytes = 17.9 GiB: one A100-80. Likely: 1 million tokens to read a day = 11.6 a second
    # x 16e9 operations = 0.185 TFLOPS / 0.30 = 0.62; 2 million to write = 0.370 / 0.05 = 7.41; 8.03 x 3 = 24 of 312: one.
    # High: 11 million = 2.04 / 0.15 = 13.6, and 0.370 / 0.01 = 37.0: 50.6 x 6 = 304 of 312: one.
    # 24 hours x $1.19, $1.79, $3.67 = $28.56, $42.96, $88.08 a day.
    found = by_name(prices=with_gpu(), tuning=TUNING)
    arm = found["own-gpu"]
    assert arm.per_day == Range(pytest.approx(28.56), pytest.approx(42.96), pytest.approx(88.08))
    assert arm.per_call == exactly(0.0)
    run = own_gpu("A100-80", FILE, billions=8, method="lora", epochs=3, row_tokens=2_000)
    assert arm.one_time == Range(*map(pytest.approx, figures(run.usd)))
    # With passages it reads 2,000 tokens more a call. High: 31 million = 5.74 / 0.15 = 38.3, and 37.0: 75.3 x 6 = 452 of
    # 312: two, $176.16. It trains on 2 million tokens an epoch in place of 1.
    both = found["own-gpu-hybrid"]
    assert both.per_day.likely == pytest.approx(42.96)
    assert both.per_day.high == pytest.approx(176.16)
    assert both.per_call.likely == pytest.approx(100 * 0.02 / 1e6)
    assert both.one_time.likely == pytest.approx(2 * run.usd.likely + 0.001)


def test_rows_with_passages_may_not_fit_on_the_gpu():
    # 7 billion parameters and rows of 2,000 tokens fit on eight L4; with 60,000 tokens of passages 60 GiB of scores do not.
    work = msgspec.structs.replace(SITE, knowledge=60_000, retrieved=exactly(60_000))
    tuning = msgspec.structs.replace(TUNING, billions=7.0, card="L4")
    prices = book(None, (), card="L4", embedding="text-embedding-3-small", store="own", own={})
    found = by_name(work, prices, tuning)
    assert found["own-gpu"].priced
    assert found["own-gpu-hybrid"].unknown == ["the model does not fit on 8 L4"]
    # Nor is it held against others where it fits with few passages and not with many.
    work = msgspec.structs.replace(SITE, knowledge=60_000, retrieved=Range(10.0, 20.0, 60_000.0))
    assert not {arm.name: arm for arm in arms(work, prices, tuning)}["own-gpu-hybrid"].priced
    assert all(arm.name != "own-gpu-hybrid" for case in cases(work, prices, tuning) for arm in case)


def test_more_traffic_needs_more_machines():
    # 1e9 tokens a day = 11,574 a second x 16e9 = 185.2 TFLOPS, of 312.
    # Reading: / 0.5 = 1.19 -> 2; x 3 / 0.3 = 5.94 -> 6; x 6 / 0.15 = 23.7 -> 24.
    assert machines(busy(8, 312, exactly(1e9), exactly(0))) == (2, 6, 24)
    # Writing: / 0.2 = 2.97 -> 3; x 3 / 0.05 = 35.6 -> 36; x 6 / 0.01 = 356.1 -> 357.
    assert machines(busy(8, 312, exactly(0), exactly(1e9))) == (3, 36, 357)
    assert machines(busy(8, 312, exactly(0.0), exactly(0.0))) == (1, 1, 1)


def machines(needed):
    running = Running(machine=exactly(1.0), busy=needed)
    return tuple(running.machines(1, bound) for bound in ("low", "likely", "high"))


def test_what_is_in_the_weights_by_hand():
    # 1,500 tokens a call, 15 million a day; at $0.15 per million 1,000 calls of them cost $0.225.
    found = baked(SITE, gpt4o_mini())
    assert found.tokens_per_day == 15_000_000
    assert found.usd_per_thousand_calls == pytest.approx(0.225)


def test_a_prompt_that_no_model_reads_saves_no_money():
    # 128,000 tokens fit: 127,700 of instructions and examples, 100 of question, 200 of answer; one more does not.
    fits = msgspec.structs.replace(SITE, system=127_200)
    assert baked(fits, gpt4o_mini()).usd_per_thousand_calls == pytest.approx(127_700 * 0.15 / 1000)
    found = baked(msgspec.structs.replace(SITE, system=127_201), gpt4o_mini())
    assert (found.system_tokens, found.usd_per_thousand_calls) == (127_201, None)


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
    assert {name for item in break_evens([list(found.values())], 100) for name in (item.first, item.then)} == {
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
    # 8e9 parameters x 3 million tokens x (4, 6, 6) operations / (312e12 x (0.5, 0.3, 0.15)) = 615, 1,538, 3,077 seconds,
    # at $0.50 an hour whatever the list has: $0.0855, $0.2137, $0.4274. A day: 24 x $0.50 = $12.
    file = tmp_path / "own.toml"
    file.write_text("gpu_hour = 0.5\n")
    prices = book(None, (), card="A100-80", embedding="text-embedding-3-small", store="own", own=read_prices(file))
    arm = by_name(prices=prices, tuning=TUNING)["own-gpu"]
    assert arm.per_day == exactly(pytest.approx(12.0))
    assert figures(arm.one_time) == pytest.approx((0.0855, 0.2137, 0.4274), abs=1e-4)
    assert not any("USD a GPU hour" in said for said in arm.assumptions)
    # A range of one's own, $1 to $4: 0.1709 x $1, 0.4274 x $2, 0.8547 x $4.
    file.write_text("gpu_hour = { low = 1, likely = 2, high = 4 }\n")
    prices = book(None, (), card="A100-80", embedding="text-embedding-3-small", store="own", own=read_prices(file))
    once = by_name(prices=prices, tuning=TUNING)["own-gpu"].one_time
    assert figures(once) == pytest.approx((0.1709, 0.8547, 3.4188), abs=1e-4)


def test_a_model_that_fits_nowhere():
    prices = book(None, (), card="L4", embedding="text-embedding-3-small", store="own", own={})
    tuning = msgspec.structs.replace(TUNING, billions=400.0, card="L4")
    arm = by_name(prices=prices, tuning=tuning)["own-gpu"]
    assert arm.unknown == ["the model does not fit on 8 L4"]


def test_a_training_price_with_a_range_and_a_minimum(tmp_path):
    # Together: $0.48 to $1.35 per million, one epoch of 1 million tokens, likely the lower.
    file = tmp_path / "own.toml"
    file.write_text("tuned_input = 1\ntuned_output = 1\n")
    tuned = {"own": read_prices(file), "card": None, "embedding": "text-embedding-3-small", "store": "own"}
    arm = by_name(prices=book("Qwen2.5-7B", ("together",), **tuned))["tuned"]
    assert figures(arm.one_time) == pytest.approx((0.48, 0.48, 1.35))
    [used] = [p for p in arm.prices if p.what == "train"]
    assert figures(used.usd) == (0.48, 0.48, 1.35)
    assert "the price list has a range for training: likely the lower" in arm.assumptions
    # Mistral: $1 to $2, one epoch, and $4 a job at least, by a row of its own; $2 a month for the model.
    arm = by_name(prices=book("open-mistral-7b", ("mistral",), **tuned))["tuned"]
    assert arm.one_time == exactly(4.0)
    assert "mistral / minimum" in {p.row for p in arm.prices}
    assert arm.per_day.likely == pytest.approx(2 / 30)


def test_a_price_says_what_its_list_says_of_it():
    one = book("gpt-4.1-mini", ("openai",), card=None, embedding="text-embedding-3-small", store="own", own={})
    assert one.prices["train"].note == "check it on the provider's pricing page"
    assert gpt4o_mini().prices["train"].note == ""
    assert not any("GPT-4.1" in said for said in by_name()["tuned"].assumptions)


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


def test_an_arm_without_a_price_has_no_month():
    assert with_traffic(Arm(name="prompt", serves="task"), 10).per_month is None
