"""LEAK003: rows of one group on both sides of a split."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, ClassVar, Literal, NamedTuple

from prepdata.chunk import Chunk
from prepdata.findings import Edit, Fix, Hit, Place, Severity, clip
from prepdata.index.asking import group_key
from prepdata.index.exact import whole
from prepdata.index.reference import Reference, open_reference
from prepdata.rules.base import CorpusRule, FileInfo, Options, Parts

TRAIN, VALIDATION, TEST = 1, 2, 3
SIDES = {TRAIN: "train", VALIDATION: "validation", TEST: "test"}
_WORDS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("val", "valid", "validation", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing", "tests", "eval", "evaluation", "heldout", "holdout", "gold"), TEST),
}
FEW = 20  # rows with one value up to which it is an id, however few rows there are


class GroupOptions(Options, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of group-split.

    Args:
        fields: row marks that name what a row comes from; rows with the same value belong together.
        common: a value that more than this share of the rows (0-1), and more than 20, have is a label, not an id.
    """

    fields: tuple[str, ...] = ("group", "source")
    common: float = 0.05


class Member(NamedTuple):
    """A row that belongs to a group. `side` is 0 where the row does not say it."""

    row: int
    key: int
    side: int
    field: int


class GroupSplit(CorpusRule):
    """Finds groups (row marks `group` and `source`) with rows on both sides of a split.

    A row's side is what its mark `split` says, else the name of its file (train, validation, dev, test, eval ...), else
    train; rows of files given with `--eval` are the test side. Rows without such marks are never found; neither are
    values that very many rows have, which name a collection and no single source. Keeps 17 bytes a row with a mark.

    Why: rows that were made of one document, conversation or customer say nearly the same, so a test row whose
    neighbours were trained on measures memory.
    Bad:
        {"messages": [{"role": "user", "content": "What does page 4 say?"}, {"role": "assistant", "content": "No."}],
         "group": "manual-7", "split": "train"}
        {"messages": [{"role": "user", "content": "Is it open, by page 4?"}, {"role": "assistant", "content": "No."}],
         "group": "manual-7", "split": "test"}
    Good:
        {"messages": [{"role": "user", "content": "What does page 4 say?"}, {"role": "assistant", "content": "No."}],
         "group": "manual-7", "split": "train"}
        {"messages": [{"role": "user", "content": "Who wrote it?"}, {"role": "assistant", "content": "Ida."}],
         "group": "manual-8", "split": "test"}
    Fix: drops the row on the side of training. Unsafe: `prepdata split` keeps groups together without losing rows.
    Source: Kapoor and Narayanan, "Leakage and the reproducibility crisis in machine-learning-based science", 2023.
    """

    code: ClassVar[str] = "LEAK003"
    name: ClassVar[str] = "group-split"
    severity: ClassVar[Severity] = "error"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "unsafe"
    scope: ClassVar[Literal["file", "dataset", "run"]] = "run"
    rereads: ClassVar[bool] = True
    Options: ClassVar[type[Options]] = GroupOptions
    options: GroupOptions

    def see(self, chunk: Chunk) -> Any:
        mark, fields = self.context.mark, self.options.fields
        rows, keys, sides = array("I"), array("Q"), bytearray()
        for record in chunk.records:
            if len(record.raw) < 2:
                continue
            for number, field in enumerate(fields):
                value = mark(field, record.raw)
                if type(value) in (str, int) and value != "":
                    rows.append(record.row)
                    keys.append(group_key(value))
                    split = mark("split", record.raw)
                    sides.append(number << 4 | (_WORDS.get(split.lower(), 0) if type(split) is str else 0))
        return [rows.tobytes(), keys.tobytes(), bytes(sides)]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        groups = self._groups(parts)
        fix = Fix("drop the row on the side of training", False, (Edit("drop"),))
        hits: dict[int, tuple[Member, str, tuple[int | Place, ...]]] = {}
        for members in groups.values():
            training = [member for member in members if member.side == TRAIN]
            beyond = [member for member in members if member.side != TRAIN]
            if not training:  # validation and test
                training = [member for member in members if member.side == VALIDATION]
                beyond = [member for member in members if member.side == TEST]
            if training and beyond:
                for member in training:
                    hits.setdefault(member.row, (member, SIDES[beyond[0].side], (beyond[0].row,)))
        for member, places in self._in_evaluation(groups):
            hits.setdefault(member.row, (member, "evaluation", places))
        for row, record in parts.fetch(sorted(hits)):
            member, side, related = hits[row]
            field = self.options.fields[member.field]
            value = clip(str(self.context.mark(field, record.raw)), 40)
            message = f"{field} '{value}' is in this row of the {SIDES[member.side]} side and on the {side} side too"
            yield row, Hit(f"{message}; keep all of a {field} on one side", related=related, fix=fix)

    def _groups(self, parts: Parts) -> dict[tuple[int, int], list[Member]]:
        """Return the members of every group, ids only."""
        files = {os.path.realpath(file.path): _side(file) for file in parts.files}
        own = {path for given in self.context.references if given.kind == "eval" for path in given.files}
        starts = [(file.first_row, TEST if os.path.realpath(file.path) in own else files[os.path.realpath(file.path)])
                  for file in parts.files]  # fmt: skip
        groups: dict[tuple[int, int], list[Member]] = {}
        for first, (rows, keys, sides) in parts.parts:
            usual = next((side for start, side in reversed(starts) if start <= first), TRAIN)
            for row, key, packed in zip(whole(rows, "I"), whole(keys, "Q"), sides):
                member = Member(first + row, key, packed & 15 or usual, packed >> 4)
                groups.setdefault((member.field, key), []).append(member)
        most = max(FEW, int(self.options.common * parts.rows))
        return {key: members for key, members in groups.items() if len(members) <= most}

    def _in_evaluation(
        self, groups: dict[tuple[int, int], list[Member]]
    ) -> Iterator[tuple[Member, tuple[int | Place, ...]]]:
        """Yield the rows of the training side whose group an evaluation file has, with its places there."""
        references = [given for given in self.context.references if given.kind == "eval"]
        if not references or not groups:
            return
        import numpy as np

        from prepdata.rules.leak._near import place_of

        for given in references:
            reference: Reference = open_reference(given.path)
            listed = list(groups.values())
            found = reference.holders("groups", np.array([members[0].key for members in listed], np.uint64))
            items = reference.array("groups.items")[found.entries].tolist()
            for which, item in zip(found.which.tolist(), items):
                yield from ((member, (place_of(reference, item),)) for member in listed[which] if member.side == TRAIN)


def _side(file: FileInfo) -> int:
    """Return the side that the name of a file tells, the last word of it first; train where it tells none."""
    words = re.findall(r"[a-z]+", PurePath(file.path).name.lower().split(".")[0])
    return next((_WORDS[word] for word in reversed(words) if word in _WORDS), TRAIN)
