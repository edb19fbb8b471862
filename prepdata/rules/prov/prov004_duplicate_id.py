"""PROV004: one id on two rows."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from xxhash import xxh3_64_intdigest

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, plural
from prepdata.index.exact import Joined, pack_rows, repeated
from prepdata.rules.base import CorpusRule, Parts
from prepdata.text.fold import encode

LEAST_ROWS = 20
GROUP_SHARE = 0.1
_PLACES = ("", "metadata", "meta")


class DuplicateId(CorpusRule):
    """Finds ids that stand on more than one row of a file.

    Looks at the row mark `id`, in the row or in its `metadata`: text or number, of any kind. Ids inside messages and
    calls are not looked at. Where ids are shared all over a file (fewer than one in ten rows has its own), the field is
    taken for the name of a group, and one finding says so. Keeps 9 bytes for every row with an id.

    Why: reports, reviews, splits and joins that go by id mix up the two rows, or lose one.
    Bad:
        {"id": "a1", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
        {"id": "a1", "messages": [{"role": "user", "content": "Bye"}, {"role": "assistant", "content": "See you."}]}
    Good:
        {"id": "a1", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
        {"id": "a2", "messages": [{"role": "user", "content": "Bye"}, {"role": "assistant", "content": "See you."}]}
    Fix: none; which row keeps the id is yours to say.
    Source: no outside source; an id that is not unique is none.
    """

    code: ClassVar[str] = "PROV004"
    name: ClassVar[str] = "duplicate-id"
    severity: ClassVar[Severity] = "error"
    scope: ClassVar[Literal["file", "dataset", "run"]] = "file"

    def setup(self) -> None:
        self.key = self.context.marks.get("id", "id")

    def see(self, chunk: Chunk) -> Any:
        key = self.key
        rows, keys, places = array("I"), array("Q"), bytearray()
        for record in chunk.records:
            if len(record.raw) == 1 and key not in record.raw:
                continue
            found = _id_of(record.raw, key)
            if found is not None:
                rows.append(record.row)
                keys.append(found[0])
                places.append(found[1])
        return [pack_rows(rows), keys.tobytes(), bytes(places)]

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        joined = Joined(parts.parts)
        groups = repeated(joined.columns[0])
        if not groups:
            return
        total = len(joined.columns[1])
        surplus = sum(len(group) - 1 for group in groups)
        if total >= LEAST_ROWS and total - surplus < GROUP_SHARE * total:
            share = f"{total:,} rows share {plural(total - surplus, 'value')}"
            yield None, Hit(f"'{self.key}' names groups, not rows: {share}; "
                            "rename it, or give each row its own", severity="warning")  # fmt: skip
            return
        for group in groups:
            first = joined.row(group[0])
            for place in group[1:]:
                holder = _PLACES[joined.columns[1][place]]
                yield (
                    joined.row(place),
                    Hit(f"the same '{self.key}' as an earlier row; give each row its own",
                        f"/{holder}/{self.key}" if holder else f"/{self.key}", related=(first,)),
                )  # fmt: skip


def _id_of(raw: dict[str, Any], key: str) -> tuple[int, int] | None:
    """Return (digest of the id, where it was found), or None."""
    for i, holder in enumerate(_PLACES):
        inner = raw.get(holder) if holder else raw
        if type(inner) is dict and key in inner:
            value = inner[key]
            if type(value) is str:
                return (xxh3_64_intdigest(b"s" + encode(value)), i) if value.strip() else None
            if type(value) in (int, float):
                return xxh3_64_intdigest(f"n{value!r}".encode()), i
            return None
    return None
