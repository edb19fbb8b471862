"""What a run has to show to pass: declared beforehand, in the table `[gate]` of a configuration or in flags."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from prepdata.errors import ConfigError, nearest
from trainers.config import read_table
from trainers.values import read_value

GATE = "gate"
"""The table of a configuration file."""
Margin = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Gate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a run has to show. Margins are shares: 0.05 is five points of a rate.

    Args:
        primary: the metric that decides, on the held-out set; the first scorer of the baseline if None.
        require: `improved`, or `not-worse` (by no more than `margin`), as after merging an adapter.
        margin: for `not-worse`.
        forgetting: how much the retention set may lose; None for the default (0.1) where there is one. Naming it
            makes a retention set needed.
        forgetting_metric: metric on the retention set; `primary` if it has scores there, else the first that has.
        ungrounded: how much the share of ungrounded values may rise; None for the default (0.05) where it was scored.
            Naming it makes the scorer needed.
        latency: how much longer an answer may take, 95th percentile and per token, as a share (0.2 is a fifth); None:
            not asked. It needs times taken on one machine with the same versions.
        guards: further metrics, as `metric` or `retention/metric` -> how much worse each may be.
        alpha: two-sided level of every test.
        seed: of drawn resamples.
    """

    primary: str | None = None
    require: Literal["improved", "not-worse"] = "improved"
    margin: Margin = 0.02
    forgetting: Margin | None = None
    forgetting_metric: str | None = None
    ungrounded: Margin | None = None
    latency: Annotated[float, msgspec.Meta(ge=0)] | None = None
    guards: dict[str, Margin] = {}
    alpha: Annotated[float, msgspec.Meta(gt=0, le=0.2)] = 0.05
    seed: Annotated[int, msgspec.Meta(ge=0)] = 20_260_101


FIELDS = {field.name: field for field in msgspec.structs.fields(Gate)}


def read_gate(path: str | os.PathLike[str] | None, flags: Mapping[str, Any]) -> Gate:
    """Return the gate of a configuration, changed by flags.

    Args:
        path: a TOML or YAML file with a table `gate`, whose other keys are not looked at; None for none.
        flags: field -> value; None where a flag was not given.

    Raises:
        ConfigError: the file cannot be read, has no such table, or file or flags say something impossible; names
            the flag, or file and key. All mistakes are listed.
    """
    problems: list[str] = []
    held: dict[str, tuple[str, Any]] = {}  # field -> where it was said, value
    for key, value in ({} if path is None else _table(Path(path))).items():
        name = str(key).replace("-", "_")
        if name in FIELDS:
            held[name] = (f"{os.fspath(path or '')}: gate.{key}", value)
        else:
            known = [field.replace("_", "-") for field in FIELDS]
            near = nearest(name.replace("_", "-"), known)
            problems.append(f"{path}: unknown setting 'gate.{str(key)[:60]}'.{near} Known: {', '.join(known)}")
    guards = _guards(*held.pop("guards")) if "guards" in held else {}
    guards |= {metric: (f"--guard {metric[:80]}", value) for metric, value in (flags.get("guards") or {}).items()}
    held |= {
        name: (f"--{name.replace('_', '-')}", value)
        for name, value in flags.items()
        if value is not None and name != "guards"
    }
    good = _read(held, {name: FIELDS[name].type for name in held}, problems)
    good["guards"] = _read(guards, dict.fromkeys(guards, Margin), problems)
    if problems:
        raise ConfigError("\n".join(problems))
    return Gate(**good)


def _read(held: Mapping[str, tuple[str, Any]], kinds: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """Return values as their types; what is wrong with the others is added to the problems."""
    good = {}
    for name, (place, value) in held.items():
        try:
            good[name] = read_value(value, kinds[name])
        except ValueError as error:
            problems.append(f"{place}: {error}")
    return good


def _guards(place: str, table: Any) -> dict[str, tuple[str, Any]]:
    """Return the guards of a file: metric -> where it stands, margin."""
    if not isinstance(table, dict):
        raise ConfigError(f"{place}: expected a table of metrics with margins, found {table!r:.80}")
    return {str(metric): (f"{place}.{str(metric)[:80]}", margin) for metric, margin in table.items()}


def _table(path: Path) -> dict[Any, Any]:
    """Return the table `gate` of a file."""
    whole = read_table(path)
    if GATE not in whole:
        close = get_close_matches(GATE, map(str, whole), n=1)
        near = f" There is '{close[0][:80]}'." if close else ""
        raise ConfigError(f"{path} has no table 'gate'.{near} Write [gate] and the settings below it")
    if not isinstance(table := whole[GATE], dict):
        raise ConfigError(f"{path}: 'gate' must be a table: write [gate] and the settings below it")
    return table
