"""What was made, and what was not, for people and programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from prepdata.findings import plural


class Side(msgspec.Struct, kw_only=True):
    """One file of rows.

    Args:
        file: its path; "" where it was not written.
        rows: rows; `unanswerable` of them have a context that does not hold the answer.
        held: rows that were asked for, where the manifest keeps questions on other sides and it got more or fewer for
            that; None otherwise.
        about: documents whose passages hold the answers there, also those that were taken out.
    """

    file: str = ""
    rows: int = 0
    unanswerable: int = 0
    held: int | None = None
    about: set[str] = set()


class RagRowsReport(msgspec.Struct, kw_only=True):
    """What a run did.

    Args:
        questions: rows read.
        documents, chunks: of the folder.
        sides: by name, also those that were asked for and got no row; "" where there is no split.
        located: rows whose true passages were named (`mark`) or found in their document (`overlap`).
        left: kind of reason -> questions that gave no row; `left_file` holds them, "" where there are none.
        short: rows with fewer distractors than asked for; `shortened` passages were taken out for the length of rows.
        kept: rows that were to be unanswerable, and keep their answer since no decline in their language, or in the
            form of their answer (JSON), is known.
        uncited: answers that took no citation.
        alike: documents that are nearly the same as another one, whose side they share.
        asking: rows with a passage that has a line like "Question:".
        unread: files of the folder that were not read, with reasons.
        notes: what else there is to know.
        manifest: file that remembers the sides, "" without a split.
        sums: file that knows what was written, "" where nothing was.
    """

    questions: int = 0
    documents: int = 0
    chunks: int = 0
    sides: dict[str, Side] = {}
    located: dict[str, int] = {}
    left: dict[str, int] = {}
    left_file: str = ""
    short: int = 0
    shortened: int = 0
    kept: int = 0
    uncited: int = 0
    alike: int = 0
    asking: int = 0
    unread: list[str] = []
    notes: list[str] = []
    manifest: str = ""
    sums: str = ""

    @property
    def rows(self) -> int:
        """Rows made."""
        return sum(side.rows for side in self.sides.values())

    @property
    def exit_code(self) -> int:
        """1 where a question gave no row."""
        return int(bool(self.left))


def described(report: RagRowsReport, distractors: int) -> Iterator[str]:
    """Yield what a run did, for people."""
    yield (
        f"{plural(report.documents, 'document')}, {plural(report.chunks, 'passage')}; "
        f"{plural(report.questions, 'question')}, {plural(report.rows, 'row')}"
    )
    for name, side in report.sides.items():
        yield from _side(name, side)
    if found := report.located.get("overlap"):
        yield f"true passage found by what the answer shares with its document: {plural(found, 'row')}"
    if report.alike:
        yield f"nearly the same as another document, and on its side: {plural(report.alike, 'document')}"
    if report.short:
        yield f"fewer than {plural(distractors, 'distractor')}: {plural(report.short, 'row')}"
    if report.shortened:
        yield f"taken out, so that rows are not too long: {plural(report.shortened, 'distractor')}"
    if report.kept:
        yield (
            f"answered, though drawn as unanswerable, as no decline in their language or form is known: {report.kept:,}"
        )
    if report.uncited:
        yield f"without a citation, which would break the answer (JSON): {plural(report.uncited, 'row')}"
    if report.asking:
        yield f"a passage has a line like 'Question:'; that of the row is the last: {plural(report.asking, 'row')}"
    yield from report.notes
    for line in report.unread[:5]:
        yield f"document left out: {line}"
    if len(report.unread) > 5:
        yield f"document left out: {len(report.unread) - 5:,} more"
    for kind, number in sorted(report.left.items(), key=lambda item: (-item[1], item[0])):
        yield f"left out: {number:,} x {kind}"
    written = [side.file for side in report.sides.values() if side.file]
    files = [file for file in (*written, report.left_file, report.manifest, report.sums) if file]
    yield f"written: {', '.join(files)}" if files else "nothing was written"


def _side(name: str, side: Side) -> Iterator[str]:
    what = f"{name}: " if name else ""
    if side.rows:
        yield (
            f"{what}{plural(side.rows, 'row')} about {plural(len(side.about), 'document')}, "
            f"{side.unanswerable:,} of them unanswerable"
        )
    if side.held is not None:
        yield (
            f"{what}{plural(side.held, 'row')} {'was' if side.held == 1 else 'were'} asked for, but the manifest keeps "
            "questions on the sides that they had; move it away to draw anew"
        )
    elif not side.rows:
        why = "the others take them all" if name == "train" else "what belongs together stays on one side"
        yield f"{what}no row, though it was asked for: {why}"


def as_json(report: RagRowsReport) -> dict[str, Any]:
    """Return a report as plain values."""
    return {**msgspec.to_builtins(report, order="sorted"), "rows": report.rows}
