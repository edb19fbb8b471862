"""Held-out rows: what is asked, what is expected. Any format that prepdata reads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from prepdata.errors import InputError, UsageError
from prepdata.formats import get
from prepdata.formats.base import Lossy
from prepdata.formats.writing import Ids, chat_messages, chat_tools
from prepdata.parse import parse
from prepdata.record import Message, Record
from prepdata.render.errors import TemplateRefusal
from prepdata.rules.base import Context
from prepdata.runner import detected
from prepdata.settings import Settings
from prepdata.sources import Source, discover, open_source
from prepdata.splitting.rows import UNREAD
from prepdata.training.reading import OWN, read
from trainers.record import DataInfo, hash_all, hash_of

EXPECTED = ("facts", "schema", "scorer", "label", "negative", "category", "tags")
"""Row marks that scorers read."""
_PLACES = 3
"""Places of rows left out that a message names for each reason."""


class HeldOut(NamedTuple):
    """A row to be asked.

    Args:
        id: its mark `id`, else the first 16 digits of `doc_hash`; a second row of the same id ends in `#2`.
        messages: the turns before the last answer, as role/content objects.
        reference: text of that answer; where there is none, the mark `label`.
        tools: declared tools as function specifications, () for none.
        expected: those of the marks `EXPECTED` that the row has, and under `calls` the tool calls of the answer, each
            with `name` and `arguments` as written.
        group: mark `group`, what the row comes from; "" where there is none.
        doc_hash, target_hash: sha256 of what the row asks and expects, and of the reference.
        place: `FILE:LINE`, or `FILE[RECORD]`.
        gold: what holds the answer, as the row marks it (`gold`, else `source`): names of documents or passages, each
            with a text of it ("" for all); () if it does not say. It is no part of what is asked.
    """

    id: str
    messages: tuple[dict[str, Any], ...]
    reference: str
    tools: tuple[dict[str, Any], ...]
    expected: dict[str, Any]
    group: str
    doc_hash: str
    target_hash: str
    place: str
    gold: tuple[tuple[str, str], ...] = ()


class HeldOutSet(NamedTuple):
    """A held-out file: its rows, what the record says of it, and places of the rows left out by reason."""

    rows: tuple[HeldOut, ...]
    info: DataInfo
    left_out: dict[str, tuple[str, ...]]

    def said(self) -> Iterator[str]:
        """Yield one line for each reason for which rows are not asked."""
        for reason, number in self.info.skipped.items():
            places = ", ".join(self.left_out[reason])
            more = f" and {number - _PLACES:,} more" if number > _PLACES else ""
            yield f"{number:,} row{'' if number == 1 else 's'} not asked: {reason} ({places}{more})"


def read_rows(path: str | os.PathLike[str], settings: Settings | None = None) -> HeldOutSet:
    """Return the rows of a held-out file.

    Args:
        path: a file of any format that prepdata reads; "-" for standard input.
        settings: `format`, `columns`, `marks` and `max_line_bytes` are taken from it.

    Raises:
        InputError: it cannot be read whole, or holds no row that can be asked; says why.
    """
    reader = _opened(path, settings or Settings())
    rows = tuple(reader.rows())
    info = reader.info(hash_all([f"{row.id} {row.doc_hash}" for row in rows]))
    found = HeldOutSet(rows, info, reader.places())
    if not rows:
        why = "; ".join(found.said()) or "the file has no rows"
        raise InputError(f"{path}: nothing to ask: {why}. Give rows that end with the answer to be expected.")
    return found


def read_sets(
    test: str | os.PathLike[str], retention: str | os.PathLike[str] | None, settings: Settings, *, mark: str = ""
) -> tuple[HeldOutSet, HeldOutSet | None]:
    """Return the held-out rows and those of the retention set, if there is one.

    Args:
        test, retention: the files.
        settings: how they are read.
        mark: what stands before the names of the two where the user gives them ("--" for flags).

    Raises:
        UsageError: both are the same rows; and as `read_rows`.
    """
    held = read_rows(test, settings)
    kept = read_rows(retention, settings) if retention is not None else None
    if kept is not None and held.info.sha256 is not None and kept.info.sha256 == held.info.sha256:
        raise UsageError(
            f"{mark}test {test} and {mark}retention {retention} are the same rows: retention rows are of "
            "what the model could do before and is not trained for"
        )
    return held, kept


def read_texts(path: str | os.PathLike[str], settings: Settings | None = None) -> tuple[tuple[str, ...], DataInfo]:
    """Return the texts of a file of rows such as {"text": "..."}, and what the record says of it.

    Raises:
        InputError: it cannot be read whole, or not every row is a text.
    """
    reader = _opened(path, settings or Settings())
    texts = tuple(reader.texts())
    if not texts or reader.left_out:
        why = "; ".join(HeldOutSet((), reader.info(hash_all(texts)), reader.places()).said()) or "the file has no rows"
        raise InputError(f"{path}: no file of texts: {why}")
    return texts, reader.info(hash_all([hash_of(text) for text in texts]))


def _opened(path: str | os.PathLike[str], settings: Settings) -> _Reader:
    inputs = discover([os.fspath(path)])
    if len(inputs) != 1:
        raise InputError(f"{path}: {'no data file' if not inputs else 'several data files'} there; give one file")
    return _Reader(open_source(inputs[0], settings), settings)


class _LeftOut(Exception):
    """A row that cannot be asked; says why."""


class _Reader:
    """Reads one file; keeps the places of rows that are left out, by reason."""

    def __init__(self, source: Source, settings: Settings) -> None:
        self.source = source
        self.context = Context(marks=settings.marks, columns=settings.columns)
        name = settings.format if settings.format != "auto" else detected(source, settings.columns)
        self.expected = get(name, settings.columns) if name else None
        self.read = 0
        self.left_out: dict[str, list[str]] = {}
        self.ids: dict[str, int] = {}

    def rows(self) -> Iterator[HeldOut]:
        """Yield the rows that can be asked, in order."""
        for record, place in self.records():
            try:
                yield self.row(record, place)
            except _LeftOut as left:
                self.leave(str(left), place)

    def texts(self) -> Iterator[str]:
        """Yield the texts of rows that are nothing but a text, in order."""
        for record, place in self.records():
            if record.format == "text" and record.messages and record.messages[0].text.strip():
                yield record.messages[0].text
            else:
                self.leave('it is no text (a row such as {"text": "..."})', place)

    def records(self) -> Iterator[tuple[Record, str]]:
        """Yield the rows that can be read, each with its place."""
        line = 0
        for raw in self.source.chunks():
            self.refuse({fact.kind for fact in raw.facts})
            chunk, row_lines = parse(raw.load(), raw.rows, raw.lines, self.expected)
            records = {record.row: record for record in chunk.records}
            facts = {fact.row: fact.kind for fact in reversed(chunk.facts) if fact.row is not None}
            for number, local in enumerate(row_lines):
                place = self.place(line + local + 1)
                self.read += 1
                record = records.get(number)
                if record is None:
                    kind = facts.get(number, "unknown")
                    self.leave(f"it cannot be read ({kind}; `prepdata validate` says more)", place)
                else:
                    yield record, place
            line += raw.lines
        self.refuse({fact.kind for fact in self.source.facts})

    def info(self, digest: str) -> DataInfo:
        """Return what the record says of the file, which was read to its end."""
        skipped = {reason: len(places) for reason, places in self.left_out.items()}
        return DataInfo(
            path=Path(self.source.path).name, sha256=self.source.sha256, rows=self.read, hash=digest, skipped=skipped
        )

    def places(self) -> dict[str, tuple[str, ...]]:
        """Return the first places of rows left out, by reason."""
        return {reason: tuple(places[:_PLACES]) for reason, places in self.left_out.items()}

    def place(self, line: int) -> str:
        """Return the name of the row that comes next."""
        return f"{self.source.path}:{line}" if self.source.has_lines else f"{self.source.path}[{self.read}]"

    def refuse(self, kinds: set[str]) -> None:
        """Raise if a part of the file cannot be read."""
        if lacking := kinds & UNREAD:
            raise InputError(f"{self.source.path}: a part of it cannot be read ({', '.join(sorted(lacking))})")

    def leave(self, reason: str, place: str) -> None:
        """Note that a row is not asked."""
        self.left_out.setdefault(reason, []).append(place)

    def row(self, record: Record, place: str) -> HeldOut:
        """Return a row as it is asked.

        Raises:
            _LeftOut: it cannot be; says why.
        """
        if record.format == "text":
            raise _LeftOut("it is a text without a question")
        if record.label is False:
            raise _LeftOut("its answer is marked as a bad one")
        try:
            prompt, answer = _sides(record)
            tools = tuple(chat_tools(record))
        except (Lossy, TemplateRefusal) as error:
            said = error.args[0] if isinstance(error.args[0], str) else "; ".join(map(str, error.args[0]))
            raise _LeftOut(f"it cannot be asked as chat: {said[:200]}") from error
        expected = {name: value for name in EXPECTED if (value := self.context.mark(name, record.raw)) is not None}
        if type(expected.get("label")) is bool:  # good or bad, of the answer
            del expected["label"]
        reference = "\n".join(message.text for message in answer)
        calls = [{"name": call.name, "arguments": call.arguments} for message in answer for call in message.calls]
        if calls:
            expected["calls"] = calls
        if not reference.strip() and not calls:
            label = expected.get("label")
            reference = label if type(label) is str else ""
        if not any(turn.get("role") == "user" for turn in prompt):
            raise _LeftOut("there is no turn of a user before the answer")
        if not reference.strip() and not calls:
            raise _LeftOut("it has no reference: neither an answer at its end nor a label")
        asked: dict[str, Any] = {"messages": prompt, "reference": reference, "tools": tools, "expected": expected}
        doc_hash = hash_of(asked)
        group = self.context.mark("group", record.raw)
        return HeldOut(
            id=self.name(self.context.mark("id", record.raw), doc_hash),
            messages=tuple(prompt),
            reference=reference,
            tools=tools,
            expected=expected,
            group=str(group) if type(group) in (str, int) else "",
            doc_hash=doc_hash,
            target_hash=hash_of(reference),
            place=place,
            gold=self.gold(record.raw),
        )

    def gold(self, raw: dict[str, Any]) -> tuple[tuple[str, str], ...]:
        """Return what holds the answer, as the row marks it; ids of passages of its own stand for their source."""
        marked = self.context.mark("gold", raw)
        if marked is None:
            marked = self.context.mark("source", raw)
        shown = self.context.mark("passages", raw)
        sources = {
            str(one["id"]): one["source"]
            for one in (shown if isinstance(shown, list) else ())
            if isinstance(one, dict) and "id" in one and isinstance(one.get("source"), str)
        }
        found = []
        for one in marked if isinstance(marked, list) else [marked]:
            if isinstance(one, dict) and isinstance(one.get("source"), str):
                text = one.get("text")
                found.append((one["source"], " ".join(text.split()) if isinstance(text, str) else ""))
            elif type(one) in (str, int) and one != "":
                found.append((sources.get(str(one), str(one)), ""))
        return tuple(dict.fromkeys(found))

    def name(self, mark: Any, doc_hash: str) -> str:
        """Return the id of a row, one of its own."""
        found = str(mark) if type(mark) in (str, int) and mark != "" else doc_hash[:16]
        number = self.ids[found] = self.ids.get(found, 0) + 1
        return found if number == 1 else self.name(f"{found}#{number}", doc_hash)


def _sides(record: Record) -> tuple[list[dict[str, Any]], Sequence[Message]]:
    """Return the turns before the last answer as chat, and that answer.

    Turns of chat rows are taken as they stand, as trainers take them; other formats are written as chat.

    Raises:
        Lossy, TemplateRefusal: they cannot be said as chat.
    """
    before, answer = record.split()
    if record.format in OWN:
        reading = read(record)
        given = reading.prompt if reading.messages is None else reading.messages
        if isinstance(given, list):
            kept = given[: len(before)]
            if all(isinstance(turn, dict) and isinstance(turn.get("role"), str) for turn in kept):
                return kept, answer
            raise TemplateRefusal("a turn has no role")
    return chat_messages(before, Ids()), answer
