"""What a run has to show to pass: declared beforehand, in the table `[gate]` of a configuration or in flags."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from prepdata.errors import ConfigError, nearest
from trainers.config import read_table

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


def read_gate(path: str | os.PathLike[str] | None, flags: Mapping[str, Any]) -> Gate:
    """Return the gate of a configuration, changed by flags.

    Args:
        path: a TOML or YAML file with a table `gate`, whose other keys are not looked at; None for none.
        flags: field -> value; None where a flag was not given.

    Raises:
        ConfigError: the file cannot be read, or says something impossible; names file and key.
    """
    where = "flags" if path is None else os.fspath(path)
    table = {} if path is None else _table(Path(path))
    known = [field.name for field in msgspec.structs.fields(Gate)]
    if unknown := [key for key in table if key not in known]:
        said = " ".join(f"unknown setting 'gate.{key[:60]}'.{nearest(key, known)}" for key in unknown)
        raise ConfigError(f"{where}: {said} Known: {', '.join(known)}")
    given = {name: value for name, value in flags.items() if value is not None}
    if "guards" in given and isinstance(table.get("guards"), dict):
        given["guards"] = {**table["guards"], **given["guards"]}
    try:
        return msgspec.convert({**table, **given}, Gate)
    except msgspec.ValidationError as error:
        place = str(error).replace("`$.", "`gate.").replace("`$", "`gate")
        raise ConfigError(f"{where}: {place}") from None


def _table(path: Path) -> dict[str, Any]:
    """Return the table `gate` of a file, {} where it has none; `forgetting-metric` is `forgetting_metric`."""
    table = read_table(path).get("gate", {})
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: 'gate' must be a table: write [gate] and the settings below it")
    return {str(key).replace("-", "_"): value for key, value in table.items()}
