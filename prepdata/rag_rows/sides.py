"""Which questions belong together, and on which side of a split they go.

A question belongs to its documents: what a document holds is learnt on one side only. Who goes where is decided by
`prepdata.split`, for the questions as they are without their context: equal and nearly equal questions stay together as
well, and a manifest keeps questions where they are when others are added.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    from prepdata.splitting.report import SplitReport

ASIDE = "set-aside"
_MOST_ROUNDS = 5
_TEMPORARY = re.compile(r"\S*\.prepdata-\S*")


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

    def ties(self, question: Question, source: Source) -> bool:
        """Return whether a question ties anything together."""
        return len(_names(question, source)) > 1

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
        groups: what the questions with a side tie together.
    """

    of: list[str]
    documents: dict[str, set[str]]
    groups: Groups


class Wanted(NamedTuple):
    """Shares or numbers of rows, as for `prepdata.split`; another seed gives another split."""

    validation: str | float | None
    test: str | float | None
    seed: str


def groups_of(laid: Iterable[Laid], twins: Mapping[str, str]) -> Groups:
    """Return what questions tie together."""
    groups = Groups(twins)
    for item in laid:
        groups.tie(item.question, item.source)
    return groups


def sides_of(
    laid: Callable[[], Iterable[Laid]],
    twins: Mapping[str, str],
    work: Path,
    manifest: Path,
    wanted: Wanted,
    report: RagRowsReport,
) -> Sides:
    """Return the sides of questions. A question that ties two sides gets none, and then ties nothing: the others are
    split once more without it.

    Args:
        laid: gives the questions, as often as it is called.
        twins: as for `Groups`.
        work: folder for temporary files.
        manifest: what is known of sides, if it is there; what is known afterwards is written there.
        wanted: rows that the sides are to have.
        report: to which the sides and notes are added; sides that were asked for are among them, be they empty.

    Raises:
        UsageError: shares that do not add up, or a manifest of another seed.
    """
    before = manifest.read_bytes() if manifest.exists() else None
    aside: set[int] = set()
    for number in range(_MOST_ROUNDS):
        groups = groups_of((item for place, item in enumerate(laid()) if place not in aside), twins)
        place = work / f"round{number}"
        place.mkdir()
        split = _Split(laid(), groups, aside, place / "bare.jsonl")
        if not split.lines:
            break
        split.run(manifest, wanted)
        tying = {which for which in split.left() if split.tying[which]}
        if not tying or number == _MOST_ROUNDS - 1:
            break
        aside |= tying
        if before is None:
            manifest.unlink()
        else:
            manifest.write_bytes(before)
    if split.lines:
        split.tell(report, work, wanted)
    of = split.sides
    if ASIDE in of:
        groups = groups_of((item for side, item in zip(of, laid()) if side != ASIDE), twins)
    documents: dict[str, set[str]] = {}
    for side, item in zip(of, laid()):
        for id in item.source.true if side != ASIDE else ():
            documents.setdefault(groups.document(id.rpartition("#")[0]), set()).add(side)
    return Sides(of, documents, groups)


class _Split:
    """One split of the questions without their context.

    Args:
        laid: the questions.
        groups: what belongs together.
        aside: numbers of questions that are left out.
        bare: file for the questions.
    """

    def __init__(self, laid: Iterable[Laid], groups: Groups, aside: set[int], bare: Path) -> None:
        self.bare = bare
        self.lines: list[int | None] = []
        self.tying: list[bool] = []
        with bare.open("wb") as file:
            for number, item in enumerate(laid):
                self.tying.append(groups.ties(item.question, item.source))
                if number not in aside:
                    self.lines.append(item.line)
                    file.write(json_text(_bare(item, number, groups)).encode() + b"\n")
        self.sides = [ASIDE] * len(self.tying)

    def run(self, manifest: Path, wanted: Wanted) -> None:
        """Give the questions their sides."""
        self.manifest, folder = manifest, self.bare.parent / "sides"
        self.done = self._split(wanted, folder, manifest)
        places = array("b", [len(SIDES)]) * len(self.sides)
        decoder = msgspec.json.Decoder(_Numbered)
        for place, name in enumerate(SIDES):
            path = folder / f"bare.{name}.jsonl"
            if path.exists():
                with path.open("rb") as rows:
                    for row in rows:
                        places[decoder.decode(row).metadata["number"]] = place
        self.sides = [(*SIDES, ASIDE)[place] for place in places]

    def _split(self, wanted: Wanted, folder: Path, manifest: Path, *, dry_run: bool = False) -> SplitReport:
        from prepdata.splitting.run import split

        return split(
            [self.bare],
            validation=wanted.validation,
            test=wanted.test,
            salt=wanted.seed,
            out_dir=folder,
            manifest=manifest,
            jobs=1,
            cache=False,
            dry_run=dry_run,
        )

    def left(self) -> list[int]:
        """Return the questions without a side."""
        return [number for number, side in enumerate(self.sides) if side == ASIDE]

    def tell(self, report: RagRowsReport, work: Path, wanted: Wanted) -> None:
        """Add the sides that were asked for to the report, what stays torn, and what the manifest keeps from being as
        it was asked for: sides that would have been nearer to it without a manifest."""
        sides = self.done.sides
        report.sides = {name: Side() for name in SIDES if sides[name].files}
        if self.done.known and any(side.rows != side.asked for side in sides.values()):
            anew = self._split(wanted, work / "anew", work / "no-manifest.jsonl", dry_run=True).sides
            for name, side in report.sides.items():
                asked = sides[name].asked
                if name != "train" and abs(anew[name].rows - asked) < abs(sides[name].rows - asked):
                    side.held = asked
        for said in self.done.left[:5]:
            report.notes.append(f"left, since both rows had their side before: {_told(said, self.bare, self.lines)}")


def _told(said: str, bare: Path, lines: Sequence[int | None]) -> str:
    """Return what a split says of its files, which are temporary, as said of the questions."""
    place, _, rest = said.removeprefix(f"{bare}:").partition(": ")
    line = lines[int(place) - 1] if place.isdecimal() and rest else None
    rest = rest or said
    return (f"question of line {line:,}: " if line is not None else "") + _TEMPORARY.sub("a question", rest)


class _Numbered(msgspec.Struct):
    metadata: dict[str, int]


def _bare(item: Laid, number: int, groups: Groups) -> dict[str, Any]:
    """Return a question as a row without context, with its group."""
    turns = [*item.question.before, ("user", item.question.text), ("assistant", item.question.answer)]
    row: dict[str, Any] = {"messages": [{"role": role, "content": text} for role, text in turns]}
    if group := groups.of(item.question, item.source):
        row["group"] = group
    return {**row, "metadata": {"number": number}}
