"""Whether the folder of a run is free, or holds the run that is to go on: same keys, files, base model, processes and
dtype."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from prepdata.errors import UsageError
from prepdata.model_folder import file_hash, weights_hash
from trainers import devices, runs
from trainers.config import TrainConfig, as_dict
from trainers.record_files import read as read_record
from trainers.runs import Run

_MAY_DIFFER = frozenset({"resume", "gpus", "baseline", "without_baseline", "output", "trackers", "device", "dtype"})
"""Keys that may be others when a run goes on; what dtype they come to may not (`check_dtype`)."""


def check_output(config: TrainConfig, processes: int) -> None:
    """Raise at once where the training would end at its folder, before data is looked at.

    Raises:
        UsageError: the folder is taken; or what is to be resumed is finished, or another run, or was trained on what
            has changed since, or in another dtype.
        InputError: there is nothing to resume, or a file cannot be read.
    """
    folder = Path(config.output)
    if not config.resume:
        check_free(folder)
        return
    before = resumable(config, folder, processes)
    now = {file.role: file_hash(Path(str(getattr(config, file.role)))) for file in before.files}
    check_unchanged(
        config, folder, before, {role: digest for role, digest in now.items() if digest}, base_parts(config)
    )
    device = devices.choose(config, processes)
    check_dtype(folder, before, device, devices.dtype_of(config, Path(config.model), device))
    if config.baseline and not config.without_baseline:
        runs.check_baseline(folder, before.baseline, read_record(config.baseline).sha256)


def check_free(folder: Path) -> None:
    """Raise UsageError where something stands in the folder of a new run, or it cannot be made."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: there is something already; choose another --output, or say --resume")
    above = next(one for one in folder.absolute().parents if one.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        why = "cannot be written to" if above.is_dir() else "is a file"
        raise UsageError(f"{folder}: this folder cannot be made, since {above} {why}; choose another --output")


def resumable(config: TrainConfig, folder: Path, processes: int) -> Run:
    """Return the record of the run in a folder that is to go on.

    Raises:
        UsageError: it is finished, or has other keys or another number of processes.
        InputError: there is none.
    """
    before = runs.read(folder)
    if before.status == "finished":
        raise UsageError(f"{folder}: this run is finished; there is nothing to resume")
    now = as_dict(config)
    other = [name for name in now if name not in _MAY_DIFFER and now[name] != before.config.get(name)]
    if other:
        raise UsageError(f"{folder}: the run to be resumed has another {', '.join(other)}; resume with the same")
    if before.machine.processes != processes:
        raise UsageError(
            f"{folder}: the run to be resumed had {before.machine.processes} processes, and there are "
            f"{processes}; resume with as many, so that the batches stay what they were"
        )
    return before


def check_unchanged(
    config: TrainConfig, folder: Path, before: Run, files: Mapping[str, str | None], base: Mapping[str, str | None]
) -> None:
    """Raise UsageError where something changed since a run began.

    Args:
        config, folder, before: the run that is to go on.
        files: role -> sha256 of the file now.
        base: parts of the base model now, as `base_parts` returns them.
    """
    changed = [old.path for old in before.files if old.role in files and files[old.role] != old.sha256]
    parts = {"weights": config.model, "tokenizer": f"the tokenizer of {config.model}", "template": "the chat template"}
    changed += [said for name, said in parts.items() if getattr(before.base, name) != base[name]]
    if changed:
        raise UsageError(f"{folder}: {', '.join(changed)} changed since the run began; start a new run")


def check_dtype(folder: Path, before: Run, device: str, dtype: str) -> None:
    """Raise UsageError where a run would go on in another dtype than it began in: "auto" goes by the machine."""
    began = before.machine
    if began.dtype != dtype:
        raise UsageError(
            f"{folder}: the run to be resumed began in {began.dtype} on {began.device}, and would go on in {dtype} on "
            f"{device}; resume with --dtype {began.dtype}, or on a machine like the first"
        )


def base_parts(config: TrainConfig) -> dict[str, str | None]:
    """Return sha256 of `weights`, `tokenizer` (None where there is no tokenizer.json) and `template`."""
    from prepdata.render.folder import read_folder

    held = read_folder(config.model, config.chat_template)
    template = sha256((held.template(False) or "").encode()).hexdigest()
    return {"weights": weights_hash(Path(config.model)), "tokenizer": file_hash(held.file), "template": template}
