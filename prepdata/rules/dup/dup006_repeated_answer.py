"""DUP006: one answer shared by very many prompts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity
from prepdata.index.columns import digests
from prepdata.index.exact import Joined, low_half, pack_rows, repeated, whole
from prepdata.rules.base import CorpusRule, Count, Options, Parts, Share
from prepdata.rules.dup._answers import BAD, DECLINE, FORMAL, PLAIN, SHORT, flags

SHOWN = 5
CLOSED_SHARE = 0.5


class RepeatedOptions(Options, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of repeated-answer.

    Args:
        min_prompts: different prompts that an answer must be given to.
        min_share: and the share of rows (0-1) that these must be.
        decline_share: the same for answers that decline, which are often worded alike on purpose.
    """

    min_prompts: Count = 10
    min_share: Share = 0.01
    decline_share: Share = 0.1


class RepeatedAnswer(CorpusRule):
    """Finds an answer, the same but for case and punctuation, that is given to very many different prompts.

    By default to at least 10 prompts and 1 % of the rows; below that repetition is ordinary, and one row in a hundred
    is what a model visibly picks up. Answers that decline may reach 10 %. Left alone are answers of up to 40
    characters (labels, numbers, stock phrases), calls and JSON, and sets in which half of the rows share their answer
    with others, since there the answers are a closed list. One finding per answer. Keeps 13 bytes a row.

    Why: the model learns to say it whatever it is asked. Often it is a placeholder, a failed request or a default text
    that a script wrote into every row.
    Bad:
        {"messages": [{"role": "user", "content": "Where is my parcel?"}, {"role": "assistant", "content": "Our team
         will get back to you as soon as possible."}]}
    Good:
        {"messages": [{"role": "user", "content": "Where is my parcel?"}, {"role": "assistant", "content": "It left
         our warehouse on Monday and should arrive tomorrow."}]}
    Fix: none; write real answers, or drop most of the rows.
    Source: thresholds are our own, set on public instruction sets (2026-11).
    """

    code: ClassVar[str] = "DUP006"
    name: ClassVar[str] = "repeated-answer"
    severity: ClassVar[Severity] = "warning"
    heuristic: ClassVar[bool] = True
    Options: ClassVar[type[Options]] = RepeatedOptions
    options: RepeatedOptions

    def see(self, chunk: Chunk) -> Any:
        found = chunk.derived(digests)
        return [pack_rows(found.rows), found.folded_answer.tobytes(), low_half(found.folded_prompt),
                chunk.derived(flags)]  # fmt: skip

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        joined = Joined(parts.parts)
        if len(joined.columns) < 3:
            return
        marks = joined.columns[2]
        total = len(marks)
        least = max(self.options.min_prompts, self.options.min_share * total)
        groups = [g for g in repeated(joined.columns[0]) if len(g) >= 2]
        if not groups or max(map(len, groups)) < least:
            return
        prompts = whole(joined.columns[1], "I")
        shared = [(g, len({prompts[p] for p in g})) for g in groups]
        if sum(len(g) for g, many in shared if many > 1) >= CLOSED_SHARE * total and len(shared) > 1:
            return
        for group, many in shared:
            mark = marks[group[0]]
            if many < least or not mark & PLAIN or mark & (SHORT | FORMAL) or any(marks[p] & BAD for p in group):
                continue
            if mark & DECLINE and many < self.options.decline_share * total:
                continue
            rows = [joined.row(p) for p in group[: SHOWN + 1]]
            said = f"the same answer to {many:,} different prompts ({len(group) / total:.1%} of the rows)"
            yield rows[0], Hit(f"{said}; write answers that fit their prompts, or drop most of them",
                               related=tuple(rows[1:]))  # fmt: skip
