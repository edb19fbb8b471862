"""Prices: dated files with the source of every price, and who to ask for them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from prepdata.errors import UsageError, nearest
from prepdata.prices.model import Gpu, Gpus, Offer, Price, Provider, Retrieval

OLD_AFTER_DAYS = 90
_NO_PROVIDERS = ("gpus.toml", "retrieval.toml")

_VERSION = re.compile(r"(-v?\d+(-\d+)*)?([@:].*)?")
_SIZE = re.compile(r"(?:^|[-/: ])(\d+(?:\.\d+)?)\s*(b|m)(?![a-z0-9])", re.IGNORECASE)


@cache
def providers() -> tuple[str, ...]:
    """Return the names of the providers whose prices are known, in alphabetical order."""
    files = [f.name for f in resources.files("prepdata.prices").iterdir() if f.name not in _NO_PROVIDERS]
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


@cache
def provider(name: str) -> Provider | None:
    """Return the price list of a provider by the name of its target, or None if there is none."""
    if name not in providers():
        return None
    return msgspec.toml.decode((resources.files("prepdata.prices") / f"{name}.toml").read_bytes(), type=Provider)


@cache
def gpus() -> Gpus:
    """Return the price list of GPU hours."""
    return msgspec.toml.decode((resources.files("prepdata.prices") / "gpus.toml").read_bytes(), type=Gpus)


@cache
def retrieval() -> Retrieval:
    """Return the price list of embeddings and stores of vectors."""
    return msgspec.toml.decode((resources.files("prepdata.prices") / "retrieval.toml").read_bytes(), type=Retrieval)


def gpu(name: str) -> Gpu:
    """Return a GPU type by its name; letter case, spaces and hyphens do not matter.

    Raises:
        UsageError: there is no such GPU in the list.
    """
    wanted = _plain(name)
    for found in gpus().gpus:
        if wanted in {_plain(found.name), *map(_plain, found.names)}:
            return found
    known = [g.name for g in gpus().gpus]
    raise UsageError(f"Unknown GPU '{name}'.{nearest(name, known)} Known: {', '.join(known)}.")


def offers_for(prices: Provider, model: str | None) -> list[Offer]:
    """Return the lines of a price list that hold for a model: by name, by family or by size; all lines for None."""
    if model is None:
        return prices.offers
    if found := [offer for offer in prices.offers if named(offer, model)]:
        return found
    name = _bare(model)
    if found := [offer for offer in prices.offers if any(name.startswith(n.lower()) for n in offer.families)]:
        return found
    billions = billions_in(name)
    if billions is None:
        return []
    return [
        offer
        for offer in prices.offers
        if offer.to_billion is not None and (offer.over_billion or 0) < billions <= offer.to_billion
    ]


def named(offer: Offer, model: str) -> bool:
    """Return whether a line names a model: its name, or that and a version, such as a date, v1, or what comes after @
    or a colon. "gpt-4o-mini" names gpt-4o-mini-2024-07-18, and not gpt-4o-mini-audio."""
    name = _bare(model)
    return any(name.startswith(n.lower()) and _VERSION.fullmatch(name[len(n) :]) for n in offer.names)


def unlisted(model: str, names: Sequence[str] = (), key: str = "--target") -> str:
    """Return that the price lists have no model of this name, with the names that come near.

    Args:
        model: the name.
        names: providers asked for; none for all.
        key: flag or key that names one, for the message.
    """
    import difflib  # only where something was mistyped

    lists = [(name, prices) for name in names or providers() if (prices := provider(name)) is not None]
    known = dict.fromkeys(n for _, prices in lists for offer in prices.offers for n in offer.names)
    near = difflib.get_close_matches(_bare(model), list(known), n=3, cutoff=0.6)
    by_class = [name for name, prices in lists if offers_for(prices, model)]
    said = f"no price list has the model '{model}'"
    if names and lists:
        said = f"no price of {', '.join(name for name, _ in lists)} for '{model}'"
    if near:
        return f"{said}; near it: {', '.join(near)}"
    return f"{said}; by size or family it is priced with {key} {' or '.join(by_class)}" if by_class else said


def _bare(model: str) -> str:
    return model.strip().lower().removeprefix("ft:")


def billions_in(model: str) -> float | None:
    """Return the parameters, in billions, that a model name states ("Qwen2.5-7B" -> 7.0), or None.

    Of several sizes ("30B-A3B") the first counts: it is that of the whole model.
    """
    match = _SIZE.search(model.replace("_", "-"))
    if match is None:
        return None
    size = float(match[1])
    return size / 1000 if match[2].lower() == "m" else size


def oldest(prices: Provider | Gpus | Retrieval) -> datetime.date:
    """Return the date of the oldest price in a list; the day it was gone through where it holds no price."""
    return min((price.date for price in all_prices(prices)), default=prices.checked)


def all_prices(prices: Provider | Gpus | Retrieval) -> Iterator[Price]:
    """Yield every price of a list."""
    rows: list[Any]
    if isinstance(prices, Retrieval):
        rows = [*prices.embeddings, *prices.stores]
    else:
        rows = [*prices.offers] if isinstance(prices, Provider) else [*prices.gpus]
    for holder in (prices, *rows):
        for field in holder.__struct_fields__:
            if isinstance(value := getattr(holder, field), Price):
                yield value


def stale(price: Price, today: datetime.date, days: int = OLD_AFTER_DAYS) -> bool:
    """True for a price older than `days` days."""
    return (today - price.date).days > days


def as_of(date: datetime.date) -> str:
    """Return how old a price is, in words that stay true: its date, and the day from which it counts as old."""
    return f"as of {date}, old from {date + datetime.timedelta(days=OLD_AFTER_DAYS + 1)}"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


__all__ = [
    "OLD_AFTER_DAYS",
    "all_prices",
    "as_of",
    "billions_in",
    "gpu",
    "gpus",
    "named",
    "offers_for",
    "oldest",
    "provider",
    "providers",
    "retrieval",
    "stale",
    "unlisted",
]
