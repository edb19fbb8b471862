"""What each arm costs, from the tokens of a call and the prices of a book. Pure functions.

A call costs prompt x input + answer x output. A prompt that repeats is cheaper where the provider has its beginning in
the cache: from 1,024 tokens, kept for 5 to 10 minutes without a call (OpenAI, prompt caching in the API, 2024-10-01).
With calls at random times, a share of 1 - exp(-calls in 5 minutes) finds it there.

Own serving: weights in 2 bytes a parameter and a fifth more for the cache of keys and values; 2 operations per
parameter and token (Kaplan et al. 2020). Reading a prompt reaches the share of the peak that training does
(`prepdata.cost_gpu`), writing an answer 1 to 20 %, likely 5; the busiest hour has 1 to 6 times the mean traffic, likely
3. The last two are judgement, not measured here; where traffic is low one machine does.
"""

from __future__ import annotations

import math

import msgspec

from prepdata.cost import MILLION, Amount, Range, epochs_for, epochs_said, hosted
from prepdata.cost_compare.book import Book
from prepdata.cost_compare.model import (
    DAYS_A_MONTH,
    ZERO,
    Arm,
    ArmName,
    Baked,
    Lookup,
    Used,
    Workload,
    exactly,
    product,
    total,
)
from prepdata.cost_gpu import GIB, GPU_COUNTS, PEAK_SHARE, USABLE, OwnGpu
from prepdata.prices import gpu

CACHED_FROM = 1024
"""Tokens from which the beginning of a prompt is kept in the cache."""
CACHE_MINUTES = 5.0
VECTOR_BYTES = 1536 * 4 / 400 + 4
"""Bytes that a store keeps for each token: vectors of 1,536 numbers for passages of 400 tokens, and the text."""

SERVING_BYTES = 2.0 * 1.2
SERVING_FLOPS = 2.0
WRITING_SHARE = Range(0.01, 0.05, 0.20)
"""Share of a GPU's peak reached in writing answers."""
BUSIEST = Range(1.0, 3.0, 6.0)


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """What tuning starts from: the file, the size of an own model in billions, epochs, what an own run costs."""

    amount: Amount
    billions: float | None = None
    epochs: float | None = None
    own: OwnGpu | None = None


def arms(work: Workload, book: Book, tuning: Tuning) -> list[Arm]:
    """Return every arm, priced or with the reason why it is not."""
    tuned = hosted_arm(work, book, tuning)
    own = own_gpu_arm(work, book, tuning)
    found = [prompt_arm(work, book), long_context_arm(work, book), rag_arm(work, book), tuned, own]
    reading = own_gpu_arm(work, book, tuning, work.retrieved)
    found += [with_retrieval(tuned, "hybrid", work, book), with_retrieval(reading, "own-gpu-hybrid", work, book)]
    return [with_month(arm, work.calls_per_day) for arm in found]


def with_month(arm: Arm, calls_per_day: int) -> Arm:
    """Return an arm with what a month of 30 days costs."""
    if arm.per_call is None or arm.per_day is None:
        return arm
    day = total([arm.per_day, arm.per_call.times(calls_per_day)])
    return msgspec.structs.replace(arm, per_month=day.times(DAYS_A_MONTH))


def _lacking(book: Book, *names: str) -> list[str]:
    return [f"the price {name} is not known" for name in names if name not in book.prices]


def _call(book: Book, prompt: Range, answer: Range, *, tuned: bool = False) -> tuple[Range, list[Used]]:
    """Return (USD of a call without caching, prices used)."""
    used = [book.prices["tuned_input" if tuned else "input"], book.prices["tuned_output" if tuned else "output"]]
    parts = [product(prompt, used[0].usd), product(answer, used[1].usd)]
    return total(parts).times(1 / MILLION), used


