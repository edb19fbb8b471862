"""The rows of a run: training rows with their share of replay in one file, and what TRL will make of them."""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from prepdata.errors import InputError
from prepdata.files import replacing
from prepdata.formats import get
from prepdata.jsontext import json_text
from prepdata.parse import parse
from prepdata.record import Record
from prepdata.render.renderer import Renderer
from prepdata.runner import detected
from prepdata.settings import Settings
from prepdata.sources import discover, open_source
from prepdata.training.columns import Columns
from prepdata.training.packing import pack
from prepdata.training.settings import TrainerSettings
from prepdata.training.trl import Trl
from trainers.config import TrainConfig

AT_ONCE = 256
"""Rows that are rendered at once."""


class Simulated(NamedTuple):
    """What TRL makes of a file, as prepdata simulates it.

    Args:
        rows: rows in the file.
        lengths: tokens of each kept row or packed sequence, after the cut.
        trained: how many of them are trained, in all.
        longest: tokens of the longest row, uncut.
        cut: rows that lose trained tokens at the length limit.
        left_out: why rows are not trained on -> how many.
        stopped: why TRL would end with an error; "" if it would not.
    """

    rows: int
    lengths: Sequence[int]
    trained: int
    longest: int
    cut: int
    left_out: dict[str, int]
    stopped: str

    @property
    def kept(self) -> int:
        """Rows that are trained on; with packing, sequences."""
        return len(self.lengths)

    @property
    def tokens(self) -> int:
        """Tokens of one epoch, without padding."""
        return sum(self.lengths)


def records(path: Path) -> Iterator[Record]:
    """Yield the rows of a file of any kind that prepdata reads, those that can be read.

    Raises:
        InputError: it is no single data file.
    """
    inputs = discover([str(path)])
    if len(inputs) != 1:
        raise InputError(f"{path}: {'several data files' if inputs else 'no data file'} there; give one file")
    source = open_source(inputs[0], Settings())
    name = detected(source, {})
    expected = get(name) if name else None
    for raw in source.chunks():
        yield from parse(raw.load(), raw.rows, raw.lines, expected)[0].records


def replayed(config: TrainConfig, training_rows: int) -> list[Record]:
    """Return the rows of replay that are mixed in, chosen by the seed, in the order of their file.

    Raises:
        InputError: the file has fewer rows than are wanted.
    """
    if config.replay is None:
        return []
    held = list(records(Path(config.replay)))
    wanted = round(training_rows * config.replay_share)
    if wanted > len(held):
        raise InputError(
            f"{config.replay}: {len(held):,} rows, but a replay share of {config.replay_share:g} wants {wanted:,}; "
            "give more rows, or a smaller --replay-share"
        )
    return [held[number] for number in sorted(random.Random(config.seed).sample(range(len(held)), wanted))]


def write_rows(config: TrainConfig, target: Path) -> int:
    """Write training rows and replay as one JSONL file; return how many. The trainer shuffles them.

    Raises:
        InputError: a file cannot be read, or there are too few rows to replay.
    """
    with replacing(target) as file:
        count = 0
        for record in records(Path(config.train)):
            file.write(json_text(record.raw).encode() + b"\n")
            count += 1
        for record in replayed(config, count):
            file.write(json_text(record.raw).encode() + b"\n")
            count += 1
    return count


def copy_rows(path: Path, target: Path) -> int:
    """Write the rows of any file as JSONL; return how many."""
    with replacing(target) as file:
        count = 0
        for record in records(path):
            file.write(json_text(record.raw).encode() + b"\n")
            count += 1
    return count


def trainer_settings(config: TrainConfig, max_length: int | None) -> TrainerSettings:
    """Return how TRL is set up, for the simulation; `max_length` None for no limit."""
    packing = "" if config.packing == "none" else config.packing
    return TrainerSettings(max_length=max_length or 0, loss=config.loss, packing=packing)


def simulate(path: Path, renderer: Renderer, settings: TrainerSettings) -> Simulated:
    """Return what TRL makes of a JSONL file that it loads with the library datasets.

    Args:
        path: the file.
        renderer: of the tokenizer and chat template of the run.
        settings: how TRL is set up.
    """
    columns = Columns()
    for batch in _batches(path):
        columns.merge(Columns.of(record.raw for record in batch))
    trainer = Trl(renderer, settings, columns=columns, loader="json")
    lengths, uncut, marks = array("q"), array("q"), []
    rows = trained = longest = cut = 0
    left_out: dict[str, int] = {}
    stopped = ""
    for row in chain.from_iterable(trainer.prepare(batch) for batch in _batches(path)):
        rows += 1
        longest = max(longest, len(row.ids))
        if not row.kept:
            stopped = stopped or row.stopped or str(row.refusal or "")
            reason = row.dropped or row.stopped or str(row.refusal)
            left_out[reason] = left_out.get(reason, 0) + 1
            continue
        if settings.packing:
            uncut.append(len(row.ids))
            marks.append(bytes(row.trained))
            continue
        lengths.append(row.left_size)
        trained += row.left_trained
        cut += row.left_trained < sum(row.trained)
    if settings.packing and settings.max_length:
        packed = pack(uncut, settings.max_length, settings.packing)
        lengths = array("q", packed.lengths)
        pieces = [piece for sequence in packed.sequences for piece in sequence]
        trained = sum(sum(marks[piece.row][piece.start : piece.end]) for piece in pieces)
        cut = len(packed.cut) if settings.packing == "bfd" else 0
    return Simulated(rows, lengths, trained, longest, cut, left_out, stopped)


def _batches(path: Path) -> Iterator[list[Record]]:
    rows = records(path)
    while batch := list(islice(rows, AT_ONCE)):
        yield batch
