"""Which questions belong together, and on which side of a split they go.

A question belongs to its documents: what a document holds is learnt on one side only. Who goes where is decided by
`prepdata.split`, for the questions as they are without their context: equal and nearly equal questions stay together as
well, and a manifest keeps questions where they are when others are added.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from prepdata.jsontext import json_text
from prepdata.rag_rows.questions import Question
from prepdata.rag_rows.report import RagRowsReport, Side
from prepdata.rag_rows.settings import Source
from prepdata.splitting.assign import SIDES

if TYPE_CHECKING:
    from prepdata.rag_rows.run import Laid

ASIDE = "set-aside"


class Groups:
    """Documents that a question has its answer from together, and questions of one mark `group`.

    Args:
        twins: documents that are nearly the same as another one, which stands for them.
    """

    def __init__(self, twins: Mapping[str, str] | None = None) -> None:
        self.twins = twins or {}
        self.above: dict[str, str] = {f"d{name}": f"d{first}" for name, first in self.twins.items()}

    def document(self, name: str) -> str:
        """Return the document that stands for one and those that are nearly the same."""
        return self.twins.get(name, name)

    def tie(self, question: Question, source: Source) -> None:
        """Tie the documents and the group of a question together."""
        names = _names(question, source)
        for name in names:
            one, other = sorted((self._top(names[0]), self._top(name)))
            self.above[other] = one

    def of(self, question: Question, source: Source) -> str:
        """Return the name of the group of a question: its first document, by name; "" where it has none."""
        names = _names(question, source)
        return self._top(names[0])[1:] if names else ""

    def _top(self, name: str) -> str:
        top = name
        while (above := self.above.setdefault(top, top)) != top:
            top = above
        while name != top:
            self.above[name], name = top, self.above[name]
        return top


def _names(question: Question, source: Source) -> list[str]:
    """Return the documents of a question and its group; documents come first in order."""
    documents = sorted({f"d{id.rpartition('#')[0]}" for id in source.true})
    return [*documents, *([f"g{question.group}"] if question.group else [])]


class Sides(NamedTuple):
    """Sides of questions, and of documents.

    Args:
        of: side of every question, in their order; `ASIDE` for those that tie two sides.
        documents: document (`Groups.document`) -> sides of the questions about it.
    """

    of: list[str]
    documents: dict[str, set[str]]


def sides_of(
    laid: Iterable[Laid],
    groups: Groups,
    work: Path,
    manifest: Path,
    validation: str | float | None,
    test: str | float | None,
    seed: str,
    report: RagRowsReport,
) -> Sides:
    """Return the sides of questions.

    Args:
        laid: the questions.
        groups: what belongs together.
        work: folder for temporary files.
        manifest: what is known of sides, if it is there; what is known afterwards is written there.
        validation, test: shares or numbers of rows.
        seed: another one gives another split.
        report: to which the sides and notes are added; sides that were asked for are among them, be they empty.

    Raises:
        UsageError: shares that do not add up, or a manifest of another seed.
    """
    from prepdata.splitting.run import split

    bare = work / "bare.jsonl"
    known: list[tuple[str, ...]] = []
    with bare.open("wb") as file:
        for number, item in enumerate(laid):
            known.append(tuple({groups.document(id.rpartition("#")[0]): None for id in item.source.true}))
            file.write(json_text(_bare(item, number, groups)).encode() + b"\n")
    if not known:
        return Sides([], {})
    done = split(
        [bare],
        validation=validation,
        test=test,
        salt=seed,
        out_dir=work / "sides",
        manifest=manifest,
        jobs=1,
        cache=False,
    )
    places = array("b", [len(SIDES)]) * len(known)
    decoder = msgspec.json.Decoder(_Numbered)
    for place, name in enumerate(SIDES):
        path = work / "sides" / f"bare.{name}.jsonl"
        report.sides[name] = Side()
        if path.exists():
            with path.open("rb") as lines:
                for line in lines:
                    places[decoder.decode(line).metadata["number"]] = place
    report.sides = {name: side for name, side in report.sides.items() if done.sides[name].files}
    report.notes += [f"left, since both rows had their side before: {said}" for said in done.left[:5]]
    of = [(*SIDES, ASIDE)[place] for place in places]
    documents: dict[str, set[str]] = {}
    for side, names in zip(of, known):
        for name in names:
            documents.setdefault(name, set()).add(side)
    return Sides(of, {name: found - {ASIDE} for name, found in documents.items()})


class _Numbered(msgspec.Struct):
    metadata: dict[str, int]


def _bare(item: Laid, number: int, groups: Groups) -> dict[str, Any]:
    """Return a question as a row without context, with its group."""
    turns = [*item.question.before, ("user", item.question.text), ("assistant", item.question.answer)]
    row: dict[str, Any] = {"messages": [{"role": role, "content": text} for role, text in turns]}
    if group := groups.of(item.question, item.source):
        row["group"] = group
    return {**row, "metadata": {"number": number}}
