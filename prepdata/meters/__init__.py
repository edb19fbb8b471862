"""Meters: what is measured rather than judged. One file per meter."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from prepdata.meters.base import Meter, MeterContext

_CLASSES = {
    "lengths": "Lengths",
    "roles": "Roles",
    "languages": "Languages",
    "tokens": "Tokens",
    "training": "Training",
    "cost": "Cost",
    "choosing": "Choosing",
}
NAMES = tuple(_CLASSES)
USUAL = ("lengths", "roles", "tokens", "training", "cost")
"""What `validate` measures unless told otherwise: languages cost as much as counting tokens."""


def build_meters(names: Iterable[str], context: MeterContext) -> list[Meter]:
    """Return the meters of those names, ready to run."""
    found = []
    for name in names:
        module = importlib.import_module(f"prepdata.meters.{name}")
        found.append(getattr(module, _CLASSES[name])(context))
    return found


__all__ = ["NAMES", "USUAL", "Meter", "MeterContext", "build_meters"]
