"""The baseline: the record of the model before training, and what a later evaluation takes from it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from prepdata.errors import UsageError
from trainers.generate import Options
from trainers.record import Difference, Evaluation, differences
from trainers.record_files import read


def like_baseline(options: Options, baseline: Evaluation, given: set[str]) -> Options:
    """Return options with those of the baseline's decoding in place of what was not given.

    Args:
        options: as given or by default.
        baseline: the record.
        given: names of the options that were given, which stay as they are.
    """
    decoding = baseline.decoding
    theirs = {
        "max_new_tokens": decoding.max_new_tokens,
        "batch_size": decoding.batch_size,
        "temperature": decoding.temperature,
        "top_p": decoding.top_p,
        "seed": decoding.seed,
    }
    return msgspec.structs.replace(options, **{name: value for name, value in theirs.items() if name not in given})


def held_against(path: str | os.PathLike[str]) -> tuple[Evaluation, Callable[[Evaluation], None]]:
    """Return a baseline, and a check that a record can be compared with it.

    Raises:
        InputError: it is no record, or was changed.
    """
    baseline = read(path)

    def check(record: Evaluation) -> None:
        if found := differences(baseline, record):
            raise UsageError(f"this could not be compared with {os.fspath(path)}; {_told(found)}")

    return baseline, check


def in_place_of(path: str | os.PathLike[str], draft: Evaluation) -> Evaluation:
    """Return a baseline that says what asking now would say: of the same model, without prompts, comparable.

    Args:
        path: of the baseline.
        draft: the record that would be made now, without results.

    Raises:
        InputError: it is no record, or was changed.
        UsageError: it is of something else; names the fields.
    """
    baseline = read(path)
    found = [Difference("kind", baseline.kind, draft.kind)] if baseline.kind != draft.kind else []
    one, other = msgspec.structs.asdict(baseline.model), msgspec.structs.asdict(draft.model)
    found += [Difference(f"model.{name}", one[name], other[name]) for name in one if one[name] != other[name]]
    if found := found + differences(baseline, draft):
        raise UsageError(f"{os.fspath(path)} cannot be taken in place of asking the base; {_told(found)}")
    return baseline


def _told(found: Sequence[Difference]) -> str:
    lines = "\n".join(f"  {line(difference)}" for difference in found)
    return f"nothing was asked. They differ in:\n{lines}"


def line(difference: Difference) -> str:
    """Return a difference as a line of text."""
    return f"{difference.field}: {_short(difference.one)} there, {_short(difference.other)} here"


def _short(value: Any) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
