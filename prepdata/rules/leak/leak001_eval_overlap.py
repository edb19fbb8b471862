"""LEAK001: prompts that are in an evaluation file too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from typing import Any, ClassVar, Literal

from prepdata.chunk import Chunk
from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.index.asking import WHOLE, Question, keys_of, questions
from prepdata.index.columns import forms
from prepdata.index.reference import Reference, open_reference
from prepdata.record import Record
from prepdata.rules.base import CorpusRule, Parts
from prepdata.rules.leak._near import name_of, place_of
from prepdata.rules.leak._overlap import others
from prepdata.text.fold import alike

Found = tuple[int, int, int, bool, bool]
"""(row, turn, item, word for word, with the same answer)"""


class EvalOverlap(CorpusRule):
    """Finds prompts that an evaluation file (`--eval`) asks too, word for word or nearly: see folded-duplicate.

    Prompts are compared without system prompts and tools, whole conversations as well as single turns of the user of
    five words or more. Images and other media belong to what is asked: the same words about another picture are another
    prompt. Whether the answer is the same is said, and makes no difference. Keeps 20 bytes a finding.

    Why: the model has seen the question, so the evaluation measures memory. The result looks better than it is.
    Bad:
        --eval: {"messages": [{"role": "user", "content": "Where is my parcel?"}, {"role": "assistant",
         "content": "Here."}]}
        {"messages": [{"role": "user", "content": "where is my parcel"}, {"role": "assistant", "content":
         "On its way."}]}
    Good:
        {"messages": [{"role": "user", "content": "Who brings my parcel?"}, {"role": "assistant", "content":
         "The post."}]}
    Fix: drops the row. Unsafe: only a person can say whether the row or the evaluation item should go.
    Source: folding is that of folded-duplicate.
    """

    code: ClassVar[str] = "LEAK001"
    name: ClassVar[str] = "eval-overlap"
    severity: ClassVar[Severity] = "error"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "unsafe"

    def setup(self) -> None:
        self.given = [reference for reference in self.context.references if reference.kind == "eval"]

    def missing(self) -> str | None:
        return None if self.given else "an evaluation file with --eval"

    def see(self, chunk: Chunk) -> Any:
        return [chunk.derived(_looker(given.path)) for given in self.given]

    def rows_of(self, part: Any) -> Collection[int]:
        return {found[0] for listed in part for found in listed}

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        fix = Fix("drop the row", False, (Edit("drop"),))
        for number, given in enumerate(self.given):
            reference = open_reference(given.path)
            rows: dict[int, list[Found]] = {}
            for first, part in others(parts, given):
                for found in part[number]:
                    rows.setdefault(first + found[0], []).append(found)
            for row, listed in sorted(rows.items()):
                _, turn, item, exact, answered = min(listed, key=lambda found: (not found[3], not found[4], found[2]))
                how = "asks word for word what" if exact else "asks, but for case, punctuation or white space, what"
                answer = "with the same answer" if answered else "with another answer"
                more = len({found[2] for found in listed}) - 1
                asking = f" and {more} more items ask" if more else " asks"
                where = "the prompt" if turn < 0 else "a turn of the user"
                message = f"{where} {how} {name_of(reference, item)}{asking}, {answer}; drop the row"
                related = tuple(place_of(reference, i) for i in dict.fromkeys([item, *(found[2] for found in listed)]))
                yield row, Hit(message, related=related, fix=fix)


@lru_cache(maxsize=16)
def _looker(path: str) -> Callable[[Chunk], list[Found]]:
    def look(chunk: Chunk) -> list[Found]:
        return list(_found(chunk, open_reference(path)))

    return look


def _found(chunk: Chunk, reference: Reference) -> Iterator[Found]:
    import numpy as np

    known = chunk.known(forms)
    posed: list[Question] = []
    owners: list[Record] = []
    for record in chunk.records:
        for question in questions(record, reference.wanted):
            posed.append(question)
            owners.append(record)
    column = np.array(keys_of(posed, known.known if known else None), np.uint64)
    seen: set[tuple[int, int]] = set()
    for name in ("prompts", "turns"):
        found = reference.holders(name, column)
        items = reference.array(name + ".items")[found.entries].tolist()
        for which, item in zip(found.which.tolist(), items):
            record, turn = owners[which], posed[which].turn
            if (record.row, item) in seen or (name == "prompts" and turn != WHOLE):
                continue
            seen.add((record.row, item))
            yield _compared(record, turn, item, reference)


def _compared(record: Record, turn: int, item: int, reference: Reference) -> Found:
    said = {message.text for message in record.messages if message.role == "user"}
    first, last = turns_of_item(reference, item)
    exact = all(reference.texts("parts", part) in said for part in range(first, last)) if turn < 0 else any(
        reference.texts("parts", part) in said for part in range(first, last))  # fmt: skip
    answer = "\n".join(message.text for message in record.split()[1])
    expected = reference.texts("answers", item)
    return record.row, turn, item, exact, bool(expected) and alike(answer, expected)


def turns_of_item(reference: Reference, item: int) -> tuple[int, int]:
    """Return the first turn of an item in the index, and the one after its last."""
    import numpy as np

    owners = reference.array("part_items")
    return int(np.searchsorted(owners, item, "left")), int(np.searchsorted(owners, item, "right"))
