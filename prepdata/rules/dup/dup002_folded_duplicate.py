"""DUP002: the same row but for case, punctuation, white space and Unicode variants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from prepdata.chunk import Chunk
from prepdata.findings import Edit, Fix, Hit, Severity
from prepdata.index.columns import digests
from prepdata.index.exact import Joined, low_half, pack_rows, repeated, whole
from prepdata.rules.base import CorpusRule, Parts


class FoldedDuplicate(CorpusRule):
    """Finds rows that equal an earlier row but for Unicode form, case, sentence punctuation and white space.

    Numbers, signs and code are never folded: "2+2" is not "2-2", "1.5" not "15", "C" not "C++". Rows that are equal
    to the letter are left to exact-duplicate. Keeps 12 bytes a row.

    Why: such rows come from collecting the same thing twice. They weigh double and hide from an exact comparison.
    Bad:
        {"messages": [{"role": "user", "content": "What's a cat?"}, {"role": "assistant", "content": "An animal."}]}
        {"messages": [{"role": "user", "content": "what’s a cat"}, {"role": "assistant", "content": "An animal"}]}
    Good:
        {"messages": [{"role": "user", "content": "What's 2+2?"}, {"role": "assistant", "content": "A sum."}]}
        {"messages": [{"role": "user", "content": "What's 2-2?"}, {"role": "assistant", "content": "A sum."}]}
    Fix: drops the later row. Unsafe: you may prefer the later spelling, or want both so that spelling does not matter.
    Source: Unicode Standard Annex 15 (NFKC) and Unicode 15.1 section 3.13 (case folding), 2023.
    """

    code: ClassVar[str] = "DUP002"
    name: ClassVar[str] = "folded-duplicate"
    severity: ClassVar[Severity] = "warning"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "unsafe"

    def see(self, chunk: Chunk) -> Any:
        found = chunk.derived(digests)
        return [pack_rows(found.rows), found.folded.tobytes(), low_half(found.exact)]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        joined = Joined(parts.parts)
        groups = repeated(joined.columns[0])
        if not groups:
            return
        exact = whole(joined.columns[1], "I")
        fix = Fix("drop this copy", False, (Edit("drop"),))
        for group in groups:
            seen = {exact[group[0]]}
            first = joined.row(group[0])
            for place in group[1:]:
                if exact[place] in seen:
                    continue
                seen.add(exact[place])
                yield (
                    joined.row(place),
                    Hit("the same as an earlier row but for case, punctuation or white space; keep one",
                        related=(first,), fix=fix),
                )  # fmt: skip
