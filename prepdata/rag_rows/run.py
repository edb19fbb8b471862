"""`rag_rows`: documents and questions in, rows with context out.

Questions are read once; each is located and laid down in a temporary file. Then it is decided what belongs together
and on which side it goes, and the rows are made one by one. In memory are the documents, and a digest and
a side for every question.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from prepdata.errors import InputError
from prepdata.files import naming
from prepdata.jsontext import json_text
from prepdata.rag_rows.locate import located
from prepdata.rag_rows.make import Made, Maker, Tokens
from prepdata.rag_rows.outputs import Outputs, check, manifest_of, standing, told
from prepdata.rag_rows.questions import Question, question_of
from prepdata.rag_rows.report import RagRowsReport
from prepdata.rag_rows.settings import Asked, Left, Source
from prepdata.rag_rows.shelf import Shelf
from prepdata.rag_rows.sides import ASIDE, Groups, Sides, Wanted, groups_of, sides_of
from prepdata.rag_rows.workplace import workplace
from prepdata.records import Placed, records_of
from prepdata.settings import Settings
from prepdata.splitting import manifest as manifests


class Laid(msgspec.Struct, frozen=True):
    """A question that was located, in the temporary file."""

    line: int | None
    row: int
    question: Question
    source: Source
    raw: dict[str, Any]


def rag_rows(
    documents: str | os.PathLike[str],
    questions: str | os.PathLike[str],
    *,
    output: str | os.PathLike[str],
    asked: Asked | None = None,
    validation: str | float | None = None,
    test: str | float | None = None,
    settings: Settings | None = None,
    shelf: Shelf | None = None,
    dry_run: bool = False,
    force: bool = False,
) -> RagRowsReport:
    """Write rows with context.

    Args:
        documents: folder of documents.
        questions: rows with a question, an answer and a mark that names its source; `-` for standard input.
        output: file for the rows; with a split, `NAME.train.jsonl` and so on are written beside it.
        asked: how rows are to be made; its defaults if None.
        validation, test: share or number of rows of these sides, as for `prepdata.split`; no split if both are None.
        settings: how questions are read (format, columns, longest line).
        shelf: the documents, where they are read already.
        dry_run: True to write nothing that stays.
        force: True to replace files that this command did not write, or that were changed since.

    Returns:
        What was made. Questions that gave no row are in `OUTPUT-NAME.left-out.jsonl`, each with its reason.

    Raises:
        UsageError: values out of range, an output that cannot be, or that would replace a file of others.
        InputError: documents or questions that cannot be read, or a folder without documents.
    """
    asked = (asked or Asked()).checked()
    settings = settings or Settings()
    target = Path(output)
    split = validation is not None or test is not None
    check(target, Path(questions) if str(questions) != "-" else None, Path(documents), split=split, force=force)
    if split:
        manifests.load(manifest_of(target), asked.seed)  # damaged, or of another seed?
    if dry_run:
        how: dict[str, Any] = {
            "asked": asked,
            "validation": validation,
            "test": test,
            "settings": settings,
            "shelf": shelf,
            "force": force,
        }
        return _rehearsed(partial(rag_rows, documents, questions, **how), target)
    report = RagRowsReport()
    shelf = shelf if shelf is not None else _read(documents, asked, report)
    report.documents, report.chunks = len(shelf.chunks), len(shelf.known)
    tokens = _tokens(asked, report)
    with naming(target), contextlib.ExitStack() as stack:
        work = stack.enter_context(workplace(target.parent))
        aside = work / "made"
        aside.mkdir()
        outs = Outputs(target, aside, stack, report)
        report.alike = len(shelf.twins)
        with (work / "questions.jsonl").open("wb") as laid:
            for item in _laid(str(questions), settings, shelf, outs):
                laid.write(json_text(item).encode() + b"\n")
        sides = None
        if split:
            manifest = aside / manifest_of(target).name  # put in its place with the rows that it knows
            if manifest_of(target).is_file():
                shutil.copyfile(manifest_of(target), manifest)
            wanted = Wanted(validation, test, asked.seed)
            sides = sides_of(partial(_again, work), shelf.twins, work, manifest, wanted, report)
        groups = sides.groups if sides is not None else groups_of(_again(work), shelf.twins)
        maker = Maker(shelf, asked, tokens)
        for item, side, made in _made(_again(work), maker, groups, sides):
            if isinstance(made, Left):
                outs.leave(item.line, item.row, made, item.raw)
            else:
                outs.write(side, made.row)
                _count(report, side, made, item, asked)
        outs.settle()
    return report


def _rehearsed(make: Callable[..., RagRowsReport], target: Path) -> RagRowsReport:
    """Make the rows in a folder that is gone afterwards, with what is known of sides from earlier runs."""
    with tempfile.TemporaryDirectory(prefix="prepdata-rag-") as folder:
        place = Path(folder) / target.name
        if (known := manifest_of(target)).is_file():
            shutil.copyfile(known, manifest_of(place))
        report = make(output=place)
        made = [target.with_name(path.name) for path in Path(folder).iterdir()]
    report.notes += told(target, report.rows, *standing(target, made), would=True)
    report.left_file = report.manifest = report.sums = ""
    for side in report.sides.values():
        side.file = ""
    return report


def _read(folder: str | os.PathLike[str], asked: Asked, report: RagRowsReport) -> Shelf:
    """Return the documents of a folder."""
    from prepdata.rag_rows.reading import shelf_of

    return shelf_of(folder, asked, report.unread)


def _tokens(asked: Asked, report: RagRowsReport) -> Tokens | None:
    """Return what counts the tokens of a row, None where it may have any number."""
    if not asked.max_length:
        return None
    from prepdata.tokens import conversation_tokens, open_counter, overhead_for

    counter = open_counter(tokenizer=asked.tokenizer)
    overhead = overhead_for(None)
    if not counter.exact:
        report.notes.append("tokens are estimated; give --tokenizer for exact lengths")
    return lambda messages: conversation_tokens(messages, counter=counter, overhead=overhead)


def _laid(path: str, settings: Settings, shelf: Shelf, outs: Outputs) -> Iterator[Laid]:
    """Yield the questions of a file that can be located; leave the others out.

    Raises:
        InputError: no row of a known format is there.
    """
    seen: dict[bytes, int | None] = {}
    read = False
    for placed in records_of(path, settings):
        outs.report.questions += 1
        read = read or placed.record is not None
        found = _one(placed, shelf, seen)
        if isinstance(found, Left):
            outs.leave(placed.line, placed.row, found, placed.record.raw if placed.record else None)
        else:
            yield found
    if not read:
        raise InputError(f"{path}: no row of a known format with questions; `prepdata validate` says why")


def _one(placed: Placed, shelf: Shelf, seen: dict[bytes, int | None]) -> Laid | Left:
    if placed.record is None:
        return Left("unreadable", placed.reason)
    question = question_of(placed.record)
    if isinstance(question, Left):
        return question
    key = bytes.fromhex(question.key)
    if key in seen:
        return Left("duplicate", f"the same question, answer and source as {_place(seen[key])}")
    seen[key] = placed.line
    source = located(question, shelf)
    return source if isinstance(source, Left) else Laid(placed.line, placed.row, question, source, placed.record.raw)


def _place(line: int | None) -> str:
    return f"line {line:,}" if line is not None else "an earlier row"


def _again(work: Path) -> Iterator[Laid]:
    """Yield the questions of the temporary file."""
    decoder = msgspec.json.Decoder(Laid)
    with (work / "questions.jsonl").open("rb") as file:
        for line in file:
            yield decoder.decode(line)


def _made(
    laid: Iterable[Laid], maker: Maker, groups: Groups, sides: Sides | None
) -> Iterator[tuple[Laid, str, Made | Left]]:
    """Yield every question with its side ("" without a split) and its row, or why it gives none."""
    home = sides.documents if sides is not None else {}
    for number, item in enumerate(laid):
        side = sides.of[number] if sides is not None else ""
        if side == ASIDE:
            yield item, side, Left("ties two sides", "the question ties questions of two sides together")
            continue
        group = groups.of(item.question, item.source)
        yield item, side, maker.made(item.question, item.source, group, _allowed(side, home, maker.asked, groups))


def _allowed(side: str, home: dict[str, set[str]], asked: Asked, groups: Groups) -> Callable[[str], bool]:
    """Return what tells whether passages of a document may be distractors on a side: those that no question of another
    side is about, nor about a document that is nearly the same."""
    if asked.beyond or not side:
        return lambda document: True
    return lambda document: not (home.get(groups.document(document), set()) - {side})


def _count(report: RagRowsReport, name: str, made: Made, item: Laid, asked: Asked) -> None:
    side = report.sides[name]
    side.rows += 1
    side.unanswerable += not made.answerable
    side.about.update(id.rpartition("#")[0] for id in item.source.true)
    report.located = dict(Counter(report.located) + Counter([item.source.how]))
    report.short += made.distractors < asked.distractors
    report.shortened += made.shortened
    report.kept += made.kept
    report.uncited += not made.cited
    report.asking += bool(made.asking)
