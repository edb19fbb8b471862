"""DUP001: the same messages and tools as an earlier row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity
from prepdata.index.columns import digests
from prepdata.index.exact import Joined, pack_rows, repeated, whole
from prepdata.rules.base import CorpusRule, Options, Parts
from prepdata.rules.dup._keep import KeepOptions, best, dropping, earlier, worth


class ExactDuplicate(CorpusRule):
    """Finds rows with the same messages, tools, media, weights and label as an earlier row.

    Compared is what a row says: key order, row marks such as `id`, ids of calls and the row format do not count.
    Keeps 12 bytes a row.

    Why: a row that is there twice is learnt twice as hard, is paid for twice, and lands on both sides of a split.
    Bad:
        {"id": 1, "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
        {"id": 2, "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
    Good:
        {"id": 1, "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
        {"id": 2, "messages": [{"role": "user", "content": "Good evening"}, {"role": "assistant", "content": "Hello."}]}
    Fix: drops every copy but the best (option `keep`). Unsafe, since rows may be repeated on purpose, to
    give them more weight.
    Source: Lee et al., "Deduplicating Training Data Makes Language Models Better", ACL 2022.
    """

    code: ClassVar[str] = "DUP001"
    name: ClassVar[str] = "exact-duplicate"
    severity: ClassVar[Severity] = "warning"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "unsafe"

    Options: ClassVar[type[Options]] = KeepOptions
    options: KeepOptions

    def see(self, chunk: Chunk) -> Any:
        found = chunk.derived(digests)
        return [pack_rows(found.rows), found.exact.tobytes(), worth(chunk, self.context)]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        joined = Joined(parts.parts)
        groups = repeated(joined.columns[0])
        if not groups:
            return
        worths = whole(joined.columns[1], "I")
        for group in groups:
            kept = best(group, worths, self.options.keep)
            related = (joined.row(kept),)
            copies = "twice" if len(group) == 2 else f"{len(group):,} times"
            for place in group:
                if place != kept:
                    said = (
                        f"the same messages and tools as {earlier(kept, place)} row (there {copies} in all); keep one"
                    )
                    yield joined.row(place), Hit(said, related=related, fix=dropping(kept, place))
