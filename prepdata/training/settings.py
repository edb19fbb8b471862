"""How training is set up, as far as it changes what becomes of rows."""

from __future__ import annotations

from typing import Literal

import msgspec

Loss = Literal["assistant", "completion", "all"]
Overflow = Literal["keep-start", "keep-end", "drop", "error"]
Packing = Literal["", "bfd", "bfd_split", "wrapped"]


class TrainerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How training is set up. None: as the trainer has it by itself.

    Args:
        max_length: tokens of a row at most; 0 for no limit.
        loss: which tokens are trained: those of the assistant, all after the prompt, or all.
        overflow: what becomes of longer rows: cut at the end, cut at the beginning, dropped, or the run stops.
        packing: how rows are put together into sequences of `max_length`: "" not at all, "bfd", "bfd_split" or
            "wrapped" (the names of TRL).
    """

    max_length: int | None = None
    loss: Loss | None = None
    overflow: Overflow | None = None
    packing: Packing | None = None


def filled(settings: TrainerSettings, defaults: TrainerSettings) -> TrainerSettings:
    """Return settings with what they leave open taken from defaults."""
    chosen = {name: getattr(settings, name) for name in settings.__struct_fields__}
    return msgspec.structs.replace(defaults, **{name: value for name, value in chosen.items() if value is not None})
