"""The prices of one comparison: from the price lists, and a file of one's own that counts more."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import msgspec

from prepdata.config import read_toml
from prepdata.cost import Range
from prepdata.cost_compare.model import Used, exactly
from prepdata.errors import ConfigError, UsageError, nearest
from prepdata.prices import gpu, named, offers_for, provider, providers, retrieval, unlisted
from prepdata.prices.model import Offer, Price, Provider

MILLION = "million tokens"
UNITS = {
    "input": MILLION,
    "output": MILLION,
    "cached_input": MILLION,
    "tuned_input": MILLION,
    "tuned_output": MILLION,
    "train": f"{MILLION} trained",
    "minimum": "training job, at least",
    "hosting_hour": "hour",
    "storage_month": "month",
    "embedding": MILLION,
    "store_gb_day": "GB and day",
    "store_thousand_calls": "1,000 searches",
    "gpu_hour": "GPU and hour",
}
"""What can be priced, and for how much."""


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """The prices of one comparison, by what they are for; what is not there is not known.

    Args:
        prices: prices by the names of `UNITS`.
        window: tokens that the model reads at most, None where that is not known.
        provider, offer: whose price list, and which line of it.
        unlisted: why the model has none, where one was named that no price list has.
        free_gb: GB that the store keeps for nothing.
    """

    prices: dict[str, Used]
    window: int | None = None
    provider: Provider | None = None
    offer: Offer | None = None
    unlisted: str | None = None
    free_gb: float = 0.0


def offer_of(model: str | None, targets: tuple[str, ...], key: str = "--target") -> tuple[Provider, Offer] | None:
    """Return the one line of the price lists that holds for a model.

    Args:
        model: its name; None where none is given.
        targets: providers asked for; none for all.
        key: flag or key that names one, for the message.

    Raises:
        UsageError: several lines hold: which is meant is not clear.
    """
    if model is None:
        return None
    lists = [p for name in targets or providers() if (p := provider(name)) is not None]
    found = [(p, offer) for p in lists for offer in offers_for(p, model)]
    if not targets:  # classes of size and families are no price of this model
        found = [(p, offer) for p, offer in found if named(offer, model)]
    if len(found) > 1:
        names = ", ".join(f"{p.name} ({o.title})" for p, o in found)
        raise UsageError(f"several prices hold for {model}: {names}. Say with {key} whose is meant")
    return found[0] if found else None


def book(
    model: str | None, targets: tuple[str, ...], *, card: str | None, embedding: str, store: str, own: dict[str, Used]
) -> Book:
    """Return the prices of a comparison.

    Args:
        model, targets: as `offer_of` takes them.
        card: GPU to train and serve on, None for none.
        embedding: name of the model that makes vectors.
        store: name of a hosted store, or "own" for one on a machine that is there anyway.
        own: prices of one's own, which count more.

    Raises:
        UsageError: an unknown GPU, embedding or store, or several prices for the model.
    """
    prices: dict[str, Used] = {}
    found = offer_of(model, targets)
    if found is not None:
        source, offer = found
        for name in ("input", "output", "cached_input", "tuned_input", "tuned_output", "hosting_hour"):
            _add(prices, name, getattr(offer, name), f"{source.name} / {offer.title} / {name}")
        _add(prices, "train", offer.train, f"{source.name} / {offer.title} / train", to=offer.train_to)
        _add(prices, "minimum", source.minimum, f"{source.name} / minimum")
        _add(prices, "storage_month", source.storage_month, f"{source.name} / storage_month")
    known = {item.name: item.price for item in retrieval().embeddings}
    if embedding not in known:
        raise UsageError(f"Unknown embedding '{embedding}'.{nearest(embedding, known)} Known: {', '.join(known)}.")
    _add(prices, "embedding", known[embedding], f"retrieval / {embedding}")
    stores = {item.name: item for item in retrieval().stores}
    if store != "own" and store not in stores:
        raise UsageError(f"Unknown store '{store}'.{nearest(store, stores)} Known: own, {', '.join(stores)}.")
    hosted = stores.get(store)
    if hosted is not None:
        _add(prices, "store_gb_day", hosted.gb_day, f"retrieval / {store} / gb_day")
        _add(prices, "store_thousand_calls", hosted.thousand_calls, f"retrieval / {store} / thousand_calls")
    if card is not None:
        rent = gpu(card)
        date = min(rent.low.date, rent.typical.date, rent.high.date)
        usd = Range(rent.low.usd, rent.typical.usd, rent.high.usd)
        sure = rent.typical.confidence
        prices["gpu_hour"] = Used("gpu_hour", UNITS["gpu_hour"], usd, f"gpus / {rent.name}", date, sure)
    return Book(
        prices={**prices, **own},
        window=found[1].window.tokens if found and found[1].window else None,
        provider=found[0] if found else None,
        offer=found[1] if found else None,
        unlisted=unlisted(model, targets) if model is not None and found is None and not own else None,
        free_gb=hosted.free_gb if hosted is not None else 0.0,
    )


def _add(prices: dict[str, Used], name: str, price: Price | None, row: str, *, to: Price | None = None) -> None:
    """Add a price of a list; one with a range, up to `to`, is likely the lower."""
    if price is not None:
        usd = exactly(price.usd) if to is None else Range(price.usd, price.usd, max(price.usd, to.usd))
        date = price.date if to is None else min(price.date, to.date)
        prices[name] = Used(name, UNITS[name], usd, row, date, price.confidence, price.note)


def read_prices(path: Path) -> dict[str, Used]:
    """Return the prices of a TOML file: each a number, or a table with `low`, `likely` and `high`; with a `date`.

    Raises:
        ConfigError: it cannot be read, is not TOML, or holds what is no price; the message lists all mistakes.
    """
    table = read_toml(path)
    date = table.pop("date", None)
    mistakes = [] if date is None or type(date) is datetime.date else ["date: expected a day, such as 2026-11-29"]
    if type(date) is datetime.date and date > datetime.date.today() + datetime.timedelta(days=1):  # a day: time zones
        mistakes.append(f"date: {date} lies in the future; give the day on which these prices were read")
    found: dict[str, Used] = {}
    for name, value in table.items():
        usd = _usd(value)
        if name not in UNITS:
            mistakes.append(f"'{name}' is no price.{nearest(name, UNITS)} Known: {', '.join(UNITS)}")
        elif usd is None:
            mistakes.append(f"{name}: expected US dollars per {UNITS[name]}, or {{ low, likely, high }} in that order")
        else:
            found[name] = Used(name, UNITS[name], usd, f"{path.name} / {name}", date, "your own")
    if mistakes:
        raise ConfigError("\n".join(f"{path}: {mistake}" for mistake in mistakes))
    return found


def _usd(value: Any) -> Range | None:
    """Return a price of a file, None if it is none."""
    keys = ("low", "likely", "high")
    figures: list[Any] = (
        [value.get(k) for k in keys] if isinstance(value, dict) and set(value) == set(keys) else [value] * 3
    )
    right = all(isinstance(f, (int, float)) and not isinstance(f, bool) and 0 <= f < 1e9 for f in figures)
    if not right or not figures[0] <= figures[1] <= figures[2]:
        return None
    return Range(*map(float, figures))
