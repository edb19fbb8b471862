"""DUP002: the same row but for case, punctuation, white space and Unicode variants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity
from prepdata.index.columns import digests
from prepdata.index.exact import Joined, low_half, pack_rows, repeated, whole
from prepdata.rules.base import CorpusRule, Options, Parts
from prepdata.rules.dup._keep import KeepOptions, best, dropping, earlier, worth


class FoldedDuplicate(CorpusRule):
    """Finds rows that equal an earlier row but for Unicode form, case, sentence punctuation and white space.

    Numbers, signs and code are never folded: "2+2" is not "2-2", "1.5" not "15", "C" not "C++". Rows that are equal
    to the letter are left to exact-duplicate. Keeps 16 bytes a row.

    Why: such rows come from collecting the same thing twice. They weigh double and hide from an exact comparison.
    Bad:
        {"messages": [{"role": "user", "content": "What's a cat?"}, {"role": "assistant", "content": "An animal."}]}
        {"messages": [{"role": "user", "content": "what’s a cat"}, {"role": "assistant", "content": "An animal"}]}
    Good:
        {"messages": [{"role": "user", "content": "What's 2+2?"}, {"role": "assistant", "content": "A sum."}]}
        {"messages": [{"role": "user", "content": "What's 2-2?"}, {"role": "assistant", "content": "A sum."}]}
    Fix: drops every row but the best (option `keep`). Unsafe: you may prefer another spelling, or want
    both so that spelling does not matter.
    Source: Unicode Standard Annex 15 (NFKC) and Unicode 15.1 section 3.13 (case folding), 2023.
    """

    code: ClassVar[str] = "DUP002"
    name: ClassVar[str] = "folded-duplicate"
    severity: ClassVar[Severity] = "warning"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "unsafe"

    Options: ClassVar[type[Options]] = KeepOptions
    options: KeepOptions

    def see(self, chunk: Chunk) -> Any:
        found = chunk.derived(digests)
        return [pack_rows(found.rows), found.folded.tobytes(), low_half(found.exact), worth(chunk, self.context)]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        joined = Joined(parts.parts)
        groups = repeated(joined.columns[0])
        if not groups:
            return
        exact, worths = whole(joined.columns[1], "I"), whole(joined.columns[2], "I")
        for group in groups:
            equal: dict[int, list[int]] = {}  # rows that are equal to the letter are another rule's, but for one
            for place in group:
                equal.setdefault(exact[place], []).append(place)
            chosen = [best(places, worths, self.options.keep) for places in equal.values()]
            kept = best(chosen, worths, self.options.keep)
            related = (joined.row(kept),)
            for place in sorted(chosen):
                if place != kept:
                    said = f"the same as {earlier(kept, place)} row but for case, punctuation or white space; keep one"
                    yield joined.row(place), Hit(said, related=related, fix=dropping(kept, place))
