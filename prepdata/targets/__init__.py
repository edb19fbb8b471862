"""Targets: dated facts about providers and trainers, one TOML file each, with the source of every value."""

from __future__ import annotations

import datetime
from functools import cache, lru_cache
from importlib import resources

import msgspec

from prepdata.errors import UsageError
from prepdata.targets.model import Target

ALIASES = {
    "azure": "azure-openai",
    "aoai": "azure-openai",
    "together-ai": "together",
    "fireworks-ai": "fireworks",
    "mistral-finetune": "mistral",
    "vertex": "vertex-gemini",
    "gemini": "vertex-gemini",
    "nova": "bedrock-nova",
    "haiku": "bedrock-haiku",
    "llama": "bedrock-llama",
    "llamafactory": "llama-factory",
    "llama_factory": "llama-factory",
}
"""Other words for a target -> its name."""

OLD_AFTER_DAYS = 90


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the names of all targets, in alphabetical order."""
    files = resources.files("prepdata.targets").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


def load(name: str) -> Target:
    """Return a target by its name or another word for it; letter case does not matter.

    Raises:
        UsageError: there is no such target; the message names the nearest ones.
    """
    wanted = name.strip().lower()
    wanted = ALIASES.get(wanted, wanted)
    if wanted not in names():
        import difflib

        near = difflib.get_close_matches(wanted, [*names(), *ALIASES], n=1, cutoff=0.5)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise UsageError(f"Unknown target '{name}'.{hint} Targets: {', '.join(names())}.")
    return _read(wanted)


@cache
def _read(name: str) -> Target:
    text = (resources.files("prepdata.targets") / f"{name}.toml").read_bytes()
    return msgspec.toml.decode(text, type=Target)


def stale(target: Target, today: datetime.date, days: int = OLD_AFTER_DAYS) -> bool:
    """True where a target was last gone through more than `days` days before `today`."""
    return (today - target.checked).days > days


def stale_values(target: Target, today: datetime.date, days: int = OLD_AFTER_DAYS) -> list[tuple[str, datetime.date]]:
    """Return (place, date) of every value whose own date is more than `days` days before `today`."""
    found = []
    for group in ("limits", "accepts"):
        section = getattr(target, group)
        for field in section.__struct_fields__:
            value = getattr(section, field)
            if value is not None and (today - value.date).days > days:
                found.append((f"{group}.{field}", value.date))
    return found


__all__ = ["ALIASES", "OLD_AFTER_DAYS", "Target", "load", "names", "stale", "stale_values"]
