"""Run folders: what a training leaves behind, and reading it again.

run.json          this record: configuration, digests of data and model, versions, hardware, outcome
metrics.jsonl     one line for each optimizer step, and one for each validation
data/             the rows that were trained on, replay among them, and those of the validation
reports/          what the validation found, one report a file
checkpoints/      to go on from
adapter/          the adapter with tokenizer and model card: the result
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

import prepdata
from prepdata.errors import InputError, UsageError
from prepdata.files import read_bounded, replacing
from prepdata.jsontext import json_text
from prepdata.report import Report
from trainers.local import versions
from trainers.preflight import DataFile, Plan, report_bytes
from trainers.problems import Problem
from trainers.record import hash_of

SCHEMA_VERSION = 1
MOST_BYTES = 1 << 24
RECORD, METRICS, DATA, CHECKPOINTS, ADAPTER = "run.json", "metrics.jsonl", "data", "checkpoints", "adapter"
REPORTS = "reports"
OTHER_MACHINE = "other-machine"
"""Name of the problem of a run that went on elsewhere."""
LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "bitsandbytes", "tokenizers")


class BaseModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The base model: folder, sha256 of its weights, of tokenizer.json and of the chat template; weights in number."""

    path: str
    weights: str
    tokenizer: str | None
    template: str
    parameters: int


class Machine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where it ran; `device_name` and `threads` are those of the first of its processes."""

    python: str
    system: str
    device: str
    device_name: str
    threads: int
    dtype: str
    libraries: dict[str, str]
    processes: int = 1


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What came of it.

    Args:
        steps: optimizer steps done.
        seconds: wall time of this start's part of the training.
        tokens_per_second: of all processes together.
        peak_memory: bytes of the process that took most; on GPUs what torch reserved and the device had in use before,
            on CPUs those of the process from the loading of the model on, the libraries among them (`plan.libraries`).
        train_loss: of the last step; `validation_loss` of the checkpoint that was taken, None without validation.
        best_step: step of the checkpoint that was taken.
        stopped_early: True where the validation loss ended the run.
        adapter: sha256 of the adapter's weights.
    """

    steps: int
    seconds: float
    tokens_per_second: float
    peak_memory: int
    train_loss: float | None
    validation_loss: float | None
    best_step: int
    stopped_early: bool
    adapter: str


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The record of a run: `run.json`.

    Args:
        status: "running" (or killed), "finished", "stopped" (by an error, see `reason`).
        config: every key of the configuration.
        created: when it was started, for the first time if it was resumed.
        problems: warnings of the preflight, and what was seen in the training (`trainers/guards.py`).
        baseline: hash of the record of the base model (its `sha256`), None where the run was started without.
        rows, trained_tokens: as TRL trained on them and as prepdata simulated them, which agreed.
    """

    schema_version: int = SCHEMA_VERSION
    prepdata: str = prepdata.__version__
    status: Literal["running", "finished", "stopped"] = "running"
    reason: str = ""
    created: str
    finished: str | None = None
    config: dict[str, Any]
    files: list[DataFile]
    problems: list[Problem]
    plan: Plan
    base: BaseModel
    machine: Machine
    baseline: str | None = None
    rows: int
    trained_tokens: int
    outcome: Outcome | None = None


def now() -> str:
    """Return the time in UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def machine(device: str, dtype: str, processes: int = 1) -> Machine:
    """Return what this machine is."""
    import torch

    named = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return Machine(
        platform.python_version(), system, device, named, torch.get_num_threads(), dtype, versions(LIBRARIES), processes
    )


def write(folder: Path, run: Run) -> None:
    """Write the record of a run, whole or not at all."""
    with replacing(folder / RECORD) as file:
        file.write(msgspec.json.format(json_text(run).encode(), indent=2) + b"\n")


def read(folder: str | os.PathLike[str]) -> Run:
    """Return the record of a run.

    Raises:
        InputError: there is none in the folder, or it is none of this version.
    """
    file = Path(folder) / RECORD
    try:
        return msgspec.json.decode(read_bounded(file, MOST_BYTES), type=Run)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}: no run folder") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InputError(f"{file}: no record of a run of this version: {error}") from None


def digest(folder: Path) -> str:
    """Return the sha256 of what the record of a run holds, whatever its layout."""
    return hash_of(msgspec.json.decode(read_bounded(folder / RECORD, MOST_BYTES)))


def write_reports(folder: Path, reports: Iterable[tuple[str, Report]]) -> None:
    """Write the reports of the validation by role; the record has the sha256 of each."""
    (folder / REPORTS).mkdir(exist_ok=True)
    for role, report in reports:
        with replacing(folder / REPORTS / f"{role}.json") as file:
            file.write(report_bytes(report))


def gone_on(folder: Path, run: Run) -> Run:
    """Return the record of a run that goes on: it began when it began, with the baseline of that time. A machine that
    is another than before is told as one more problem.

    Raises:
        UsageError: another baseline is named than at the start.
    """
    before = read(folder)
    check_baseline(folder, before.baseline, run.baseline)
    earlier = [problem for problem in before.problems if problem.name == OTHER_MACHINE]
    problems = [*run.problems, *earlier, *_other_machine(before.machine, run.machine)]
    return msgspec.structs.replace(run, created=before.created, baseline=before.baseline, problems=problems)


def _other_machine(before: Machine, now: Machine) -> list[Problem]:
    """Return whether a run goes on where numbers come out otherwise: on another device, or with other libraries."""
    pairs = [(f"{one.device} ({one.device_name})", one.libraries) for one in (before, now)]
    (device, versions_before), (device_now, versions_now) = pairs
    changes = [f"on {device}, now on {device_now}"] if device != device_now else []
    changes += [
        f"with {name} {version}, now {versions_now[name]}"
        for name, version in versions_before.items()
        if name in versions_now and versions_now[name] != version
    ]
    if not changes:
        return []
    said = f"the run began {'; '.join(changes)}: its steps are not quite what they would have been"
    return [Problem(OTHER_MACHINE, False, False, said, "none, unless it must be the same run: then a new one here")]


def check_baseline(folder: Path, before: str | None, now: str | None) -> None:
    """Raise UsageError where a run that goes on names another baseline than at its start; None for none."""
    if None not in (before, now) and before != now:
        raise UsageError(f"{folder}: the run to be resumed was started with another baseline; resume with the same")


def metrics(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of the metrics of a run; one that was being written when the run was killed is left out."""
    file = folder / METRICS
    if not file.is_file():
        return
    for line in file.read_bytes().splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def keep_metrics(folder: Path, step: int) -> None:
    """Take away the metrics of steps after `step`: they are about to be made again."""
    kept = [line for line in metrics(folder) if line.get("step", 0) <= step]
    with replacing(folder / METRICS) as file:
        file.write(b"".join(json_text(line).encode() + b"\n" for line in kept))


def find(folders: Sequence[str | os.PathLike[str]]) -> tuple[list[tuple[Path, Run]], list[str]]:
    """Return the runs in folders, the oldest first, and what is wrong: records that cannot be read, folders without.

    Args:
        folders: run folders, or folders that hold some; none for this folder, which may hold no run.
    """
    found, broken = [], []
    for given in map(Path, folders or (".",)):
        inside = [given] if (given / RECORD).is_file() else sorted(path.parent for path in given.glob(f"*/{RECORD}"))
        if folders and not inside:
            broken.append(f"{given}: no run folder, and none in it")
        for folder in inside:
            try:
                found.append((folder, read(folder)))
            except InputError as error:
                broken.append(str(error))
    return sorted(found, key=lambda pair: pair[1].created), broken
