"""What each arm costs, from the tokens of a call and the prices of a book. Pure functions.

A call costs prompt x input + answer x output. A prompt that repeats is cheaper where the provider has its beginning in
the cache: from 1,024 tokens (OpenAI, prompt caching in the API, 2024-10-01; taken for every provider).

GPUs of one's own are in `prepdata.cost_compare.own`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from prepdata.cost import ESTIMATE_ERROR, MILLION, Range, epochs_for, epochs_said
from prepdata.cost_compare.book import Book
from prepdata.cost_compare.model import (
    DAYS_A_MONTH,
    ZERO,
    Arm,
    ArmName,
    Baked,
    Lookup,
    Serves,
    Used,
    Workload,
    exactly,
    product,
    total,
)
from prepdata.cost_compare.own import own_gpu_arm
from prepdata.cost_compare.running import CACHE_MINUTES, Running
from prepdata.cost_compare.tuning import Tuning, figures, tuned_prompt
from prepdata.cost_gpu import GIB

BASE = ("input", "output", "cached_input")
CACHED_FROM = 1024
"""Tokens from which the beginning of a prompt is kept in the cache."""
VECTOR_BYTES = 1536 * 4 / 400 + 4
"""Bytes that a store keeps for each token: vectors of 1,536 numbers for passages of 400 tokens, and the text."""


def arms(work: Workload, book: Book, tuning: Tuning) -> list[Arm]:
    """Return every arm, priced or with the reason why it is not."""
    tuned, reader = hosted_arm(work, book, tuning), hosted_arm(work, book, tuning, work.passages)
    own, own_reader = own_gpu_arm(work, book, tuning), own_gpu_arm(work, book, tuning, work.passages)
    found = [
        prompt_arm(work, book),
        long_context_arm(work, book),
        rag_arm(work, book),
        tuned,
        own,
        with_retrieval(reader, "hybrid", work, book),
        with_retrieval(own_reader, "own-gpu-hybrid", work, book),
    ]
    return [with_traffic(arm, work.calls_per_day) for arm in found]


def cases(work: Workload, book: Book, tuning: Tuning) -> list[list[Arm]]:
    """Return the arms for each set of figures that they share.

    These are passages, tokens where they are estimates, and prices of the base model where they are ranges. The likely
    set comes first. What is left as a range in an arm is not shared with the others it is held against. Arms that could
    not be priced over the whole of their range are left out.
    """
    whole = {arm.name for arm in arms(work, book, tuning) if arm.priced}
    factors = (1.0,) if work.exact else (1.0, 1 - ESTIMATE_ERROR, 1 + ESTIMATE_ERROR)
    passages = dict.fromkeys((work.passages.likely, work.passages.low, work.passages.high))
    return [
        [arm for arm in arms(_settled(work, factor, tokens), prices, tuning.settled(factor)) if arm.name in whole]
        for prices in _settled_books(book)
        for factor in factors
        for tokens in passages
    ]


def _settled(work: Workload, factor: float, passages: float) -> Workload:
    """Return the same calls with tokens that are exactly `factor` times as many, and so many of passages."""
    return msgspec.structs.replace(
        work,
        system=work.system * factor,
        user=work.user * factor,
        answer=work.answer * factor,
        few_shot=work.few_shot * factor,
        retrieved=exactly(passages),
        exact=True,
    )


def _settled_books(book: Book) -> list[Book]:
    """Return the book with the prices of the base model all likely, all low and all high, where they are ranges."""
    shared = {name: book.prices[name] for name in BASE if name in book.prices}
    found = []
    for bound in (1, 0, 2) if any(used.usd.low < used.usd.high for used in shared.values()) else (1,):
        settled = {n: msgspec.structs.replace(u, usd=exactly(figures(u.usd)[bound])) for n, u in shared.items()}
        found.append(msgspec.structs.replace(book, prices={**book.prices, **settled}))
    return found


def with_traffic(arm: Arm, calls_per_day: int) -> Arm:
    """Return an arm with what a call, a day and a month of 30 days cost at that traffic."""
    if arm.running is None:
        return arm
    call, day = arm.running.call_range(calls_per_day), arm.running.standing_range(calls_per_day)
    month = total([day, call.times(calls_per_day)]).times(DAYS_A_MONTH)
    return msgspec.structs.replace(arm, per_call=call, per_day=day, per_month=month)


def _lacking(book: Book, *names: str) -> list[str]:
    """Return which prices are not known; where no list has the model, that alone."""
    lacking = [f"the price {name} is not known" for name in names if name not in book.prices]
    return [book.unlisted] if lacking and book.unlisted else lacking


def _too_long(book: Book, tokens: float) -> list[str]:
    """Return that the model does not read so many tokens, where that is so."""
    if book.window is None or tokens <= book.window:
        return []
    return [f"{tokens:,.0f} tokens do not fit the {book.window:,} that the model reads, or its price holds for"]


def _today(work: Workload) -> float:
    """Return the tokens of a call with the prompt of today, the answer among them."""
    return work.system + work.few_shot + work.user + work.answer


def _call(book: Book, prompt: Range, answer: Range, *, tuned: bool = False) -> tuple[Range, list[Used]]:
    """Return (USD of a call without caching, prices used)."""
    used = [book.prices["tuned_input" if tuned else "input"], book.prices["tuned_output" if tuned else "output"]]
    parts = [product(prompt, used[0].usd), product(answer, used[1].usd)]
    return total(parts).times(1 / MILLION), used


def _cached(book: Book, prefix: Range, what: str) -> tuple[Range, list[Used], list[str]]:
    """Return what a call costs less where its beginning is in the cache: (USD, prices used, what that rests on).

    Args:
        book: the prices; that of input is known.
        prefix: tokens of the beginning, the same in every call.
        what: the beginning in words.
    """
    if prefix.likely < CACHED_FROM:
        return ZERO, [], [f"no cache: {what} have fewer than {CACHED_FROM:,} tokens (OpenAI's limit, 2024-10-01)"]
    price = book.prices.get("cached_input")
    if price is None:
        return ZERO, [], ["no cache: the price cached_input is not known"]
    full = book.prices["input"].usd
    less = Range(*(max(0.0, a - b) for a, b in zip(figures(full), figures(price.usd))))
    said = [
        f"{what} come from the cache, low: in every call, likely: as often as the traffic lets them, high: never",
        f"calls at random times; the cache keeps for {CACHE_MINUTES:g} minutes (OpenAI, 2024-10-01); no fee for it",
    ]
    return product(prefix, less).times(1 / MILLION), [price], said


def prompt_arm(work: Workload, book: Book) -> Arm:
    """Return what calls with the prompt of today cost: instructions, examples, question."""
    unknown = _lacking(book, "input", "output")
    unknown += _too_long(book, _today(work))
    if unknown:
        return Arm(name="prompt", serves="task", unknown=unknown)
    prefix, question = work.tokens(work.system + work.few_shot), work.tokens(work.user)
    prompt = total([prefix, question])
    usd, used = _call(book, prompt, work.tokens(work.answer))
    cached, more, said = _cached(book, prefix, "instructions and examples")
    return priced("prompt", "task", ZERO, Running(call=usd, cached=cached), prompt, [*used, *more], said)


def long_context_arm(work: Workload, book: Book) -> Arm:
    """Return what calls with all documents in the prompt cost, the documents from the cache where they are there."""
    unknown = _lacking(book, "input", "output", "cached_input")
    if work.knowledge is None:
        unknown.append("the size of the documents is not known: give --knowledge-tokens")
    unknown += _too_long(book, (work.knowledge or 0) + _today(work))
    if unknown or work.knowledge is None:
        return Arm(name="long-context", serves="documents", unknown=unknown)
    prefix = total([exactly(work.knowledge), work.tokens(work.system + work.few_shot)])
    prompt = total([prefix, work.tokens(work.user)])
    usd, used = _call(book, prompt, work.tokens(work.answer))
    cached, more, said = _cached(book, prefix, "documents, instructions and examples")
    return priced("long-context", "documents", ZERO, Running(call=usd, cached=cached), prompt, [*used, *more], said)


def rag_arm(work: Workload, book: Book) -> Arm:
    """Return what calls of the base model with retrieved passages cost."""
    base = prompt_arm(work, book)
    return with_retrieval(msgspec.structs.replace(base, name="rag"), "rag", work, book)


def with_retrieval(base: Arm, name: ArmName, work: Workload, book: Book) -> Arm:
    """Return an arm with retrieval added: embedding the documents once and each question, the store, longer prompts."""
    unknown = [*base.unknown, *_lacking(book, "embedding")]
    if work.knowledge is None:
        unknown.append("the size of the documents is not known: give --knowledge-tokens")
    if unknown or base.one_time is None or base.running is None or work.knowledge is None:
        return Arm(name=name, serves="documents", unknown=unknown)
    embedding = book.prices["embedding"]
    query = product(work.tokens(work.user), embedding.usd).times(1 / MILLION)
    index = embedding.usd.times(work.knowledge / MILLION)
    longer = ZERO
    if "own-gpu" not in name:
        price = book.prices["tuned_input" if name == "hybrid" else "input"]
        longer = product(work.passages, price.usd).times(1 / MILLION)
    store_day, search, used, said = _store(work.knowledge, book)
    lookup = Lookup(
        one_time=Range(0.0, index.likely, index.high),
        per_call=total([Range(0.0, query.likely, query.high), search]),
        per_day=store_day,
    )
    guess = " (judgement)" if work.retrieved.low < work.retrieved.high else ""
    whole = ", no more than the documents have" if work.passages.high < work.retrieved.high else ""
    said = [
        f"{said_range(work.passages)} tokens of passages a call{guess}{whole}",
        "the documents are embedded once, changes are not counted; low: vectors by a model of your own",
        *said,
    ]
    running = msgspec.structs.replace(
        base.running,
        call=total([base.running.call, longer, lookup.per_call]),
        fixed=total([base.running.fixed, lookup.per_day]),
    )
    once, prompt = total([base.one_time, lookup.one_time]), total([base.prompt_tokens or ZERO, work.passages])
    prices, assumptions = [*base.prices, embedding, *used], [*base.assumptions, *said]
    arm = priced(name, "documents", once, running, prompt, prices, assumptions)
    return msgspec.structs.replace(arm, lookup=lookup)


def _store(knowledge: int, book: Book) -> tuple[Range, Range, list[Used], list[str]]:
    """Return (USD a day, USD a search, prices used, what that rests on) of the store of the vectors."""
    gb_day, searches = book.prices.get("store_gb_day"), book.prices.get("store_thousand_calls")
    if gb_day is None or searches is None:
        return ZERO, ZERO, [], ["the store is one of your own; what its machine costs is not counted"]
    size = knowledge * VECTOR_BYTES / GIB
    free = f", of which {book.free_gb:g} GB are free" if book.free_gb else ""
    said = f"a store keeps {VECTOR_BYTES:.0f} bytes for each token of the documents (judgement): {size:,.4g} GB{free}"
    paid = max(0.0, size - book.free_gb)
    return gb_day.usd.times(paid), searches.usd.times(1 / 1000), [gb_day, searches], [said]


def hosted_arm(work: Workload, book: Book, tuning: Tuning, passages: Range = ZERO) -> Arm:
    """Return what a model costs that a provider tunes and serves.

    Args:
        work, book, tuning: the calls, the prices, what tuning starts from.
        passages: tokens of retrieved passages in each row that it is trained on; those of calls are not counted here.
    """
    unknown = _lacking(book, "train", "tuned_input", "tuned_output")
    if unknown:
        return Arm(name="tuned", serves="task", unknown=unknown)
    training, paid, notes = _training(book, tuning, passages)
    prompt, said = tuned_prompt(work)
    usd, used = _call(book, prompt, work.tokens(work.answer), tuned=True)
    day = ZERO
    for name, factor in (("hosting_hour", 24.0), ("storage_month", 1 / DAYS_A_MONTH)):
        if name in book.prices:
            day = total([day, book.prices[name].usd.times(factor)])
            used.append(book.prices[name])
    running = Running(fixed=day, call=usd)
    said_all = [*notes, *tuning.passages_said(passages), said, "one training run, no repeats"]
    return priced("tuned", "task", training, running, prompt, [*paid, *used], said_all)


def _training(book: Book, tuning: Tuning, passages: Range) -> tuple[Range, list[Used], list[str]]:
    """Return what a hosted training run costs: (USD, prices used, what that rests on)."""
    price, least = book.prices["train"], book.prices.get("minimum")
    epochs = exactly(tuning.epochs or 3.0)
    said = [epochs_said(epochs.likely) + (", as given" if tuning.epochs else " (judgement): another with --epochs")]
    if book.provider is not None:
        epochs, words = epochs_for(book.provider, tuning.amount.rows, tuning.epochs)
        said = [words]
        if price.confidence != "your own":
            said += [f"billed: {book.provider.billed}", *book.provider.notes]
    if price.usd.low < price.usd.high and price.confidence != "your own":
        said.append("the price list has a range for training: likely the lower")
    usd = product(product(tuning.tokens(passages), epochs), price.usd).times(1 / MILLION)
    said += tuning.amount.caution()
    if least is None:
        return usd, [price], [*said, "whether there is a minimum charge is not known"]
    raised = Range(*map(max, figures(usd), figures(least.usd)))
    return raised, [price, least] if least.usd.high else [price], said


def said_range(value: Range) -> str:
    """Return a range in words."""
    shown = [f"{figure:,.0f}" for figure in figures(value)]
    return shown[0] if len(set(shown)) == 1 else f"{shown[0]} to {shown[2]}, likely {shown[1]},"


def priced(
    name: ArmName,
    serves: Serves,
    once: Range,
    running: Running,
    prompt: Range,
    used: Sequence[Used],
    said: Sequence[str],
) -> Arm:
    """Return an arm with its prices, each once."""
    unique = list({item.row: item for item in used}.values())
    return Arm(
        name=name,
        serves=serves,
        one_time=once,
        running=running,
        prompt_tokens=prompt,
        prices=unique,
        assumptions=list(said),
    )


def baked(work: Workload, book: Book) -> Baked:
    """Return what is saved by instructions and examples that are in the weights."""
    tokens = work.system + work.few_shot
    price = None if _too_long(book, _today(work)) else book.prices.get("input")
    return Baked(
        system_tokens=work.system,
        few_shot_tokens=work.few_shot,
        tokens_per_day=tokens * work.calls_per_day,
        usd_per_thousand_calls=tokens * price.usd.likely / 1000 if price is not None else None,
    )
