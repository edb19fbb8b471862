"""What calls of an arm cost: by tokens at given or listed prices, or by the hour of the machine that answers."""

from __future__ import annotations

from typing import NamedTuple

from prepdata.cost_compare.book import UNITS, offer_of
from prepdata.cost_compare.model import Used, exactly
from prepdata.errors import UsageError, nearest
from prepdata.prices import providers, unlisted
from trainers.arms.config import ArmsConfig, key_of
from trainers.arms.model import Cost

TOKENS = ("input", "output", "tuned_input", "tuned_output")
MILLION, HOUR = 1e6, 3600.0


class Prices(NamedTuple):
    """Prices by the names of `TOKENS`, as far as they are known; USD an hour of the machine, None for not known."""

    by_tokens: dict[str, Used]
    hour: float | None


def prices_of(config: ArmsConfig) -> Prices:
    """Return the prices of a configuration; those given in it count more than those of the lists.

    Raises:
        UsageError: no line of the price lists holds for the model, or several do.
    """
    found: dict[str, Used] = {}
    if config.price_model is not None:
        targets = (config.price_target,) if config.price_target else ()
        if config.price_target and config.price_target not in providers():
            near = nearest(config.price_target, providers())
            raise UsageError(
                f"price-target {config.price_target}: no price list is of it.{near} There are: {', '.join(providers())}"
            )
        listed = offer_of(config.price_model, targets, "price-target")
        if listed is None:
            raise UsageError(
                f"price-model {config.price_model}: {unlisted(config.price_model, targets, 'price-target')}"
            )
        source, offer = listed
        for name in TOKENS:
            if (price := getattr(offer, name)) is not None:
                row = f"{source.name} / {offer.title} / {name}"
                found[name] = Used(name, UNITS[name], exactly(price.usd), row, price.date, price.confidence)
    for name in TOKENS:
        usd = getattr(config, f"price_{name}")
        if usd is not None:
            found[name] = Used(name, UNITS[name], exactly(usd), key_of(f"price_{name}"), None, "your own")
    return Prices(found, config.price_hour)


def cost_of(
    prices: Prices, *, tuned: bool, searched: bool, tokens: tuple[float | None, float | None], seconds: float | None
) -> Cost:
    """Return what 1,000 calls cost.

    Args:
        prices: what is known.
        tuned: whether the tuned model answers.
        searched: whether passages are searched for each call.
        tokens: means of a call, in and out; None where they are not known.
        seconds: mean time of a call; None where it was not taken.
    """
    if prices.hour is not None:
        if seconds is None:
            return Cost(usd_per_thousand=None, said="the seconds of a call are not known: it was not timed")
        said = f"{seconds:.4g} s of the machine at {prices.hour:g} USD an hour, one call at a time"
        return Cost(usd_per_thousand=1000 * seconds * prices.hour / HOUR, said=said)
    if not prices.by_tokens:
        return Cost(usd_per_thousand=None, said="no price is given: price-input and price-output, or price-hour")
    names = ("tuned_input", "tuned_output") if tuned else ("input", "output")
    lacking = [f"the price {key_of(f'price_{name}')} is not known" for name in names if name not in prices.by_tokens]
    lacking += [f"tokens {way} are not known" for way, count in zip(("in", "out"), tokens) if count is None]
    if lacking:
        return Cost(usd_per_thousand=None, said="; ".join(lacking))
    used = [prices.by_tokens[name] for name in names]
    usd = 1000 * sum((count or 0.0) * price.usd.likely for count, price in zip(tokens, used)) / MILLION
    said = ", ".join(f"{price.usd.likely:g} USD a million ({_source(price)})" for price in used)
    return Cost(usd_per_thousand=usd, said=said + ("; searching is not priced" if searched else ""))


def _source(price: Used) -> str:
    return price.row if price.date is None else f"{price.row}, {price.date}, {price.confidence}"
