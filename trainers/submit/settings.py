"""Settings of a job: the table `submit` of a training's configuration, every key also a flag `--submit-KEY`.

They stand apart from the keys of the training: where a run was carried out is no part of what it is, so that one that
was submitted can be resumed by hand, or by another launcher.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from prepdata.errors import ConfigError, nearest
from trainers.config import told
from trainers.values import read_value

Count = Annotated[int, Meta(ge=0, le=1024)]
Hours = Annotated[float, Meta(gt=0, le=24 * 365)]
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,:/@+=*-]*")
_WORDS = ("gpu", "name", "partition", "account", "image", "volume", "namespace", "infra")


class JobSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a launcher is asked for."""

    gpu: Annotated[
        str | None,
        told("Type of GPU as the launcher names it (default: any; of skypilot the cheapest that the run fits into)."),
    ] = None
    gpus: Annotated[Count | None, told("GPUs, all on one machine (default: 1; none with device cpu).")] = None
    hours: Annotated[
        Hours | None, told("Time limit (default: 1.5 times the upper estimate, and a quarter of an hour).")
    ] = None
    memory: Annotated[
        Annotated[int, Meta(ge=1)] | None, told("Main memory in GiB (default: room for the base, and 12).")
    ] = None
    cpus: Annotated[Annotated[int, Meta(ge=1)] | None, told("Processor cores (default: 4, or 4 for each GPU).")] = None
    name: Annotated[str | None, told("Name of the job (default: that of the run folder).")] = None
    workdir: Annotated[
        str | None, told("slurm, k8s: this folder as the job sees it (default: as it is; of k8s /workspace).")
    ] = None
    python: Annotated[
        str | None, told("Python that prepdata is installed for (default: this one; of k8s and skypilot python3).")
    ] = None
    setup: Annotated[
        tuple[str, ...], told("Lines of shell before the training, such as `module load cuda`; may repeat.")
    ] = ()
    partition: Annotated[str | None, told("slurm: partition.")] = None
    account: Annotated[str | None, told("slurm: account.")] = None
    options: Annotated[tuple[str, ...], told("slurm: further options of sbatch, such as --qos=long; may repeat.")] = ()
    image: Annotated[str | None, told("k8s, skypilot: image of the container, with prepdata in it.")] = None
    volume: Annotated[str | None, told("k8s: persistent volume claim with the working folder.")] = None
    namespace: Annotated[str | None, told("k8s: namespace.")] = None
    infra: Annotated[str | None, told("skypilot: where, such as aws/us-east-1 (default: the cheapest).")] = None


FIELDS = {field.name: field for field in msgspec.structs.fields(JobSettings)}
LISTS = tuple(name for name, field in FIELDS.items() if field.default == ())


def description(name: str) -> str:
    """Return what a key is for, in one sentence."""
    return str(next(meta.description for meta in FIELDS[name].type.__metadata__ if meta.description))


def make_settings(table: Any, flags: Mapping[str, Any], origin: str = "") -> JobSettings:
    """Return the settings of a job: defaults, then the table of the file, then flags.

    Args:
        table: of the configuration file; None for none.
        flags: key -> value; texts for numbers are read.
        origin: where the table is from, for messages.

    Raises:
        ConfigError: keys are unknown or values impossible; the message lists all of them.
    """
    where = f"{origin}: " if origin else ""
    if not isinstance(table, dict | None):
        raise ConfigError(f"{where}submit: expected a table of keys and values")
    problems: list[str] = []
    held: dict[str, tuple[str, Any]] = {}  # field -> where it was said, value
    for key, value in (table or {}).items():
        name = str(key).replace("-", "_")
        if name not in FIELDS:
            problems.append(f"{where}submit: unknown key '{str(key)[:80]}'.{nearest(name, FIELDS)}")
            continue
        held[name] = (f"{where}submit.{key}", value)
    held |= {name: (f"--submit-{name}", value) for name, value in flags.items()}
    good: dict[str, Any] = {}
    for name, (place, value) in held.items():
        if isinstance(value, str) and name in LISTS:
            value = [value]
        try:
            good[name] = read_value(value, FIELDS[name].type)
        except ValueError as error:
            problems.append(f"{place}: {error}")
            continue
        problems += [f"{place}: {odd}" for odd in _odd(name, good[name])]
    if problems:
        raise ConfigError("\n".join(problems))
    return JobSettings(**good)


def _odd(name: str, value: Any) -> list[str]:
    """Return what is wrong with texts that stand in job files where nothing can be quoted, or as names."""
    texts = [text for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)]
    found = []
    for text in texts:
        if name in _WORDS and not _WORD.fullmatch(text):
            found.append(f"{text!r} has characters that launchers do not take")
        elif name == "options" and (not text.startswith("-") or _CONTROL.search(text)):
            found.append(f"{text!r} is no option of sbatch")
        elif not text or "\0" in text:
            found.append(f"{text!r} is no text that a shell can read")
    return found
