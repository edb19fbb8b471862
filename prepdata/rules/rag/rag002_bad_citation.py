"""RAG002: a citation of a passage that is not there, or none where the others have one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, around, clip
from prepdata.rules.base import CorpusRule, Count, Parts
from prepdata.rules.base import Options as Base
from prepdata.rules.cov._share import percent, share
from prepdata.rules.rag._citations import absent
from prepdata.rules.rag._rows import Row, rows
from prepdata.text.lazy import lazily
from prepdata.text.shapes import FORMAL, shape

_YAML = lazily(r"[ ]*(?:- )?[\w.-]{1,60}:(?: [^ ].{0,300})?$|[ ]*- \S.{0,300}$|---$")
"""A line of YAML."""
SHOWN = 3
"""Citations of one answer that are named."""


class BadCitation(CorpusRule):
    """Finds answers that cite a passage their row does not have, and answers without a citation where others cite.

    A citation is `[1]`, `[1, 3]`, `【1】`, `<co: 1>`, or a file name in brackets; numbers in code, indexes such as
    `x[4]` and links are none. Numbers are held against those of the passages, or their places where they have none.
    Answers without a citation are reported where most answers of the data set cite; those that decline need none, nor
    do those that a program reads (JSON, YAML, XML, code). Keeps a few bytes for each row with context whose answer cites nothing or wrongly.

    Why: the model learns that any number will do, or that a source is optional: citations that nobody can check.
    Bad:
        {"messages": [{"role": "user", "content": "Sources:\\n[1] The office opens at nine on weekdays.\\n[2] The office is closed on Sundays.\\n\\nQuestion: When does it open?"}, {"role": "assistant", "content": "At nine [3]."}]}
    Good:
        {"messages": [{"role": "user", "content": "Sources:\\n[1] The office opens at nine on weekdays.\\n[2] The office is closed on Sundays.\\n\\nQuestion: When does it open?"}, {"role": "assistant", "content": "At nine [1]."}]}
    Fix: none; cite the passage that says so.
    Source: Gao et al., Enabling Large Language Models to Generate Text with Citations (ALCE), 2023: citations are
        numbers of the passages that were given.
    """  # noqa: E501

    code: ClassVar[str] = "RAG002"
    name: ClassVar[str] = "bad-citation"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True

    class Options(Base, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Args:
        share: share of answers that cite from which the others should.
        least: answers to a context below which nothing is said of missing citations.
        """

        share: str = "80%"
        least: Count = 20

    def setup(self) -> None:
        self.share = share(self.name, "share", self.options.share)

    def see(self, chunk: Chunk) -> Any:
        cite = 0
        silent: list[list[Any]] = []
        wrong: list[list[Any]] = []
        for row in chunk.derived(rows):
            number = row.context.record.row
            if row.cited:
                cite += 1
                if bad := absent(row.context, row.cited):
                    names = list(dict.fromkeys([one.name for one in bad]))
                    shown = ", ".join(f"'{clip(name, 60)}'" for name in names[:SHOWN])
                    span = bad[0].span
                    wrong.append([number, row.path, span, around(row.answer, span),
                                  shown + ("…" if len(names) > SHOWN else ""), _there(row)])  # fmt: skip
            elif not row.unanswerable and not _formal(row.answer):
                silent.append([number, row.path])
        return [cite, silent, wrong]

    def rows_of(self, part: Any) -> Collection[int]:
        return {entry[0] for entry in (*part[1], *part[2])}

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        cite = sum(part[0] for _, part in parts.parts)
        silent = sum(len(part[1]) for _, part in parts.parts)
        wanted = cite + silent >= max(self.options.least, 1) and cite >= self.share * (cite + silent)
        for start, (_, without, wrong) in parts.parts:
            for row, path, span, excerpt, shown, there in wrong:
                yield (
                    start + row,
                    Hit(f"this answer cites {shown}, but {there}: cite one that is there", path, tuple(span), excerpt),
                )
            for row, path in without if wanted else ():
                yield (
                    start + row,
                    Hit(
                        f"this answer cites nothing, where {percent(cite, cite + silent)} of {cite + silent:,} answers "
                        "to a context cite a passage: add the citation",
                        path,
                    ),
                )


def _formal(answer: str) -> bool:
    """True for an answer that a program reads, in which a citation would be an error."""
    lines = [line for line in answer.strip().split("\n") if line.strip()]
    return shape(answer) in FORMAL or (len(lines) > 1 and all(_YAML.match(line) for line in lines))


def _there(row: Row) -> str:
    """Say which passages a row has."""
    passages = row.context.passages
    names = [passage.id or (passage.names[0] if passage.names else "") for passage in passages]
    if not all(names):
        return f"its context has {len(passages)} passages" if len(passages) != 1 else "its context has one passage"
    shown = ", ".join(f"'{clip(name, 40)}'" for name in names[:5]) + ("…" if len(names) > 5 else "")
    what = "passages of its context are" if len(names) > 1 else "one passage of its context is"
    return f"the {what} {shown}"
