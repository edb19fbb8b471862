"""When one way has paid off against another: by hand, and held against pricing again at the traffic that is named."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prepdata.cost import Amount, Range
from prepdata.cost_compare.arms import arms, cases
from prepdata.cost_compare.book import Book, book
from prepdata.cost_compare.breakeven import break_even, break_evens, pairs, spans
from prepdata.cost_compare.chart import cost_after
from prepdata.cost_compare.model import Arm, Lookup, Reach, Span, Traffic, Used, Workload, exactly
from prepdata.cost_compare.running import Running
from prepdata.cost_compare.tuning import Tuning

# samples/support/train.jsonl: 330 rows of 59,700 tokens; a call has 99 tokens of instructions, 246 of examples, 34 of
# question, 48 of answer; 4,294 tokens of documents.
SUPPORT = Workload(calls_per_day=10_000, system=99, user=34, answer=48, few_shot=246, knowledge=4_294)
ROWS = Tuning(amount=Amount(330, 59_700), billions=8.0, card="A100-80", longest=623)


def gpt4o_mini():
    return book("gpt-4o-mini", ("openai",), card="A100-80", embedding="text-embedding-3-small", store="own", own={})


def found(work=SUPPORT, prices=None, tuning=ROWS):
    """Return the break-even of each pair of ways by their names."""
    listed = break_evens(cases(work, prices or gpt4o_mini(), tuning), work.calls_per_day)
    return {(item.then, item.first): item for item in listed}


def arm(name, once, day, call, serves="task", **more):
    running = Running(fixed=exactly(day), call=exactly(call), **more)
    return Arm(name=name, serves=serves, one_time=exactly(once), running=running)


@pytest.mark.parametrize(
    ("first", "then", "days", "traffic"),
    [
        # $100 more at first, $1 a day and $0.01 a call less: 100 / (1 + 100 x 0.01) = 50 days; cheaper at any traffic.
        ((0, 2, 0.02), (100, 1, 0.01), 50.0, Traffic(1, None)),
        # Never dearer: from the first call.
        ((10, 1, 0.02), (0, 1, 0.01), 0.0, Traffic(1, None)),
        # $5 a day more, $0.01 a call less: pays from 500 calls a day, so not at 100.
        ((0, 0, 0.02), (0, 5, 0.01), None, Traffic(500, None)),
        # $5 a day less, $0.01 a call more: up to 500 calls a day.
        ((0, 5, 0.01), (9, 0, 0.02), 9 / 4, Traffic(1, 500)),
        # Dearer in everything.
        ((0, 0, 0.01), (1, 1, 0.02), None, None),
        # The same.
        ((0, 1, 0.01), (0, 1, 0.01), 0.0, Traffic(1, None)),
    ],
)
def test_two_ways_by_hand(first, then, days, traffic):
    item = break_even([(arm("prompt", *first), arm("tuned", *then))], 100)
    assert item.days.likely == (pytest.approx(days) if days else days)
    assert item.calls.likely == (pytest.approx(days * 100) if days is not None else None)
    assert item.cheaper_at == Reach(traffic, traffic, traffic)


def test_machines_are_added_with_the_traffic():
    # A machine of $10 a day serves 1,000 calls; a call elsewhere costs $0.011, so a full machine is cheaper, $11 to $10.
    # With m machines it is cheaper from m x 10 / 0.011 = m x 909.1 calls on, and the next is needed from m x 1,000 + 1:
    # that one is paid by as many calls where (m + 1) x 909.1 <= m x 1,000 + 1, from m = 10 on (10,000 <= 10,001).
    # So below there are calls at which it is dearer, the last ones those of ten machines up to 9,090: from 9,091 on.
    own = arm("own-gpu", 0, 0, 0, machine=exactly(10), busy=exactly(0.001))
    item = break_even([(arm("prompt", 0, 0, 0.011), own)], 100)
    assert item.cheaper_at.likely == Traffic(9_091, None)
    # At $0.0099 a call a full machine is dearer too: at no traffic.
    assert break_even([(arm("prompt", 0, 0, 0.0099), own)], 100).cheaper_at.likely is None
    # At $0.0099 and $3 a day besides one machine is cheaper from (10 - 3) / 0.0099 = 707.1 calls to the 1,000 it serves,
    # two from (20 - 3) / 0.0099 = 1,717.2 to 2,000, and so on, each span narrower: the first, or that of today's traffic.
    other = arm("prompt", 0, 3, 0.0099)
    assert break_even([(other, own)], 100).cheaper_at.likely == Traffic(708, 1_000)
    assert break_even([(other, own)], 1_900).cheaper_at.likely == Traffic(1_718, 2_000)


def test_own_gpus_and_a_tuned_model_of_a_provider():
    # One A100-80 serves 1 / ((34 / 0.3 + 48 / 0.05) x 3 x 16e9 / 86,400 / 312e12) = 523,230 calls for $42.96 a day; as
    # many calls of the tuned model cost 523,230 x (34 x $0.30 + 48 x $1.20) per million = $35.48: never.
    item = found()["own-gpu", "tuned"]
    assert item.cheaper_at.likely is None
    for calls in (631_317, 1_262_635, 10_000_000):
        dear, cheap = arms_at(SUPPORT, gpt4o_mini(), ROWS, calls, "own-gpu", "tuned")
        assert dear > cheap
    # Against the prompt of today, 523,230 x (379 x $0.15 + 48 x $0.60) per million = $44.81: it can be.
    assert found()["own-gpu", "prompt"].cheaper_at.likely.start > 501_090


def test_ways_with_passages_are_compared_at_the_same_passages():
    # Retrieval less the hybrid, per million calls with r tokens of passages: (379 - 34) x $0.15 - 34 x $0.15
    # + 48 x ($0.60 - $1.20) - r x $0.15 = 17.85 - 0.15 r USD: below zero from r = 119 on, so with 1,000 to 4,000 never.
    item = found()["hybrid", "rag"]
    assert (item.days, item.cheaper_at) == (Span(None, None, None), Reach(None, None, None))
    for tokens in (1_000.0, 4_000.0):
        assert found(msgspec.structs.replace(SUPPORT, retrieved=exactly(tokens)))["hybrid", "rag"].days.low is None
    # With 100 tokens it saves 17.85 - 15 = $2.85 per million calls, and costs (59,700 + 330 x 100) x 3 x $3 per million
    # = $0.8343 once: 0.8343 / 0.00000285 = 292,737 calls.
    item = found(msgspec.structs.replace(SUPPORT, retrieved=exactly(100.0)))["hybrid", "rag"]
    assert item.calls.likely == pytest.approx(292_737, abs=1)
    # Of 50, 100 or 200 tokens, the first is the earliest: 17.85 - 7.5 = $10.35 per million, 2 epochs of 76,200 tokens
    # for $0.4572 -> 44,174 calls; with 200 it never pays off.
    item = found(msgspec.structs.replace(SUPPORT, retrieved=Range(50.0, 100.0, 200.0)))["hybrid", "rag"]
    assert item.calls.low == pytest.approx(44_174, abs=1)
    assert item.calls.high is None


def test_what_the_cache_holds_is_the_same_for_both():
    # 5,000 tokens of instructions in both, 3,000 of documents in the one, 3,000 of passages in the other: from the
    # cache the documents are cheaper than passages, without it the same; the vector of the question ($0.68 per million
    # calls) and embedding are left. No figure is had from a cache that only one of both has.
    work = msgspec.structs.replace(SUPPORT, system=5_000, knowledge=3_000, retrieved=exactly(3_000.0))
    item = found(work)["rag", "long-context"]
    assert item.days == Span(0.0, None, None)  # low: vectors by a model of one's own, nothing from the cache
    assert item.cheaper_at.high is None
    # Nor are there more passages than documents, however many are asked for.
    assert found(msgspec.structs.replace(work, retrieved=exactly(6_000.0)))["rag", "long-context"] == item


def test_a_way_can_be_cheaper_up_to_a_traffic():
    # Per million calls: 10,000 tokens of documents and 99 of instructions from the cache in a share s of the calls are
    # $0.075 x 10,099 s = 757.4 s less than at the full price; 6,000 tokens of passages and the vector of the question are
    # 4,000 x $0.15 - 34 x $0.02 = $599.32 less than 10,000 of documents. Equal at s = 0.7913, and so at
    # 288 x -ln(1 - 0.7913) = 451 calls a day: below, the documents are seldom in the cache.
    work = msgspec.structs.replace(SUPPORT, knowledge=10_000, retrieved=exactly(6_000.0), few_shot=0)
    traffic = found(work)["rag", "long-context"].cheaper_at.likely
    assert traffic.start == 1
    assert traffic.end == pytest.approx(451, abs=1)


def test_estimated_tokens_are_the_same_for_both():
    # 100 tokens of question, 0.75 to 1.25 times as many, in both ways; 1,000 of instructions in the one. Tuned calls
    # cost twice as much a token: 1,100 x 0.15 - 100 x 0.30 = 135, 0.75 of it at least, so they pay off in any case but
    # that in which the instructions stay.
    work = Workload(calls_per_day=10_000, system=900, user=100, answer=0, exact=False)
    tuning = Tuning(amount=Amount(330, 100_000, exact=False))
    item = found(work, tuning=tuning)["tuned", "prompt"]
    # Likely: 150 - 30 = 120 per million; 3 epochs of 0.1 million tokens at $3 = $0.90: 7,500 calls. Earliest, with 2
    # epochs, $0.60: 5,000, whatever the tokens really are.
    assert item.calls.likely == pytest.approx(7_500, abs=1)
    assert item.calls.low == pytest.approx(5_000, abs=1)


def test_a_price_with_a_range_is_the_same_for_both():
    # $0.10 to $0.30 a million tokens of input, in both ways; 4,294 of documents, nothing from a cache, and 2,000 of
    # passages: retrieval is cheaper to run whatever the price is.
    prices = {"input": Range(0.10, 0.15, 0.30), "cached_input": Range(0.10, 0.15, 0.30), "output": Range(0.3, 0.6, 0.9)}
    own = {name: Used(name, "x", usd, name, None, "your own") for name, usd in prices.items()}
    own["embedding"] = used("embedding", 0.02)
    item = found(msgspec.structs.replace(SUPPORT, retrieved=exactly(2_000.0)), Book(prices=own))["rag", "long-context"]
    always = Traffic(1, None)
    assert item.cheaper_at == Reach(always, always, always)


def test_only_ways_that_know_the_same_are_held_against_each_other():
    listed = break_evens([[arm("prompt", 0, 0, 1), arm("rag", 0, 0, 2, "documents"), arm("own-gpu", 0, 9, 0)]], 10)
    assert [(item.first, item.then) for item in listed] == [("prompt", "own-gpu")]


def test_retrieval_that_both_have_is_left_out():
    # Embeddings and a store are in both; without them $1 once and $0.01 a call.
    lookup = Lookup(one_time=Range(0, 5, 9), per_call=Range(0, 0.1, 0.2), per_day=exactly(2))
    both = [
        Arm(
            name=name,
            serves="documents",
            one_time=Range(once, once + 5, once + 9),
            running=Running(fixed=exactly(2), call=Range(call, call + 0.1, call + 0.2)),
            lookup=lookup,
        )
        for name, once, call in (("rag", 0, 0.02), ("hybrid", 1, 0.01))
    ]
    item = break_even([tuple(both)], 10)
    assert [item.days.low, item.days.likely, item.days.high] == pytest.approx([10.0, 10.0, 10.0])


def test_an_arm_without_a_price_has_no_break_even():
    with pytest.raises(ValueError, match="has no price"):
        break_even([(Arm(name="prompt", serves="task"), arm("tuned", 0, 0, 1))], 10)


@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60), min_size=1))
def test_spans_end_where_they_say(held, looked):
    told = list(spans(held.__contains__, sorted(looked)))
    for span in told:
        assert span.start in held
        assert span.start == min(looked) or span.start - 1 not in held
        if span.end is not None:
            assert span.end in held
            assert span.end + 1 not in held
    inside = {n for n in looked for span in told if span.start <= n <= (span.end or n)}
    assert held & looked == inside & held


# --- held against pricing again ---------------------------------------------------------------------------------------

RELATIVE = 1e-6


def arms_at(work, prices, tuning, calls, *names, bounds=("likely", "likely")):
    """Return what a day of some ways costs, priced anew at so many calls a day."""
    priced = {a.name: a for a in arms(msgspec.structs.replace(work, calls_per_day=calls), prices, tuning)}
    return [
        getattr(priced[name].per_day, bound) + calls * getattr(priced[name].per_call, bound)
        for name, bound in zip(names, bounds)
    ]


def holds_at(traffic, cheaper):
    """Assert that the order of two costs is as a span says, at its ends and one call beyond them.

    Args:
        traffic: the span, None for none.
        cheaper: for calls a day, (cost of `then`, cost of `first`).
    """
    if traffic is None:
        for power in range(13):
            then, first = cheaper(10**power)
            assert then >= first * (1 - RELATIVE)
        return
    for calls in {traffic.start, traffic.end or 10**12}:
        then, first = cheaper(calls)
        assert then <= first * (1 + RELATIVE) + 1e-9
    for calls in ({traffic.start - 1} if traffic.start > 1 else set()) | ({traffic.end + 1} if traffic.end else set()):
        then, first = cheaper(calls)
        assert then >= first * (1 - RELATIVE) - 1e-9


USD = st.floats(0.001, 100.0)
TOKENS = st.floats(0.0, 20_000.0)


def used(name, usd):
    return Used(name, "x", exactly(usd), name, None, "your own")


@st.composite
def sites(draw):
    """Return (calls, prices, tuning) of a site at random; odd ones among them."""
    work = Workload(
        calls_per_day=draw(st.integers(1, 10**7)),
        system=draw(TOKENS),
        user=draw(TOKENS),
        answer=draw(TOKENS),
        few_shot=draw(TOKENS),
        knowledge=draw(st.integers(1, 10**6)),
        retrieved=Range(*sorted(draw(st.lists(TOKENS, min_size=3, max_size=3)))),
        exact=draw(st.booleans()),
    )
    prices = {name: used(name, draw(USD)) for name in
              ("input", "output", "tuned_input", "tuned_output", "train", "embedding", "gpu_hour")}  # fmt: skip
    prices["cached_input"] = used("cached_input", prices["input"].usd.likely * draw(st.floats(0.0, 1.0)))
    for name in draw(
        st.sets(st.sampled_from(("hosting_hour", "storage_month", "store_gb_day", "store_thousand_calls")))
    ):
        prices[name] = used(name, draw(USD))
    size = draw(st.sampled_from((0.5, 8.0, 70.0)))
    tuning = Tuning(amount=Amount(100, draw(st.integers(1, 10**7))), billions=size, card="H100", longest=2_000)
    return work, Book(prices=prices), tuning


@pytest.mark.timeout(300)
@settings(max_examples=40, deadline=None)
@given(sites())
def test_the_order_flips_at_the_traffic_that_is_named(site):
    work, prices, tuning = site
    for (then, first), item in found(work, prices, tuning).items():
        holds_at(
            item.cheaper_at.likely,
            lambda calls, then=then, first=first: arms_at(work, prices, tuning, calls, then, first),
        )


@pytest.mark.timeout(300)
@settings(max_examples=40, deadline=None)
@given(sites())
def test_the_earliest_and_the_latest_traffic_too(site):
    """Of counted tokens, without documents and a cache, nothing is shared: one way at its low figures, the other at its
    high ones."""
    work, plain, tuning = site
    work = msgspec.structs.replace(work, knowledge=None, exact=True)
    prices = Book(prices={name: price for name, price in plain.prices.items() if name != "cached_input"})
    for (then, first), item in found(work, prices, tuning).items():
        for traffic, bounds in ((item.cheaper_at.low, ("low", "high")), (item.cheaper_at.high, ("high", "low"))):
            holds_at(
                traffic,
                lambda calls, then=then, first=first, bounds=bounds: arms_at(
                    work, prices, tuning, calls, then, first, bounds=bounds
                ),
            )


@pytest.mark.timeout(300)
@settings(max_examples=40, deadline=None)
@given(sites())
def test_both_have_cost_the_same_after_the_days_that_are_named(site):
    work, prices, tuning = site
    priced = {a.name: a for a in arms(work, prices, tuning)}
    assert {(b.name, a.name) for a, b in pairs(list(priced.values()))} == set(found(work, prices, tuning))
    for (then, first), item in found(work, prices, tuning).items():
        days = item.days.likely
        spent = [cost_after(priced[name], days or 0.0, work.calls_per_day) for name in (then, first)]
        if days:
            assert spent[0] == pytest.approx(spent[1], rel=1e-6)
        elif days == 0.0:
            assert spent[0] <= spent[1] * (1 + RELATIVE) + 1e-9
        else:
            spent = [cost_after(priced[name], 1e6, work.calls_per_day) for name in (then, first)]
            assert spent[0] >= spent[1] * (1 - RELATIVE)
        spread = [math.inf if d is None else d for d in (item.days.low, days, item.days.high)]
        assert spread == sorted(spread)
        for point, traffic in zip(spread, (item.cheaper_at.low, item.cheaper_at.likely, item.cheaper_at.high)):
            if point < math.inf:
                assert traffic.start <= work.calls_per_day <= (traffic.end or 10**12)
