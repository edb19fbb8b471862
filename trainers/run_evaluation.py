"""A run folder and its evaluation: which run an adapter is from, its record, its comparison with the base.

evaluation.json, evaluation.samples.jsonl    what `prepdata evaluate --adapter RUN` recorded
comparison.json                              what `prepdata compare BASELINE RUN` came to; the model card tells it too
comparison.1.json, comparison.2.json, ...    what earlier ones came to that asked another gate
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from prepdata.errors import InputError, UsageError
from prepdata.files import read_bounded, replacing
from prepdata.jsontext import json_text
from prepdata.model_folder import file_hash
from trainers import runs
from trainers.card import card, write_card
from trainers.compare import Comparison
from trainers.data import records
from trainers.record import Training
from trainers.run_table import Listed

EVALUATION, COMPARISON = "evaluation.json", "comparison.json"
MOST_BYTES = 1 << 24


class Trained(NamedTuple):
    """The run that a model is from: its folder, what records say of it, and sha256 of the weights that the adapter must
    be put on; None for a model that needs no adapter."""

    folder: Path
    training: Training
    base: str | None

    def rows(self) -> Iterator[str]:
        """Yield for each training row what was trained of it, as one text; replay comes last."""
        for record in records(self.folder / runs.DATA / "train.jsonl"):
            yield "\n".join(message.text for message in record.answers)


def trained(adapter: str | os.PathLike[str]) -> Trained | None:
    """Return the run that an adapter is from, None where it lies in no run folder.

    Args:
        adapter: the folder of a run, or of its adapter.

    Raises:
        UsageError: the run is not finished, or its adapter is not the one that it wrote.
        InputError: the record of the run cannot be read.
    """
    folder = Path(adapter)
    if not (folder / runs.RECORD).is_file():
        folder = folder.resolve().parent if folder.resolve().name == runs.ADAPTER else folder
    if not (folder / runs.RECORD).is_file():
        return None
    run = runs.read(folder)
    if run.outcome is None:
        raise UsageError(f"{folder}: this run is not finished ({run.status}); go on with --resume, or evaluate another")
    if file_hash(folder / runs.ADAPTER / "adapter_model.safetensors") != run.outcome.adapter:
        raise UsageError(
            f"{folder / runs.ADAPTER}: the weights are not those that the run wrote; copy them out of the run "
            "folder to evaluate them as an adapter of their own"
        )
    first = next((line.get("time") for line in runs.metrics(folder) if "loss" in line), None)
    training = Training(
        run=runs.digest(folder),
        created=run.created,
        first_step=first if isinstance(first, str) else None,
        baseline=run.baseline,
        replay_share=run.config.get("replay_share", 0.0) if run.config.get("replay") else 0.0,
        files={file.role: file.sha256 for file in run.files},
        reports={file.role: file.report for file in run.files},
    )
    return Trained(folder, training, run.base.weights)


def record_in(path: str) -> str:
    """Return the path of a record: of a run folder, that of its evaluation.

    Raises:
        InputError: the folder has none.
    """
    if not Path(path).is_dir():
        return path
    file = Path(path) / EVALUATION
    if not file.is_file():
        raise InputError(f"{path}: no {EVALUATION} there; make it with `prepdata evaluate --adapter {path}`")
    return str(file)


def comparison_in(folder: Path) -> Comparison | None:
    """Return how a run compared with its base, None where it was not compared.

    Raises:
        InputError: the file holds something else.
    """
    file = folder / COMPARISON
    if not file.is_file():
        return None
    try:
        return msgspec.json.decode(read_bounded(file, MOST_BYTES), type=Comparison)
    except (OSError, msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InputError(f"{file}: no comparison of this version of prepdata ({error}); move it away") from None


def listed(folders: Sequence[str | os.PathLike[str]]) -> tuple[list[Listed], list[str]]:
    """Return the runs in folders with their comparisons, the oldest first, and what is wrong: files that cannot be
    read, folders without a run."""
    found, broken = runs.find(folders)
    rows = []
    for folder, run in found:
        try:
            comparison = comparison_in(folder)
        except InputError as error:
            broken.append(str(error))
            comparison = None
        rows.append(Listed(folder, run, comparison))
    return rows, broken


class Kept(NamedTuple):
    """What `keep` wrote: files; the earlier comparison that asked another gate, and where it lies now, else None."""

    files: list[str]
    before: Comparison | None
    moved: Path | None


def keep(folder: Path, comparison: Comparison) -> Kept:
    """Tell a comparison in the model card of a run and write it into the folder.

    One that asked another gate is kept under the next free number, so that a laxer gate cannot take the place of a
    verdict unseen. A card that is not as prepdata wrote it is left alone, and is not among the files. The card comes
    first: ended in between, the same comparison finds it as it would have written it.

    Raises:
        InputError: there is no record of a run, or something else has the name of the comparison.
        OSError: it cannot be written.
    """
    run, before = runs.read(folder), comparison_in(folder)
    readme, files = folder / runs.ADAPTER / "README.md", [str(folder / COMPARISON)]
    told = readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else None
    if told in (card(run, before), card(run, comparison)):
        write_card(readme, run, comparison)
        files.append(str(readme))
    other = before is not None and before.gate != comparison.gate
    moved = _numbered(folder) if other else None
    if before is not None and moved is not None:
        _write(moved, before)
    _write(folder / COMPARISON, comparison)
    return Kept(files, before if other else None, moved)


def _numbered(folder: Path) -> Path:
    """Return the first of comparison.1.json, comparison.2.json, ... that is not there."""
    names = (folder / COMPARISON.replace(".", f".{number}.") for number in itertools.count(1))
    return next(file for file in names if not file.exists())


def _write(file: Path, comparison: Comparison) -> None:
    with replacing(file) as out:
        out.write(msgspec.json.format(json_text(comparison).encode(), indent=2) + b"\n")
