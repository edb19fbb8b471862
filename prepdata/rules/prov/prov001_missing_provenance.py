"""PROV001: rows without the provenance fields that the policy asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.base import Options, RecordRule

_NOTHING = frozenset({"", "none", "null", "nan", "n/a", "na", "unknown", "undefined", "tbd", "todo", "?", "-"})


class ProvenanceOptions(Options, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of missing-provenance.

    Args:
        fields: row marks that every row must have, e.g. ["source", "license"]; the rule runs only if some are given.
    """

    fields: tuple[str, ...] = ()


class MissingProvenance(RecordRule):
    """Finds rows that lack the source, licence or other fields that your policy asks for.

    Runs only where `fields` is set. A field counts as missing where it is absent, null, blank, an empty list, or a word
    that says nothing ("unknown", "n/a", "todo"). It is looked up in the row and in its `metadata`.

    Why: without it nobody can say later where a row came from, or take it out when a licence or a consent ends.
    Bad:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}], "source": ""}
    Good:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}], "source": "faq"}
    Fix: none; only you know where the row came from.
    Source: Gebru et al., "Datasheets for Datasets", 2021 (collection process); the fields are your policy.
    """

    code: ClassVar[str] = "PROV001"
    name: ClassVar[str] = "missing-provenance"
    severity: ClassVar[Severity] = "warning"
    Options: ClassVar[type[Options]] = ProvenanceOptions
    options: ProvenanceOptions

    def missing(self) -> str | None:
        return None if self.options.fields else "the option 'fields' of missing-provenance: which fields rows must have"

    def check(self, record: Record) -> Iterator[Hit]:
        lacking = [name for name in self.options.fields if _is_nothing(self.context.mark(name, record.raw))]
        if lacking:
            said = ", ".join(f"'{self.context.marks.get(name, name)}'" for name in lacking)
            yield Hit(f"no value for {said}, which the policy asks for; fill it in, in the row or in its metadata")


def _is_nothing(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _NOTHING
    return value is None or value == [] or value == {}
