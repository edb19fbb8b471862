"""Retrieved context of rows: which passages a row carries, what citations call them, which of them is the true one.

A row carries context if it says so in a field (`passages`, `documents`, `contexts`, ...; `_marked_passages`), if a
system or user turn holds passages that can be told from the rest (`_written_passages`), or if a tool that retrieves has
answered. Fields go before text, and where both are there, fields that lack the text take it from the passage of the
same name. docs/rag.md describes the shapes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from prepdata.alike import alike
from prepdata.chunk import Chunk
from prepdata.record import Message, Record
from prepdata.text import _marked_passages as marked
from prepdata.text import _passage_words as words
from prepdata.text._passage import Block, Passage, named
from prepdata.text._passage_traces import TRACES
from prepdata.text.columns import Column, column, turns
from prepdata.text.search import Search

__all__ = ["Context", "Passage", "context_of", "contexts", "named"]

_SPEAKING = frozenset({"system", "developer", "user"})
_SEARCH = Search(TRACES)


class Context(NamedTuple):
    """The retrieved context of a row.

    Args:
        record: the row.
        before: its turns before the last answer.
        answer: the last answer that is trained on; None where the row ends without one.
        passages: the passages of the last turn that has some, or of the row's field, in order.
        known: ids and names of all passages of the row, in lower case.
        apart: True if the passages can be told apart; False for a block of several paragraphs.
        gold: places of the true passages as the row marks them; empty where it marks that there is none; None where it
            marks nothing.
    """

    record: Record
    before: tuple[Message, ...]
    answer: Message | None
    passages: tuple[Passage, ...]
    known: frozenset[str]
    apart: bool
    gold: frozenset[int] | None

    @property
    def text(self) -> str:
        """All that the answer can be held against: the turns before it, the passages, and their names that are no mere
        numbers."""
        pieces = dict.fromkeys([turn.text for turn in self.before] + [passage.text for passage in self.passages])
        return "\n".join([*pieces, *sorted(name for name in self.known if not name.isdigit())])


def contexts(chunk: Chunk) -> list[Context]:
    """Return the rows of a chunk that carry retrieved context, in order. Use as `chunk.derived(contexts)`."""
    found = (context_of(record) for record in _candidates(chunk))
    return [context for context in found if context is not None]


def _candidates(chunk: Chunk) -> list[Record]:
    """Return the rows that a quick look cannot rule out: by their keys, by traces in their texts, by names of tools."""
    found = chunk.derived(turns)
    wanted = {row for row, name in found.called if _retrieving(name)}
    systems: list[tuple[list[Record], list[str]]] = []
    for group in chunk.derived(alike):
        if marked.may_hold(group.first.raw):
            wanted.update([record.row for record in group.records if marked.holds(record.raw)])
        for place, messages in enumerate(group.turns):
            role = messages[0].role
            if role == "tool" or role == "function":
                signed = [(record, turn.name) for record, turn in zip(group.records, messages) if turn.name is not None]
                wanted.update([record.row for record, name in signed if type(name) is str and _retrieving(name)])
            elif role == "system" or role == "developer":
                systems.append((group.records, group.texts[place]))
    wanted.update([found.prompts.rows[number] for number in _traced(found.prompts)])
    different = list(set[str]().union(*(texts for _, texts in systems)))
    traced = {different[number] for number in _traced(column(different, list(range(len(different)))))}
    if traced:
        wanted.update([row.row for rows, texts in systems for row, text in zip(rows, texts) if text in traced])
    return [record for record in chunk.records if record.row in wanted] if wanted else []


def _traced(texts: Column) -> set[int]:
    """Return the numbers of the texts of a column that hold a trace of passages."""
    return {texts.at(start) for _, start, _ in _SEARCH.find(texts.folded)}


@lru_cache(maxsize=4096)
def _retrieving(name: str) -> bool:
    return re.search(words.RETRIEVING, name[:80], re.IGNORECASE) is not None


def context_of(record: Record) -> Context | None:
    """Return the retrieved context of a row, None if it carries none."""
    prompt, answers = record.split()
    answer = answers[-1] if answers and answers[-1].trained and record.label is not False else None
    blocks = [block for turn in prompt if (block := _in_turn(record, turn)) is not None]
    own, apart = blocks[-1] if blocks else ((), True)
    fields, gold = marked.read(record.raw, own), None
    if fields is not None:
        gold = fields.gold
        if fields.passages:
            own, apart = _filled(fields.passages, own), fields.apart
    known = [named(passage) for block in blocks for passage in block.passages] + [named(passage) for passage in own]
    return Context(record, prompt, answer, tuple(own), frozenset[str]().union(*known), apart, gold) if own else None


def _filled(passages: Sequence[Passage], others: Sequence[Passage]) -> tuple[Passage, ...]:
    """Return passages, those without text with that of the other of the same name."""
    texts = {name: other.text for other in reversed(others) for name in named(other)}
    return tuple(
        passage if passage.text else passage._replace(text=next((texts[n] for n in named(passage) if n in texts), ""))
        for passage in passages
    )


def _in_turn(record: Record, turn: Message) -> Block | None:
    if turn.role in _SPEAKING:
        from prepdata.text import _written_passages as written  # not needed for most files

        block = marked.of_prompt(turn.text.strip(), turn.field)
        return block or (written.read(turn.text, turn.field) if turn.text else None)
    if turn.role in ("tool", "function") and _retrieves(record, turn):
        return marked.of_result(turn.text, turn.field)
    return None


def _retrieves(record: Record, turn: Message) -> bool:
    """True if a result comes from a tool that retrieves, by its own name or that of the call with its id."""
    names: list[Any] = [turn.name]
    calls = [call for message in record.messages for call in message.calls]
    if turn.name is None:
        names = [call.name for call in calls if call.id == turn.call_id or len(calls) == 1]
    return any(type(name) is str and _retrieving(name) for name in names)
