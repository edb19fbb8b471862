"""What is put before every prompt to help a model without training: a system prompt, examples, retrieved passages.

A prompt that does the job makes training needless; so it is measured as training is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from prepdata.errors import InputError, UsageError
from prepdata.files import read_bounded
from prepdata.settings import Settings
from trainers.generate import Prompt
from trainers.record import Arm, hash_of
from trainers.retrieved import Retrieved
from trainers.testset import HeldOut, read_rows

MOST_EXAMPLES = 64
_SYSTEM = ("system", "developer")


class Prompting(NamedTuple):
    """What is put before prompts.

    Args:
        system: takes the place of the rows' own system prompts, and stands before rows without; None to leave them.
        examples: rows shown before the question, after the system prompt.
        retrieved: passages that go into the last turn of the user, before the question.
    """

    system: str | None = None
    examples: tuple[HeldOut, ...] = ()
    retrieved: Retrieved | None = None

    @property
    def arm(self) -> Arm:
        """What the record says of it."""
        shown = [(row.messages, row.reference) for row in self.examples]
        return Arm(
            system_prompt=None if self.system is None else hash_of(self.system),
            few_shot=len(shown),
            few_shot_hash=hash_of(shown) if shown else None,
            retrieval=None if self.retrieved is None else self.retrieved.info,
        )

    def prompt(self, row: HeldOut) -> Prompt:
        """Return what is asked for a row."""
        own = [turn for turn in row.messages if turn.get("role") in _SYSTEM]
        rest = [turn for turn in row.messages if turn.get("role") not in _SYSTEM]
        if self.system is None and not self.examples and self.retrieved is None:
            return Prompt(row.doc_hash, row.messages, row.tools)
        if self.retrieved is not None:
            rest = self.retrieved.put(row, rest)
        first = own if self.system is None else [{"role": "system", "content": self.system}]
        shown = [turn for example in self.examples for turn in _turns(example)]
        return Prompt(row.doc_hash, (*first, *shown, *rest), row.tools)


def _turns(example: HeldOut) -> list[dict[str, Any]]:
    asked = [turn for turn in example.messages if turn.get("role") not in _SYSTEM]
    return [*asked, {"role": "assistant", "content": example.reference}]


def read_prompting(
    system: str | None, few_shot: str | None, shots: int | None, held_out: Sequence[HeldOut], settings: Settings
) -> Prompting:
    """Return what the flags ask for.

    Args:
        system: file of the system prompt.
        few_shot: file of rows to show.
        shots: how many of its first rows; None for all.
        held_out: rows that are asked, none of which may be shown.
        settings: how rows are read.

    Raises:
        UsageError: there are too many examples, too few, or one of them is asked.
        InputError: a file cannot be read.
    """
    text = None
    if system is not None:
        try:
            text = read_bounded(system, 1 << 20).decode().strip("\r\n")
        except OSError as error:
            raise InputError(f"{system}: the system prompt cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise InputError(f"{system}: not UTF-8 (byte {error.start:,}); save the system prompt as UTF-8") from None
        if not text.strip():
            raise UsageError(f"{system}: the system prompt is empty")
    if few_shot is None:
        if shots is not None:
            raise UsageError("--shots says how many rows of --few-shot FILE are shown; give that file")
        return Prompting(text)
    rows = tuple(row for row in read_rows(few_shot, settings).rows if row.reference)
    if shots is None and len(rows) > MOST_EXAMPLES:
        raise UsageError(f"{few_shot} has {len(rows):,} rows, which are too many to show; say how many by --shots N")
    if shots is not None and len(rows) < shots:
        raise UsageError(f"{few_shot}: --shots {shots}, but it has only {len(rows):,} rows with an answer in words")
    shown = rows[:shots]
    asked = {_question(row): row.place for row in held_out}
    for row in shown:
        if place := asked.get(_question(row)):
            raise UsageError(f"{row.place} asks the same as {place}: an example must not be a held-out row")
    return Prompting(text, shown)


def _question(row: HeldOut) -> str:
    return hash_of([turn for turn in row.messages if turn.get("role") not in _SYSTEM])
