"""Price files: sources, dates, who they hold for, and that doubt is visible."""

from __future__ import annotations

import datetime

import pytest

from prepdata import prices, targets
from prepdata.cost_compare.book import offer_of
from prepdata.errors import UsageError
from prepdata.prices.model import Price

TODAY = datetime.date(2026, 11, 29)
OTHERS = {"gpus": prices.gpus, "retrieval": prices.retrieval}
LISTS = [*prices.providers(), *OTHERS]


def read(name):
    return OTHERS[name]() if name in OTHERS else prices.provider(name)


@pytest.mark.parametrize("name", LISTS)
def test_every_price_has_a_source_and_a_date(name):
    found = read(name)
    listed = list(prices.all_prices(found))
    assert found.checked <= TODAY
    for price in listed:
        assert price.source in found.sources
        assert datetime.date(2025, 1, 1) < price.date <= TODAY
        assert price.usd >= 0
        if price.source == "memory":
            assert price.confidence == "from memory"
    used = {p.source for p in listed} | ({found.epochs.source} if name not in OTHERS else set())
    used |= {offer.window.source for offer in getattr(found, "offers", []) if offer.window}
    assert set(found.sources) <= used | {"cookbook", "docs", "hyperparameters", "api"}


@pytest.mark.parametrize("name", prices.providers())
def test_price_lists_belong_to_targets(name):
    found = prices.provider(name)
    assert found.name == name
    assert name in targets.names()
    assert targets.load(name).kind == "provider"
    assert found.offers


def test_names_that_come_near_are_told():
    assert prices.unlisted("gpt4o-mini") == (
        "no price list has the model 'gpt4o-mini'; near it: gpt-4o-mini, gpt-4.1-mini, gpt-4o"
    )
    assert prices.unlisted("zzz") == "no price list has the model 'zzz'"
    assert prices.unlisted("zzz", ("trl",)) == "no price list has the model 'zzz'"
    assert prices.unlisted("zzz", ("trl", "openai")) == "no price of openai for 'zzz'"
    assert "near it" not in prices.unlisted("gpt4o-mini", ("fireworks",))
    assert prices.unlisted("some-7b").endswith("; by size or family it is priced with --target fireworks or together")


def test_no_list_is_no_error():
    assert prices.provider("trl") is None
    assert prices.provider("nobody") is None


@pytest.mark.parametrize(
    ("model", "offer"),
    [("gpt-4o", "gpt-4o"), ("gpt-4o-2024-08-06", "gpt-4o"), ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
     ("gpt-4.1-mini-2025-04-14", "gpt-4.1-mini"), ("ft:gpt-4o-mini:org::x", "gpt-4o-mini"), ("GPT-4.1", "gpt-4.1")],
)  # fmt: skip
def test_the_longest_name_wins(model, offer):
    assert [o.title for o in prices.offers_for(prices.provider("openai"), model)] == [offer]


@pytest.mark.parametrize(
    "model", ["gpt-4o-realtime-preview", "gpt-4o-minimal-x", "gpt-4.1-turbo", "gpt-4o-mini-audio-preview-2024-12-17", "gpt-4.10",
              "gpt-4o-"],
)  # fmt: skip
def test_another_model_is_not_priced_as_this_one(model):
    assert prices.offers_for(prices.provider("openai"), model) == []
    assert offer_of(model, ()) is None


@pytest.mark.parametrize(
    ("name", "model"),
    [("openai", "gpt-4o"), ("openai", "gpt-4o-2024-08-06"), ("bedrock-nova", "amazon.nova-micro-v1:0:128k"),
     ("openai", "ft:gpt-4.1-mini:org::x"), ("vertex-gemini", "gemini-2.5-flash@001"), ("vertex-gemini", "gemini-2.5-flash-001")],
)  # fmt: skip
def test_versions_of_a_model_have_its_price(name, model):
    assert len(prices.offers_for(prices.provider(name), model)) == 1
    assert offer_of(model, ())[0].name == name


@pytest.mark.parametrize(
    ("name", "model", "titles"),
    [("azure-openai", "gpt-4o-audio-x", ["any model"]), ("mistral", "open-mistral-7b", ["small models"]),
     ("mistral", "mistralai/Mistral-7B-v0.3", ["small models"]), ("mistral", "mistral-large-2411", []),
     ("vertex-gemini", "gemini-2.5-flash-lite", [])],
)  # fmt: skip
def test_families_are_no_price_of_one_model(name, model, titles):
    assert [o.title for o in prices.offers_for(prices.provider(name), model)] == titles
    assert offer_of(model, ()) is None


@pytest.mark.parametrize(
    ("model", "title"),
    [("Qwen/Qwen2.5-7B-Instruct", "up to 16 billion parameters"),
     ("google/gemma-3-16b", "up to 16 billion parameters"),
     ("Qwen/Qwen3-32B", "16.1 to 80 billion parameters"),
     ("meta-llama/Llama-3.3-70B-Instruct", "16.1 to 80 billion parameters"),
     ("Qwen/Qwen3-235B-A22B", "80 to 300 billion parameters"),
     ("deepseek-ai/DeepSeek-V3-671B", "over 300 billion parameters")],
)  # fmt: skip
def test_classes_of_size(model, title):
    assert [o.title for o in prices.offers_for(prices.provider("fireworks"), model)] == [title]


def test_a_model_without_price_gets_none():
    assert prices.offers_for(prices.provider("openai"), "o9-huge") == []
    assert prices.offers_for(prices.provider("fireworks"), "kimi-k2") == []
    assert len(prices.offers_for(prices.provider("openai"), None)) == 5


@pytest.mark.parametrize(
    ("name", "billions"),
    [("Llama-3.3-70B-Instruct", 70.0), ("Qwen2.5-0.5B", 0.5), ("Qwen3-30B-A3B", 30.0), ("SmolLM2-135M", 0.135),
     ("gpt_oss_20b", 20.0), ("gpt-4o", None), ("phi-4", None), ("b2b-model", None), ("", None),
     ("<script>\x1b[31m", None), ("llama3.2:3b", 3.0), ("mixtral-8x7b", None)],
)  # fmt: skip
def test_sizes_in_names(name, billions):
    assert prices.billions_in(name) == billions


@pytest.mark.parametrize(
    ("word", "name"), [("h100", "H100"), ("A100", "A100-80"), ("rtx 4090", "RTX4090"), ("A100-40GB", "A100-40"),
                       ("H100 SXM", "H100"), ("a10g", "A10G")],
)  # fmt: skip
def test_gpus_by_other_words(word, name):
    assert prices.gpu(word).name == name


def test_an_unknown_gpu_names_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'H100'"):
        prices.gpu("H1000")


@pytest.mark.parametrize("card", prices.gpus().gpus, ids=lambda g: g.name)
def test_ranges_of_gpu_hours_are_in_order(card):
    assert 0 < card.low.usd <= card.typical.usd <= card.high.usd
    assert card.memory_gib >= 24
    assert 50 < card.tflops < 3000


def test_old_prices():
    price = Price(usd=1.0, source="x", date=datetime.date(2026, 8, 1))
    assert not prices.stale(price, datetime.date(2026, 10, 30))
    assert prices.stale(price, datetime.date(2026, 10, 31))
    assert prices.as_of(price.date) == "as of 2026-08-01, old from 2026-10-31"


def test_oldest():
    assert prices.oldest(prices.provider("fireworks")) == datetime.date(2026, 10, 7)
    assert prices.oldest(prices.provider("openai")) == datetime.date(2026, 3, 31)
