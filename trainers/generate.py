"""Answers from a model: one interface, two ways to get them.

backend = open_backend("models/base", max_new_tokens=64)            # a folder: transformers, on this machine
backend = open_backend("http://127.0.0.1:8000/v1", model_name="m")  # an endpoint with chat completions
backend.generate([Prompt("row-1", ({"role": "user", "content": "Hi"},))])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from prepdata.errors import InputError
from trainers.record import Decoding, Environment, Loss, ModelInfo, Rendering

Finish = Literal["stopped", "cut", "error"]


class Prompt(NamedTuple):
    """What is asked.

    Args:
        key: of the row; decides what is drawn where answers are sampled.
        messages: role/content objects.
        tools: declared tools as function specifications.
    """

    key: str
    messages: tuple[dict[str, Any], ...]
    tools: tuple[dict[str, Any], ...] = ()


class Output(NamedTuple):
    """What came back.

    Args:
        text: the answer without the token that ends it.
        tokens: of the answer, without the one that ends it; None where an endpoint does not say.
        finish_reason: `stopped` by itself, `cut` at the most tokens, or `error` for no answer.
        seconds: wall time; locally, of the batch it was in.
        batch: answers written together in this time.
        prompt_tokens: of the prompt; None where an endpoint does not say.
        cpu_seconds: processor time of this process, None for an endpoint.
        error: why there is no answer.
        calls: tools that were called, each with `name` and `arguments`, where an endpoint tells them apart.
        again: True if there may be an answer another time.
    """

    text: str
    tokens: int | None
    finish_reason: Finish
    seconds: float
    cpu_seconds: float | None = None
    error: str = ""
    calls: tuple[dict[str, Any], ...] | None = None
    again: bool = False
    batch: int = 1
    prompt_tokens: int | None = None


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask.

    Args:
        max_new_tokens: most tokens of an answer.
        batch_size: prompts asked at once: rows of a batch, or requests in flight.
        temperature: 0 for greedy.
        top_p: share of the probability that is sampled from.
        seed: of sampling.
        adapter: folder of a PEFT adapter.
        chat_template: file, in place of the template of the folder.
        dtype: of the weights: `auto` as stored, `float32`, `bfloat16`, `float16`.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
        threads: processor threads; 0 for the library's own choice.
        model_name: of the model at an endpoint; None if it serves only one.
        key_variable: environment variable with the key for an endpoint; the key itself is kept nowhere.
        timeout: seconds that one request may take.
        retries: further tries after an error that may pass.
    """

    max_new_tokens: int = 512
    batch_size: int = 8
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    adapter: str | None = None
    chat_template: str | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    device: str = "auto"
    threads: int = 0
    model_name: str | None = None
    key_variable: str = "PREPDATA_API_KEY"
    timeout: float = 120.0
    retries: int = 4


class Backend(Protocol):
    """A model that can be asked."""

    @property
    def model(self) -> ModelInfo:
        """What is asked."""

    @property
    def decoding(self) -> Decoding:
        """How answers are written."""

    @property
    def environment(self) -> Environment:
        """Where it runs."""

    def rendering(self, prompts: Sequence[Prompt]) -> Rendering:
        """Return how these prompts are rendered."""

    def generate(self, prompts: Sequence[Prompt]) -> list[Output]:
        """Return the answer to each prompt, in order.

        Raises:
            Unavailable: nothing can be asked at all.
            Interrupted: a signal came, and some answers are there already.
        """

    def loss(self, prompts: Sequence[Prompt], references: Sequence[str]) -> Loss | None:
        """Return the mean loss over the tokens of the references; None where the model is not at hand."""

    def text_loss(self, texts: Sequence[str]) -> Loss | None:
        """Return the mean loss over the tokens of texts; None where the model is not at hand."""


class Unavailable(InputError):
    """The model cannot be asked: no connection, no permission, no such model."""


class Interrupted(KeyboardInterrupt):
    """A signal came while a model was asked.

    Args:
        signal: the interruption as it came.
        outputs: an answer for each prompt, None for those that were not answered by then.
    """

    def __init__(self, signal: KeyboardInterrupt, outputs: Sequence[Output | None]) -> None:
        super().__init__(*signal.args)
        self.outputs = outputs


def decoding_of(options: Options, engine: str, **more: Any) -> Decoding:
    """Return how a backend writes answers, as records say it; `more` are fields of `Decoding` that only some know."""
    sampled = options.temperature > 0
    return Decoding(
        do_sample=sampled,
        temperature=options.temperature,
        top_p=options.top_p if sampled else 1.0,
        max_new_tokens=options.max_new_tokens,
        batch_size=options.batch_size,
        seed=options.seed,
        engine=engine,
        **more,
    )


def is_url(given: str) -> bool:
    """True for what is an endpoint and no folder."""
    return given.lower().startswith(("http://", "https://"))


def open_backend(given: str, options: Options | None = None) -> Backend:
    """Return a model that can be asked.

    Args:
        given: folder of a model, or URL of an endpoint that speaks chat completions (".../v1").
        options: how to ask.

    Raises:
        UsageError: the folder or URL cannot be used, or a library is missing; says what to do.
        Unavailable: nobody answers there.
    """
    options = options or Options()
    if is_url(given):
        from trainers.endpoint import Endpoint

        return Endpoint(given, options)
    from trainers.local import LocalModel

    return LocalModel(given, options)
