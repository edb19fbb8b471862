"""FMT012: an optional field in only some rows, where the target wants all or none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, clip
from prepdata.rules.base import CorpusRule, Parts
from prepdata.rules.targeting import concerns, listed, value

_MOST = 50
"""Rows shown per field; the count in the message is of all."""


class OptionalFieldDrift(CorpusRule):
    """Finds optional fields that only some rows have, where the target needs them in all rows or in none.

    Why: some services read the columns of a file from its first rows, or check them all alike, and refuse the file.
    Bad:
        {"schemaVersion": "bedrock-conversation-2024", "system": [{"text": "Be brief."}], "messages": [{"role": "user",
         "content": [{"text": "Hi"}]}, {"role": "assistant", "content": [{"text": "Hello."}]}]}
        {"schemaVersion": "bedrock-conversation-2024", "messages": [{"role": "user", "content": [{"text": "Hi"}]},
         {"role": "assistant", "content": [{"text": "Hello."}]}]}
    Good:
        {"schemaVersion": "bedrock-conversation-2024", "system": [{"text": "Be brief."}], "messages": [{"role": "user",
         "content": [{"text": "Hi"}]}, {"role": "assistant", "content": [{"text": "Hello."}]}]}
    Fix: none; what should stand in the field, or whether it should go everywhere, only the author can say. Keeps no
    bytes per row: two counts per field, and the first 50 rows of each kind.
    Source: the dated lists in the targets' files (Amazon Nova SDK, 2026-05).
    """

    code: ClassVar[str] = "FMT012"
    name: ClassVar[str] = "optional-field-drift"
    severity: ClassVar[Severity] = "error"
    scope: ClassVar[Literal["file", "dataset", "run"]] = "file"

    def setup(self) -> None:
        self.wanting: dict[str, list[Any]] = {}
        for target in self.context.targets:
            for key in value(target.accepts.optional_keys_all_or_none) or ():
                self.wanting.setdefault(key, []).append(target)

    def missing(self) -> str | None:
        if self.wanting:
            return None
        return "a target that wants optional fields in all rows or none (--target bedrock-nova)"

    def see(self, chunk: Chunk) -> Any:
        found: dict[str, list[Any]] = {}
        for key, targets in self.wanting.items():
            formats: dict[str, bool] = {}
            with_it: list[int] = []
            without: list[int] = []
            for record in chunk.records:
                wanted = formats.get(record.format)
                if wanted is None:
                    wanted = formats[record.format] = any(concerns(t, record.format) for t in targets)
                if wanted:
                    (with_it if record.raw.get(key) is not None else without).append(record.row)
            found[key] = [len(with_it), with_it[:_MOST], len(without), without[:_MOST]]
        return found

    def finish(self, parts: Parts) -> Iterator[tuple[int | None, Hit]]:
        for key, targets in self.wanting.items():
            have = lack = 0
            rows_with: list[int] = []
            rows_without: list[int] = []
            for first, seen in parts.parts:
                one, with_it, other, without = seen.get(key, (0, (), 0, ()))
                have, lack = have + one, lack + other
                rows_with += [first + row for row in with_it[: _MOST - len(rows_with)]]
                rows_without += [first + row for row in without[: _MOST - len(rows_without)]]
            if not have or not lack:
                continue
            names = tuple(t.name for t in targets)
            shown, want = clip(key, 30), f"{listed(names)} wants it in all rows or in none"
            if lack <= have:
                text = f"no `{shown}` here, while {have:,} of {have + lack:,} rows have one; {want}: add it"
                for row in rows_without:
                    yield row, Hit(text, None, targets=names)
            else:
                text = f"`{shown}` stands here, while {lack:,} of {have + lack:,} rows have none; {want}: take it out"
                for row in rows_with:
                    yield row, Hit(text, "/" + key, targets=names)
