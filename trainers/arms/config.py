"""The configuration of `prepdata arms`: one flat table in TOML or YAML, and the table `[gate]`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from trainers.config import Device, Dtype, checked, read_table, refuse, told
from trainers.gate import Gate, read_gate
from trainers.generate import is_url

ArmName = Literal["base", "prompted", "few-shot", "rag", "tuned", "hybrid"]
ARMS: tuple[ArmName, ...] = get_args(ArmName)
"""All arms, what is least to set up and keep first."""
TUNED: tuple[ArmName, ...] = ("tuned", "hybrid")
RETRIEVING: tuple[ArmName, ...] = ("rag", "hybrid")
GATE = "gate"
PATHS = (
    "model", "adapter", "tuned", "test", "retention", "baseline", "output", "system_prompt", "few_shot",
    "rag_system_prompt", "documents", "chat_template",
)  # fmt: skip
"""Keys that are led by the folder of the file, where they are no URL."""
MODELS = ("embedding", "rerank")
"""Keys that name a folder, led by that of the file, or else an installed package."""

Natural = Annotated[int, Meta(ge=0)]
Count = Annotated[int, Meta(ge=1)]
Usd = Annotated[float, Meta(ge=0, lt=1e9)]
Share = Annotated[float, Meta(ge=0, le=1)]
Few = Annotated[int, Meta(ge=1, le=100)]
Seconds = Annotated[float, Meta(gt=0)]
Mode = Literal["hybrid", "bm25", "dense"]


class ArmsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `prepdata arms` measures. Paths are relative to the folder of the file."""

    model: Annotated[str, told("Base model: a folder, or an endpoint with chat completions.")]
    test: Annotated[str, told("Held-out rows that every arm is asked.")]
    output: Annotated[str, told("Folder of the records; finished ones in it are kept.")]
    arms: Annotated[tuple[ArmName, ...], told("Arms to measure; the base is always among them.")] = ARMS
    model_name: Annotated[str | None, told("Name of the base model at its endpoint.")] = None
    adapter: Annotated[str | None, told("Adapter (PEFT) or run folder of the tuned model.")] = None
    tuned: Annotated[str | None, told("Tuned model where it is no adapter: a folder, or an endpoint.")] = None
    tuned_name: Annotated[str | None, told("Name of the tuned model at its endpoint.")] = None
    retention: Annotated[str | None, told("Rows of what the model can do and must not forget.")] = None
    baseline: Annotated[str | None, told("Record of the base model on these rows, taken in place of asking it.")] = None
    scorers: Annotated[tuple[str, ...], told("Scorers by name (default: what fits the rows).")] = ()
    system_prompt: Annotated[str | None, told("File of the system prompt of prompted and few-shot.")] = None
    few_shot: Annotated[str | None, told("File of rows that few-shot shows before each question.")] = None
    shots: Annotated[Few | None, told("How many of them (default: all).")] = None
    documents: Annotated[str | None, told("Folder of documents, or an index, that rag and hybrid search.")] = None
    rag_system_prompt: Annotated[str | None, told("File of the system prompt of rag (default: the rows' own).")] = None
    k: Annotated[Few, told("Passages put before a question.")] = 4
    retrieval: Annotated[Mode | None, told("hybrid, bm25 or dense (default: hybrid with an embedding, else bm25).")] = (
        None
    )
    embedding: Annotated[str | None, told("Embedding model: a folder or an installed package.")] = None
    rerank: Annotated[
        str | None, told("Cross-encoder that orders passages anew: a folder or an installed package.")
    ] = None
    store_url: Annotated[str | None, told("URL of a running store (default: one kept inside this process).")] = None
    chunk_size: Annotated[Count | None, told("Size of a passage (default: that of retrieval).")] = None
    overlap: Annotated[Natural | None, told("Overlap of two passages (default: that of retrieval).")] = None
    max_new_tokens: Annotated[Count, told("Most tokens of an answer.")] = 512
    batch_size: Annotated[Count, told("Prompts asked at once.")] = 8
    latency_rows: Annotated[Natural, told("Rows timed in turns over all arms; 0 for no times.")] = 10
    floor: Annotated[
        Share | None, told("What the primary metric has to reach by the lower end of its 95 % interval.")
    ] = None
    chat_template: Annotated[str | None, told("Chat template (default: that of the folder).")] = None
    dtype: Annotated[Dtype, told("Of the weights: auto (as stored), float32, bfloat16, float16.")] = "auto"
    device: Annotated[Device, told("auto (a GPU where there is one), cpu, cuda.")] = "auto"
    threads: Annotated[Natural, told("Processor threads; 0 for the library's own choice.")] = 0
    api_key_env: Annotated[str, told("Environment variable with the key for endpoints.")] = "PREPDATA_API_KEY"
    timeout: Annotated[Seconds, told("Seconds that one request may take.")] = 120.0
    retries: Annotated[Natural, told("Further tries after an error that may pass.")] = 4
    price_model: Annotated[str | None, told("Model whose line of the price lists holds.")] = None
    price_target: Annotated[str | None, told("Provider whose price list is meant.")] = None
    price_input: Annotated[Usd | None, told("USD per million tokens of prompts.")] = None
    price_output: Annotated[Usd | None, told("USD per million tokens of answers.")] = None
    price_tuned_input: Annotated[Usd | None, told("USD per million tokens of prompts of the tuned model.")] = None
    price_tuned_output: Annotated[Usd | None, told("USD per million tokens of answers of the tuned model.")] = None
    price_hour: Annotated[Usd | None, told("USD an hour of the machine that answers, one call at a time.")] = None