def prompt_arm(work: Workload, book: Book) -> Arm:
    """Return what calls with the prompt of today cost: instructions, examples, question."""
    unknown = _lacking(book, "input", "output")
    if unknown:
        return Arm(name="prompt", serves="task", unknown=unknown)
    prefix, question = work.tokens(work.system + work.few_shot), work.tokens(work.user)
    prompt = total([prefix, question])
    usd, used = _call(book, prompt, work.tokens(work.answer))
    said = ["no cache"]
    cached = book.prices.get("cached_input")
    if cached is not None and prefix.low >= CACHED_FROM:
        saved = prefix.low * (used[0].usd.low - cached.usd.low) / MILLION
        usd, used = Range(usd.low - saved, usd.likely, usd.high), [*used, cached]
        said = ["low: instructions and examples come from the cache; likely and high: no cache"]
    return _arm("prompt", "task", ZERO, usd, ZERO, prompt, used, said)


def hit_share(calls_per_day: float) -> float:
    """Return the share of calls at random times that come within 5 minutes of the one before."""
    return 1 - math.exp(-calls_per_day * CACHE_MINUTES / (24 * 60))


def long_context_arm(work: Workload, book: Book) -> Arm:
    """Return what calls with all documents in the prompt cost, the documents from the cache where they are there."""
    unknown = _lacking(book, "input", "output", "cached_input")
    if work.knowledge is None:
        unknown.append("the size of the documents is not known: give --knowledge-tokens")
    needed = (work.knowledge or 0) + work.system + work.few_shot + work.user + work.answer
    if book.window is not None and needed > book.window:
        unknown.append(
            f"{needed:,.0f} tokens do not fit the {book.window:,} that the model reads, or its price holds for"
        )
    if unknown or work.knowledge is None:
        return Arm(name="long-context", serves="documents", unknown=unknown)
    instructions = work.tokens(work.system + work.few_shot)
    prefix = total([exactly(work.knowledge), instructions])
    prompt = total([prefix, work.tokens(work.user)])
    usd, used = _call(book, prompt, work.tokens(work.answer))
    cached = book.prices["cached_input"]
    share = hit_share(work.calls_per_day)
    less = [a - b for a, b in ((used[0].usd.low, cached.usd.low), (used[0].usd.likely, cached.usd.likely))]
    usd = Range(
        usd.low - prefix.low * less[0] / MILLION,
        usd.likely - share * prefix.likely * less[1] / MILLION,
        usd.high,
    )
    said = [
        f"all but the question comes from the cache, low: always, likely: in {share:.1%} of calls, high: never",
        f"calls at random times; the cache keeps for {CACHE_MINUTES:g} minutes",
        "no fee for keeping the cache or writing to it",
    ]
    return _arm("long-context", "documents", ZERO, usd, ZERO, prompt, [*used, cached], said)


def rag_arm(work: Workload, book: Book) -> Arm:
    """Return what calls of the base model with retrieved passages cost."""
    base = prompt_arm(work, book)
    return with_retrieval(msgspec.structs.replace(base, name="rag"), "rag", work, book)


