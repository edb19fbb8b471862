"""LEAK002: rows that hold most of what an evaluation item asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Literal

from prepdata.findings import Hit, Severity
from prepdata.index.reference import Reference
from prepdata.rules.leak._near import Overlap, Verdict, overlap_hits


class NearEvalOverlap(Overlap):
    """Finds texts that cover most of a prompt of an evaluation file (`--eval`), whichever turn they are in.

    Words are compared in runs of five without case and punctuation, so a prompt is found in the middle of a long text,
    in another order, cut off or lightly edited. Runs that many rows or many items have are template text and do not
    count. A row that asks the same with other numbers is told as info and is not dropped. Questions in altogether
    other words are not found; for that there is semantic-overlap. Keeps 16 bytes for each text that shares a run, and
    4 for each run.

    Why: the model has seen the question, so the evaluation measures memory. The result looks better than it is.
    Bad:
        --eval: {"messages": [{"role": "user", "content": "A crate holds 14 jars of plum jam and weighs 9 kilograms in
         all; how heavy is one jar if the crate weighs 2 kilograms?"}, {"role": "assistant", "content": "0.5 kg"}]}
        {"messages": [{"role": "user", "content": "Solve this. A crate holds 14 jars of plum jam, and weighs 9
         kilograms in all; how heavy is each jar if the crate weighs 2?"}, {"role": "assistant", "content": "0.5 kg"}]}
    Good:
        {"messages": [{"role": "user", "content": "How many jars of plum jam fit into a crate?"}, {"role": "assistant",
         "content": "Fourteen."}]}
    Fix: drops the row. Unsafe: only a person can say whether the row or the evaluation item should go.
    Source: Lambert et al. 2024 (Tulu 3) measure the covered share of an item; run length and thresholds are our own.
    """

    code: ClassVar[str] = "LEAK002"
    name: ClassVar[str] = "near-eval-overlap"
    severity: ClassVar[Severity] = "error"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "unsafe"
    kind: ClassVar[Literal["eval", "index"]] = "eval"

    def tell(self, reference: Reference, found: Iterable[Verdict]) -> Iterator[tuple[int | None, Hit]]:
        left = (verdict for verdict in found if not verdict.exact and not verdict.example)
        yield from overlap_hits(reference, left, self.options.numbers)
