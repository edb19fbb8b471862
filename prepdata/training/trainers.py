"""The simulated trainers by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from prepdata.errors import UsageError, nearest

if TYPE_CHECKING:
    from prepdata.training.base import Trainer

TRAINERS = {
    "plain": ("prepdata.training.plain", "Plain"),
    "trl": ("prepdata.training.trl", "Trl"),
    "axolotl": ("prepdata.training.axolotl", "Axolotl"),
    "llama-factory": ("prepdata.training.llama_factory", "LlamaFactory"),
    "unsloth": ("prepdata.training.unsloth", "Unsloth"),
}
"""Name -> (module, class). Named as the targets are."""


def trainer_named(name: str) -> type[Trainer]:
    """Return a simulated trainer.

    Raises:
        UsageError: there is none of that name; names the nearest.
    """
    if name not in TRAINERS:
        raise UsageError(f"no simulated trainer is called '{name}'.{nearest(name, TRAINERS)}")
    module, held = TRAINERS[name]
    found: type[Trainer] = getattr(import_module(module), held)
    return found
