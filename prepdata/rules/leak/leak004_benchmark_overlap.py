"""LEAK004: rows that hold items of public benchmarks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Literal

from prepdata.findings import Hit, Severity
from prepdata.index.reference import Reference
from prepdata.rules.leak._near import Overlap, Verdict, overlap_hits


class BenchmarkOverlap(Overlap):
    """Finds texts that cover most of what an item of a benchmark asks, in an index made with `prepdata index build`.

    Compares as near-eval-overlap does, exact copies and examples in prompts included. With the option `preset` a
    published rule decides: `gpt3`, `palm`, `llama2`, `tulu3`, `open-r1`; the index must hold n-grams of that length.

    Why: a model that was trained on a benchmark scores on it what it remembers; the figure says nothing about the task.
    Bad:
        --index: {"question": "A crate holds 14 jars of plum jam and weighs 9 kilograms in all; how heavy is one jar if
         the empty crate weighs 2 kilograms?", "answer": "0.5 kg"}
        {"messages": [{"role": "user", "content": "A crate holds 14 jars of plum jam and weighs 9 kilograms in all; how
         heavy is one jar if the empty crate weighs 2 kilograms?"}, {"role": "assistant", "content": "0.5 kg"}]}
    Good:
        {"messages": [{"role": "user", "content": "How many jars of plum jam fit into a crate?"}, {"role": "assistant",
         "content": "Fourteen."}]}
    Fix: drops the row. Unsafe: only a person can say whether it matters for what will be measured.
    Source: `prepdata/index/presets.py` names the publication of each preset.
    """

    code: ClassVar[str] = "LEAK004"
    name: ClassVar[str] = "benchmark-overlap"
    severity: ClassVar[Severity] = "error"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "unsafe"
    kind: ClassVar[Literal["eval", "index"]] = "index"

    def tell(self, reference: Reference, found: Iterable[Verdict]) -> Iterator[tuple[int | None, Hit]]:
        yield from overlap_hits(reference, found, self.options.numbers)
