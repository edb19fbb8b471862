"""DUP005: a conversation that is the beginning of another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from prepdata.chunk import Chunk
from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.index.columns import digests
from prepdata.index.exact import Joined, pack_rows, whole
from prepdata.rules.base import CorpusRule, Parts


class ConversationPrefix(CorpusRule):
    """Finds conversations that are the beginning of a longer one, turn by turn up to an answer.

    Keeps 8 bytes a row, and 12 for every answer but the last of a conversation.

    Why: the longer row already teaches the shorter one, whose turns are then learnt twice. Common where a log was
    saved after every turn. It is no mistake where only the last answer of each row is trained on.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}, {"role": "user",
         "content": "Bye"}, {"role": "assistant", "content": "See you."}]}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}, {"role": "user",
         "content": "Bye"}, {"role": "assistant", "content": "See you."}]}
    Fix: drops the shorter row. Unsafe, since short conversations may be wanted for themselves.
    Source: no outside source; follows from the loss being taken over every assistant turn.
    """

    code: ClassVar[str] = "DUP005"
    name: ClassVar[str] = "conversation-prefix"
    severity: ClassVar[Severity] = "info"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "unsafe"

    def see(self, chunk: Chunk) -> Any:
        found = chunk.derived(digests)
        return [pack_rows(found.rows), found.exact.tobytes(), found.beginnings.tobytes(), found.owners.tobytes()]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        longer: dict[int, int] = {}
        for first_row, part in parts.parts:
            for number, row in zip(whole(part[2], "Q"), whole(part[3], "I"), strict=True):
                longer.setdefault(number, first_row + row)
        if not longer:
            return
        joined = Joined([(row, part[:2]) for row, part in parts.parts])
        fix = Fix("drop the shorter conversation", False, (Edit("drop"),))
        numbers = whole(joined.columns[0], "Q")
        if longer.keys().isdisjoint(numbers):
            return
        for place, number in enumerate(numbers):
            if number in longer:
                yield (
                    joined.row(place),
                    Hit("this conversation is the beginning of another, which teaches the same turns; keep the longer "
                        "one", related=(longer[number],), fix=fix),
                )  # fmt: skip
