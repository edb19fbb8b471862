"""What rows are asked for."""

from __future__ import annotations

from typing import Literal

import msgspec

from prepdata.errors import UsageError
from prepdata.findings import clip
from prepdata.rag_rows.declines import NAMES
from prepdata.text.language import LANGUAGES

MOST_DISTRACTORS = 50
"""Distractors that a row may have."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are to be made.

    Args:
        distractors: passages beside the true ones.
        beyond: True to take distractors also from documents of another side of the split.
        unanswerable: share of rows (0 to 1) of which the true passages are taken out.
        declines: language (ISO 639-1, "" for all) -> what an answer says where the context does not hold it.
        citations: True to add `[n]` to answers.
        seed: another text draws other rows, places and distractors.
        max_length: tokens that a row may have; 0 for no limit.
        tokenizer: what they are counted with, as for `prepdata.tokens.open_counter`; None for o200k_base.
        skip_unreadable: True to leave documents out that cannot be read.
        chunk_size, overlap: of the chunks, as for `prepdata.retrieval.chunks`; None for its own.
    """

    distractors: int = 3
    beyond: bool = False
    unanswerable: float = 0.1
    declines: dict[str, str] = {}
    citations: bool = True
    seed: str = ""
    max_length: int = 0
    tokenizer: str | None = None
    skip_unreadable: bool = False
    chunk_size: int | None = None
    overlap: int | None = None

    def checked(self) -> Asked:
        """Return this.

        Raises:
            UsageError: a value out of range.
        """
        if not 0 <= self.distractors <= MOST_DISTRACTORS:
            raise UsageError(f"distractors: {self.distractors} is not from 0 to {MOST_DISTRACTORS}")
        if not 0 <= self.unanswerable <= 1:
            raise UsageError(f"unanswerable: {self.unanswerable:g} is no share of the rows (0 to 1)")
        if self.max_length < 0:
            raise UsageError(f"max-length: {self.max_length} is below 0")
        for language, text in self.declines.items():
            if language and language not in LANGUAGES:
                short = language.replace("_", "-").partition("-")[0].casefold()
                near = NAMES.get(short, short if short in LANGUAGES else "")
                raise UsageError(
                    f"decline: '{clip(language, 40)}' is no code of a language that is known"
                    + (f"; did you mean {near}?" if near else f"; these are: {', '.join(sorted(LANGUAGES))}")
                )
            if not text.strip():
                raise UsageError(f"decline: the text{f' for {language}' if language else ''} is empty")
        return self


Placing = Literal["mark", "overlap"]
"""How the true passages were found: named by the row, or by what they share with the answer."""


class Source(msgspec.Struct, frozen=True):
    """Where the true passages of a question are.

    Args:
        true: ids of the chunks, in the order of the documents; empty where none holds the answer.
        how: how they were found.
    """

    true: tuple[str, ...]
    how: Placing


class Left(msgspec.Struct, frozen=True):
    """Why a question gives no row. `kind` is the same for all of a kind, `reason` says it of this one."""

    kind: str
    reason: str