FIELDS = {field.name: field for field in msgspec.structs.fields(ArmsConfig)}


def load(path: Path) -> tuple[ArmsConfig, Gate]:
    """Return what is to be measured, and the gate.

    Raises:
        ConfigError: the file cannot be read, or says something impossible; all mistakes are listed.
    """
    table = read_table(path)
    values = {str(key): value for key, value in table.items() if key != GATE}
    for key, held in values.items():
        if isinstance(held, str) and held and _led(key.replace("-", "_"), held, path.parent):
            values[key] = str(path.parent / held)
    good, _, problems = checked(values, FIELDS, str(path))
    refuse(problems + [f"{path}: {problem}" for problem in _contradictions(good)])
    return ArmsConfig(**good), read_gate(path, {}) if GATE in table else Gate()


def _led(name: str, held: str, folder: Path) -> bool:
    """True if a value is a path that the folder of the file leads."""
    return (name in PATHS and not is_url(held)) or (name in MODELS and (folder / held).is_dir())


def _contradictions(given: Mapping[str, Any]) -> list[str]:
    """Return what does not go together."""
    problems = [f"{name}: an empty text; leave it out" for name, value in given.items() if value == ""]
    if given.get("arms") == ():
        problems.append("arms: an empty list; leave it out to measure all")
    if given.get("adapter") and given.get("tuned"):
        problems.append("adapter and tuned both name the tuned model; leave one out")
    urls = [name for name in ("model", "tuned") if is_url(str(given.get(name) or ""))]
    if given.get("adapter") and "model" in urls:
        problems.append("adapter: an endpoint takes none; serve the model with it, and name it by tuned and tuned-name")
    if given.get("chat_template") and urls:
        problems.append(f"chat-template: the endpoint of {urls[0]} takes none; serve the model with it")
    if given.get("retrieval") == "dense" and not given.get("embedding"):
        problems.append("retrieval = dense needs vectors: name the model by embedding")
    if given.get("tuned") and (given["tuned"], given.get("tuned_name")) == (
        given.get("model"),
        given.get("model_name"),
    ):
        problems.append("tuned is the base model itself; name another folder or endpoint, or another tuned-name")
    if given.get("shots") and not given.get("few_shot"):
        problems.append("shots says how many rows of few-shot are shown; name that file")
    by_tokens = [name for name in FIELDS if name.startswith("price_") and name != "price_hour" and name in given]
    if "price_hour" in given and by_tokens:
        problems.append(
            f"price-hour and {key_of(by_tokens[0])}: a call is paid by tokens or by the hour; leave one out"
        )
    if "price_target" in given and "price_model" not in given:
        problems.append("price-target says whose price list is meant; name the model by price-model")
    return problems


def key_of(name: str) -> str:
    """Return a field as files write it."""
    return name.replace("_", "-")
