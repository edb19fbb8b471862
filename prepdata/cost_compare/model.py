"""What is compared: the calls of a day, the arms with their prices, and the points at which one overtakes another."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Literal

import msgspec

from prepdata.cost import ESTIMATE_ERROR, Range
from prepdata.cost_compare.running import NOTHING, Running

SCHEMA_VERSION = 1
DAYS_A_MONTH = 30

ArmName = Literal["prompt", "long-context", "rag", "tuned", "own-gpu", "hybrid", "own-gpu-hybrid"]
Serves = Literal["task", "documents"]
"""What an arm knows: how the task is done, or that and the documents. Only arms that know the same are held against
each other."""

ZERO = NOTHING


def exactly(value: float) -> Range:
    """Return a range of one figure."""
    return Range(value, value, value)


def total(parts: Iterable[Range]) -> Range:
    """Return the sum of ranges."""
    listed = list(parts)
    return Range(sum(p.low for p in listed), sum(p.likely for p in listed), sum(p.high for p in listed))


def product(one: Range, other: Range) -> Range:
    """Return low x low, likely x likely, high x high."""
    return Range(one.low * other.low, one.likely * other.likely, one.high * other.high)


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of a day. All but the first are tokens.

    Args:
        calls_per_day: calls.
        system, user, answer: of one call: instructions, what the user asks, the answer (means of the file's rows).
        few_shot: examples in the prompt of today.
        knowledge: the documents; None where nobody said.
        retrieved: passages that retrieval is asked to put into a call; `passages` are those that there are.
        exact: False where the tokens are estimates.
    """

    calls_per_day: int
    system: float
    user: float
    answer: float
    few_shot: float = 0.0
    knowledge: int | None = None
    retrieved: Range = Range(1000.0, 2000.0, 4000.0)
    exact: bool = True

    @property
    def passages(self) -> Range:
        """Tokens of passages in a call: as many as are asked for, and no more than the documents have."""
        most = float("inf") if self.knowledge is None else float(self.knowledge)
        return Range(*(min(most, asked) for asked in (self.retrieved.low, self.retrieved.likely, self.retrieved.high)))

    def tokens(self, count: float) -> Range:
        """Return a measured number of tokens as a range: wider where tokens are estimated."""
        error = 0.0 if self.exact else ESTIMATE_ERROR
        return Range(count * (1 - error), count, count * (1 + error))


class Used(msgspec.Struct, frozen=True):
    """A price that went into a figure.

    Args:
        what, unit: what it is the price of, and for how much.
        usd: the price.
        row: the line of the price list.
        date: day for which its source says so; None for a price given without one.
        confidence: how sure it is.
        note: what else the price list says of it.
    """

    what: str
    unit: str
    usd: Range
    row: str
    date: datetime.date | None
    confidence: str
    note: str = ""


class Lookup(msgspec.Struct, frozen=True, kw_only=True):
    """What retrieval costs besides longer prompts: embeddings, the store. The same in every arm that has it."""

    one_time: Range
    per_call: Range
    per_day: Range


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """What one way costs. USD; None where a price is not known.

    Args:
        name, serves: which way, and what it knows.
        one_time: before the first call.
        per_call: for each call; `per_day` for each day besides; both at the calls of a day that were asked for.
        prompt_tokens: tokens sent with each call.
        per_month: of 30 days at the calls of a day.
        running: what the figures of a call and of a day are at any traffic.
        lookup: the part of these that is retrieval, None for arms without.
        prices: the prices that went in.
        assumptions: what the figures rest on.
        unknown: why it could not be priced.
    """

    name: ArmName
    serves: Serves
    one_time: Range | None = None
    per_call: Range | None = None
    per_day: Range | None = None
    prompt_tokens: Range | None = None
    per_month: Range | None = None
    running: Running | None = None
    lookup: Lookup | None = None
    prices: list[Used] = []
    assumptions: list[str] = []
    unknown: list[str] = []

    @property
    def priced(self) -> bool:
        """True where every part has a figure."""
        return self.one_time is not None and self.running is not None


class Span(msgspec.Struct, frozen=True):
    """The earliest, the likely and the latest point; None for never."""

    low: float | None
    likely: float | None
    high: float | None


class Traffic(msgspec.Struct, frozen=True):
    """Calls a day, from `start` to `end`; None for no end (10^12 is as far as is looked)."""

    start: int
    end: int | None


class Reach(msgspec.Struct, frozen=True):
    """The widest, the likely and the narrowest traffic; None for none at all."""

    low: Traffic | None
    likely: Traffic | None
    high: Traffic | None


class BreakEven(msgspec.Struct, frozen=True, kw_only=True):
    """When the arm that costs more without any call has paid off by cheaper calls.

    Args:
        first, then: the arm that costs less without any call (a day, or else once), and the other.
        days, calls: until both have cost the same, at the calls of a day.
        cheaper_at: traffic at which `then` costs no more to run; of several such spans the one with the traffic of
            today, or else the widest.
    """

    first: ArmName
    then: ArmName
    days: Span
    calls: Span
    cheaper_at: Reach


class Baked(msgspec.Struct, frozen=True, kw_only=True):
    """What is saved by instructions that are in the weights.

    Args:
        system_tokens, few_shot_tokens: tokens that calls need no longer; `tokens_per_day` of all calls.
        usd_per_thousand_calls: what these tokens cost before; None where the price is not known, or the model reads
            no such prompt.
    """

    system_tokens: float
    few_shot_tokens: float
    tokens_per_day: float
    usd_per_thousand_calls: float | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What `prepdata cost --compare --output-format json` writes."""

    schema_version: int
    workload: Workload
    arms: list[Arm]
    break_even: list[BreakEven]
    baked: Baked
