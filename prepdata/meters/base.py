"""What a meter is: like a corpus rule, but it returns measures in place of findings."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from prepdata.chunk import Chunk
from prepdata.rules.base import Parts
from prepdata.targets.model import Target
from prepdata.training.column import Rendering


class MeterContext(msgspec.Struct, frozen=True):
    """What a meter may know about the run.

    Args:
        targets: the targets asked for with `--target`.
        encoding: tiktoken encoding name ("o200k_base") or None where tokens are not counted by tiktoken.
        model: model name given with `--model`, or None.
        tokenizer: path of a `tokenizer.json` or tokenizer folder, or None.
        offline: True where nothing may be downloaded.
        input_bytes: input bytes that one process will read, as far as known; 0 if unknown (chooses the counter).
        epochs: epochs for cost, None for the provider's default.
        context: context length in tokens against which rows are held, or None.
        rendering: how rows are rendered, None where no tokenizer with a chat template is given.
        marks: names of the row marks, as `prepdata.rules.base.Context` has them.
    """

    targets: tuple[Target, ...] = ()
    encoding: str | None = None
    model: str | None = None
    tokenizer: str | None = None
    offline: bool = False
    input_bytes: int = 0
    epochs: float | None = None
    context: int | None = None
    rendering: Rendering | None = None
    marks: dict[str, str] = {}


class Meter:
    """Measures one aspect of a file. `see` is pure and returns plain values that msgpack can hold;
    `finish` gets what all chunks of one file gave, in file order, and returns a JSON-able dict.
    The result must not depend on how the file was cut into chunks."""

    name: ClassVar[str]

    def __init__(self, context: MeterContext) -> None:
        self.context = context

    def prepare(self) -> None:
        """Load what many chunks need, before any is seen; processes forked afterwards share it."""

    def see(self, chunk: Chunk) -> Any:
        """Return what the meter keeps of a chunk."""
        raise NotImplementedError

    def finish(self, parts: Parts) -> dict[str, Any]:
        """Return the measures of one file."""
        raise NotImplementedError
