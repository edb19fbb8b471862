"""Configuration: `[tool.prepdata]` in pyproject.toml or prepdata.toml, environment, flags; later ones win.

All mistakes of a file are collected and told at once, each with its key and the nearest known one.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec

from prepdata.errors import ConfigError, UsageError, nearest
from prepdata.files import read_bounded
from prepdata.settings import FailOn, Settings

NAMES = ("prepdata.toml", "pyproject.toml")
ENVIRONMENT = "PREPDATA_"
MOST_BYTES = 1 << 20
"""Size of a configuration file beyond which it is not read (bytes); the commented one of `init` has some thousands."""
MOST = 10**15
"""No number of a setting is as large: neither bytes, tokens, rows, epochs nor processes."""
_FIELDS = {field.name: field.type for field in msgspec.structs.fields(Settings)}
_KINDS = (
    ("dict", "a table"),
    ("tuple", "a list of texts"),
    ("bool", "true or false"),
    ("float", "a number"),
    ("int", "a whole number"),
    ("str", "a text"),
)
_LEAST = {"jobs": 0, "max_line_bytes": 100, "context_length": 1, "epochs": 0.01, "max_length": 0}
_MOST = {"epochs": 10_000}
_MAY_BE_EMPTY = {"lock", "packing"}
"""Settings of which an empty text says: none, whatever stands elsewhere."""
_NOT_SETTINGS = {
    "PREPDATA_OUTPUT_FORMAT", "PREPDATA_CACHE_DIR", "PREPDATA_INDEX_DIR", "PREPDATA_VOCAB_DIR", "PREPDATA_DEBUG",
    "PREPDATA_API_KEY",
}  # fmt: skip


def find_config(start: Path) -> Path | None:
    """Return the nearest configuration file at or above a folder; a pyproject.toml without our table is passed over."""
    for folder in (start, *start.parents):
        for name in NAMES:
            path = folder / name
            there = os.path.isfile(path)  # noqa: PTH113 (False, not an error, in a folder that may not be looked into)
            if there and (name != "pyproject.toml" or "prepdata" in read_toml(path).get("tool", {})):
                return path
    return None


def read_config(path: Path) -> dict[str, Any]:
    """Return the settings of a configuration file as plain values, with names in our spelling.

    Raises:
        ConfigError: the file is not TOML, or holds impossible settings.
    """
    table = read_toml(path)
    if path.name == "pyproject.toml":
        table = table.get("tool", {}).get("prepdata", {})
    return {_own(key): value for key, value in table.items()}


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a small TOML file holds.

    Raises:
        ConfigError: it cannot be read, is larger than 1 MiB, or is not TOML.
    """
    try:
        return tomllib.loads(read_bounded(path, MOST_BYTES).decode("utf-8-sig").replace("\r\n", "\n"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8, as TOML has to be: byte {error.start + 1:,} is no part of it") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: not valid TOML: nested too deep") from None


def environment(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings given as PREPDATA_NAME variables: text, numbers, true/false, lists with commas.

    Raises:
        ConfigError: a variable names no setting.
    """
    found: dict[str, Any] = {}
    for name, value in variables.items():
        if not name.startswith(ENVIRONMENT) or name in _NOT_SETTINGS:
            continue
        key = name[len(ENVIRONMENT) :].lower()
        if key not in _FIELDS:
            raise ConfigError(f"environment variable {name}: no such setting.{nearest(key, _FIELDS)}")
        found[key] = _from_text(key, value)
    return found


def _from_text(key: str, value: str) -> Any:
    kind = str(_FIELDS[key])
    if "tuple" in kind:
        return [piece.strip() for piece in value.split(",") if piece.strip()]
    if "bool" in kind and value.lower() in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        return value.lower() in ("1", "true", "yes", "on")
    if "int" in kind or "float" in kind:
        try:
            return int(value) if value.lstrip("-").isdigit() else float(value)
        except ValueError:
            return value
    return value


def read_settings(values: Mapping[str, Any], *, base: Settings | None = None, origin: str) -> Settings:
    """Return `base` with plain values laid over it.

    Args:
        values: setting name -> value; lists for tuples, a single text where a list is wanted is taken as one.
        base: settings to start from; the defaults if None.
        origin: where the values come from, for messages (a path, "flags", or "").

    Raises:
        ConfigError: one or more values are impossible; the message lists all of them.
    """
    problems: list[str] = []
    good: dict[str, Any] = {}
    for key, value in values.items():
        name = _own(key)
        if name not in _FIELDS:
            problems.append(f"unknown setting '{key}'.{nearest(name, _FIELDS)}")
            continue
        if isinstance(value, str) and "tuple" in str(_FIELDS[name]):
            value = [value]
        try:
            converted = msgspec.convert(_plain(value), _FIELDS[name])
        except msgspec.ValidationError as error:
            problems.append(f"{name}: {_wrong(name, value, error)}")
            continue
        if name in _LEAST and converted is not None and not converted >= _LEAST[name]:
            problems.append(f"{name}: expected {_LEAST[name]} or more, found {value!r}")
        elif name in _MOST and converted is not None and not converted <= _MOST[name]:
            problems.append(f"{name}: expected at most {_MOST[name]:,}, found {value!r}")
        elif converted == "" and name not in _MAY_BE_EMPTY:
            problems.append(f"{name}: an empty text; leave it out")
        elif _immense(converted):
            problems.append(f"{name}: numbers must be smaller than {MOST:,}, and no nan")
        else:
            good[name] = converted
    settings = msgspec.structs.replace(base or Settings(), **good)
    problems += (
        _rule_problems(settings)
        if {"rules", "select", "ignore", "extend_select", "per_file_ignores"} & good.keys()
        else []
    )
    if problems:
        where = f"{origin}: " if origin else ""
        raise ConfigError("\n".join(where + problem for problem in problems))
    return settings


def _immense(value: Any) -> bool:
    """True where a value is or holds a number that is infinite, no number, or too large to be meant."""
    if isinstance(value, dict):
        return any(map(_immense, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_immense, value))
    return isinstance(value, int | float) and not abs(value) < MOST


def _wrong(name: str, value: Any, error: Exception) -> str:
    """Return in plain words what is wrong with the value of a setting."""
    kind = str(_FIELDS[name])
    if name == "fail_on":
        return f"{value!r} is none of {', '.join(repr(choice) for choice in get_args(FailOn))}"
    wanted = next((words for mark, words in _KINDS if mark in kind), None)
    return f"expected {wanted}, found {value!r}" if wanted else str(error)


def _rule_problems(settings: Settings) -> list[str]:
    from prepdata.rules.loader import expand, find, read_options

    problems = []
    words = {*settings.select, *settings.ignore, *settings.extend_select}
    words |= {word for listed in settings.per_file_ignores.values() for word in listed}
    for word in sorted(words):
        try:
            expand(word)
        except UsageError as error:
            problems.append(str(error))
    for name, options in settings.rules.items():
        try:
            read_options(find(name), options)
        except UsageError as error:
            problems.append(str(error))
    return problems


def _own(key: str) -> str:
    return key.replace("-", "_")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (tuple, set, frozenset)) else value


def load_settings(
    flags: Mapping[str, Any],
    *,
    config: Path | None = None,
    isolated: bool = False,
    variables: Mapping[str, str] | None = None,
    start: Path | None = None,
) -> tuple[Settings, Path | None]:
    """Return the settings of a command, and the configuration file they come from.

    Default < configuration file < environment < flag.

    Args:
        flags: settings given as flags.
        config: configuration file to use in place of the nearest one.
        isolated: True to use no configuration file.
        variables: environment; the process's own if None.
        start: folder where the search for a configuration file starts; the working folder if None.

    Raises:
        ConfigError: a file, variable or flag says something impossible.
    """
    settings = Settings()
    path = None if isolated else config or find_config((start or Path.cwd()).absolute())
    if path:
        settings = read_settings(read_config(path), base=settings, origin=str(path))
    settings = read_settings(
        environment(os.environ if variables is None else variables), base=settings, origin="environment"
    )
    return read_settings(flags, base=settings, origin=""), path
