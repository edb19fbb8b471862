"""PROV002: rows not marked as reviewed by a person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.findings import Hit, Severity, clip
from prepdata.record import Record
from prepdata.rules.base import Options, RecordRule

_NOBODY = frozenset({
    "", "no", "none", "null", "nan", "nobody", "no one", "false", "0", "n/a", "na", "unknown", "pending", "open",
    "tbd", "todo", "unreviewed", "not reviewed", "?", "-",
})  # fmt: skip
_MACHINE = re.compile(
    r"(?:^|[^a-z])(?:gpt|claude|gemini|llama|qwen|mistral|llm|auto|automatic|bot|model|script)(?![a-z])"
)


class ReviewOptions(Options, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of not-reviewed.

    Args:
        fields: row marks of which at least one must say that a person looked at the row, e.g. ["reviewed_by"]; the
            rule runs only if some are given.
    """

    fields: tuple[str, ...] = ()


class NotReviewed(RecordRule):
    """Finds rows that no person has looked at, by the review fields of your policy.

    Runs only where `fields` is set. `true`, a name, a date or a list of names count as reviewed; false, blank,
    "pending" and the like do not, nor does the name of a model or a script.

    Why: rows that nobody read are where generated nonsense, wrong labels and private data come in.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}], "reviewed_by": ""}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}],
         "reviewed_by": "maria"}
    Fix: none; somebody has to read the row.
    Source: the review policy that you declare.
    """

    code: ClassVar[str] = "PROV002"
    name: ClassVar[str] = "not-reviewed"
    severity: ClassVar[Severity] = "warning"
    Options: ClassVar[type[Options]] = ReviewOptions
    options: ReviewOptions

    def missing(self) -> str | None:
        return None if self.options.fields else "the option 'fields' of not-reviewed: which fields tell of a review"

    def check(self, record: Record) -> Iterator[Hit]:
        values = [self.context.mark(name, record.raw) for name in self.options.fields]
        if any(by_person(value) for value in values):
            return
        machine = next((v for v in values if isinstance(v, str) and v.strip().lower() not in _NOBODY), None)
        names = " or ".join(f"'{self.context.marks.get(name, name)}'" for name in self.options.fields)
        if machine is not None:
            yield Hit(f"reviewed by '{clip(machine)}', which is no person ({names}); have a person read the row")
        else:
            yield Hit(f"not marked as reviewed by a person in {names}; have the row read, then fill it in")


def by_person(value: Any) -> bool:
    """True if a row mark says that a person looked at the row."""
    if isinstance(value, str):
        word = value.strip().lower()
        return word not in _NOBODY and not _MACHINE.search(word)
    if isinstance(value, list):
        return any(by_person(item) for item in value[:100] if not isinstance(item, list))
    if isinstance(value, dict):
        return any(isinstance(item, str) and by_person(item) for item in value.values())
    return bool(value)
