"""What a scorer is: a function from one answer to a score between 0 and 1. One file per scorer.

Scorers are pure: no clock, no network, no randomness; the same answer gets the same score on every machine. An answer
is hostile text: a scorer never raises on one, and takes time that grows with its length only.
"""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from prepdata.errors import PrepdataError, UsageError

Finish = Literal["stopped", "cut", "error"]


class Call(NamedTuple):
    """One call of a tool: its name, and its arguments as an object or, as some write them, as JSON text."""

    name: str
    arguments: Any


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One held-out row and what a model answered.

    Args:
        id: of the row.
        prompt: messages before the answer, each with `role` and `content`.
        reference: the answer in the row, "" where that is a tool call or where there is none.
        expected: marks of the row that scorers read: `facts`, `schema`, `label`, `scorer`, `negative`; and under
            `calls` the tools that the answer in the row calls, in order, each an object of `name` and `arguments`.
        output: what the model wrote.
        output_calls: tools it called, where the endpoint tells them apart; None where they stand in `output`.
        finish_reason: `stopped` by itself, `cut` at the most tokens, `error`: no answer.
    """

    id: str = ""
    prompt: tuple[Mapping[str, Any], ...] = ()
    reference: str = ""
    expected: Mapping[str, Any] = {}
    output: str = ""
    output_calls: tuple[Call, ...] | None = None
    finish_reason: Finish = "stopped"

    def option(self, name: str, default: Any = None) -> Any:
        """Return a setting from the row's mark `scorer`, as in `"scorer": {"name": "regex", "pattern": "^[A-Z]"}`."""
        mark = self.expected.get("scorer")
        return mark.get(name, default) if isinstance(mark, Mapping) else default


class Score(NamedTuple):
    """A score from 0 to 1, None where the scorer does not apply or could not measure; `detail` says why in words."""

    value: float | None
    detail: str = ""


Aggregate = Callable[[Sequence[Sample], Sequence[Score]], dict[str, float]]


class Scorer(NamedTuple):
    """A scorer.

    Args:
        name: of the metric, in the words of lm-evaluation-harness where it has one ("exact_match").
        version: changed whenever the same answer may get another score.
        summary: what it measures, in one line.
        score: the function.
        source: file whose text is hashed for the record; files it `uses` count too.
        higher_is_better: False for rates of something bad.
        aggregate: further numbers over all samples of a set ("f1_macro"), that are no mean of scores.
        settings: what the user set; goes into the record.
    """

    name: str
    version: str
    summary: str
    score: Callable[[Sample], Score]
    source: str
    uses: tuple[str, ...] = ()
    higher_is_better: bool = True
    aggregate: Aggregate | None = None
    settings: Mapping[str, Any] = {}

    def __call__(self, sample: Sample) -> Score:
        """Return the score of one answer.

        Raises:
            UsageError: the scorer is a user's own and fails or gives no score; says which, on which row, and where.
        """
        try:
            given = self.score(sample)
        except PrepdataError:
            raise
        except Exception as error:
            raise UsageError(
                f"scorer '{self.name}' failed on row '{sample.id[:80]}': {type(error).__name__}: "
                f"{str(error)[:200]}{_place(error, self.source)}"
            ) from error
        return as_score(given, f"scorer '{self.name}' on row '{sample.id[:80]}'")

    @property
    def sha256(self) -> str:
        """The sha256 of its source, by which a record notices that a scorer changed under the same version."""
        return source_hash((self.source, *self.uses))


@cache
def source_hash(files: tuple[str, ...]) -> str:
    """Return the sha256 over the texts of Python files, whatever the line ends on this system."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(Path(file).read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


def as_score(given: Any, who: str) -> Score:
    """Return what a scorer gave as a `Score`: a score, a truth value, a number from 0 to 1, or None.

    Raises:
        UsageError: it is nothing of the kind.
    """
    value, detail = given if isinstance(given, tuple) and len(given) == 2 else (given, "")
    if value is None:
        return Score(None, str(detail))
    if isinstance(value, (bool, int, float)) and math.isfinite(value) and 0 <= value <= 1:
        return Score(float(value), str(detail))
    raise UsageError(f"{who} gave {value!r:.80}: a score is a number from 0 to 1, True, False, or None")


def rate(passed: bool, detail: str = "") -> Score:
    """Return 1 for passed and 0 for failed."""
    return Score(float(passed), detail)


def source_of(function: Callable[..., Any]) -> str:
    """Return the file in which a function is written."""
    return inspect.getsourcefile(inspect.unwrap(function)) or __file__


def _place(error: BaseException, source: str) -> str:
    """Return ` at FILE:LINE` for the innermost line of the scorer's own file."""
    line, frame = 0, error.__traceback__
    while frame:
        if frame.tb_frame.f_code.co_filename == source:
            line = frame.tb_lineno
        frame = frame.tb_next
    return f" at {Path(source).name}:{line}" if line else ""
