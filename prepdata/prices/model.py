"""The model of a price file: what a fine-tune, a call or a GPU hour costs, with source, date and how sure we are.

All prices are US dollars without tax. A price that could not be found is left out; in code it is then `None`, and the
output says that it is unknown.
"""

from __future__ import annotations

import datetime
from typing import Literal

import msgspec

Confidence = Literal["provider", "secondary", "example", "from memory"]
"""`provider`: the provider's page or documentation; `secondary`: somebody else's account of it; `example`: the
provider's own documentation, but as an example; `from memory`: not checked at all."""


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One price. `date` is the day for which the source says so."""

    usd: float
    source: str
    date: datetime.date
    confidence: Confidence = "provider"
    note: str = ""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where prices come from."""

    title: str
    date: datetime.date
    url: str = ""


class Epochs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many epochs a provider trains if it is not told.

    Args:
        rule: `fixed` (always `value`), `openai` (`prepdata.cost.openai_epochs`), or `unknown`.
        value: epochs of the rule `fixed`.
        source, date: who says so.
    """

    rule: Literal["fixed", "openai", "unknown"]
    value: float | None = None
    source: str = ""
    date: datetime.date | None = None
    note: str = ""


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many tokens a model reads at most, or up to which its prices hold, and who says so."""

    tokens: int
    source: str
    date: datetime.date


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a provider's price list: a model, or all models of a size.

    Args:
        title: the model or class of models, for the report.
        names: model names; a version may follow ("gpt-4o-mini" is also "gpt-4o-mini-2024-07-18").
        families: beginnings of names that the line holds for, where no line has the name itself.
        over_billion, to_billion: for a class of models, the number of parameters in billions it covers.
        method: how is trained ("supervised LoRA").
        train: USD per million trained tokens; `train_to` where the source gives a range.
        input, output: USD per million tokens of a call to the base model.
        cached_input: USD per million prompt tokens that the provider has in its cache, base model.
        window: tokens that prompt and answer may have together, base model.
        tuned_input, tuned_output: as `input` and `output`, for the fine-tuned model.
        hosting_hour: USD per hour for keeping the fine-tuned model ready.
    """

    title: str
    method: str
    names: list[str] = []
    families: list[str] = []
    over_billion: float | None = None
    to_billion: float | None = None
    train: Price | None = None
    train_to: Price | None = None
    input: Price | None = None
    output: Price | None = None
    cached_input: Price | None = None
    window: Window | None = None
    tuned_input: Price | None = None
    tuned_output: Price | None = None
    hosting_hour: Price | None = None


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The price list of one provider; `name` is that of its target.

    Args:
        checked: the day the file as a whole was last gone through.
        billed: which tokens a training run is billed for, in words.
        minimum: least price of a job; None if not known, 0 where the provider says there is none.
        storage_month: USD per month for keeping a fine-tuned model.
        epochs: epochs trained by default.
    """

    name: str
    title: str
    checked: datetime.date
    billed: str
    epochs: Epochs
    sources: dict[str, Source]
    offers: list[Offer]
    minimum: Price | None = None
    storage_month: Price | None = None
    notes: list[str] = []


class Embedding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model that turns texts into vectors; `price` in USD per million tokens."""

    name: str
    price: Price


class Store(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hosted store of vectors with search.

    Args:
        gb_day: USD per GB (2^30 bytes) and day, beyond the first `free_gb`.
        thousand_calls: USD per 1,000 searches.
    """

    name: str
    title: str
    gb_day: Price
    free_gb: float
    thousand_calls: Price


class Retrieval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The price list of what retrieval needs besides the model that answers."""

    checked: datetime.date
    sources: dict[str, Source]
    embeddings: list[Embedding]
    stores: list[Store]
    notes: list[str] = []


class Gpu(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A GPU type: what it can do and what an hour of it costs to rent, on demand.

    Args:
        memory_gib: memory in GiB.
        tflops: dense BF16 tensor throughput, in 10^12 floating-point operations a second, from the data sheet.
        low, typical, high: USD an hour: the cheapest offer found, one in the middle, the dearest.
    """

    name: str
    title: str
    memory_gib: float
    tflops: float
    tflops_confidence: Confidence
    low: Price
    typical: Price
    high: Price
    names: list[str] = []


class Gpus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The price list of GPU hours."""

    checked: datetime.date
    sources: dict[str, Source]
    gpus: list[Gpu]
    notes: list[str] = []
