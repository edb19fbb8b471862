"""FMT021: a file from which no rows, or not all of them, can be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.chunk import Fact
from prepdata.findings import Hit, Severity, clip
from prepdata.rules.base import FactRule


class UnreadableFile(FactRule):
    """Finds files that hold no rows: empty, binary, a table, a web page; and archives that are damaged or unbelievable.

    Why: the trainer would fail, or train on a part without saying so. What can be read before the damage is checked.
    Bad:
        a .jsonl.gz whose download broke off
    Good:
        the same file, complete
    Fix: none; the message says how to get or convert the data.
    Source: RFC 1952 (gzip), RFC 8878 (Zstandard); bounds of decompression: 250 times the stored size (2026-11).
    """

    code: ClassVar[str] = "FMT021"
    name: ClassVar[str] = "unreadable-file"
    severity: ClassVar[Severity] = "error"
    facts: ClassVar[tuple[str, ...]] = ("empty-file", "unsupported-file", "truncated-archive", "decompression-bound")

    def explain(self, fact: Fact) -> Iterator[Hit]:
        data = fact.data
        if fact.kind == "empty-file":
            yield Hit("the file is empty, it holds no row: there is nothing to train on; was it written to the end?")
        elif fact.kind == "unsupported-file":
            yield Hit(f"no rows here: this is {data['what']}")
        elif fact.kind == "truncated-archive":
            yield Hit(_damage(data))
        else:
            yield Hit(
                f"reading stopped: {data['stored']:,} stored bytes have grown to {data['decoded']:,}, beyond the bound "
                f"of {data['ratio']:g} times or {data['total']:,} bytes; if you trust this {data['kind']} file, "
                "decompress it yourself and check the result"
            )


def _damage(data: dict[str, Any]) -> str:
    where = f"after {data['stored']:,} stored and {data['decoded']:,} decoded bytes"
    if data["what"] == "cut off":
        return (
            f"the {data['kind']} archive ends {where}, before its end: the file was cut off; fetch or write it "
            "again. The rows before that were checked"
        )
    if data["what"] == "damaged":
        reason = f" ({clip(data['reason'])})" if data["reason"] else ""
        return f"the {data['kind']} archive is damaged {where}{reason}; fetch it again. The rows before were checked"
    return f"the {data['kind']} archive is followed by something else {where}; what follows was not read"
