"""COV009: every prompt leads to a call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity
from prepdata.record import Message, Record
from prepdata.rules.base import CorpusRule, Count, Parts
from prepdata.rules.base import Options as Base
from prepdata.rules.cov._share import EXAMPLES, first
from prepdata.text.columns import turns
from prepdata.text.negatives import refusing


class AlwaysCallsTool(CorpusRule):
    """Finds tool data sets in which every user turn is answered by a call, and none directly.

    Looked at are the rows that declare tools; where no row does, all rows. A call of a tool such as `reject_request` or
    `ask_user` counts as a direct answer. Says nothing below 20 such rows. Keeps a few numbers a chunk.

    Why: the model learns that there is always a call to make: it calls a tool for "thank you", or one that does not
        fit, with invented arguments.
    Bad:
        {"note": "20 rows with tools, each with a call after every question"}
    Good:
        {"messages": [{"role": "user", "content": "Thanks!"}, {"role": "assistant", "content": "You're welcome."}], "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": {}}}]}
    Fix: none; add rows with tools in which the right answer needs none, or asks for a missing argument.
    Source: Patil et al., Berkeley Function-Calling Leaderboard, 2024: relevance detection is a category of its own.
    """  # noqa: E501

    code: ClassVar[str] = "COV009"
    name: ClassVar[str] = "always-calls-tool"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        least: rows with tools below which the rule keeps silent.
        """

        least: Count = 20

    def see(self, chunk: Chunk) -> Any:
        offered = [record for record in chunk.records if record.tools]
        calling = {row for row, _ in chunk.derived(turns).called}
        bare = [record for record in chunk.records if not record.tools and record.row in calling]
        plain = len(chunk.records) - len(offered) - len(bare)
        return [*_counts(offered), *_counts(bare), plain]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        offered = [0, 0, 0]
        bare = [0, 0, 0]
        plain = 0
        examples: list[int] = []
        bare_examples: list[int] = []
        for start, (a, b, c, shown, d, e, f, bare_shown, others) in parts.parts:
            offered = [x + y for x, y in zip(offered, (a, b, c))]
            bare = [x + y for x, y in zip(bare, (d, e, f))]
            plain += others
            examples = first(shown, start, examples)
            bare_examples = first(bare_shown, start, bare_examples)
        if not offered[0] and not plain:
            offered, examples = bare, bare_examples
        rows, asked, direct = offered
        if rows < self.options.least or direct or not asked:
            return
        yield (
            None,
            Hit(
                f"all {asked:,} user turns in {rows:,} rows with tools lead to a call: a model learns to call always. "
                "Add rows in which the right answer needs no tool",
                related=tuple(examples),
            ),
        )


def _counts(records: list[Record]) -> tuple[int, int, int, list[int]]:
    """Return (rows, user turns that are answered, those answered directly, first rows)."""
    asked = direct = 0
    for record in records:
        waiting = False
        for message in (*record.messages, *record.chosen):
            if message.role == "user":
                waiting = True
            elif message.role == "assistant" and waiting:
                waiting = False
                asked += 1
                direct += _is_direct(message)
    return len(records), asked, direct, [record.row for record in records[:EXAMPLES]]


def _is_direct(message: Message) -> bool:
    return not message.calls or any(isinstance(c.name, str) and refusing(c.name) for c in message.calls)