def with_retrieval(base: Arm, name: ArmName, work: Workload, book: Book) -> Arm:
    """Return an arm with retrieval added: embedding the documents once and each question, the store, longer prompts."""
    unknown = [*base.unknown, *_lacking(book, "embedding")]
    if work.knowledge is None:
        unknown.append("the size of the documents is not known: give --knowledge-tokens")
    if unknown or base.one_time is None or base.per_call is None or base.per_day is None or work.knowledge is None:
        return Arm(name=name, serves="documents", unknown=unknown)
    embedding = book.prices["embedding"]
    query = product(work.tokens(work.user), embedding.usd).times(1 / MILLION)
    index = embedding.usd.times(work.knowledge / MILLION)
    used, longer = [embedding], ZERO
    if "own-gpu" not in name:
        price = book.prices["tuned_input" if name == "hybrid" else "input"]
        longer = product(work.retrieved, price.usd).times(1 / MILLION)
    store_day = search = ZERO
    said = [
        f"{_figures(work.retrieved)} tokens of passages a call",
        "the documents are embedded once, changes are not counted; low: vectors by a model of your own",
    ]
    gb_day, searches = book.prices.get("store_gb_day"), book.prices.get("store_thousand_calls")
    if gb_day is not None and searches is not None:
        gigabytes = max(0.0, work.knowledge * VECTOR_BYTES / GIB - book.free_gb)
        store_day, search = gb_day.usd.times(gigabytes), searches.usd.times(1 / 1000)
        used += [gb_day, searches]
    else:
        said.append("the store is one of your own; what its machine costs is not counted")
    lookup = Lookup(
        one_time=Range(0.0, index.likely, index.high),
        per_call=total([Range(0.0, query.likely, query.high), search]),
        per_day=store_day,
    )
    arm = _arm(
        name,
        "documents",
        total([base.one_time, lookup.one_time]),
        total([base.per_call, longer, lookup.per_call]),
        total([base.per_day, lookup.per_day]),
        total([base.prompt_tokens or ZERO, work.retrieved]),
        [*base.prices, *used],
        [*base.assumptions, *said],
    )
    return msgspec.structs.replace(arm, lookup=lookup)


def _figures(value: Range) -> str:
    """Return a range in words."""
    shown = [f"{figure:,.0f}" for figure in (value.low, value.likely, value.high)]
    return shown[0] if len(set(shown)) == 1 else f"{shown[0]} to {shown[2]}, likely {shown[1]},"


def _tuned_prompt(work: Workload) -> tuple[Range, str]:
    """Return the prompt of a tuned model: low and likely the question alone, high with the instructions."""
    question, whole = work.tokens(work.user), work.tokens(work.system + work.user)
    said = "the prompt of the tuned model is the question alone (rows trained without instructions); high: they stay"
    return Range(question.low, question.likely, whole.high), said


def hosted_arm(work: Workload, book: Book, tuning: Tuning) -> Arm:
    """Return what a model costs that a provider tunes and serves."""
    unknown = _lacking(book, "train", "tuned_input", "tuned_output")
    if unknown:
        return Arm(name="tuned", serves="task", unknown=unknown)
    training, notes = _training(book, tuning)
    prompt, said = _tuned_prompt(work)
    usd, used = _call(book, prompt, work.tokens(work.answer), tuned=True)
    used = [book.prices["train"], *used]
    day = ZERO
    for name, factor in (("hosting_hour", 24.0), ("storage_month", 1 / DAYS_A_MONTH)):
        if name in book.prices:
            day = total([day, book.prices[name].usd.times(factor)])
            used.append(book.prices[name])
    return _arm("tuned", "task", training, usd, day, prompt, used, [*notes, said, "one training run, no repeats"])


def _training(book: Book, tuning: Tuning) -> tuple[Range, list[str]]:
    """Return what a hosted training run costs, and what that rests on."""
    price = book.prices["train"]
    if price.confidence != "your own" and book.provider is not None and book.offer is not None:
        for job in hosted(book.provider.name, tuning.amount, epochs=tuning.epochs):
            if job.offer == book.offer.title and job.usd is not None:
                return job.usd, job.assumptions
    epochs = exactly(tuning.epochs or 3.0)
    said = epochs_said(epochs.likely) + (", as given" if tuning.epochs else ": another number with --epochs")
    if book.provider is not None:
        epochs, said = epochs_for(book.provider, tuning.amount.rows, tuning.epochs)
    error = tuning.amount.error
    tokens = Range(tuning.amount.tokens * (1 - error), tuning.amount.tokens, tuning.amount.tokens * (1 + error))
    return product(product(tokens, epochs), price.usd).times(1 / MILLION).at_least(book.minimum), [said]


