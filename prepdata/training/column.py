"""Rows of a chunk as trainers make them, worked out once for all rules and meters that ask."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from prepdata.chunk import Chunk
from prepdata.errors import UsageError
from prepdata.settings import Settings
from prepdata.targets.model import Target
from prepdata.training.settings import TrainerSettings, filled
from prepdata.training.trainers import TRAINERS, trainer_named

if TYPE_CHECKING:
    from prepdata.render import Renderer, TokenizerFolder
    from prepdata.training.base import Prepared, Trainer

PLAIN = "plain"
_FOR_RENDERING = ("chat_template", "max_length", "loss", "overflow", "packing")
"""Settings that say how rows are rendered and trained."""


class Rendering(msgspec.Struct, frozen=True):
    """How the rows of a run are rendered.

    Args:
        tokenizer: path of the tokenizer folder, or of its tokenizer.json; or an encoding of tiktoken.
        chat_template: file of the chat template that takes the place of the folder's, or None.
        trainers: names of the trainers that are simulated; "plain" where no target is one.
        settings: how they are set up.
        digest: of the tokenizer and its templates: with it the results change.
        today: the day that templates are told.
        offline: True where nothing may be downloaded.
    """

    tokenizer: str
    chat_template: str | None
    trainers: tuple[str, ...]
    settings: TrainerSettings
    digest: str
    today: date
    offline: bool = False


def rendering_of(settings: Settings, targets: tuple[Target, ...]) -> Rendering | None:
    """Return how rows are rendered; None where no tokenizer with a chat template is given.

    Raises:
        UsageError: the tokenizer folder is not what it should be, or a trainer cannot be set up so.
    """
    if settings.tokenizer is None or _missing(settings.tokenizer):
        return None
    from prepdata.render.folder import read_folder

    folder = read_folder(settings.tokenizer, settings.chat_template, settings.offline)
    if not folder.templates:
        return None
    _compiled(folder)
    trainers = tuple(target.name for target in targets if target.name in TRAINERS) or (PLAIN,)
    chosen = TrainerSettings(
        max_length=settings.max_length, loss=settings.loss, overflow=settings.overflow, packing=settings.packing
    )
    for name in trainers:
        trainer = trainer_named(name)
        trainer.check(filled(chosen, trainer.defaults))
    return Rendering(
        settings.tokenizer, settings.chat_template, trainers, chosen, folder.digest(), date.today(), settings.offline
    )


def _compiled(folder: TokenizerFolder) -> None:
    """Look whether the chat templates of a folder are templates at all, before any row is rendered."""
    from prepdata.render.errors import TemplateRefusal
    from prepdata.render.template import Template

    for name, source in folder.templates.items():
        try:
            Template(source)
        except TemplateRefusal as refusal:
            line = f", line {refusal.line}" if refusal.line else ""
            raise UsageError(f"the chat template '{name}' of {folder.path}{line}: {refusal.said}") from None


def unrendered(settings: Settings) -> tuple[str, ...]:
    """Return why the rows of a run are not rendered although something was set for that; nothing where they are, or
    where nothing was."""
    if settings.tokenizer is None:
        idle = [name for name in _FOR_RENDERING if getattr(settings, name) is not None]
        listed = ", ".join(name.replace("_", "-") for name in idle)
        return (f"without a tokenizer (--tokenizer) rows are not rendered: no effect of {listed}",) if idle else ()
    from prepdata.render.folder import read_folder

    missing = _missing(settings.tokenizer)
    if missing:
        return (f"rows are not rendered: {' and '.join(missing)} missing; pip install 'prepdata[render]'",)
    if not read_folder(settings.tokenizer, settings.chat_template, settings.offline).templates:
        said = f"rows are not rendered: {settings.tokenizer} has no chat template"
        return (f"{said}; give the one that you train with by --chat-template FILE",)
    return ()


def _missing(tokenizer: str) -> list[str]:
    """Return the packages that rendering needs and that are not installed."""
    from prepdata.tokens.given import encoding_given

    needed = ("jinja2",) if encoding_given(tokenizer) is not None else ("jinja2", "tokenizers")
    return [name for name in needed if importlib.util.find_spec(name) is None]


@cache
def renderer_of(rendering: Rendering) -> Renderer:
    """Return the renderer of a run; one in each process."""
    from prepdata.render import open_renderer

    midnight = datetime.combine(rendering.today, datetime.min.time())
    return open_renderer(rendering.tokenizer, rendering.chat_template, midnight, rendering.offline)


@cache
def trainer_of(rendering: Rendering, name: str) -> Trainer:
    """Return a simulated trainer of a run."""
    return trainer_named(name)(renderer_of(rendering), rendering.settings)


@cache
def prepared(rendering: Rendering, trainer: str) -> Callable[[Chunk], list[Prepared]]:
    """Return what makes the rows of a chunk as a trainer does, one for each record. Use as
    `chunk.derived(prepared(rendering, name))`."""

    def compute(chunk: Chunk) -> list[Prepared]:
        return trainer_of(rendering, trainer).prepare(chunk.records)

    return compute
