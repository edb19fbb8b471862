"""What an arm asks, and of which model. Models and passages are opened once, when the first arm needs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from prepdata.errors import InputError, PrepdataError
from prepdata.settings import Settings
from trainers.arms.config import RETRIEVING, TUNED, ArmName, ArmsConfig
from trainers.arms.model import Loaded
from trainers.generate import Backend, Options, open_backend
from trainers.prompting import Prompting, read_prompting
from trainers.record import Kind
from trainers.retrieved import Retrieved, retrieve
from trainers.testset import HeldOut

if TYPE_CHECKING:
    from prepdata.retrieval.model import Retriever
    from trainers.run_evaluation import Trained

Opened = Callable[[ArmsConfig], "Retriever"]
Side = Literal["base", "tuned"]
_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


def side_of(arm: ArmName) -> Side:
    """Return which of the two models an arm asks."""
    return "tuned" if arm in TUNED else "base"


def kind_of(arm: ArmName) -> Kind:
    """Return the kind of an arm's record."""
    return "base" if arm == "base" else "tuned" if arm in TUNED else "prompted"


def lacking(arm: ArmName, config: ArmsConfig) -> str:
    """Return what the configuration lacks for an arm, "" for nothing."""
    if arm not in config.arms and arm != "base":
        return "not asked for (arms)"
    if arm in TUNED and config.adapter is None and config.tuned is None:
        return "no tuned model: name it by adapter or tuned"
    if arm in RETRIEVING and config.documents is None:
        return "no documents: name their folder by documents"
    if arm == "prompted" and config.system_prompt is None:
        return "no prompt: name its file by system-prompt"
    if arm == "few-shot" and config.few_shot is None:
        return "no examples: name their file by few-shot"
    return ""


class Ways:
    """Opens what arms ask.

    Args:
        config: what is measured.
        rows: all held-out rows, those of the retention set too.
        settings: how files of rows are read.
        opened: opens the retriever.
    """

    def __init__(self, config: ArmsConfig, rows: Sequence[HeldOut], settings: Settings, opened: Opened) -> None:
        self.config, self.rows, self.settings, self.opened = config, rows, settings, opened
        self.backends: dict[Side, Backend | PrepdataError] = {}
        self._before: dict[ArmName, Prompting] = {}
        self._retriever: Retriever | PrepdataError | None = None
        self._found: Retrieved | PrepdataError | None = None

    def backend(self, arm: ArmName) -> Backend:
        """Return the model of an arm. Without times to be taken later, the other one is let go before it is loaded.

        Raises:
            PrepdataError: it cannot be opened; the same for every arm that needs it.
        """
        side = side_of(arm)
        if side not in self.backends:
            if not self.config.latency_rows:
                self.backends.clear()
            try:
                self.backends[side] = self._opened(side)
            except PrepdataError as error:
                self.backends[side] = error
        found = self.backends[side]
        if isinstance(found, PrepdataError):
            raise found
        return found

    def _opened(self, side: Side) -> Backend:
        config = self.config
        options = Options(
            max_new_tokens=config.max_new_tokens,
            batch_size=config.batch_size,
            chat_template=config.chat_template,
            dtype=config.dtype,
            device=config.device,
            threads=config.threads,
            key_variable=config.api_key_env,
            timeout=config.timeout,
            retries=config.retries,
            model_name=config.model_name,
        )
        if side == "base":
            return open_backend(config.model, options)
        name = config.tuned_name if config.tuned is not None else config.model_name
        return open_backend(
            config.tuned or config.model, msgspec.structs.replace(options, adapter=config.adapter, model_name=name)
        )

    def trained(self, arm: ArmName) -> Trained | None:
        """Return the run that the model of an arm is from, None where nobody knows."""
        if arm not in TUNED or self.config.adapter is None:
            return None
        from trainers.run_evaluation import trained

        return trained(self.config.adapter)

    def retriever(self) -> Retriever:
        """Return what finds passages.

        Raises:
            PrepdataError: documents or models cannot be used, or a store does not answer; the same for every arm.
        """
        if self._retriever is None:
            try:
                self._retriever = self.opened(self.config)
            except PrepdataError as error:
                self._retriever = error
        if isinstance(self._retriever, PrepdataError):
            raise self._retriever
        return self._retriever

    def check_retriever(self) -> None:
        """Raise where no passages can be found whatever is asked; a store that does not answer is told by its arms.

        Raises:
            PrepdataError: documents or models cannot be used.
        """
        try:
            self.retriever()
        except InputError:
            if self.config.store_url is None:
                raise

    def found(self) -> Retrieved:
        """Return the passages of all rows.

        Raises:
            PrepdataError: as `retriever`, or the search fails; the same for every arm that needs it.
        """
        if self._found is None:
            try:
                self._found = retrieve(self.retriever(), self.rows, self.config.k)
            except PrepdataError as error:
                self._found = error
        if isinstance(self._found, PrepdataError):
            raise self._found
        return self._found

    def notes(self) -> list[str]:
        """Return what the retriever says that a reader should know."""
        return [f"retrieval: {note}" for note in getattr(self._retriever, "notes", ())]

    def put_before(self, arm: ArmName) -> Prompting:
        """Return what an arm puts before questions, without passages. Files are read once.

        Raises:
            PrepdataError: a file cannot be read or used.
        """
        if arm not in self._before:
            config = self.config
            system = {
                "prompted": config.system_prompt,
                "few-shot": config.system_prompt,
                "rag": config.rag_system_prompt,
            }.get(arm)
            shown = config.few_shot if arm == "few-shot" else None
            shots = config.shots if shown else None
            self._before[arm] = read_prompting(system, shown, shots, self.rows, self.settings)
        return self._before[arm]

    def prompting(self, arm: ArmName) -> Prompting:
        """Return what an arm puts before questions.

        Raises:
            PrepdataError: a file cannot be read, or the search fails.
        """
        before = self.put_before(arm)
        return before._replace(retrieved=self.found()) if arm in RETRIEVING else before


def opened_retriever(config: ArmsConfig) -> Retriever:
    """Return the retriever of a configuration.

    Raises:
        PrepdataError: documents cannot be read, or a library is missing.
    """
    from prepdata.retrieval.search import open_retriever

    given = {
        "mode": config.retrieval or ("hybrid" if config.embedding else "bm25"),
        "embedding": config.embedding,
        "rerank": config.rerank,
        "url": config.store_url,
        "chunk_size": config.chunk_size,
        "overlap": config.overlap,
    }
    assert config.documents is not None
    kept: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return open_retriever(config.documents, **kept)


def loaded(backend: Backend, arms: Sequence[ArmName]) -> Loaded:
    """Return what the report says of a model."""
    model = backend.model
    size = None if model.parameters is None or model.quantization else _BYTES.get(model.dtype or "")
    weights = None if size is None or model.parameters is None else size * model.parameters
    name = f"{model.name} with its adapter" if model.adapter is not None else model.name
    return Loaded(name=name, arms=tuple(arms), weight_bytes=weights)