def replicas(billions: float, tflops: float, count: int, reading: Range, writing: Range) -> Range:
    """Return how many groups of GPUs serve a day: at least one.

    Args:
        billions: parameters of the model, in billions.
        tflops: peak of one GPU, in 10^12 operations a second; `count` GPUs hold the model.
        reading, writing: tokens of prompts and of answers, a day.
    """
    work = SERVING_FLOPS * billions * 1e9 / 86_400 / (tflops * 1e12 * count)

    def groups(read: float, write: float, reads: float, writes: float, busiest: float) -> float:
        return float(max(1, math.ceil((read / reads + write / writes) * work * busiest)))

    shares, own = PEAK_SHARE, WRITING_SHARE
    return Range(
        groups(reading.low, writing.low, shares.high, own.high, BUSIEST.low),
        groups(reading.likely, writing.likely, shares.likely, own.likely, BUSIEST.likely),
        groups(reading.high, writing.high, shares.low, own.low, BUSIEST.high),
    )


def own_gpu_arm(work: Workload, book: Book, tuning: Tuning, passages: Range = ZERO) -> Arm:
    """Return what a model costs that is tuned and served on GPUs of one's own or rented ones, day and night.

    Args:
        work, book, tuning: the calls, the prices, what tuning starts from.
        passages: tokens of retrieved passages that it has to read as well.
    """
    if tuning.billions is None or tuning.own is None or "gpu_hour" not in book.prices:
        said = "the size of the model and the GPU are not known: give --params and --gpu"
        return Arm(name="own-gpu", serves="task", unknown=[said])
    card = gpu(tuning.own.gpu)
    weights = tuning.billions * 1e9 * SERVING_BYTES / GIB
    count = next((n for n in GPU_COUNTS if weights / n <= card.memory_gib * USABLE), None)
    if count is None or tuning.own.usd is None:
        return Arm(name="own-gpu", serves="task", unknown=[f"the model does not fit on 8 {card.name}"])
    prompt, said = _tuned_prompt(work)
    reading, writing = total([prompt, passages]), work.tokens(work.answer)
    groups = replicas(
        tuning.billions, card.tflops, count, reading.times(work.calls_per_day), writing.times(work.calls_per_day)
    )
    hour = book.prices["gpu_hour"]
    # an own price of the hour also holds for the training
    rate = hour.usd.likely / max(card.typical.usd, 1e-9)
    training = tuning.own.usd if hour.confidence != "your own" else tuning.own.usd.times(rate)
    notes = [
        f"{tuning.own.method} training on {tuning.own.gpu}; served on {_figures(groups)} x {count}, day and night",
        f"the busiest hour has {BUSIEST.low:g} to {BUSIEST.high:g} times the mean traffic (judgement)",
        f"{PEAK_SHARE.low:.0%} to {PEAK_SHARE.high:.0%} of a GPU's peak reached in reading prompts (judgement)",
        f"{WRITING_SHARE.low:.0%} to {WRITING_SHARE.high:.0%} in writing answers (judgement)",
        said,
    ]
    return _arm("own-gpu", "task", training, ZERO, product(groups, hour.usd).times(24 * count), prompt, [hour], notes)


def _arm(
    name: ArmName, serves: str, once: Range, call: Range, day: Range, prompt: Range, used: list[Used], said: list[str]
) -> Arm:
    unique = list({item.row: item for item in used}.values())
    return Arm(
        name=name,
        serves="task" if serves == "task" else "documents",
        one_time=once,
        per_call=call,
        per_day=day,
        prompt_tokens=prompt,
        prices=unique,
        assumptions=said,
    )


def baked(work: Workload, book: Book) -> Baked:
    """Return what is saved by instructions and examples that are in the weights."""
    tokens = work.system + work.few_shot
    price = book.prices.get("input")
    return Baked(
        system_tokens=work.system,
        few_shot_tokens=work.few_shot,
        tokens_per_day=tokens * work.calls_per_day,
        usd_per_thousand_calls=tokens * price.usd.likely / 1000 if price is not None else None,
    )
