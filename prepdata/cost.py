"""What a fine-tune costs: hosted training by price list, and calls before and after. Pure functions.

Every estimate is a range with its assumptions written out. What is not known stays `None`: no figure is invented.
Training on one's own GPUs is in `prepdata.cost_gpu`.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import msgspec

from prepdata.findings import plural
from prepdata.prices import as_of, offers_for
from prepdata.prices import provider as price_list
from prepdata.prices.model import Offer, Price, Provider

ESTIMATE_ERROR = 0.25
"""Relative error allowed for where tokens were estimated by characters (`prepdata.tokens.estimate`)."""

MILLION = 1_000_000


class Range(msgspec.Struct, frozen=True):
    """A low, a likely and a high figure; units are those of the field that holds it."""

    low: float
    likely: float
    high: float

    def times(self, factor: float) -> Range:
        """Return the range with every figure multiplied."""
        return Range(self.low * factor, self.likely * factor, self.high * factor)

    def at_least(self, floor: float) -> Range:
        """Return the range with no figure below `floor`."""
        return Range(max(self.low, floor), max(self.likely, floor), max(self.high, floor))


class Amount(msgspec.Struct, frozen=True):
    """The tokens of a training file.

    Args:
        rows: rows.
        tokens: tokens of one epoch, rows cut at the context length where one is known.
        exact: False where the tokens are estimates, or those of another model's tokenizer.
        why: why they are not exact, in words.
    """

    rows: int
    tokens: int
    exact: bool = True
    why: str = "estimated by characters"

    @property
    def error(self) -> float:
        """Relative error to allow for."""
        return 0.0 if self.exact else ESTIMATE_ERROR

    def caution(self) -> list[str]:
        """Return the assumption that goes with the error, if there is one."""
        return [] if self.exact else [f"tokens are {self.why}: taken as up to {self.error:.0%} off either way"]


class Hosted(msgspec.Struct, frozen=True, kw_only=True):
    """The estimate for one line of a provider's price list.

    Args:
        provider, offer, method: whose price, for what model, trained how.
        usd: what the job costs; None where the price is not known.
        epochs: epochs trained.
        billed_tokens: tokens billed over all epochs.
        minimum_applied: True where the provider's minimum is more than the tokens cost.
        storage_month, hosting_hour: USD for keeping the model, where known.
        as_of: date of the oldest price used, and when it counts as old.
        confidence: how sure the training price is.
        assumptions: what the range rests on, in words.
    """

    provider: str
    offer: str
    method: str
    usd: Range | None
    epochs: Range
    billed_tokens: Range
    minimum_applied: bool
    storage_month: float | None
    hosting_hour: float | None
    as_of: str
    confidence: str
    assumptions: list[str]


def openai_epochs(rows: int) -> int:
    """Return the epochs that OpenAI's cookbook expects by default for a number of rows.

    3, but as many as bring the rows seen to about 100 (at most 25), and as few as keep them under 25,000 (at least 1).
    Source: OpenAI cookbook, "Data preparation and analysis for chat model fine-tuning", read 2026-11-21.
    """
    if rows <= 0:
        return 1
    if rows * 3 < 100:
        return min(25, 100 // rows)
    if rows * 3 > 25_000:
        return max(1, 25_000 // rows)
    return 3


def epochs_for(prices: Provider, rows: int, given: float | None) -> tuple[Range, str]:
    """Return the epochs a provider trains, and the assumption in words."""
    if given is not None:
        return Range(given, given, given), f"{epochs_said(given)}, as given"
    if prices.epochs.rule == "fixed" and prices.epochs.value is not None:
        value = prices.epochs.value
        return Range(value, value, value), f"{epochs_said(value)}, the provider's default ({prices.epochs.date})"
    if prices.epochs.rule == "openai":
        likely = float(openai_epochs(rows))
        spread = Range(2.0, 3.0, 4.0) if likely == 3.0 else Range(likely, likely, likely)
        return spread, f"{epochs_said(likely)} by the rule of OpenAI's cookbook for {plural(rows, 'row')}"
    return Range(1.0, 1.0, 1.0), "one epoch: the provider's default is not known, give --epochs"


def epochs_said(epochs: float) -> str:
    """Return a number of epochs in words."""
    return f"{epochs:g} epoch" + ("" if epochs == 1 else "s")


def hosted(
    provider: str,
    amount: Amount,
    *,
    model: str | None = None,
    epochs: float | None = None,
    context: int | None = None,
) -> list[Hosted]:
    """Return what hosted training costs, one estimate per line of the price list that holds for the model.

    Cost = tokens of one epoch x epochs x USD per million trained tokens, and at least the provider's minimum. That is
    the rule OpenAI, Azure, Together and Fireworks state; each list says so under `billed`.

    Args:
        provider: name of a target; an unknown one, or one without prices, gives an empty list.
        amount: the tokens of the file.
        model: model name; None for all lines.
        epochs: epochs; None for the provider's default.
        context: length in tokens at which rows were cut in `amount`, for the assumptions.
    """
    prices = price_list(provider)
    if prices is None:
        return []
    return [_one(prices, offer, amount, epochs, context) for offer in offers_for(prices, model)]


def _one(prices: Provider, offer: Offer, amount: Amount, epochs: float | None, context: int | None) -> Hosted:
    spread, said = epochs_for(prices, amount.rows, epochs)
    assumptions = [said, f"billed: {prices.billed}"]
    error = amount.error
    assumptions += amount.caution()
    if context:
        assumptions.append(f"rows longer than {context:,} tokens are billed for {context:,}")
    billed = Range(
        amount.tokens * spread.low * (1 - error),
        amount.tokens * spread.likely,
        amount.tokens * spread.high * (1 + error),
    )
    used = [p for p in (offer.train, offer.train_to, prices.minimum) if p is not None]
    usd, minimum_applied = _price(prices, offer, billed, assumptions)
    return Hosted(
        provider=prices.name,
        offer=offer.title,
        method=offer.method,
        usd=usd,
        epochs=spread,
        billed_tokens=billed,
        minimum_applied=minimum_applied,
        storage_month=prices.storage_month.usd if prices.storage_month else None,
        hosting_hour=offer.hosting_hour.usd if offer.hosting_hour else None,
        as_of=as_of(oldest_of(used, prices.checked)),
        confidence=offer.train.confidence if offer.train else "unknown",
        assumptions=[*assumptions, *prices.notes],
    )


def _price(prices: Provider, offer: Offer, billed: Range, said: list[str]) -> tuple[Range | None, bool]:
    """Return (USD of the job, whether the minimum was applied); adds to the assumptions."""
    if offer.train is None:
        said.append("the training price is not known")
        return None, False
    dearest = offer.train_to or offer.train
    likely = offer.train.usd
    words = f"{offer.train.usd:g} USD per million trained tokens"
    if offer.train_to is not None:
        words = f"{offer.train.usd:g} to {dearest.usd:g} USD per million trained tokens, likely the lower"
    noted = f"; {offer.train.note}" if offer.train.note else ""
    said.append(f"{words} ({offer.train.confidence}, {offer.train.date}{noted})")
    usd = Range(
        billed.low * offer.train.usd / MILLION, billed.likely * likely / MILLION, billed.high * dearest.usd / MILLION
    )
    if prices.minimum is None:
        said.append("whether there is a minimum charge is not known")
        return usd, False
    if prices.minimum.usd > 0:
        said.append(f"at least {prices.minimum.usd:g} USD a job ({prices.minimum.date})")
    return usd.at_least(prices.minimum.usd), prices.minimum.usd > usd.likely


def oldest_of(prices: Sequence[Price], default: datetime.date) -> datetime.date:
    """Return the oldest date among prices."""
    return min((p.date for p in prices), default=default)


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """The price of one call before and after a fine-tune. USD a call.

    Args:
        before: base model, long prompt; `after`: fine-tuned model, short prompt; None where a price is not known.
        saving: before minus after; negative where the fine-tuned model is dearer.
        calls_to_pay_off: calls after which the training has paid for itself; None where it never does.
        as_of: date of the oldest price used, and when it counts as old.
        assumptions: what the figures rest on.
    """

    offer: str
    before: float | None
    after: float | None
    saving: float | None
    calls_to_pay_off: int | None
    as_of: str
    assumptions: list[str]


def call_price(prompt: float, answer: float, input_price: float, output_price: float) -> float:
    """Return USD of one call: prompt and answer in tokens, prices in USD per million tokens."""
    return (prompt * input_price + answer * output_price) / MILLION


def calls(
    provider: str,
    *,
    model: str | None,
    prompt_before: float,
    prompt_after: float,
    answer: float,
    training_usd: float | None = None,
) -> list[Calls]:
    """Return what a call costs before (long prompt, base model) and after (what the prompt said is in the weights).

    Args:
        provider: name of a target.
        model: model name; None for all lines of the price list.
        prompt_before, prompt_after, answer: tokens.
        training_usd: what the fine-tune costs, to say after how many calls it has paid for itself.
    """
    prices = price_list(provider)
    if prices is None:
        return []
    found = []
    for offer in offers_for(prices, model):
        used = [p for p in (offer.input, offer.output, offer.tuned_input, offer.tuned_output) if p is not None]
        before = _call(prompt_before, answer, offer.input, offer.output)
        after = _call(prompt_after, answer, offer.tuned_input, offer.tuned_output)
        saving = before - after if before is not None and after is not None else None
        pays = training_usd is not None and saving is not None and saving > 0
        assumptions = [
            f"before: {prompt_before:,.0f} prompt and {answer:,.0f} answer tokens, base model",
            f"after: {prompt_after:,.0f} prompt and {answer:,.0f} answer tokens, fine-tuned model",
            "no cached input, no batch discount, no hosting fee",
            *sorted({f"price {p.confidence}" for p in used if p.confidence != "provider"}),
        ]
        found.append(
            Calls(
                offer=offer.title,
                before=before,
                after=after,
                saving=saving,
                calls_to_pay_off=-int(-training_usd // saving) if pays and training_usd and saving else None,
                as_of=as_of(oldest_of(used, prices.checked)),
                assumptions=assumptions,
            )
        )
    return found


def _call(prompt: float, answer: float, input_price: Price | None, output_price: Price | None) -> float | None:
    if input_price is None or output_price is None:
        return None
    return call_price(prompt, answer, input_price.usd, output_price.usd)


def plain(value: Any) -> Any:
    """Return an estimate as plain JSON values, money rounded to a tenth of a cent."""
    built = msgspec.to_builtins(value)
    return _rounded(built)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3) if abs(value) >= 1 else float(f"{value:.4g}")
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return [_rounded(v) for v in value] if isinstance(value, list) else value
